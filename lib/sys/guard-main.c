/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guard process: it lives to thaw what its parent has frozen when the parent
 * dies. Its own process, because SIGKILL and a crash take every thread at once,
 * and FIFREEZE is tied to no fd: the kernel keeps a dead daemon's freeze for ever.
 *
 * Everything here runs after fork() in a process that may have had threads: only
 * async-signal-safe calls, no malloc, no stdio, no logging. All memory is locked
 * and touched before the first freeze, since the file we run from may be on what
 * is frozen or gone by then.
 *
 * How the death is seen: the socket gives end of file when the parent's fd table
 * is gone. A freeze thread has a table of its own (freeze.c), so one that is stuck
 * inside FIFREEZE, which no signal ends (fs/super.c sb_wait_write), does not delay
 * this for the other filesystems. The pidfd tells it as well: later, but also when
 * a child of the parent that was forked and not executed keeps the socket open.
 * The stuck freeze itself may still come after the end of file: FITHAW is EINVAL
 * until it has, so that one is tried until the pidfd tells that the last thread of
 * the parent is gone.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <linux/fs.h>

#include "sys/sys-internal.h"

#define STEP_NS		20000000ULL	/* between tries while something is due */
#define SLOW_STEP_NS	200000000ULL	/* after SLOW_AFTER_NS of trying */
#define SLOW_AFTER_NS	(2 * PMF_NS_PER_SEC)
#define NO_PIDFD_NS	(2 * PMF_NS_PER_SEC)	/* the parent counts as gone by then */
#define STUBBORN_NS	(60 * PMF_NS_PER_SEC)	/* and errors as lasting by then */
#define N_FDS		3

struct entry {
	bool used, thawed;
	uint64_t token, deadline_ns;
	int fd, record, dir;
	char name[sizeof(((struct pmf_guard_message *)0)->name)];
};

/* In the child only; the parent's copy is never touched. */
static struct entry entries[PMF_GUARD_MAX];

void pmf_close_all_but(int *keep, size_t n)
{
	unsigned int from = 0;

	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j > 0 && keep[j - 1] > keep[j]; j--) {
			int t = keep[j];

			keep[j] = keep[j - 1];
			keep[j - 1] = t;
		}
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < 0)
			continue;
		if ((unsigned int)keep[i] > from)
			(void)close_range(from, (unsigned int)keep[i] - 1, 0);
		from = (unsigned int)keep[i] + 1;
	}
	(void)close_range(from, ~0U, 0);
}

static void entry_drop(struct entry *e)
{
	(void)close(e->fd);
	(void)close(e->record);
	(void)close(e->dir);
	*e = (struct entry){ .used = false };
}

static struct entry *entry_find(uint64_t token)
{
	for (size_t i = 0; i < PMF_GUARD_MAX; i++)
		if (entries[i].used && entries[i].token == token)
			return &entries[i];
	return NULL;
}

static int arm(const struct pmf_guard_message *m, const int fds[static N_FDS])
{
	for (size_t i = 0; i < PMF_GUARD_MAX; i++) {
		struct entry *e = &entries[i];

		if (e->used)
			continue;
		*e = (struct entry){ .used = true, .token = m->token,
				     .deadline_ns = m->deadline_ns,
				     .fd = fds[0], .record = fds[1], .dir = fds[2] };
		memcpy(e->name, m->name, sizeof(e->name) - 1);
		return 0;
	}
	return -ENOSPC;
}

/* Takes the fds over, or closes them. */
static int handle(const struct pmf_guard_message *m, int fds[static N_FDS], size_t n_fds)
{
	struct entry *e = entry_find(m->token);
	int r = -EINVAL;

	if (m->op == PMF_GUARD_ARM && !e && n_fds == N_FDS) {
		r = arm(m, fds);
		if (r == 0)
			return 0;
	} else if (m->op == PMF_GUARD_DISARM && e) {
		entry_drop(e);
		r = 0;
	} else if (m->op == PMF_GUARD_ABANDON && e) {
		e->deadline_ns = 0;
		r = 0;
	}
	for (size_t i = 0; i < n_fds; i++)
		(void)close(fds[i]);
	return r;
}

