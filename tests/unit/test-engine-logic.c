// SPDX-License-Identifier: GPL-2.0-only
/* The engine on a machine that is made up: holds, records, a predecessor's death. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "context.h"
#include "engine.h"
#include "fake-holds.h"
#include "flow/marker.h"
#include "flow/store.h"
#include "sys/rundir.h"
#include "test.h"

struct bench {
	struct fake_holds f;
	struct pmemfail *ctx;
	struct pmemfail_engine *e;
	char run[200], state[200];
	/* what notices have told */
	unsigned int added, changed, devices, problems;
	struct pmf_failure *last;	/* of the last notice about one */
};

static void bench_init(struct bench *b)
{
	static unsigned int n;

	*b = (struct bench){ 0 };
	fake_holds_init(&b->f);
	n++;
	(void)snprintf(b->run, sizeof(b->run), "%s/run%u", test_dir(), n);
	(void)snprintf(b->state, sizeof(b->state), "%s/state%u", test_dir(), n);
	if (pmemfail_new(&b->ctx) < 0 ||
	    pmemfail_set(b->ctx, "RuntimeDirectory", b->run) < 0 ||
	    pmemfail_set(b->ctx, "StateDirectory", b->state) < 0)
		abort();
	pmf_act_on(b->ctx, &b->f.sys);
}

static void bench_done(struct bench *b)
{
	fake_holds_set(&b->f, &b->f.slow, false);
	fake_holds_set(&b->f, &b->f.stuck, false);
	pmemfail_engine_free(b->e);
	pmemfail_unref(b->ctx);
	pmf_failure_free(b->last);
	fake_holds_done(&b->f);
}
#define BENCH(b) _cleanup_(bench_done) struct bench b; bench_init(&(b))

static void take_notices(struct bench *b)
{
	struct pmemfail_notice *n;

	while (pmemfail_engine_next(b->e, &n) == 0) {
		enum pmemfail_notice_kind kind = pmemfail_notice_get_kind(n);

		b->added += kind == PMEMFAIL_FAILURE_ADDED;
		b->changed += kind == PMEMFAIL_FAILURE_CHANGED;
		b->devices += kind == PMEMFAIL_DEVICES_CHANGED;
		b->problems += kind == PMEMFAIL_RECORD_PROBLEM;
		if (n->failure) {
			pmf_failure_free(b->last);
			b->last = TAKE_PTR(n->failure);
		}
		pmemfail_notice_free(n);
	}
}

/* Dispatch as a daemon would, until *what is n; false after ten seconds. */
static bool run_until(struct bench *b, const unsigned int *what, unsigned int n)
{
	struct pollfd p = { .fd = pmemfail_engine_get_fd(b->e), .events = POLLIN };

	for (int i = 0; i < 200; i++) {
		if (pmemfail_engine_dispatch(b->e) < 0)
			return false;
		take_notices(b);
		if (*what >= n)
			return true;
		(void)poll(&p, 1, 50);
	}
	return false;
}

/* Until a failure has reached its end. */
static bool run_to_end(struct bench *b)
{
	struct pollfd p = { .fd = pmemfail_engine_get_fd(b->e), .events = POLLIN };

	for (int i = 0; i < 200; i++) {
		(void)pmemfail_engine_dispatch(b->e);
		take_notices(b);
		if (b->last && b->last->state != PMF_STATE_HANDLING &&
		    pmemfail_engine_busy(b->e) == 0)
			return true;
		(void)poll(&p, 1, 50);
	}
	return false;
}

/* Until the version that names a site is recorded, alone or after one without. */
static bool run_to_sites(struct bench *b)
{
	struct pollfd p = { .fd = pmemfail_engine_get_fd(b->e), .events = POLLIN };

	for (int i = 0; i < 200; i++) {
		(void)pmemfail_engine_dispatch(b->e);
		take_notices(b);
		if (b->last && b->last->n_cases > 0)
			return true;
		(void)poll(&p, 1, 50);
	}
	return false;
}

