/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watchers: each a pollable fd that yields events about changes of the machine.
 * They only say that something changed and where; what is so now is read anew
 * through sys.h. The engine calls them, on its one thread.
 */
#ifndef PMF_SYS_WATCH_H
#define PMF_SYS_WATCH_H

#include <sys/types.h>

#include "base/base.h"

/* --- udev.c --- */

enum pmf_uevent_action {
	PMF_UEVENT_ADD, PMF_UEVENT_REMOVE, PMF_UEVENT_BIND, PMF_UEVENT_UNBIND,
	PMF_UEVENT_CHANGE, PMF_UEVENT_OTHER,
};

enum pmf_uevent_subsystem {
	PMF_UEVENT_ND, PMF_UEVENT_BLOCK, PMF_UEVENT_DAX, PMF_UEVENT_MISC, PMF_UEVENT_ELSE,
};

struct pmf_uevent {
	enum pmf_uevent_action action;
	enum pmf_uevent_subsystem subsystem;
	bool disk;		/* block: a whole disk, not a partition */
	char name[64];		/* pmem0, pfn0.0, pmemfail; cut when longer */
};

struct pmf_udev;

/* Events of nd, block, dax and misc devices, after udev's rules have run. */
int pmf_udev_open(struct pmf_udev **ret);
struct pmf_udev *pmf_udev_close(struct pmf_udev *u);
int pmf_udev_fd(struct pmf_udev *u);
/* -EAGAIN: none. -ENOBUFS: some were lost; read everything anew. */
int pmf_udev_read(struct pmf_udev *u, struct pmf_uevent *ret);

/* --- mounts-watch.c --- */

/*
 * An fd that is news whenever a mount of our namespace comes or goes. Add it to
 * epoll with PMF_MOUNTS_EPOLL and nothing else; there is nothing to read.
 */
int pmf_mounts_watch(int *ret_fd);

/*
 * Not EPOLLPRI: mounts_poll() (fs/proc_namespace.c) reports a change once per open
 * file, and an epoll fd inside another asks twice: the outer one's question would
 * eat the answer. It always reports POLLIN too, and edge-triggered that is seen
 * exactly when the kernel wakes the waiters, which it does for a change.
 */
#define PMF_MOUNTS_EPOLL (EPOLLIN | EPOLLET)

#endif
