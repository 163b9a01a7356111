// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Pages that memory_failure() has taken care of, by the trace event that it ends
 * with (ras:memory_failure_event), whatever it was that told the kernel. See watch.h.
 *
 * trace_pipe is there to be polled only. Its text begins with the name of the task,
 * which anybody chooses; so each CPU's records are read as they are. What a dead
 * predecessor's instance holds are failures that nobody has taken yet: they count. What
 * it had taken, and not settled, is in the file of trace-keep.h.
 */
#include <dirent.h>
#include <fcntl.h>

#include <tracefs/tracefs.h>

#include "sys/parse.h"
#include "sys/trace-keep.h"
#include "sys/watch.h"

#define INSTANCE	"pmemfail"
#define SYSTEM		"ras"
#define EVENT		"memory_failure_event"
/* For each CPU: some thousand events of 28 bytes. An instance gets 1.4 MB each. */
#define BUFFER_KIB	256

struct pmf_trace {
	struct tracefs_instance *instance;
	struct pmf_trace_layout layout;
	int pipe;
	size_t page_size;
	unsigned int cpus, cpu;		/* cpu: whose page it was last */
	struct pmf_trace_keep *keep;	/* NULL: none to be had */
	void *page;			/* in keep, or our own */
	/* Addresses of pages that were read and not given yet. */
	uint64_t *queue;
	size_t next, n;
	bool lost;			/* to be said */
};

static int saved_errno(void)
{
	return errno > 0 ? -errno : -EIO;
}

static int read_layout(struct pmf_trace *t)
{
	_cleanup_free_ char *text = NULL;
	int n = 0;

	text = tracefs_event_file_read(t->instance, SYSTEM, EVENT, "format", &n);
	if (!text || n <= 0)
		return -EOPNOTSUPP;	/* a kernel without CONFIG_RAS or MEMORY_FAILURE */
	return pmf_parse_trace_format(text, (size_t)n, SYSTEM, EVENT, &t->layout);
}

/* There is a directory for each possible CPU, on line or not. */
static int count_cpus(struct pmf_trace *t)
{
	char *path = tracefs_instance_get_file(t->instance, "per_cpu");
	DIR *d = path ? opendir(path) : NULL;
	int err = path ? -errno : -ENOMEM;
	struct dirent *e;
	unsigned int cpu;

	tracefs_put_tracing_file(path);
	if (!d)
		return err;
	while ((e = readdir(d)))
		if (sscanf(e->d_name, "cpu%9u", &cpu) == 1 && cpu >= t->cpus)
			t->cpus = cpu + 1;
	closedir(d);
	return t->cpus > 0 ? 0 : -EIO;
}

/* Not on one that has it: __tracing_resize_ring_buffer() stops the trace meanwhile, and
 * what fails in that moment would be told to nobody. */
static void set_size(struct pmf_trace *t)
{
	if (tracefs_instance_is_new(t->instance) ||
	    tracefs_instance_get_buffer_size(t->instance, 0) < BUFFER_KIB)
		/* A smaller buffer is a matter of memory only. */
		(void)tracefs_instance_set_buffer_size(t->instance, BUFFER_KIB, -1);
}

