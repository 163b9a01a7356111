# SPDX-License-Identifier: GPL-2.0-only
"""guests: fresh guests, restored from one that was saved when it had booted.

Why: under emulation booting takes 10 s and more, restoring one or two. The RAM
is read, not mapped, from the saved state: private mappings of a file get no
huge pages, which costs an emulated guest a quarter of its speed. Used by
session.py only.
"""

import fcntl
import hashlib
import os
import shutil
import time

from .disks import Disks, copy_sparse
from .machine import COMMAND_LINE, GuestDied, Machine, Shape

BOOT_SECONDS = 180
# of what is saved and how, besides what the key is made of
VERSION = 3


class Guests:
    """Makes guests of one kernel with one payload."""

    def __init__(self, options, kernel, parts, workdir):
        self.options, self.kernel = options, kernel
        self.parts, self.workdir = parts, workdir
        self.saved = None

    def fresh(self):
        """A guest on NVDIMMs of its own: (machine, disks)."""
        if not self.saved:
            self.saved = self._saved()
        options = self.options
        disks = Disks(self.workdir, options.nvdimm, options.nvdimm_size, self.saved)
        if options.boot or options.append or options.qemu:
            return self.boot(disks), disks
        shape = self._shape(self.saved + "/boot.squashfs", disks, True)
        machine = Machine(options, shape, self.workdir)
        try:
            self._restore(machine)
            machine.channel.send(f"GO {time.time():.3f}")
            self._wait(machine, "READY")
        except BaseException:
            machine.kill()
            raise
        return machine, disks

    def _restore(self, machine):
        try:
            machine.restore(self.saved + "/state")
        except GuestDied:
            # the next attempt saves a new one
            shutil.rmtree(self.saved, ignore_errors=True)
            self.saved = None
            raise

    def boot(self, disks):
        """A guest that boots with all its layers, on disks that may be used."""
        layers = [*self.parts.base, self.parts.payload, self.parts.harness]
        machine = Machine(self.options, Shape(self.kernel, layers, {}, disks), self.workdir)
        try:
            self._wait(machine, "READY")
        except BaseException:
            machine.kill()
            raise
        return machine

    def _shape(self, boot, disks, restored):
        late = {"payload": self.parts.payload, "harness": self.parts.harness}
        return Shape(self.kernel, [*self.parts.base, boot], late, disks, restored)

    @staticmethod
    def _wait(machine, word):
        start = time.monotonic()
        while True:
            line = machine.channel.line(start + BOOT_SECONDS)
            if line is None:
                raise GuestDied(f"the guest is not up after {BOOT_SECONDS} s")
            if line.startswith(word):
                return

    def _key(self):
        """Of all that the saved state depends on."""
        options = self.options
        qemu = os.stat(shutil.which("qemu-system-x86_64"))
        with open(self.parts.boot, "rb") as file:
            boot = hashlib.sha256(file.read(1 << 20)).hexdigest()
        parts = [VERSION, COMMAND_LINE, self.parts.base, self.kernel.dir, boot, qemu.st_size,
                 qemu.st_mtime_ns, options.accel, options.cpu, options.cpus, options.memory,
                 options.nvdimm, options.nvdimm_size]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def _saved(self):
        """The directory with the saved guest; the first to ask saves it."""
        place = f"{self.options.cache}/guest-{self.kernel.series}-{self._key()}"
        with open(f"{self.options.cache}/guest.lock", "w", encoding="utf-8") as lock:
            if not os.path.isdir(place):
                fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.isdir(place):
                self._save(place)
        os.utime(place)
        return place

    def _save(self, place):
        options = self.options
        disks = Disks(self.workdir, options.nvdimm, options.nvdimm_size)
        state = f"{self.workdir}/state"
        machine = Machine(options, self._shape(self.parts.boot, disks, False),
                          self.workdir)
        try:
            self._wait(machine, "SNAPSHOT")
            machine.save(state)
        finally:
            machine.kill()
        new = f"{place}.new"
        shutil.rmtree(new, ignore_errors=True)
        os.makedirs(new)
        for path in [state, self.parts.boot, *(path for path, _ in disks.nvdimms)]:
            copy_sparse(path, new)
        os.rename(new, place)
        os.unlink(state)
        disks.remove()
