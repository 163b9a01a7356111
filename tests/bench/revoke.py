# SPDX-License-Identifier: GPL-2.0-only
"""revoke: the removal of a device under a mapped file, beside the kernel alone."""

import statistics
import sys

from measure import Failed, as_json, guest, slope, verdicts

SIZES = [100, 200, 400, 800]
PROCESSES = [100, 400]
# steps of a removal that the table names; what else took time is "rest"
PARTS = ["freeze", "unmap", "invalidate", "signal", "shutdown"]


def part_ns(outcome, part):
    if part in ("unmap", "invalidate", "signal"):
        return outcome[f"{part}_ns"]
    return outcome["steps"][part]["ns"]


class Revoke:
    """The removal of a device under a mapped file."""

    def __init__(self, runs):
        self.runs = runs
        self.samples = []

    def measure(self):
        total = self.runs * len(PROCESSES) * 2 * (len(SIZES) + 1)
        case = "bench-revoke.sh:" + ":".join(
            [str(self.runs), ",".join(map(str, SIZES)), ",".join(map(str, PROCESSES))])
        for sample in guest(case, "--kernel", "6.12", "--nvdimm", "1", "--nvdimm-size", "1280",
                            "--timeout", "3600"):
            self.samples.append(sample)
            if sys.stderr.isatty():
                print(f"\r{len(self.samples)} of {total}", end="", file=sys.stderr, flush=True)
        if sys.stderr.isatty():
            print(file=sys.stderr)
        if len(self.samples) != total:
            raise Failed(f"{len(self.samples)} samples instead of {total}")

    def _of(self, side, processes, mib):
        return [s for s in self.samples
                if (s["side"], s["processes"], s["mib"]) == (side, processes, mib)]

    def seconds(self, side, processes, mib):
        return statistics.median(s["us"] for s in self._of(side, processes, mib)) / 1e6

    def beyond(self, side, processes, mib):
        """Seconds that the mapping costs: never below a tenth of a millisecond,
        which is less than can be told apart."""
        return max(self.seconds(side, processes, mib) - self.seconds(side, processes, 0), 1e-4)

    def per_mib(self, side, processes):
        return max(slope([(mib, self.seconds(side, processes, mib)) for mib in SIZES]), 1e-7)

    def parts(self, processes, mib):
        """Medians in ms, by part, and the rest of the time that the unbind was held."""
        samples = self._of("pmemfail", processes, mib)
        parts = {part: statistics.median(part_ns(s["outcome"], part) for s in samples) / 1e6
                 for part in PARTS}
        held = statistics.median(s["hold_ns"] for s in samples) / 1e6
        # the revoke is part of the steps: what is left is neither
        parts["rest"] = held - sum(parts.values())
        parts["held"] = held
        return parts

    def targets(self):
        """(what, measured, comparison, wanted)"""
        most, many, few = SIZES[-1], PROCESSES[-1], PROCESSES[0]
        return [
            (f"kernel / pmemfail at {most} MiB, {many} processes",
             self.beyond("kernel", many, most) / self.beyond("pmemfail", many, most), ">=", 20),
            (f"pmemfail at {most} MiB, {many} / {few} processes",
             self.seconds("pmemfail", many, most) / self.seconds("pmemfail", few, most),
             "<=", 1.2),
            (f"kernel / pmemfail per MiB, {few} processes",
             self.per_mib("kernel", few) / self.per_mib("pmemfail", few), ">=", 6),
        ]

    def table(self):
        print("revoke: seconds that an unbind takes beyond one with nothing mapped"
              f" (medians of {self.runs})\n")
        print(f"{'processes':>9} {'MiB':>5} {'kernel':>9} {'pmemfail':>9} {'ratio':>7}")
        for processes in PROCESSES:
            for mib in SIZES:
                kernel = self.beyond("kernel", processes, mib)
                ours = self.beyond("pmemfail", processes, mib)
                print(f"{processes:9} {mib:5} {kernel:9.4f} {ours:9.4f} {kernel / ours:6.1f}x")
            print(f"{processes:9} {'none':>5} {self.seconds('kernel', processes, 0):9.4f}"
                  f" {self.seconds('pmemfail', processes, 0):9.4f}   (whole unbind)")
            print(f"{processes:9} {'/MiB':>5} {self.per_mib('kernel', processes) * 1e3:8.4f}m"
                  f" {self.per_mib('pmemfail', processes) * 1e3:8.4f}m"
                  f" {self.per_mib('kernel', processes) / self.per_mib('pmemfail', processes):6.1f}x")
        print("\nwhere pmemfail's time goes, in ms\n")
        print(f"{'processes':>9} {'MiB':>5} " + " ".join(f"{p:>10}" for p in PARTS + ["rest", "held"]))
        for processes in PROCESSES:
            for mib in [0] + SIZES:
                parts = self.parts(processes, mib)
                print(f"{processes:9} {mib:5} "
                      + " ".join(f"{parts[p]:10.2f}" for p in PARTS + ["rest", "held"]))
        print()
        verdicts(self.targets())

    def result(self):
        return {"name": "revoke", "kernel": "6.12", "runs": self.runs, "samples": self.samples,
                "targets": as_json(self.targets())}
