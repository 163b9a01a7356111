# SPDX-License-Identifier: GPL-2.0-only
"""freeze: how long a filesystem is frozen while poison of it is handled."""

import statistics

from measure import Failed, guest

KERNEL = "6.12"
EXTENTS = [1, 100, 10000]
MS = 1e6
# the parts of the frozen time that the record knows
PARTS = ["freeze", "resolve", "revoke", "thaw"]


class Freeze:
    """How long is the filesystem frozen, by how much is affected?"""

    def __init__(self, runs):
        self.rounds = runs
        self.samples = []

    def measure(self):
        case = f"bench-freeze.sh:{self.rounds}:{','.join(map(str, EXTENTS))}"
        self.samples = list(guest(case, "--kernel", KERNEL, "--timeout", "900"))
        if len(self.samples) != self.rounds * len(EXTENTS):
            raise Failed(f"{len(self.samples)} samples instead of {self.rounds * len(EXTENTS)}")

    def _median(self, extents, value):
        return statistics.median(value(s) for s in self.samples if s["extents"] == extents)

    def frozen_ms(self, extents):
        return self._median(extents, lambda s: s["outcome"]["frozen_ns"] / MS)

    def by_hand_ms(self, extents):
        return self._median(extents, lambda s: s["by_hand_us"] / 1e3)

    def table(self):
        print(f"freeze: ms frozen, {KERNEL}, XFS ({self.rounds} runs, medians), beside fsfreeze,"
              " xfs_io fsmap, fsfreeze -u,\nwhich only finds the owners\n")
        print(f"{'extents':>8} {'pmemfail':>9} {'by hand':>9} {'ratio':>7}  "
              + " ".join(f"{p:>8}" for p in PARTS))
        for n in EXTENTS:
            parts = [self._median(n, lambda s, p=p: s["outcome"]["steps"][p]["ns"] / MS)
                     for p in PARTS]
            print(f"{n:>8} {self.frozen_ms(n):9.1f} {self.by_hand_ms(n):9.1f}"
                  f" {self.by_hand_ms(n) / self.frozen_ms(n):6.2f}x  "
                  + " ".join(f"{p:8.1f}" for p in parts))

    def result(self):
        return {"name": "freeze", "runs": self.rounds, "samples": self.samples}
