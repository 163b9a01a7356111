// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Child processes of a process that may have threads: maps-reader.c, mount-ids.c and
 * hook.c start theirs here, so that no handler of the program's runs in them.
 *
 * By clone() and not clone3(): what a service may not do is decided by the flags, which
 * a seccomp filter sees of the one and not of the other. RestrictNamespaces= therefore
 * refuses clone3() whole.
 */
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include "sys/process.h"
#include "sys/sys-internal.h"

int pmf_fork(int exit_signal, pid_t *ret_pid, int *ret_pidfd)
{
	unsigned long flags = CLONE_PIDFD | (unsigned long)exit_signal;
	int pidfd = -1, err = 0;
	sigset_t all, old;
	long pid;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
#ifdef __s390x__
	pid = syscall(SYS_clone, NULL, flags, &pidfd, NULL, NULL);
#else
	pid = syscall(SYS_clone, flags, NULL, &pidfd, NULL, NULL);
#endif
	if (pid == 0)
		return 0;
	if (pid < 0)
		err = -errno;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err < 0)
		return err;
	*ret_pid = (pid_t)pid;
	*ret_pidfd = pidfd;
	return 1;
}