static unsigned int files_in(const char *run)
{
	char path[300];
	unsigned int n = 0;
	struct dirent *de;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/handling", run);
	d = opendir(path);
	while (d && (de = readdir(d)))
		n += strstr(de->d_name, ".json") != NULL;
	if (d)
		closedir(d);
	return n;
}

static int count_failure(const struct pmemfail_failure *f, void *userdata)
{
	unsigned int *n = userdata;

	(void)f;
	(*n)++;
	return 0;
}

static unsigned int recorded(struct bench *b, int state)
{
	unsigned int n = 0;

	return pmemfail_list_failures(b->ctx, state, count_failure, &n) < 0 ? 9999 : n;
}

TEST(devices_are_watched_at_the_start)
{
	BENCH(b);
	unsigned int devices = 9, watched = 9;

	fake_holds_add(&b.f, 0);
	fake_holds_add(&b.f, 1);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK_EQ(b.f.thaws, 1);
	pmemfail_engine_protected(b.e, &devices, &watched);
	CHECK_EQ(devices, 2);
	CHECK_EQ(watched, 2);
	CHECK(b.f.watches[0].cookie != b.f.watches[1].cookie);
}

TEST(hold_is_released_and_recorded)
{
	BENCH(b);
	struct pmemfail_failure *f = NULL;

	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	fake_holds_unbind(&b.f, 0, 1, false);
	CHECK(run_to_end(&b));
	CHECK_EQ(b.f.released, 1);
	CHECK_EQ(b.last->state, PMF_STATE_HANDLED);
	CHECK_STR(b.last->device_name, "pmem0");
	CHECK_STR(b.last->device_id, "ACPI.NFIT/uuid-0");
	CHECK(b.last->id != 0);
	CHECK_EQ(b.added, 1);
	CHECK_EQ(files_in(b.run), 0);
	CHECK_EQ(recorded(&b, -1), 1);
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
	CHECK_EQ(pmemfail_get_failure(b.ctx, b.last->id, &f), 0);
	CHECK_STR(pmemfail_failure_source(f), "hold");
	pmemfail_failure_free(f);
}

TEST(note_is_there_while_handling_and_names_the_sites)
{
	BENCH(b);

	fake_holds_add(&b.f, 0);
	b.f.mounted = true;
	b.f.slow = true;
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	fake_holds_unbind(&b.f, 0, 7, false);
	CHECK(run_until(&b, &b.f.handling, 1));
	CHECK_EQ(files_in(b.run), 1);
	CHECK_EQ(pmemfail_engine_busy(b.e), 1);
	CHECK(run_to_sites(&b));
	CHECK_EQ(b.last->state, PMF_STATE_HANDLING);
	CHECK_EQ(b.last->n_cases, 1);
	CHECK_STR(b.last->cases[0].site.name, "pmem0");
	fake_holds_set(&b.f, &b.f.slow, false);
	CHECK(run_to_end(&b));
	CHECK_EQ(b.last->state, PMF_STATE_FAILED);	/* it cannot be opened here */
	CHECK(b.last->reason);
	CHECK_EQ(b.f.released, 1);
	CHECK_EQ(files_in(b.run), 0);
}

TEST(several_at_once)
{
	BENCH(b);
	const unsigned int n = 5;

	for (unsigned int i = 0; i < n; i++)
		fake_holds_add(&b.f, i);
	b.f.slow = true;
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	for (unsigned int i = 0; i < n; i++)
		fake_holds_unbind(&b.f, i, 10 + i, false);
	CHECK(run_until(&b, &b.f.most_handling, n));
	CHECK_EQ(pmemfail_engine_busy(b.e), n);
	CHECK_EQ(b.f.released, 0);
	fake_holds_set(&b.f, &b.f.slow, false);
	CHECK(run_until(&b, &b.f.released, n));
	CHECK(run_until(&b, &b.added, n));
	CHECK(run_to_end(&b));
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), n);
}

