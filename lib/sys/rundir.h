/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pmemfail's notes to itself in RuntimeDirectory, a tmpfs: who runs the engine,
 * and what is being handled, for whoever comes after a sudden death. The engine
 * and diagnosis call.
 */
#ifndef PMF_SYS_RUNDIR_H
#define PMF_SYS_RUNDIR_H

#include <sys/types.h>

#include "base/base.h"

/*
 * Be the engine of this machine until ret_fd is closed. -EBUSY: another process
 * is; *ret_pid is then who (0: unknown), set on -EBUSY only.
 */
int pmf_rundir_lock_engine(const char *run_dir, int *ret_fd, pid_t *ret_pid);
/* Is there an engine? Changes nothing. *ret_pid: its process, 0: none. */
int pmf_rundir_find_engine(const char *run_dir, pid_t *ret_pid);

/* The notes about failures being handled: small files with names that end in
 * ".json". Writing replaces; removing what is not there is fine. */
int pmf_rundir_write(const char *run_dir, const char *name, const char *text);
int pmf_rundir_remove(const char *run_dir, const char *name);
/* Every note: fn gets its name and its text. What cannot be read is passed over. */
typedef int (*pmf_rundir_fn)(const char *name, const char *text, void *userdata);
int pmf_rundir_foreach(const char *run_dir, pmf_rundir_fn fn, void *userdata);

/* Each name in run_dir/frozen that is, or may be, frozen now. */
typedef int (*pmf_rundir_name_fn)(const char *name, void *userdata);
int pmf_rundir_frozen(const char *run_dir, pmf_rundir_name_fn fn, void *userdata);
/*
 * What the engine has counted since the boot. Map: for the engine, which adds; the
 * file is made when there is none. Read: for others; -ENOENT: there is none.
 */
struct pmf_counters {
	uint64_t magic;
	uint64_t events;	/* that came in */
	uint64_t merges;	/* of these: joined another, or told nothing new */
};
int pmf_rundir_map_counters(const char *run_dir, struct pmf_counters **ret);
void pmf_rundir_unmap_counters(struct pmf_counters *c);
int pmf_rundir_read_counters(const char *run_dir, struct pmf_counters *ret);

#endif
