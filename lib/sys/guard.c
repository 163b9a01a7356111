/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Our side of the guard process (guard-main.c): starting it, telling it what is
 * about to be frozen, noticing that it died. Nothing waits for it longer than
 * ANSWER_MS; without it all goes on, with one safety net less.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "sys/sys-internal.h"

#define ANSWER_MS	1000
#define N_FDS		3

/* What a guard must know; kept so that a new one can be told. */
struct armed {
	uint64_t token;		/* 0: free */
	uint64_t deadline_ns;
	int fd, record, dir;	/* of the freeze, which outlives this */
	char name[sizeof(((struct pmf_guard_message *)0)->name)];
};

struct pmf_guard {
	pthread_mutex_t lock;
	int sock;		/* -1: no guard */
	pid_t pid;		/* our child, not reaped yet; 0: none */
	unsigned int losses;
	uint64_t last_token;
	struct armed armed[PMF_GUARD_MAX];
};

/* lock is held in all static functions below */

static void guard_kill(struct pmf_guard *g)
{
	g->sock = safe_close(g->sock);
	if (g->pid > 0) {
		/* Ours and not reaped, so the pid is surely still its own. Killed, since
		 * one that only hangs would take the closed socket for our death. */
		(void)kill(g->pid, SIGKILL);
		while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	g->pid = 0;
}

static int guard_start(struct pmf_guard *g)
{
	sigset_t all, old;
	int pair[2], pidfd;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pidfd = pidfd_open(getpid(), 0);	/* -1 (before 5.3) has a fallback */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	/* _Fork() runs no pthread_atfork handlers: the child takes no locks anyway. */
	pid = _Fork();
	if (pid == 0)
		pmf_guard_main(pair[1], pidfd);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)safe_close(pidfd);
	(void)safe_close(pair[1]);
	if (pid < 0) {
		int r = -errno;

		(void)safe_close(pair[0]);
		return r;
	}
	g->sock = pair[0];
	g->pid = pid;
	return 0;
}