static int start(struct pmf_trace *t)
{
	int err;

	err = read_layout(t);
	if (err == 0)
		err = count_cpus(t);
	if (err < 0)
		return err;
	errno = 0;
	set_size(t);
	if (tracefs_event_enable(t->instance, SYSTEM, EVENT) < 0 ||
	    tracefs_trace_on(t->instance) < 0)
		return saved_errno();
	t->pipe = tracefs_instance_file_open(t->instance, "trace_pipe",
					     O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return t->pipe < 0 ? saved_errno() : 0;
}

/* Record by record into the queue, and into what is kept as far as there is room. */
static void queue_page(struct pmf_range spa, void *userdata)
{
	struct pmf_trace *t = userdata;

	t->queue[t->n++] = spa.start;
	if (t->keep)
		(void)pmf_trace_keep_add(t->keep, spa.start);
}

static void parse_page(struct pmf_trace *t)
{
	bool missed;

	/* one that nobody can read is lost */
	if (pmf_parse_trace_page(t->page, t->page_size, &t->layout, queue_page, t, &missed) < 0)
		missed = true;
	t->lost |= missed;
	if (t->keep)
		pmf_trace_keep_clear_buffer(t->keep);
	else
		memset(t->page, 0, t->page_size);
}

/* What a predecessor had read, and what it was reading. */
static int take_leftovers(struct pmf_trace *t, const char *run_dir, int *ret_keep)
{
	*ret_keep = pmf_trace_keep_open(run_dir, t->page_size, &t->keep);
	t->page = t->keep ? pmf_trace_keep_buffer(t->keep) : calloc(1, t->page_size);
	/* No record has less than eight bytes. */
	t->queue = calloc(PMF_TRACE_KEEP_MAX + t->page_size / 8, sizeof(*t->queue));
	if (!t->page || !t->queue)
		return -ENOMEM;
	for (size_t i = 0; t->keep && i < pmf_trace_keep_count(t->keep); i++)
		t->queue[t->n++] = pmf_trace_keep_at(t->keep, i);
	parse_page(t);
	return 0;
}

/* What cannot be read is not left on, unless a predecessor's events may be in it. */
static void give_up(struct pmf_trace *t)
{
	t->pipe = safe_close(t->pipe);	/* an instance in use cannot be removed */
	if (t->instance && tracefs_instance_is_new(t->instance))
		(void)tracefs_instance_destroy(t->instance);
	pmf_trace_close(t);
}

int pmf_trace_open(const char *run_dir, struct pmf_trace **ret, int *ret_keep)
{
	struct pmf_trace *t = calloc(1, sizeof(*t));
	int err = 0, keep = 0;

	if (!t)
		return -ENOMEM;
	tracefs_set_loglevel(TEP_LOG_NONE);
	t->pipe = -1;
	t->page_size = (size_t)sysconf(_SC_PAGESIZE);
	/* First: an instance is not for a kernel that has nothing to tell in it. */
	if (!tracefs_event_file_exists(NULL, SYSTEM, EVENT, "format")) {
		free(t);
		return -EOPNOTSUPP;
	}
	errno = 0;
	t->instance = tracefs_instance_create(INSTANCE);
	err = t->instance ? start(t) : saved_errno();
	if (err == 0)
		err = take_leftovers(t, run_dir, &keep);
	if (err < 0) {
		give_up(t);
		return err;
	}
	*ret = t;
	*ret_keep = keep;
	return 0;
}

struct pmf_trace *pmf_trace_close(struct pmf_trace *t)
{
	if (!t)
		return NULL;
	safe_close(t->pipe);
	if (t->instance)
		tracefs_instance_free(t->instance);
	if (!t->keep)
		free(t->page);
	pmf_trace_keep_close(t->keep);
	free(t->queue);
	free(t);
	return NULL;
}

int pmf_trace_fd(const struct pmf_trace *t)
{
	return t->pipe;
}

/* Take the next page of this CPU. Returns 1, or 0 when it has none. */
static int take_page(struct pmf_trace *t)
{
	_cleanup_close_ int fd = -1;
	char name[48];
	ssize_t n;

	(void)snprintf(name, sizeof(name), "per_cpu/cpu%u/trace_pipe_raw", t->cpu);
	fd = tracefs_instance_file_open(t->instance, name,
					O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : saved_errno();
	/* All of it at once: what is left of a page goes when the fd is closed. And into
	 * what outlives us: tracing_buffers_read() has taken it out of the buffer before it
	 * copies it. The page is all zero, and so in memory: the copy does not fail. */
	n = read(fd, t->page, t->page_size);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return 0;
	t->next = t->n = 0;
	parse_page(t);
	return 1;
}

/* The same, whichever CPU has one. -EAGAIN: none has. */
static int take_any_page(struct pmf_trace *t)
{
	int r = 0;

	/* once around, and back to where it began */
	for (unsigned int i = 0; i <= t->cpus && r == 0; i++) {
		if (i > 0)
			t->cpu = (t->cpu + 1) % t->cpus;
		r = take_page(t);
	}
	return r == 0 ? -EAGAIN : r;
}

bool pmf_trace_has(const struct pmf_trace *t)
{
	return t->next < t->n || t->lost;
}

int pmf_trace_read(struct pmf_trace *t, struct pmf_range *ret_spa)
{
	uint64_t spa;
	int r;

	while (!pmf_trace_has(t)) {
		r = take_any_page(t);
		if (r < 0)
			return r;
	}
	if (t->lost) {
		t->lost = false;
		return -ENOBUFS;
	}
	spa = t->queue[t->next++];
	*ret_spa = (struct pmf_range){ spa, spa + t->page_size };
	return 0;
}

void pmf_trace_settle(struct pmf_trace *t, pmf_trace_settled_fn fn, void *userdata)
{
	struct pmf_range spa;

	for (size_t i = 0; t->keep && i < pmf_trace_keep_count(t->keep);) {
		spa.start = pmf_trace_keep_at(t->keep, i);
		spa.end = spa.start + t->page_size;
		if (fn(spa, userdata))
			pmf_trace_keep_drop(t->keep, i);
		else
			i++;
	}
}
