/* SPDX-License-Identifier: GPL-2.0-only */
/* The memory of the daemon stays where it is. manager.c calls this. */
#ifndef DAEMON_MEMORY_H
#define DAEMON_MEMORY_H

/* Before there are threads. 0 or negative errno; what could be kept is kept then, too. */
int memory_lock(void);

#endif
