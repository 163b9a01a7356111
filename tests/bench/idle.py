# SPDX-License-Identifier: GPL-2.0-only
"""idle: what waiting costs, beside two other daemons that wait in the same guest."""

import statistics

from measure import Failed, as_json, guest, verdicts

KERNELS = ["6.1", "6.12"]
SIDES = ["pmemfaild", "ndctl", "rasdaemon"]
SECONDS = 60		# of each window; --runs windows
MEMORY = ["rss", "pss", "anonymous", "locked"]


class Idle:
    """Memory and wakeups where nothing happens."""

    def __init__(self, runs):
        self.runs = runs
        self.samples = []

    def measure(self):
        case = f"bench-idle.sh:{SECONDS}:{self.runs}"
        for kernel in KERNELS:
            for sample in guest(case, "--kernel", kernel,
                                "--timeout", str(180 + 2 * SECONDS * self.runs)):
                self.samples.append({"kernel": kernel, **sample})
        wanted = self.runs * len(KERNELS) * len(SIDES)
        if len(self.samples) != wanted:
            raise Failed(f"{len(self.samples)} samples instead of {wanted}")

    def _of(self, kernel, side):
        return [s for s in self.samples if (s["kernel"], s["side"]) == (kernel, side)]

    def mib(self, kernel, side, what):
        return statistics.median(s[f"{what}_kib"] for s in self._of(kernel, side)) / 1024

    def per_minute(self, kernel, side):
        return statistics.median(s["wakeups"] * 60 / s["seconds"]
                                 for s in self._of(kernel, side))

    def targets(self):
        return [(f"pmemfaild's wakeups per minute, {kernel}",
                 self.per_minute(kernel, "pmemfaild"), "<=", 0) for kernel in KERNELS]

    def table(self):
        print(f"idle: MiB, and wakeups per minute ({self.runs} windows of {SECONDS} s,"
              " medians)\n")
        print(f"{'kernel':>6} {'who':>10} {'threads':>7} "
              + " ".join(f"{m:>9}" for m in MEMORY) + f" {'of ours':>8} {'wakeups':>8}")
        for kernel in KERNELS:
            ours = self.mib(kernel, "pmemfaild", "pss")
            for side in SIDES:
                print(f"{kernel:>6} {side:>10} {self._of(kernel, side)[0]['threads']:7} "
                      + " ".join(f"{self.mib(kernel, side, m):9.2f}" for m in MEMORY)
                      + f" {self.mib(kernel, side, 'pss') / ours:7.2f}x"
                      + f" {self.per_minute(kernel, side):8.1f}")
        print("\n\"of ours\": pss, beside pmemfaild's\n")
        verdicts(self.targets())

    def result(self):
        return {"name": "idle", "runs": self.runs, "seconds": SECONDS,
                "samples": self.samples, "targets": as_json(self.targets())}