/* More than may run: those beyond wait, and all are handled in the end. */
TEST(threads_are_bounded)
{
	BENCH(b);
	const unsigned int n = PMF_MAX_JOBS + 9;

	for (unsigned int i = 0; i < n; i++)
		fake_holds_add(&b.f, i);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	fake_holds_set(&b.f, &b.f.slow, true);
	for (unsigned int i = 0; i < n; i++)
		fake_holds_unbind(&b.f, i, 10 + i, false);
	CHECK(run_until(&b, &b.f.handling, PMF_MAX_JOBS));
	CHECK_EQ(pmemfail_engine_busy(b.e), n);
	usleep(100000);
	CHECK_EQ(b.f.most_handling, PMF_MAX_JOBS);
	fake_holds_set(&b.f, &b.f.slow, false);
	CHECK(run_until(&b, &b.f.released, n));
}

TEST(unknown_device_goes_on_at_once)
{
	BENCH(b);

	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	fake_holds_unbind(&b.f, 3, 99, false);
	CHECK(run_to_end(&b));
	CHECK_EQ(b.f.released, 1);
	CHECK_EQ(b.last->state, PMF_STATE_FAILED);
	CHECK_STR(b.last->device_name, "pfn3.0");
	CHECK(strstr(b.last->reason, "not known"));
}

TEST(hold_that_ended_is_marked)
{
	BENCH(b);

	fake_holds_add(&b.f, 0);
	b.f.slow = true;
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	fake_holds_unbind(&b.f, 0, 5, false);
	CHECK(run_until(&b, &b.f.handling, 1));
	fake_holds_unbind(&b.f, 0, 5, true);
	for (int i = 0; i < 5; i++)
		CHECK(pmemfail_engine_dispatch(b.e) >= 0);
	fake_holds_set(&b.f, &b.f.slow, false);
	CHECK(run_to_end(&b));
	CHECK(b.last->hold_ended);
	CHECK(b.last->reason);
	CHECK_EQ(b.last->state, PMF_STATE_FAILED);
}

TEST(one_engine_per_machine)
{
	BENCH(b);
	struct pmemfail_engine *second = NULL;
	pid_t pid = 0;
	char me[32];

	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &second), -EBUSY);
	(void)snprintf(me, sizeof(me), "%ld", (long)getpid());
	CHECK(strstr(pmemfail_why(), me));
	CHECK_EQ(pmf_rundir_find_engine(b.run, &pid), 0);
	CHECK_EQ(pid, getpid());
	b.e = pmemfail_engine_free(b.e);
	CHECK_EQ(pmf_rundir_find_engine(b.run, &pid), 0);
	CHECK_EQ(pid, 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
}

TEST(without_module_it_starts_all_the_same)
{
	BENCH(b);
	unsigned int devices = 9, watched = 9;

	b.f.module = false;
	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	pmemfail_engine_protected(b.e, &devices, &watched);
	CHECK_EQ(devices, 1);
	CHECK_EQ(watched, 0);
}

TEST(failed_watch_is_tried_again)
{
	BENCH(b);
	unsigned int watched = 9;

	fake_holds_add(&b.f, 0);
	b.f.watch_error = -EBUSY;
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	pmemfail_engine_protected(b.e, NULL, &watched);
	CHECK_EQ(watched, 0);
	b.f.watch_error = 0;
	b.devices = 0;
	take_notices(&b);
	CHECK(run_until(&b, &b.devices, 2));
	pmemfail_engine_protected(b.e, NULL, &watched);
	CHECK_EQ(watched, 1);
}

/* --- alone on the machine: a child whose mounts and uevents are its own ---- */

enum { CHILD_OK, CHILD_FAILED, CHILD_NOT_ROOT, CHILD_NO_ENGINE };

static int in_child(int (*fn)(struct bench *b))
{
	BENCH(b);	/* here: the directories' numbers count in this process */
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			_exit(CHILD_NOT_ROOT);
		fake_holds_add(&b.f, 0);
		if (pmemfail_engine_new(b.ctx, &b.e) < 0)
			_exit(CHILD_NO_ENGINE);
		_exit(fn(&b));
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ?
		WEXITSTATUS(status) : CHILD_FAILED;
}

