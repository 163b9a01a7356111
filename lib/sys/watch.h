/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watchers: each a pollable fd that yields events about changes of the machine.
 * They only say that something changed and where; what is so now is read anew
 * through sys.h. The engine calls them, on its one thread.
 */
#ifndef PMF_SYS_WATCH_H
#define PMF_SYS_WATCH_H

#include <sys/types.h>

#include "model/range.h"

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

/* --- dir-watch.c --- */

/* An fd that is readable once files of the directory were deleted or renamed, and until
 * it is drained. */
int pmf_dir_watch(const char *dir, int *ret_fd);
void pmf_dir_watch_drain(int fd);

/* --- badblocks-watch.c ---
 * Changes of badblocks lists, of block devices and of regions alike, which no uevent
 * tells: POLLPRI (the kernel found or cleared something) and inotify IN_MODIFY
 * (somebody wrote into it). One fd; idle costs nothing. */
struct pmf_badblocks_watch;
int pmf_badblocks_watch_new(struct pmf_badblocks_watch **ret);
struct pmf_badblocks_watch *pmf_badblocks_watch_free(struct pmf_badblocks_watch *w);
int pmf_badblocks_watch_fd(const struct pmf_badblocks_watch *w);
/* Watch exactly these (names of block devices and of regions): adds what is new,
 * drops what is gone. Opens sysfs files: not during a hold of one of them, so a job
 * does it. Thread-safe beside read. */
int pmf_badblocks_watch_set(struct pmf_badblocks_watch *w, const char *const *disks,
			    size_t n_disks, const char *const *regions, size_t n_regions);
/* Take what is due and re-arm. Returns whether anything changed. */
bool pmf_badblocks_watch_read(struct pmf_badblocks_watch *w);

/* --- trace.c ---
 * ras:memory_failure_event, in a trace instance of our own. What is read is also kept in
 * RuntimeDirectory until it is settled, so that it is not lost with us: what a predecessor
 * has left there comes first, before anything is readable. */
struct pmf_trace;
/* *ret_keep: 1: what a predecessor left was damaged; -errno: nothing is kept. */
int pmf_trace_open(const char *run_dir, struct pmf_trace **ret, int *ret_keep);
struct pmf_trace *pmf_trace_close(struct pmf_trace *t);
int pmf_trace_fd(const struct pmf_trace *t);
/* The next page that failed: its physical range. -EAGAIN: none; -ENOBUFS: some were
 * lost (said once, then it goes on). */
int pmf_trace_read(struct pmf_trace *t, struct pmf_range *ret_spa);
/* There is more than what the fd tells. */
bool pmf_trace_has(const struct pmf_trace *t);
/* Ask of each page that is kept whether it needs to be any longer. */
typedef bool (*pmf_trace_settled_fn)(struct pmf_range spa, void *userdata);
void pmf_trace_settle(struct pmf_trace *t, pmf_trace_settled_fn fn, void *userdata);

#endif