/* Ask and wait for the answer. -EPIPE, -ETIMEDOUT...: this guard is no good. */
static int guard_ask(struct pmf_guard *g, const struct pmf_guard_message *m,
		     const int *fds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(N_FDS * sizeof(int))];
	} control = { .buf = { 0 } };
	struct pmf_guard_message answer;
	struct iovec iov = { .iov_base = (void *)m, .iov_len = sizeof(*m) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	uint64_t begin = pmf_boottime_ns();
	ssize_t n;

	if (g->sock < 0)
		return -EPIPE;
	if (fds) {
		struct cmsghdr *c;

		h.msg_control = control.buf;
		h.msg_controllen = sizeof(control.buf);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(N_FDS * sizeof(int));
		memcpy(CMSG_DATA(c), fds, N_FDS * sizeof(int));
	}
	/* One question at a time, so there is always room for it. */
	if (sendmsg(g->sock, &h, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	for (;;) {
		struct pollfd p = { .fd = g->sock, .events = POLLIN };
		uint64_t waited = (pmf_boottime_ns() - begin) / 1000000;
		int r;

		if (waited >= ANSWER_MS)
			return -ETIMEDOUT;
		r = poll(&p, 1, (int)(ANSWER_MS - waited));
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r > 0)
			break;
	}
	n = recv(g->sock, &answer, sizeof(answer), MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -EPIPE;
	if ((size_t)n != sizeof(answer) || answer.token != m->token || answer.op != m->op)
		return -EPROTO;
	return answer.error;
}

static int guard_tell_armed(struct pmf_guard *g, const struct armed *a)
{
	struct pmf_guard_message m = { .op = PMF_GUARD_ARM, .token = a->token,
				       .deadline_ns = a->deadline_ns };
	int fds[N_FDS] = { a->fd, a->record, a->dir };

	memcpy(m.name, a->name, sizeof(m.name));
	return guard_ask(g, &m, fds);
}

/* A new guard that knows what the old one knew. */
static int guard_restart(struct pmf_guard *g)
{
	int r;

	if (g->pid > 0)
		g->losses++;
	guard_kill(g);
	r = guard_start(g);
	for (size_t i = 0; r == 0 && i < PMF_GUARD_MAX; i++)
		if (g->armed[i].token)
			r = guard_tell_armed(g, &g->armed[i]);
	if (r < 0)
		guard_kill(g);
	return r;
}

static struct armed *guard_find(struct pmf_guard *g, uint64_t token)
{
	for (size_t i = 0; i < PMF_GUARD_MAX; i++)
		if (g->armed[i].token == token)
			return &g->armed[i];
	return NULL;
}

int pmf_guard_arm(struct pmf_guard *g, int fd, int record, int dir, const char *name,
		  uint64_t deadline_ns, uint64_t *ret_token)
{
	struct armed *a;
	uint64_t token;
	int r;

	pthread_mutex_lock(&g->lock);
	a = guard_find(g, 0);
	if (!a) {
		pthread_mutex_unlock(&g->lock);
		return -ENOSPC;
	}
	token = ++g->last_token;
	*a = (struct armed){ .token = token, .deadline_ns = deadline_ns,
			     .fd = fd, .record = record, .dir = dir };
	assert(strlen(name) < sizeof(a->name));
	(void)snprintf(a->name, sizeof(a->name), "%s", name);
	r = guard_tell_armed(g, a);
	if (r < 0 && r != -ENOSPC)
		r = guard_restart(g);	/* tells it of this one too */
	if (r < 0)
		a->token = 0;
	pthread_mutex_unlock(&g->lock);
	if (r < 0)
		return r;
	*ret_token = token;
	return 0;
}

static void guard_forget(struct pmf_guard *g, uint64_t token, enum pmf_guard_op op)
{
	struct pmf_guard_message m = { .op = op, .token = token };
	struct armed *a;

	pthread_mutex_lock(&g->lock);
	a = guard_find(g, token);
	assert(a);
	a->token = 0;
	/* One that does not answer may hold the fd for ever: end it, start another. */
	if (guard_ask(g, &m, NULL) < 0 && g->pid > 0)
		(void)guard_restart(g);
	pthread_mutex_unlock(&g->lock);
}

void pmf_guard_disarm(struct pmf_guard *g, uint64_t token)
{
	guard_forget(g, token, PMF_GUARD_DISARM);
}

void pmf_guard_abandon(struct pmf_guard *g, uint64_t token)
{
	guard_forget(g, token, PMF_GUARD_ABANDON);
}

unsigned int pmf_guard_losses(struct pmf_guard *g)
{
	unsigned int n;

	pthread_mutex_lock(&g->lock);
	n = g->losses;
	pthread_mutex_unlock(&g->lock);
	return n;
}

int pmf_guard_new(struct pmf_guard **ret)
{
	struct pmf_guard *g = calloc(1, sizeof(*g));
	int r;

	if (!g)
		return -ENOMEM;
	g->sock = -1;
	r = pthread_mutex_init(&g->lock, NULL);
	if (r > 0) {
		free(g);
		return -r;
	}
	/* Without one now, the first arm tries again. */
	(void)guard_start(g);
	*ret = g;
	return 0;
}

struct pmf_guard *pmf_guard_free(struct pmf_guard *g)
{
	if (!g)
		return NULL;
	/* It ends by itself at the end of file; with an abandoned freeze under way it
	 * must stay, and init reaps it. */
	g->sock = safe_close(g->sock);
	for (int i = 0; g->pid > 0 && i < ANSWER_MS / 10; i++) {
		pid_t pid = waitpid(g->pid, NULL, WNOHANG);

		if (pid == g->pid || (pid < 0 && errno != EINTR))
			g->pid = 0;
		else
			pmf_sleep_us(10000);
	}
	(void)pthread_mutex_destroy(&g->lock);
	free(g);
	return NULL;
}