/* Dispatch the first look's own echo. */
static void calm_down(struct bench *b)
{
	struct pollfd p = { .fd = pmemfail_engine_get_fd(b->e), .events = POLLIN };

	for (int i = 0; i < 20 && poll(&p, 1, 200) > 0; i++)
		(void)pmemfail_engine_dispatch(b->e);
}

static int stays_idle(struct bench *b)
{
	struct pollfd p = { .fd = pmemfail_engine_get_fd(b->e), .events = POLLIN };

	calm_down(b);
	return poll(&p, 1, 3000) == 0 ? CHILD_OK : CHILD_FAILED;
}

TEST(idle_means_no_wakeups)
{
	int r = in_child(stays_idle);

	if (r == CHILD_NOT_ROOT)
		SKIP("needs root");
	CHECK_EQ(r, CHILD_OK);
}

/* Through an epoll around the engine's, as sd-event has it: the outer one's question
 * must not eat the news. */
static int sees_mounts(struct bench *b)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int outer = epoll_create1(EPOLL_CLOEXEC);

	if (outer < 0 || epoll_ctl(outer, EPOLL_CTL_ADD, pmemfail_engine_get_fd(b->e), &ev) < 0)
		return CHILD_FAILED;
	calm_down(b);
	for (int i = 0; i < 3; i++) {
		unsigned int reads = b->f.reads;

		b->f.parts = 0;
		if (mount("none", b->run, "tmpfs", 0, NULL) < 0)
			return CHILD_FAILED;
		if (epoll_wait(outer, &ev, 1, 5000) != 1 ||
		    pmemfail_engine_dispatch(b->e) < 0 ||
		    !fake_holds_wait(&b->f, &b->f.reads, reads + 1) ||
		    !(b->f.parts & PMF_READ_MOUNTS) || (b->f.parts & PMF_READ_DEVICES))
			return CHILD_FAILED;
		calm_down(b);
	}
	return CHILD_OK;
}

TEST(mounts_are_news_also_below_another_epoll)
{
	int r = in_child(sees_mounts);

	if (r == CHILD_NOT_ROOT)
		SKIP("needs root");
	CHECK_EQ(r, CHILD_OK);
}

/* --- the record ------------------------------------------------------------ */

