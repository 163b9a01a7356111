// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reads maps of one process after the other and writes what is wanted of them
 * into a pipe. Runs in a child of a process that may have threads: no malloc, no
 * stdio, nothing but system calls and pure code. Only maps-reader.c calls this.
 */
#include <fcntl.h>
#include <sys/syscall.h>

#include "sys/maps-child.h"

static void step(struct pmf_maps_child *c)
{
	__atomic_add_fetch(&c->progress->steps, 1, __ATOMIC_RELAXED);
}

static void flush(struct pmf_maps_child *c)
{
	size_t at = 0;

	while (at < c->n_output) {
		ssize_t r = write(c->out, c->output + at, c->n_output - at);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			_exit(1);	/* nobody listens any more */
		at += r;
		step(c);
	}
	c->n_output = 0;
}

static void emit(struct pmf_maps_child *c, size_t index, const struct pmf_proc_stat *st,
		 const struct pmf_maps_line *line, bool whole)
{
	struct pmf_maps_message m = { 0 };

	m.hit.index = index;
	m.hit.start_ticks = st->start_ticks;
	memcpy(m.hit.comm, st->comm, sizeof(m.hit.comm));
	m.hit.line = *line;
	m.hit.line.path = NULL;
	if (whole && line->path && line->path_len <= PMF_MAPS_PATH_MAX)
		m.path_len = line->path_len;
	if (c->n_output + sizeof(m) + m.path_len > sizeof(c->output))
		flush(c);
	memcpy(c->output + c->n_output, &m, sizeof(m));
	c->n_output += sizeof(m);
	if (m.path_len) {
		memcpy(c->output + c->n_output, line->path, m.path_len);
		c->n_output += m.path_len;
	}
}

/* The state of answering one group of wants about one process. */
struct answer {
	size_t next, end;	/* wants not answered yet */
	struct pmf_proc_stat st;
};

static bool is_dax_node(const struct pmf_maps_line *l)
{
	static const char prefix[] = "/dev/dax";

	return l->path && l->path_len > strlen(prefix) &&
		memcmp(l->path, prefix, strlen(prefix)) == 0;
}

/* Returns false when there is nothing more to be learnt from this process. */
static bool take_line(struct pmf_maps_child *c, struct answer *a, const char *text,
		      size_t n, bool whole)
{
	const struct pmf_maps_query *q = c->q;
	struct pmf_maps_line line;

	if (pmf_parse_maps_line(text, n, &line) < 0)
		return true;
	if (!q->by_address) {
		if (q->dax ? is_dax_node(&line) : line.devno == q->devno && line.ino)
			emit(c, a->next, &a->st, &line, whole);
		return true;
	}
	while (a->next < a->end && q->wants[a->next].address < line.start)
		a->next++;	/* nothing is mapped there any more */
	while (a->next < a->end && q->wants[a->next].address < line.end)
		emit(c, a->next++, &a->st, &line, whole);
	return a->next < a->end;
}

static void read_lines(struct pmf_maps_child *c, struct answer *a, int fd)
{
	size_t n = 0, at, len;
	bool cut = false;	/* inside a line whose beginning is gone */
	char *newline;
	ssize_t r;

	for (;;) {
		r = read(fd, c->input + n, sizeof(c->input) - n);
		step(c);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return;	/* also ESRCH: it is gone */
		n += r;
		for (at = 0; (newline = memchr(c->input + at, '\n', n - at));
		     at += len + 1) {
			len = newline - (c->input + at);
			if (!cut && !take_line(c, a, c->input + at, len, true))
				return;
			cut = false;
		}
		n -= at;
		memmove(c->input, c->input + at, n);
		if (n == sizeof(c->input)) {
			/* a path of this length is of no use, the rest is */
			if (!cut && !take_line(c, a, c->input, n, false))
				return;
			cut = true;
			n = 0;
		}
	}
}

/* snprintf() is not for here. */
static void pid_path(char buf[static 32], int32_t pid)
{
	static const char prefix[] = "/proc/";
	char digits[12];
	size_t n = 0, at = strlen(prefix);

	memcpy(buf, prefix, at);
	do {
		digits[n++] = '0' + pid % 10;
		pid /= 10;
	} while (pid > 0);
	while (n > 0)
		buf[at++] = digits[--n];
	buf[at] = '\0';
}

/* Whatever the process was, once its directory is open it is the same one. */
static void answer_group(struct pmf_maps_child *c, size_t i, size_t end)
{
	const struct pmf_maps_want *w = &c->q->wants[i];
	struct answer a = { .next = i, .end = end };
	char path[32];
	ssize_t r = -1;
	int dir, fd;

	if (w->pid <= 0)
		return;
	pid_path(path, w->pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return;
	fd = openat(dir, "stat", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		r = read(fd, c->input, sizeof(c->input) - 1);
		close(fd);
	}
	step(c);
	if (r > 0) {
		c->input[r] = '\0';
		if (pmf_parse_proc_stat(c->input, &a.st) == 0 &&
		    (w->start_ticks == PMF_ANY_START ||
		     w->start_ticks == a.st.start_ticks) &&
		    !(a.st.flags & (PMF_PF_KTHREAD | PMF_PF_EXITING))) {
			fd = openat(dir, "maps", O_RDONLY | O_CLOEXEC);
			step(c);
			if (fd >= 0) {
				read_lines(c, &a, fd);
				close(fd);
			}
		}
	}
	close(dir);
}

size_t pmf_maps_group(const struct pmf_maps_query *q, size_t i)
{
	size_t end = i + 1;

	while (q->by_address && end < q->n && q->wants[end].pid == q->wants[i].pid &&
	       q->wants[end].start_ticks == q->wants[i].start_ticks)
		end++;
	return end;
}

void pmf_maps_child(struct pmf_maps_child *c)
{
	size_t i, end;

	for (i = c->first; i < c->q->n; i = end) {
		end = pmf_maps_group(c->q, i);
		__atomic_store_n(&c->progress->index, i, __ATOMIC_RELAXED);
		step(c);
		answer_group(c, i, end);
		/* what is known is handed over before the next one can hang */
		flush(c);
	}
	__atomic_store_n(&c->progress->done, true, __ATOMIC_RELEASE);
	_exit(0);
}
