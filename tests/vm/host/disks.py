# SPDX-License-Identifier: GPL-2.0-only
"""disks: the files behind a guest's NVDIMMs and its scratch disk.

Why: they outlive a guest at a power cut. NVDIMMs start as copies of those a
guest was saved with, which have namespaces. Used by guests.py only.
"""

import os
import subprocess

MIB = 1 << 20
LABEL = 16 * MIB


def copy_sparse(source, target):
    subprocess.run(["cp", "--sparse=always", source, target], check=True)


class Disks:
    """Sparse files in a directory; seed is one to copy NVDIMMs from, or None."""

    def __init__(self, where, count, size, seed=None):
        size = size * MIB + LABEL
        self.nvdimms = []
        for n in range(count):
            path = f"{where}/nvdimm{n}"
            if seed:
                copy_sparse(f"{seed}/nvdimm{n}", path)
            else:
                with open(path, "wb") as file:
                    file.truncate(size)
            self.nvdimms.append((path, size))
        self.scratch = f"{where}/scratch"
        with open(self.scratch, "wb") as file:
            file.truncate(256 * MIB)

    def remove(self):
        for path in [path for path, _ in self.nvdimms] + [self.scratch]:
            os.unlink(path)