TEST(lost_store_delays_nothing_and_is_made_up_for)
{
	BENCH(b);
	int fd;

	/* a file where the directory should be */
	fd = open(b.state, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	close(fd);
	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	fake_holds_unbind(&b.f, 0, 1, false);
	CHECK(run_to_end(&b));
	CHECK_EQ(b.f.released, 1);
	CHECK_EQ(b.last->id, 0);
	CHECK_EQ(b.last->state, PMF_STATE_HANDLED);
	CHECK(run_until(&b, &b.problems, 1));
	CHECK_EQ(b.problems, 1);
	CHECK_EQ(files_in(b.run), 1);		/* kept for a successor */
	CHECK_EQ(unlink(b.state), 0);
	b.added = 0;
	CHECK(run_until(&b, &b.added, 1));	/* tried again by itself */
	CHECK(b.last->id != 0);
	CHECK_EQ(files_in(b.run), 0);
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
}

/* What was handled but could not be recorded before we died is recorded then. */
TEST(unrecorded_end_outlives_us)
{
	BENCH(b);
	int fd;

	fd = open(b.state, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	close(fd);
	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	fake_holds_unbind(&b.f, 0, 1, false);
	CHECK(run_to_end(&b));
	b.e = pmemfail_engine_free(b.e);
	CHECK_EQ(files_in(b.run), 1);
	CHECK_EQ(unlink(b.state), 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	b.added = 0;
	CHECK(run_until(&b, &b.added, 1));
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
	CHECK_EQ(files_in(b.run), 0);
}

/* --- a predecessor --------------------------------------------------------- */

static struct pmf_failure *begun(const char *id, uint64_t created, bool with_site)
{
	struct pmf_event e = {
		.kind = PMF_KIND_REMOVE, .source = PMF_SOURCE_HOLD,
		.device_id = (char *)id, .device_name = (char *)"pmem0",
		.range = PMF_RANGE_ALL, .hold = 3, .time_us = created,
	};
	struct pmf_failure *f;

	if (pmf_failure_from_event(&e, &f) < 0)
		abort();
	f->state = PMF_STATE_HANDLING;
	if (with_site) {
		f->cases = calloc(1, sizeof(*f->cases));
		if (!f->cases)
			abort();
		f->n_cases = 1;
		f->cases[0].site.kind = PMF_SITE_FILESYSTEM;
		if (!strdup_to(&f->cases[0].site.name, "pmem0") ||
		    !strdup_to(&f->cases[0].site.fstype, "xfs"))
			abort();
	}
	return f;
}

static void leave(struct bench *b, const struct pmf_failure *f, const char *name)
{
	_cleanup_free_ char *text = NULL;

	if (pmf_marker_from_failure(f, &text) < 0 ||
	    pmf_rundir_write(b->run, name, text) < 0)
		abort();
}

static void store_put(struct bench *b, struct pmf_failure *f)
{
	struct pmf_store *s;

	if (pmf_store_open(b->state, true, &s, NULL) < 0 || pmf_store_put(s, f) < 0)
		abort();
	pmf_store_close(s);
}

TEST(leftover_that_is_well_is_handled)
{
	BENCH(b);
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = begun("gone", 5, true);

	leave(&b, f, "3-5.json");
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(run_until(&b, &b.added, 1));
	CHECK_EQ(b.last->state, PMF_STATE_HANDLED);
	CHECK(strstr(b.last->reason, "ended in the middle"));
	CHECK_EQ(files_in(b.run), 0);
}

TEST(leftover_that_is_mounted_has_failed)
{
	BENCH(b);
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = begun("gone", 5, true);

	b.f.mounted = true;
	leave(&b, f, "3-5.json");
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(run_until(&b, &b.added, 1));
	CHECK_EQ(b.last->state, PMF_STATE_FAILED);
	CHECK(strstr(b.last->reason, "xfs on pmem0"));
}

TEST(leftover_of_unknown_sites_has_failed)
{
	BENCH(b);
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = begun("gone", 5, false);

	leave(&b, f, "3-5.json");
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(run_until(&b, &b.added, 1));
	CHECK_EQ(b.last->state, PMF_STATE_FAILED);
	CHECK(strstr(b.last->reason, "before it knew"));
}

TEST(row_and_note_are_one_failure)
{
	BENCH(b);
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = begun("gone", 5, true);

	store_put(&b, f);
	leave(&b, f, "3-5.json");
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(run_until(&b, &b.changed, 1));
	CHECK_EQ(b.last->id, f->id);
	CHECK_EQ(recorded(&b, -1), 1);
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
	CHECK_EQ(files_in(b.run), 0);
}

TEST(row_alone_is_finished_too)
{
	BENCH(b);
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = begun("gone", 5, true);

	store_put(&b, f);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(run_until(&b, &b.changed, 1));
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
}

TEST(row_that_pmemfailctl_is_at_is_left_alone)
{
	BENCH(b);
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = begun("busy", 5, true);

	store_put(&b, f);
	b.f.locked = true;
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	for (int i = 0; i < 10; i++) {
		CHECK(pmemfail_engine_dispatch(b.e) >= 0);
		usleep(20000);
	}
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLING), 1);
}

TEST(note_of_a_recorded_end_is_only_removed)
{
	BENCH(b);
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = begun("gone", 5, true);

	leave(&b, f, "3-5.json");
	f->state = PMF_STATE_HANDLED;
	store_put(&b, f);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	for (int i = 0; i < 100 && files_in(b.run); i++) {
		CHECK(pmemfail_engine_dispatch(b.e) >= 0);
		usleep(20000);
	}
	CHECK_EQ(files_in(b.run), 0);
	CHECK_EQ(recorded(&b, -1), 1);
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
}

/* Whatever lies in the directory must not stop the start. */
TEST(nonsense_notes_do_no_harm)
{
	BENCH(b);
	char path[300];

	CHECK_EQ(pmf_rundir_write(b.run, "a.json", "{"), 0);
	CHECK_EQ(pmf_rundir_write(b.run, "b.json", "[1,2]"), 0);
	CHECK_EQ(pmf_rundir_write(b.run, "c.json", ""), 0);
	CHECK_EQ(pmf_rundir_write(b.run, "d.json", "{\"schema\":1}"), 0);
	(void)snprintf(path, sizeof(path), "%s/handling/e.json", b.run);
	CHECK_EQ(symlink("/proc/self/environ", path), 0);
	(void)snprintf(path, sizeof(path), "%s/handling/f.json", b.run);
	CHECK_EQ(mkfifo(path, 0600), 0);
	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	fake_holds_unbind(&b.f, 0, 1, false);
	CHECK(run_to_end(&b));
	CHECK_EQ(b.last->state, PMF_STATE_HANDLED);
}

/* The real thing: a process that dies in the middle of a handling. */
TEST(killed_in_the_middle)
{
	BENCH(b);
	int status;
	pid_t pid;

	fake_holds_add(&b.f, 0);
	b.f.mounted = true;
	b.f.slow = true;
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		if (pmemfail_engine_new(b.ctx, &b.e) < 0)
			_exit(1);
		fake_holds_unbind(&b.f, 0, 4, false);
		if (!run_until(&b, &b.f.handling, 1) || !run_to_sites(&b))
			_exit(2);
		_exit(0);	/* as sudden as SIGKILL, for all that is in memory */
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	b.f.slow = false;
	CHECK_EQ(files_in(b.run), 1);
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLING), 1);
	b.f.mounted = false;		/* unmounted since */
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(run_until(&b, &b.changed, 1));
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
	CHECK_EQ(recorded(&b, -1), 1);
	CHECK_EQ(files_in(b.run), 0);
}

