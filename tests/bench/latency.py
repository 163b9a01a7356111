# SPDX-License-Identifier: GPL-2.0-only
"""latency: from a page's going bad unnoticed to the SIGBUS of who maps it."""

import statistics

from measure import Failed, as_json, guest, verdicts

KERNELS = ["6.1", "6.12"]
FILESYSTEMS = ["xfs", "ext4"]
ROUNDS = 5		# for each of --runs
# steps of the handling that the table names, and what else took time until the signal
STEPS = ["open", "resolve", "look", "freeze"]


class Latency:
    """How soon are processes told of latent poison?"""

    def __init__(self, runs):
        self.rounds = runs * ROUNDS
        self.samples = []

    def measure(self):
        case = f"bench-latency.sh:{self.rounds}:{','.join(FILESYSTEMS)}"
        for kernel in KERNELS:
            for sample in guest(case, "--kernel", kernel, "--timeout", "600"):
                self.samples.append({"kernel": kernel, **sample})
        wanted = self.rounds * len(KERNELS) * len(FILESYSTEMS)
        if len(self.samples) != wanted:
            raise Failed(f"{len(self.samples)} samples instead of {wanted}")

    def _of(self, kernel, filesystem):
        return [s for s in self.samples if (s["kernel"], s["fs"]) == (kernel, filesystem)]

    def told_ms(self, kernel, filesystem):
        return [s["ns"] / 1e6 for s in self._of(kernel, filesystem)]

    def parts(self, kernel, filesystem):
        """Medians in ms: until the event is made, and by step."""
        samples = self._of(kernel, filesystem)
        parts = {"event": statistics.median(s["event_us"] for s in samples) / 1e3}
        for step in STEPS:
            parts[step] = statistics.median(s["outcome"]["steps"][step]["ns"]
                                            for s in samples) / 1e6
        return parts

    def targets(self):
        return [(f"median ms until told, {kernel}, {filesystem}",
                 statistics.median(self.told_ms(kernel, filesystem)), "<=", 100)
                for kernel in KERNELS for filesystem in FILESYSTEMS]

    def table(self):
        print(f"latency: ms from write(2) to badblocks to SIGBUS ({self.rounds} rounds)\n")
        names = ["event"] + STEPS
        print(f"{'kernel':>6} {'fs':>5} {'median':>8} {'min':>8} {'max':>8}  "
              + " ".join(f"{n:>8}" for n in names))
        for kernel in KERNELS:
            for filesystem in FILESYSTEMS:
                told = self.told_ms(kernel, filesystem)
                parts = self.parts(kernel, filesystem)
                print(f"{kernel:>6} {filesystem:>5} {statistics.median(told):8.1f}"
                      f" {min(told):8.1f} {max(told):8.1f}  "
                      + " ".join(f"{parts[n]:8.1f}" for n in names))
        print()
        verdicts(self.targets())

    def result(self):
        return {"name": "latency", "rounds": self.rounds, "samples": self.samples,
                "targets": as_json(self.targets())}
