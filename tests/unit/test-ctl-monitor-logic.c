// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmemfailctl monitor: a line for each change, at once; ends quietly when it is
 * interrupted, also while its reader stands still, and when nobody reads any more.
 */
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../ctl/ctl.h"
#include "flow/store.h"
#include "test.h"

#define PATIENCE_MS 10000

struct bench {
	char dir[128];		/* of the record */
	struct pmf_store *store;
	struct pmf_failure f;
	pid_t pid;
	int out;		/* what it prints */
};

static _Noreturn void child(const struct bench *b, bool json)
{
	struct ctl c = { .json = json };

	signal(SIGPIPE, SIG_IGN);	/* as main() does */
	if (pmemfail_new(&c.lib) < 0 || pmemfail_set(c.lib, "StateDirectory", b->dir) < 0)
		_exit(99);
	_exit(ctl_monitor(&c, NULL));
}

/* late: there is no record when it begins, nor a directory for one. */
static void bench_init(struct bench *b, bool json, bool late)
{
	int fds[2];

	*b = (struct bench){ .f = {
		.kind = PMF_KIND_POISON, .source = PMF_SOURCE_BADBLOCKS,
		.state = PMF_STATE_HANDLED, .device_id = (char *)"an id",
		.device_name = (char *)"pmem0", .reason = (char *)"a\nreason",
		.updated_us = 1,
	} };
	(void)snprintf(b->dir, sizeof(b->dir), "%s/dir", test_dir());
	if ((!late && (mkdir(b->dir, 0700) < 0 ||
		       pmf_store_open(b->dir, true, &b->store, NULL) < 0)) ||
	    pmf_ranges_add(&b->f.ranges, (struct pmf_range){ 0, 4096 }) < 0 ||
	    pipe2(fds, O_CLOEXEC) < 0)
		abort();
	(void)fcntl(fds[1], F_SETPIPE_SZ, 4096);
	fflush(stdout);
	b->pid = fork();
	if (b->pid == 0) {
		close(fds[0]);
		if (dup2(fds[1], STDOUT_FILENO) < 0)
			_exit(98);
		child(b, json);
	}
	if (b->pid < 0)
		abort();
	close(fds[1]);
	b->out = fds[0];
}

static void bench_done(struct bench *b)
{
	if (b->pid > 0) {
		kill(b->pid, SIGKILL);
		waitpid(b->pid, NULL, 0);
	}
	safe_close(b->out);
	pmf_store_close(b->store);
	pmf_ranges_done(&b->f.ranges);
}
#define BENCH(b, json, late)						\
	_cleanup_(bench_done) struct bench b;				\
	bench_init(&(b), json, late)

static void change(struct bench *b)
{
	if (!b->store) {
		/* the monitor may have made it, to have something to watch */
		if ((mkdir(b->dir, 0700) < 0 && errno != EEXIST) ||
		    pmf_store_open(b->dir, true, &b->store, NULL) < 0)
			abort();
	}
	b->f.updated_us++;
	if (pmf_store_put(b->store, &b->f) < 0)
		abort();
}

/* Change it until the first line comes: when it has begun to watch is not said. */
static bool first_line(struct bench *b, char *buf, size_t size)
{
	struct pollfd p = { .fd = b->out, .events = POLLIN };
	ssize_t n;

	for (int ms = 0; ms < PATIENCE_MS; ms += 100) {
		change(b);
		if (poll(&p, 1, 100) <= 0)
			continue;
		n = read(b->out, buf, size - 1);
		if (n <= 0)
			return false;
		buf[n] = '\0';
		return buf[n - 1] == '\n';
	}
	return false;
}

/* Its exit code, -1 when it does not end. */
static int ended(struct bench *b)
{
	int status;

	for (int ms = 0; ms < PATIENCE_MS; ms += 10) {
		if (waitpid(b->pid, &status, WNOHANG) == b->pid) {
			b->pid = 0;
			return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
		}
		usleep(10000);
	}
	return -1;
}

TEST(monitor_tells_people)
{
	char line[4096];
	BENCH(b, false, false);

	CHECK(first_line(&b, line, sizeof(line)));
	CHECK(strstr(line, "  failure 1: poison of pmem0 (4.0 KiB): handled: a\\x0areason\n"));
	kill(b.pid, SIGINT);
	CHECK_EQ(ended(&b), 0);
}

TEST(monitor_tells_programs)
{
	char line[8192];
	struct json_object *o, *f, *id;
	bool right;
	BENCH(b, true, false);

	CHECK(first_line(&b, line, sizeof(line)));
	*strchr(line, '\n') = '\0';
	o = json_tokener_parse(line);
	right = json_object_object_get_ex(o, "schema", &f) && json_object_get_int(f) == 1 &&
		json_object_object_get_ex(o, "failure", &f) &&
		json_object_object_get_ex(f, "id", &id) && json_object_get_int(id) == 1;
	json_object_put(o);
	CHECK(right);
	kill(b.pid, SIGTERM);
	CHECK_EQ(ended(&b), 0);
}

TEST(monitor_waits_for_a_record)
{
	char line[4096];
	struct pollfd p;
	BENCH(b, false, true);

	p = (struct pollfd){ .fd = b.out, .events = POLLIN };
	CHECK_EQ(poll(&p, 1, 300), 0);
	change(&b);
	CHECK_EQ(poll(&p, 1, PATIENCE_MS), 1);
	CHECK(read(b.out, line, sizeof(line)) > 0);
	CHECK_EQ(poll(&p, 1, 300), 0);	/* it is told once */
	/* and the next change, by the watch of the directory itself */
	change(&b);
	CHECK_EQ(poll(&p, 1, PATIENCE_MS), 1);
	kill(b.pid, SIGINT);
	CHECK_EQ(ended(&b), 0);
}

TEST(monitor_ends_with_its_reader)
{
	char line[4096];
	BENCH(b, false, false);

	CHECK(first_line(&b, line, sizeof(line)));
	b.out = safe_close(b.out);	/* and nothing changes any more */
	CHECK_EQ(ended(&b), 0);
}

TEST(monitor_is_interrupted_while_its_reader_stands_still)
{
	char line[4096];
	struct pollfd p;
	BENCH(b, false, false);

	CHECK(first_line(&b, line, sizeof(line)));
	/* The pipe holds a page: some fifty lines. */
	for (int i = 0; i < 120; i++) {
		change(&b);
		usleep(2000);
	}
	p = (struct pollfd){ .fd = b.out, .events = POLLIN };
	CHECK_EQ(poll(&p, 1, 1000), 1);
	kill(b.pid, SIGINT);
	CHECK_EQ(ended(&b), 0);
}
