# SPDX-License-Identifier: GPL-2.0-only
"""session: cases on guests: run them, judge them, replace guests that broke.

Why: a kernel that oopsed, a guest that died or hangs must cost one case, not
the run. Used by tests/vm/run and tests/vm/shell.
"""

import argparse
import contextlib
import os
import signal
import time
from typing import NamedTuple

from . import layers
from .guests import Guests
from .machine import GuestDied
from .workdir import WorkDirectory

# what the agent may take on top of a case, to take down what it left
GRACE_SECONDS = 120


class Result(NamedTuple):
    kernel: str
    case: str
    status: str     # ok, fail, skip
    seconds: float
    reason: str
    log: str
    hurt: bool = False      # the kernel complained, or the guest died


def add_options(parser):
    """The options that runner and shell share."""
    parser.add_argument("--payload", metavar="DIR",
                        help="tree to lay over the root, or none (default: made of the"
                             " sources and build directory by tests/vm/payload)")
    parser.add_argument("--cpu", default="max", help="QEMU CPU model (default: max)")
    parser.add_argument("--cpus", type=int, default=2, help=argparse.SUPPRESS)
    parser.add_argument("--memory", type=int, default=2048, metavar="MIB",
                        help="the guest's RAM (default: 2048)")
    parser.add_argument("--nvdimm", type=int, default=2, metavar="N",
                        help="number of NVDIMMs (default: 2)")
    parser.add_argument("--nvdimm-size", type=int, default=1024, metavar="MIB",
                        help="size of each, a multiple of 16 (default: 1024)")
    parser.add_argument("--boot", action="store_true",
                        help="boot guests, with the payload in place, instead of restoring"
                             " one that had booted (so do --append and --qemu)")
    parser.add_argument("--append", default="", metavar="WORDS",
                        help="more kernel parameters")
    parser.add_argument("--qemu", default="", metavar="WORDS",
                        help="more arguments for QEMU")
    parser.add_argument("--accel", default="tcg", choices=("tcg", "kvm"))
    parser.add_argument("--keep", action="store_true",
                        help="keep console logs and disks, and say where")


def exit_on_signals():
    """SIGTERM and SIGHUP unwind like SIGINT, so that every finally runs."""
    def leave(number, _frame):
        raise SystemExit(128 + number)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, leave)


class Session:
    """Guests of one kernel, one at a time, with one payload."""

    def __init__(self, options, kernel, root, tree, cases, on_output=None):
        self.options, self.kernel = options, kernel
        self.on_output = on_output or (lambda line: None)
        self.machine = self.disks = None
        self.boots = []
        self.failed_boots = 0
        self.place = WorkDirectory()
        self.workdir = self.place.path
        try:
            parts = layers.parts(root, kernel, tree, cases, self.workdir)
            self.guests = Guests(options, kernel, parts, self.workdir)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._drop()
        self.place.close(self.options.keep)

    def _drop(self, keep_disks=False):
        """The guest goes; its disks too, unless the next is to find them."""
        if self.machine:
            self.machine.kill()
            if self.options.keep:
                with contextlib.suppress(OSError):
                    os.rename(self.machine.console,
                              f"{self.machine.console}.{len(self.boots)}")
            self.machine = None
        if self.disks and not keep_disks:
            if not self.options.keep:
                self.disks.remove()
            self.disks = None

    def _boot(self, boot):
        self.failed_boots += 1
        if boot > 1:
            self.machine = self.guests.boot(self.disks)
        else:
            self.machine, self.disks = self.guests.fresh()
        self.failed_boots = 0
        self.boots.append(time.monotonic() - self.machine.started)

    def renew(self):
        """The next case gets a fresh guest."""
        self._drop()

    def run(self, case, seconds):
        """One case, named NAME[:ARGUMENT...]. Returns its Result."""
        start = time.monotonic()
        log = []
        boot = 1
        if self.failed_boots >= 2:
            return Result(self.kernel.series, case, "fail", 0, "no guest comes up", "")
        while True:
            try:
                if not self.machine:
                    self._boot(boot)
                if boot == 1:
                    start = time.monotonic()
                verdict = self._converse(case, seconds, boot, log)
            except GuestDied as error:
                tail = ["--- end of the console"]
                if self.machine:
                    tail += self.machine.console_text().splitlines()[-60:]
                self._drop()
                log += tail
                for line in tail:
                    self.on_output(line)
                verdict = ("fail", str(error), True)
            if verdict:
                status, reason, hurt = verdict
                return Result(self.kernel.series, case, status, time.monotonic() - start,
                              reason, "\n".join(log), hurt)
            self._drop(keep_disks=True)
            boot += 1

    def _converse(self, case, seconds, boot, log):
        """Until the verdict (status, reason, hurt), or None at a power cut."""
        name, *arguments = case.split(":")
        channel = self.machine.channel
        channel.send(" ".join(["RUN", str(seconds), str(boot), name, *arguments]))
        deadline = time.monotonic() + seconds + GRACE_SECONDS
        while True:
            line = channel.line(deadline)
            if line is None:
                raise GuestDied(f"the guest does not answer {seconds} s + {GRACE_SECONDS} s"
                                " after the start")
            word, _, rest = line.partition(" ")
            if word == "|":
                log.append(rest)
                self.on_output(rest)
            elif word == "HMP":
                answer = self.machine.hmp(rest).replace("\\", "\\\\").replace("\r", "")
                channel.send("REPLY " + answer.replace("\n", "\\n"))
            elif word == "POWERCUT":
                return None
            elif word == "RESULT":
                status, _, condition, *reason = rest.split(" ", 3)
                if condition != "clean":
                    self._drop()
                return status, reason[0] if reason else "", condition == "hurt"
