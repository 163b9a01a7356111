# SPDX-License-Identifier: GPL-2.0-only
"""claims: which runner takes which case, when several share a list.

Why: two guests run at a time, and shall do so to the end, whichever kernel
takes longer. What is taken is a file in a directory, and nobody takes it
twice. Used by tests/vm/run only.
"""

import os
from urllib.parse import quote


class Claims:
    """Of one runner; where is the directory that it shares, or None."""

    def __init__(self, where):
        self.where = where
        self.own = set()

    def take(self, *words):
        """Whether it is ours now, and was nobody's."""
        name = quote(" ".join(words), safe="")
        if not self.where:
            if name in self.own:
                return False
            self.own.add(name)
            return True
        try:
            os.close(os.open(f"{self.where}/{name}", os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))
        except FileExistsError:
            return False
        return True