/* 1: go on; 0: the parent is gone. */
static int receive(int sock)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(N_FDS * sizeof(int))];
	} control;
	struct pmf_guard_message m;
	struct iovec iov = { .iov_base = &m, .iov_len = sizeof(m) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
			    .msg_controllen = sizeof(control.buf) };
	int fds[N_FDS];
	size_t n_fds = 0;
	ssize_t n;

	n = recvmsg(sock, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(fds, CMSG_DATA(c), n_fds * sizeof(int));
		}
	if ((size_t)n != sizeof(m))
		return 0;	/* cannot happen with our own parent */
	m.error = handle(&m, fds, n_fds);
	/* When the answer does not go out the parent is dying: end of file follows. */
	(void)send(sock, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT);
	return 1;
}

/* Those whose time is over. Returns when to look again. */
static uint64_t tick(uint64_t now)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < PMF_GUARD_MAX; i++) {
		struct entry *e = &entries[i];
		enum pmf_frozen_state state;

		if (!e->used)
			continue;
		if (now < e->deadline_ns) {
			next = MIN(next, e->deadline_ns);
			continue;
		}
		state = pmf_frozen_state(e->record);
		if (state == PMF_FROZEN_DONE) {	/* an abandoned freeze that ended */
			entry_drop(e);
			continue;
		}
		/* Once only: a later freeze of it would not be ours. */
		if (state == PMF_FROZEN_FREEZING && !e->thawed)
			e->thawed = pmf_ioctl(e->fd, FITHAW, NULL) == 0;
		next = MIN(next, now + STEP_NS);
	}
	return next;
}

static bool parent_gone(int pidfd, uint64_t since_ns)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	if (pidfd < 0)
		return since_ns >= NO_PIDFD_NS;
	/* kernel/pid.c pidfd_poll: readable when the whole thread group has exited */
	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

/* The parent is dead: thaw all that is or may become frozen. */
static void avenge(int pidfd)
{
	uint64_t begin = pmf_boottime_ns();

	for (;;) {
		uint64_t since = pmf_boottime_ns() - begin;
		bool gone = parent_gone(pidfd, since);	/* before the tries, not after */
		bool left = false;

		for (size_t i = 0; i < PMF_GUARD_MAX; i++) {
			struct entry *e = &entries[i];
			int r = 0;

			if (!e->used)
				continue;
			if (!e->thawed &&
			    pmf_frozen_state(e->record) == PMF_FROZEN_FREEZING)
				r = pmf_ioctl(e->fd, FITHAW, NULL);
			if (r == 0 || (r == -EINVAL && gone)) {
				pmf_frozen_remove(e->dir, e->name, e->record);
				entry_drop(e);
			} else if (r != -EINVAL && gone && since > STUBBORN_NS) {
				entry_drop(e);	/* its name stays for thaw_leftovers */
			} else {
				left = true;
			}
		}
		if (!left)
			return;
		pmf_sleep_us((since < SLOW_AFTER_NS ? STEP_NS : SLOW_STEP_NS) /
			     PMF_NS_PER_US);
	}
}

_Noreturn void pmf_guard_main(int sock, int pidfd)
{
	int keep[2] = { sock, pidfd };

	/* All signals are blocked since before the fork: the handlers and the SIGTERM
	 * that stops a whole control group are the parent's. SIGKILL remains, and for
	 * that there is the record and the module's GUARD. */
	(void)prctl(PR_SET_NAME, "pmemfail-guard");
	pmf_close_all_but(keep, ARRAY_SIZE(keep));
	(void)chdir("/");	/* keep no filesystem busy */
	memset(entries, 0, sizeof(entries));

	/* On fault: a guard started late has the stacks of all the parent's threads.
	 * What is needed later is touched now, by failing calls of each kind. */
	(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
	(void)tick(0);
	avenge(-1);
	(void)pmf_ioctl(-1, FITHAW, NULL);
	(void)pmf_frozen_state(-1);
	pmf_frozen_remove(-1, "", -1);
	pmf_sleep_us(0);

	for (;;) {
		struct pollfd p[2] = { { .fd = sock, .events = POLLIN },
				       { .fd = pidfd, .events = POLLIN } };
		uint64_t now = pmf_boottime_ns(), next = tick(now);
		int ms = -1;

		if (next != UINT64_MAX)	/* rounded up, or it would spin in the last ms */
			ms = (int)MIN((next - now + 999999) / 1000000, 3600000);
		if (poll(p, ARRAY_SIZE(p), ms) <= 0)
			continue;
		if (p[0].revents && receive(sock) == 0)
			break;
		if (p[1].revents & POLLIN)
			break;
	}
	avenge(pidfd);
	_exit(0);
}