/* --- nobody held it -------------------------------------------------------- */

TEST(unheld_removal_of_a_mounted_device)
{
	BENCH(b);

	fake_holds_add(&b.f, 0);
	b.f.module = false;
	b.f.mounted = true;
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	pmf_engine_unheld(b.e, &b.e->topology->devices[0]);
	pmf_engine_unheld(b.e, &b.e->topology->devices[0]);	/* its next uevent */
	CHECK(run_to_end(&b));
	CHECK_EQ(b.last->state, PMF_STATE_FAILED);
	CHECK_EQ(b.last->source, PMF_SOURCE_UEVENT);
	CHECK(strstr(b.last->reason, "modprobe pmemfail"));
	CHECK(strstr(b.last->reason, "xfs on pmem0"));
	CHECK_EQ(b.last->n_cases, 1);
	b.e = pmemfail_engine_free(b.e);
	CHECK_EQ(recorded(&b, -1), 1);
}

TEST(unheld_removal_of_an_idle_device_is_no_failure)
{
	BENCH(b);

	fake_holds_add(&b.f, 0);
	b.f.module = false;
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	pmf_engine_unheld(b.e, &b.e->topology->devices[0]);
	b.e = pmemfail_engine_free(b.e);
	CHECK_EQ(recorded(&b, -1), 0);
}

TEST(uevents_after_a_hold_are_no_second_failure)
{
	BENCH(b);

	fake_holds_add(&b.f, 0);
	b.f.mounted = true;
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	fake_holds_unbind(&b.f, 0, 1, false);
	CHECK(run_to_end(&b));
	pmf_engine_unheld(b.e, &b.e->topology->devices[0]);
	b.e = pmemfail_engine_free(b.e);
	CHECK_EQ(recorded(&b, -1), 1);
}
