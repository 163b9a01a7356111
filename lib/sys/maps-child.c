// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reads maps of one process after the other and writes what is wanted of them
 * into a pipe. Runs in a child of a process that may have threads: no malloc, no
 * stdio, nothing but system calls and pure code. Only maps-reader.c calls this.
 */
#include <fcntl.h>
#include <sys/syscall.h>

#include "sys/maps-child.h"

void pmf_maps_step(struct pmf_maps_child *c)
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
		pmf_maps_step(c);
	}
	c->n_output = 0;
}

void pmf_maps_emit(struct pmf_maps_child *c, const struct pmf_maps_hit *hit,
		   const char *path, size_t path_len)
{
	struct pmf_maps_message m = { .hit = *hit, .path_len = path ? path_len : 0 };

	m.hit.line.path = NULL;
	if (c->n_output + sizeof(m) + m.path_len > sizeof(c->output))
		flush(c);
	memcpy(c->output + c->n_output, &m, sizeof(m));
	c->n_output += sizeof(m);
	if (m.path_len) {
		memcpy(c->output + c->n_output, path, m.path_len);
		c->n_output += m.path_len;
	}
}

static void emit(struct pmf_maps_child *c, size_t index, const struct pmf_proc_stat *st,
		 const struct pmf_maps_line *line, bool whole)
{
	struct pmf_maps_hit hit = {
		.index = index,
		.start_ticks = st->start_ticks,
		.line = *line,
	};

	memcpy(hit.comm, st->comm, sizeof(hit.comm));
	if (!whole || line->path_len > PMF_MAPS_PATH_MAX)
		hit.line.path = NULL;
	pmf_maps_emit(c, &hit, hit.line.path, line->path_len);
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
		pmf_maps_step(c);
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

void pmf_maps_number(char buf[static 12], int32_t n)
{
	char digits[12];
	size_t k = 0;

	do {
		digits[k++] = '0' + n % 10;
		n /= 10;
	} while (n > 0);
	while (k > 0)
		*buf++ = digits[--k];
	*buf = '\0';
}

static void pid_path(char buf[static 32], int32_t pid)
{
	static const char prefix[] = "/proc/";

	memcpy(buf, prefix, strlen(prefix));
	pmf_maps_number(buf + strlen(prefix), pid);
}

static void read_maps(struct pmf_maps_child *c, struct answer *a, int dir)
{
	int fd = openat(dir, "maps", O_RDONLY | O_CLOEXEC);

	pmf_maps_step(c);
	if (fd < 0)
		return;
	read_lines(c, a, fd);
	close(fd);
}

static void read_files(struct pmf_maps_child *c, const struct answer *a, int dir)
{
	struct pmf_maps_hit hit = { .index = a->next, .start_ticks = a->st.start_ticks };

	pmf_files_child(c, &hit, dir);
}

/* Whether the stat that was read is of the process that is wanted. */
static bool is_wanted(const struct pmf_maps_query *q, const struct pmf_maps_want *w,
		      const struct pmf_proc_stat *st)
{
	/* of one that exits, threads may live on that have files open */
	uint64_t none = PMF_PF_KTHREAD | (q->files ? 0 : PMF_PF_EXITING);

	return !(st->flags & none) &&
		(w->start_ticks == PMF_ANY_START || w->start_ticks == st->start_ticks);
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
	pmf_maps_step(c);
	c->input[MAX(r, 0)] = '\0';
	if (r > 0 && pmf_parse_proc_stat(c->input, &a.st) == 0 &&
	    is_wanted(c->q, w, &a.st)) {
		if (c->q->files)
			read_files(c, &a, dir);
		else
			read_maps(c, &a, dir);
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
		pmf_maps_step(c);
		answer_group(c, i, end);
		/* what is known is handed over before the next one can hang */
		flush(c);
	}
	__atomic_store_n(&c->progress->done, true, __ATOMIC_RELEASE);
	_exit(0);
}
