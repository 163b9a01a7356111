# SPDX-License-Identifier: GPL-2.0-only
"""disks: the files behind a guest's NVDIMMs and its scratch disk.

Why: they outlive a guest at a power cut, and making namespaces takes an
emulated guest seconds, so NVDIMMs start as copies of ones that have them.
Used by session.py only.
"""

import os
import shutil
import subprocess

MIB = 1 << 20
LABEL = 16 * MIB


class Disks:
    """Sparse files in a directory; seed is one to copy NVDIMMs from, or None."""

    def __init__(self, where, count, size, seed=None):
        size = size * MIB + LABEL
        self.nvdimms = []
        for n in range(count):
            path = f"{where}/nvdimm{n}"
            if seed:
                subprocess.run(["cp", "--sparse=always", f"{seed}/nvdimm{n}", path], check=True)
            else:
                with open(path, "wb") as file:
                    file.truncate(size)
            self.nvdimms.append((path, size))
        self.scratch = f"{where}/scratch"
        with open(self.scratch, "wb") as file:
            file.truncate(256 * MIB)

    def save(self, where):
        """Keeps the NVDIMMs as a seed; another process may have been faster."""
        new = f"{where}.{os.getpid()}"
        os.makedirs(new)
        for path, _ in self.nvdimms:
            subprocess.run(["cp", "--sparse=always", path, new], check=True)
        try:
            os.rename(new, where)
        except OSError:
            shutil.rmtree(new)

    def remove(self):
        for path in [path for path, _ in self.nvdimms] + [self.scratch]:
            os.unlink(path)
