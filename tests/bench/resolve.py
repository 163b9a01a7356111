# SPDX-License-Identifier: GPL-2.0-only
"""resolve: the owners of all of an XFS, beside the bare ioctl and beside xfs_io."""

import contextlib
import json
import os
import statistics
import subprocess
import tempfile
import time

from measure import Failed, as_json, tool, verdicts

SIZE = 8 << 30
EXTENTS = 800_000


def call(*command):
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    if run.returncode:
        raise Failed(f"{' '.join(command)}: {run.stderr.strip()}")
    return run.stdout.strip()


def fragment(path):
    """A file whose every second page is a hole: that many extents."""
    with open(path, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, EXTENTS * 8192)
    holes = "".join(f"fpunch {i * 8192} 4096\n" for i in range(EXTENTS))
    run = subprocess.run(["xfs_io", path], input=holes, check=False, capture_output=True,
                         text=True)
    if run.returncode:
        raise Failed(f"xfs_io: {run.stderr.strip()}")


@contextlib.contextmanager
def filesystem():
    """An XFS on a loop device with that many extents, and nothing left of it."""
    with tempfile.TemporaryDirectory(prefix="pmemfail-bench.", dir="/var/tmp") as work, \
            contextlib.ExitStack() as undo:
        image, mount = f"{work}/image", f"{work}/mount"
        os.mkdir(mount)
        with open(image, "wb") as file:
            file.truncate(SIZE)
        call("mkfs.xfs", "-q", "-m", "rmapbt=1", image)
        loop = call("losetup", "-f", "--show", image)
        undo.callback(call, "losetup", "-d", loop)
        call("mount", loop, mount)
        undo.callback(call, "umount", mount)
        fragment(f"{mount}/file")
        call("sync", "-f", mount)
        yield mount


def parsed(mount):
    """Seconds that a program takes that asks xfs_io and reads its table; records."""
    start = time.monotonic()
    run = subprocess.run(["xfs_io", "-r", "-c", "fsmap", mount], check=False,
                         capture_output=True, text=True)
    if run.returncode:
        raise Failed(f"xfs_io fsmap: {run.stderr.strip()}")
    records = []
    for line in run.stdout.splitlines():
        words = line.split()
        first, last = words[2].strip("[]:").split("..")
        records.append((int(first), int(last), " ".join(words[3:])))
    return time.monotonic() - start, len(records)


class Resolve:
    """Who owns what, of all and of one page."""

    def __init__(self, runs):
        self.runs = runs
        self.samples = []

    def measure(self):
        program = tool("bench-resolve")
        with filesystem() as mount:
            for line in call(program, mount, str(SIZE), str(self.runs)).splitlines():
                self.samples.append(json.loads(line))
            for _ in range(self.runs):
                seconds, records = parsed(mount)
                self.samples.append({"what": "xfs_io", "ns": seconds * 1e9, "records": records})
        if min(s["records"] for s in self.samples if s["what"] != "small") < EXTENTS:
            raise Failed("there are fewer extents than were made")

    def seconds(self, what):
        return statistics.median(s["ns"] for s in self.samples if s["what"] == what) / 1e9

    def records(self, what):
        return max(s["records"] for s in self.samples if s["what"] == what)

    def targets(self):
        return [
            ("owners / bare ioctl, records per second",
             self.seconds("bare") / self.seconds("owners"), ">=", 0.5),
            ("xfs_io with its output parsed / owners, seconds",
             self.seconds("xfs_io") / self.seconds("owners"), ">=", 10),
            ("owners of 4 KiB, ms", self.seconds("small") * 1e3, "<=", 1),
        ]

    def table(self):
        print(f"resolve: owners of an XFS of {SIZE >> 30} GiB (medians of {self.runs})\n")
        print(f"{'how':>12} {'records':>9} {'seconds':>9} {'records/s':>11} {'of bare':>8}")
        for what in ("bare", "owners", "xfs_io"):
            seconds, records = self.seconds(what), self.records(what)
            print(f"{what:>12} {records:9} {seconds:9.3f} {records / seconds:11.0f}"
                  f" {self.seconds('bare') / seconds:7.2f}x")
        print(f"{'4 KiB':>12} {self.records('small'):9} {self.seconds('small'):9.6f}\n")
        verdicts(self.targets())

    def result(self):
        return {"name": "resolve", "runs": self.runs, "samples": self.samples,
                "targets": as_json(self.targets())}
