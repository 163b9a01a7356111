// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The parent half of reading maps: makes the child, takes its answers, kills it
 * when it hangs and goes on behind the process that it hung at. See
 * maps-reader.h for why.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/file.h"
#include "sys/maps-child.h"
#include "sys/process.h"

#define TICK_MS		50	/* how often to look whether it gets further */
#define REAP_MS		1000

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct reader {
	const struct pmf_maps_query *q;
	struct pmf_maps_child *child;
	struct pmf_maps_progress *progress;
	pid_t pid;		/* ours to wait for, so that of nobody else */
	int pidfd, in;
	char *buf;		/* what has come and is not used yet */
	size_t n, size;
};

static void reader_done(struct reader *r)
{
	if (r->progress)
		munmap(r->progress, sizeof(*r->progress));
	free(r->child);
	free(r->buf);
}

static int reader_init(struct reader *r, const struct pmf_maps_query *q)
{
	void *p;

	*r = (struct reader){ .q = q, .pidfd = -1, .in = -1 };
	r->size = 2 * PMF_MAPS_OUTPUT;
	r->buf = malloc(r->size);
	r->child = calloc(1, sizeof(*r->child));
	if (!r->buf || !r->child)
		return -ENOMEM;
	p = mmap(NULL, sizeof(*r->progress), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	r->progress = p;
	return 0;
}

/* In the child: keep nothing of the parent's but the pipe. A hold or an attempt
 * that stayed open here would not end with the parent. */
static _Noreturn void child_main(struct pmf_maps_child *c)
{
	int out = c->out;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (out > 0)
		close_range(0, out - 1, 0);
	close_range(out + 1, ~0U, 0);
	pmf_maps_child(c);
}

static int reader_start(struct reader *r, size_t first)
{
	int fds[2], err;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	r->child->q = r->q;
	r->child->progress = r->progress;
	r->child->first = first;
	r->child->out = fds[1];
	r->child->n_output = 0;
	r->progress->index = first;
	r->progress->done = false;
	r->n = 0;

	/* No exit signal: the program that uses this library may have ideas of its
	 * own about SIGCHLD. */
	err = pmf_fork(0, &r->pid, &r->pidfd);
	if (err == 0)
		child_main(r->child);
	safe_close(fds[1]);
	if (err < 0) {
		safe_close(fds[0]);
		r->pidfd = -1;
		return err;
	}
	r->in = fds[0];
	(void)fcntl(r->in, F_SETFL, O_NONBLOCK);
	return 0;
}

/* End the child, wherever it is: the waits that it may hang in are killable. */
static void reader_stop(struct reader *r)
{
	struct pollfd p = { .fd = r->pidfd, .events = POLLIN };
	siginfo_t si;

	if (r->pidfd < 0)
		return;
	syscall(SYS_pidfd_send_signal, r->pidfd, SIGKILL, NULL, 0);
	/* Should it not die even so, it is left behind rather than waited for. */
	if (poll(&p, 1, REAP_MS) > 0)
		waitid(P_PIDFD, r->pidfd, &si, WEXITED | __WALL);
	r->pidfd = safe_close(r->pidfd);
	r->in = safe_close(r->in);
}

/* Hand over every whole message. */
static int reader_consume(struct reader *r)
{
	char path[PMF_MAPS_PATH_MAX + 1];
	struct pmf_maps_message m;
	size_t at = 0;
	int err = 0;

	while (err == 0 && r->n - at >= sizeof(m)) {
		memcpy(&m, r->buf + at, sizeof(m));
		assert(m.path_len <= PMF_MAPS_PATH_MAX && m.hit.index < r->q->n);
		if (r->n - at < sizeof(m) + m.path_len)
			break;
		memcpy(path, r->buf + at + sizeof(m), m.path_len);
		path[m.path_len] = '\0';
		m.hit.line.path = m.path_len ? path : NULL;
		m.hit.line.path_len = m.path_len;
		at += sizeof(m) + m.path_len;
		err = r->q->fn(&m.hit, r->q->userdata);
	}
	r->n -= at;
	memmove(r->buf, r->buf + at, r->n);
	return err;
}

/* Take what has come and hand it over. *ret_got: how much; 0: the end of the stream; -1:
 * nothing at the moment. */
static int reader_take(struct reader *r, ssize_t *ret_got)
{
	*ret_got = read(r->in, r->buf + r->n, r->size - r->n);
	if (*ret_got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	r->n += (size_t)*ret_got;
	return reader_consume(r);
}

/* It waits for a processor, and for nobody. */
static bool is_runnable(const struct reader *r)
{
	_cleanup_free_ char *text = NULL;
	struct pmf_proc_stat st;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)r->pid);
	return pmf_read_file(AT_FDCWD, path, 4096, &text, NULL) >= 0 &&
		pmf_parse_proc_stat(text, &st) == 0 && st.state == 'R';
}

/*
 * Until the child has ended and nothing of it is left (0), or until it hangs or time is
 * up (-ETIMEDOUT). By its end and not by that of the stream, which comes later when
 * somebody has the other end of the pipe open: a thread with a table of fds of its own
 * (freeze.c), or a child that was forked meanwhile.
 */
static int reader_receive(struct reader *r, uint64_t end)
{
	struct pollfd p[] = {
		{ .fd = r->in, .events = POLLIN },
		{ .fd = r->pidfd, .events = POLLIN },
	};
	uint64_t steps = 0, seen, since = now_ms(), now;
	ssize_t got;
	bool ended;
	int err;

	for (;;) {
		err = poll(p, ARRAY_SIZE(p), TICK_MS);
		if (err < 0 && errno != EINTR)
			return -errno;
		ended = err > 0 && p[1].revents;
		now = now_ms();
		if (err > 0) {
			err = reader_take(r, &got);
			if (err != 0)
				return err;
			if (got == 0 || (got < 0 && ended))
				return 0;
			since = now;
		}
		seen = __atomic_load_n(&r->progress->steps, __ATOMIC_RELAXED);
		if (seen != steps) {
			steps = seen;
			since = now;
		}
		if (now >= end)
			return -ETIMEDOUT;
		if (now - since < r->q->stall_ms)
			continue;
		if (!is_runnable(r))
			return -ETIMEDOUT;
		since = now;
	}
}

int pmf_read_maps(const struct pmf_maps_query *q, size_t *ret_left_out)
{
	uint64_t end = now_ms() + q->total_ms;
	size_t i = 0, behind, left_out = 0;
	struct reader r;
	int err;

	err = reader_init(&r, q);
	while (err == 0 && i < q->n) {
		if (now_ms() >= end) {
			left_out += q->n - i;
			break;
		}
		err = reader_start(&r, i);
		if (err < 0)
			break;
		err = reader_receive(&r, end);
		reader_stop(&r);
		if (err != 0 && err != -ETIMEDOUT)
			break;
		err = 0;
		if (__atomic_load_n(&r.progress->done, __ATOMIC_ACQUIRE))
			break;
		/* It hung, or died by other hands: not at this one again. */
		behind = pmf_maps_group(q, MAX(r.progress->index, i));
		left_out += behind - r.progress->index;
		i = behind;
	}
	reader_done(&r);
	if (err != 0)
		return err;
	*ret_left_out = left_out;
	return 0;
}
