# SPDX-License-Identifier: GPL-2.0-only
"""workdir: directories for a run's files, none of which stays for good.

Why: backing files may hold gigabytes of the host's memory. A runner removes
its own on every way out but SIGKILL; after that the next runner does. Used by
session.py, tests/vm/run and tests/vm/shell.
"""

import contextlib
import fcntl
import glob
import os
import shutil
import tempfile

PREFIX = "pmemfail-vm."


def _parent():
    """Memory, if the host has any to mount."""
    if "TMPDIR" in os.environ:
        return os.environ["TMPDIR"]
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"


def _sweep(parent):
    """Removes the directories whose owner is gone: their lock is free."""
    for old in glob.glob(f"{parent}/{PREFIX}*"):
        with contextlib.suppress(OSError):
            lock = os.open(f"{old}/lock", os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(old)
            finally:
                os.close(lock)


class WorkDirectory:
    """A fresh directory, locked as long as it is in use."""

    def __init__(self):
        _sweep(_parent())
        self.path = tempfile.mkdtemp(prefix=PREFIX, dir=_parent())
        # no sweeper may see the lock file before it is locked
        self.lock = os.open(f"{self.path}/lock.new", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        os.rename(f"{self.path}/lock.new", f"{self.path}/lock")

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        self.close()

    def close(self, keep=False):
        if self.lock < 0:
            return
        if keep:
            os.unlink(f"{self.path}/lock")
        else:
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.lock)
        self.lock = -1
