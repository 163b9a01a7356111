/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process, held by its directory in /proc: once open, that never means another
 * one. Nothing read here waits for the process (no mmap_lock is taken). proc.c
 * and scan.c call this.
 */
#ifndef PMF_SYS_PROCESS_H
#define PMF_SYS_PROCESS_H

#include <sys/types.h>

#include "base/base.h"

/* As fork(2), with all signals blocked in the child, which may make system calls only:
 * 0 there, 1 here. exit_signal 0: whoever waits for children hears nothing of it. */
int pmf_fork(int exit_signal, pid_t *ret_pid, int *ret_pidfd);

/* Starts are whole clock ticks in /proc; both ways round down. */
uint64_t pmf_ticks_from_ns(uint64_t ns);
uint64_t pmf_ns_from_ticks(uint64_t ticks);

/* -ESRCH: gone, or the pid means another process now. */
int pmf_process_open(int32_t pid, uint64_t start_ticks, int *ret_dir);
/* See pmf_parse_cgroup(). -ENOENT: it runs in none. */
int pmf_process_unit(int dir, char **ret);
/* Real uid. */
int pmf_process_uid(int dir, uint32_t *ret);

#endif
