# SPDX-License-Identifier: GPL-2.0-only
"""Who may include what: the table of the design's section 8, as data.

Each row: folder, the project headers (regular expressions of what stands between
the quotes or brackets), the system headers beyond plain C. lint.py holds every
file to the row of the longest folder that it lies in.
"""

# No row needs to name these: they touch nothing.
PLAIN = r"(assert|ctype|errno|inttypes|limits|locale|signal|stdarg|stdatomic|stdbool|" \
        r"stddef|stdint|stdio|stdlib|string|strings|time|unistd|wchar|wctype)\.h"

POSIX = r"(fcntl|dirent|getopt|poll|pthread|pwd|syslog)\.h|" \
        r"sys/(epoll|eventfd|file|mman|prctl|stat|sysmacros|timerfd|types|uio)\.h"

ROWS = {
    # folder: (project headers, system headers)
    "include/pmemfail": (r"", r""),
    "include/uapi": (r"", r"linux/(types|ioctl)\.h"),
    "lib/base": (r"base/.*", r"fcntl\.h|sys/(stat|types)\.h"),
    # Pure: nothing that could make a system call, not even fcntl.h.
    "lib/model": (r"(base/(base|str)\.h|model/.*)", r"sys/types\.h"),
    "lib/sys": (r"(base|model|sys)/.*", r".*"),
    # The seam only: no other header of lib/sys.
    "lib/flow": (r"(base|model|flow)/.*|sys/sys\.h",
                 POSIX + r"|sqlite3\.h|json-c/.*|urcu.*"),
    # The API also wires the watchers, names the ABI that it speaks, and has the client
    # of the daemon's D-Bus interface.
    "lib": (r"(base|model|flow)/.*|sys/(sys|watch|facts|rundir)\.h|[a-z-]+\.h",
            POSIX + r"|pmemfail/pmemfail\.h|linux/pmemfail\.h|libeconf.*|urcu.*|"
                    r"systemd/sd-bus\.h"),
    # Part of other people's programs: nothing of the rest of the library.
    "lib/mapguard": (r"base/base\.h|mapguard/mapguard\.h",
                     POSIX + r"|pmemfail/guard\.h|setjmp\.h|ucontext\.h|sys/syscall\.h"),
    # It locks its memory, so it says how much glibc may keep for later (malloc.h), and
    # looks at what it consists of (elf.h, link.h).
    "daemon": (r"[a-z-]+\.h", POSIX + r"|(elf|link|malloc)\.h|pmemfail/pmemfail\.h|systemd/.*"),
    # sys/ioctl.h: the width of a terminal; sys/wait.h: inhibit runs a command.
    "ctl": (r"[a-z-]+\.h", POSIX + r"|pmemfail/pmemfail\.h|json-c/.*|sys/(ioctl|wait)\.h"),
    "kernel": (r"[a-z-]+\.h", r"linux/.*|asm/.*"),
}
