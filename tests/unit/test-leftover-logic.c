// SPDX-License-Identifier: GPL-2.0-only
/* A store that cannot be written, and what a dead predecessor left behind. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "engine-bench.h"
#include "flow/marker.h"
#include "flow/store.h"
#include "sys/rundir.h"
#include "test.h"

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
	/* not what a look at the machine would say now */
	f->state = PMF_STATE_FAILED;
	CHECK(strdup_to(&f->reason, "of old"));
	store_put(&b, f);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	for (int i = 0; i < 100 && files_in(b.run); i++) {
		CHECK(pmemfail_engine_dispatch(b.e) >= 0);
		usleep(20000);
	}
	CHECK_EQ(files_in(b.run), 0);
	CHECK_EQ(recorded(&b, -1), 1);
	CHECK_EQ(recorded(&b, PMF_STATE_FAILED), 1);
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
