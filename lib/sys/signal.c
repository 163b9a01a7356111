/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Naming a process by pid and start, and the plain SIGBUS for when there is no
 * module. Nothing here believes a pid alone.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>

#include "base/file.h"
#include "sys/sys-internal.h"

#define STAT_MAX	4096

/* Field number of /proc/PID/stat, counted from 1, starting behind the comm. */
static const char *stat_field(const char *after_comm, unsigned int n)
{
	const char *p = after_comm;

	for (unsigned int i = 3; p && i < n; i++) {
		p = strchr(p, ' ');
		if (p)
			p++;
	}
	return p;
}

int pmf_process_stat(pid_t pid, struct pmf_process_stat *ret)
{
	_cleanup_free_ char *text = NULL;
	unsigned long long start;
	unsigned int threads;
	char path[32];
	const char *p, *f;
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	r = pmf_read_file(AT_FDCWD, path, STAT_MAX, &text, NULL);
	if (r == -ENOENT)
		return -ESRCH;
	if (r < 0)
		return r;

	/* The process chooses its comm, parentheses and newlines included, so what we
	 * want begins behind the last one: no number holds a parenthesis. */
	p = strrchr(text, ')');
	if (!p || p[1] != ' ' || !p[2])
		return -EBADMSG;
	p += 2;
	f = stat_field(p, 20);
	if (!f || sscanf(f, "%u", &threads) != 1)
		return -EBADMSG;
	f = stat_field(p, 22);
	if (!f || sscanf(f, "%llu", &start) != 1)
		return -EBADMSG;
	*ret = (struct pmf_process_stat){ .state = *p, .threads = threads,
					  .start_ticks = start };
	return 0;
}

int pmf_sys_signal_victim(struct pmf_sys *s, const struct pmf_victim *v)
{
	_cleanup_close_ int pidfd = -1;
	struct pmf_process_stat st;
	uint64_t tick_ns;
	int r;

	(void)s;
	if (v->pid <= 1)	/* init, or what kill() would take for a group */
		return -EINVAL;
	pidfd = pidfd_open(v->pid, 0);
	if (pidfd < 0)
		return -errno;
	/*
	 * Read after the pidfd was opened: when the start is the right one, the pidfd
	 * is of that process or of one that died before, which no signal reaches.
	 * fs/proc/array.c prints the start cut down to whole ticks.
	 */
	r = pmf_process_stat(v->pid, &st);
	if (r < 0)
		return r;
	tick_ns = PMF_NS_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
	if (st.start_ticks != v->start_ns / tick_ns)
		return -ESRCH;
	if (pidfd_send_signal(pidfd, SIGBUS, NULL, 0) < 0)
		return -errno;
	return 0;
}
