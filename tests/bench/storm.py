# SPDX-License-Identifier: GPL-2.0-only
"""storm: single-page events a second through intake, beside sorting them all."""

import json
import statistics
import subprocess

from measure import Failed, as_json, tool, verdicts

# events, and pages they are drawn from: the storm, and one that leaves holes
STORMS = [(100_000, 16_384), (1_000_000, 16_384), (100_000, 131_072)]


class Storm:
    """What a storm of events costs before anything is done about it."""

    def __init__(self, runs):
        self.runs = runs
        self.samples = []

    def measure(self):
        program = tool("bench-intake")
        for events, pages in STORMS:
            run = subprocess.run([program, str(events), str(pages), str(self.runs)],
                                 check=False, capture_output=True, text=True)
            if run.returncode:
                raise Failed(f"bench-intake: {run.stderr.strip()}")
            for line in run.stdout.splitlines():
                self.samples.append({"events": events, "pages": pages, **json.loads(line)})

    def _of(self, what, storm):
        return [s for s in self.samples
                if (s["what"], s["events"], s["pages"]) == (what, *storm)]

    def seconds(self, what, storm):
        return statistics.median(s["ns"] for s in self._of(what, storm)) / 1e9

    def targets(self):
        return [("storms whose union differs from the sorted one",
                 sum(self._of("intake", s)[0]["ranges"] != self._of("sorted", s)[0]["ranges"]
                     for s in STORMS), "<=", 0)]

    def table(self):
        print(f"storm: events through intake (medians of {self.runs})\n")
        print(f"{'events':>9} {'pages':>8} {'ranges':>7} {'intake/s':>10} {'sorted/s':>10}"
              f" {'of sorted':>9}")
        for storm in STORMS:
            ours, peer = self.seconds("intake", storm), self.seconds("sorted", storm)
            print(f"{storm[0]:9} {storm[1]:8} {self._of('intake', storm)[0]['ranges']:7}"
                  f" {storm[0] / ours:10.0f} {storm[0] / peer:10.0f} {peer / ours:8.2f}x")
        print()
        verdicts(self.targets())

    def result(self):
        return {"name": "storm", "runs": self.runs, "samples": self.samples,
                "targets": as_json(self.targets())}
