// SPDX-License-Identifier: GPL-2.0-only
/* The engine on a machine that is made up: holds, watching, what nobody held. */
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "engine-bench.h"
#include "sys/rundir.h"
#include "test.h"

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
	/* each in its time: the end of one says nothing of the others */
	for (int i = 0; i < 500 && recorded(&b, PMF_STATE_HANDLED) < n; i++) {
		CHECK(pmemfail_engine_dispatch(b.e) >= 0);
		take_notices(&b);
		usleep(20000);
	}
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

/* Dispatch the first look's own echo. */
static void calm_down(struct bench *b)
{
	struct pollfd p = { .fd = pmemfail_engine_get_fd(b->e), .events = POLLIN };

	for (int i = 0; i < 20 && poll(&p, 1, 200) > 0; i++)
		(void)pmemfail_engine_dispatch(b->e);
}

/* Both looks at it found it bound, by the same names. Its lists are others all the same. */
TEST(bound_again_between_two_looks_is_new)
{
	BENCH(b);
	unsigned int reads;

	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	calm_down(&b);
	reads = b.f.bad_reads;
	pthread_mutex_lock(&b.f.lock);
	b.f.topology->devices[0].diskseq = 2;
	pthread_mutex_unlock(&b.f.lock);
	pmf_snapshots_refresh(b.e->snapshots, PMF_READ_DEVICES);
	/* for it, and for what was written before they were watched anew */
	CHECK(run_until(&b, &b.f.bad_reads, reads + 2));
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
	uint64_t events, merges;
	BENCH(b);

	CHECK_EQ(pmemfail_event_counters(b.ctx, &events, &merges), -ENOENT);
	fake_holds_add(&b.f, 0);
	b.f.mounted = true;
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	fake_holds_unbind(&b.f, 0, 1, false);
	CHECK(run_to_end(&b));
	pmf_engine_unheld(b.e, &b.e->topology->devices[0]);
	b.e = pmemfail_engine_free(b.e);
	CHECK_EQ(recorded(&b, -1), 1);
	/* Two events were one failure; that is known after the engine's end, and the next
	 * goes on counting. */
	CHECK_EQ(pmemfail_event_counters(b.ctx, &events, &merges), 0);
	CHECK_EQ(events, 2);
	CHECK_EQ(merges, 1);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	b.e = pmemfail_engine_free(b.e);
	CHECK_EQ(pmemfail_event_counters(b.ctx, &events, &merges), 0);
	CHECK_EQ(events, 2);
}
