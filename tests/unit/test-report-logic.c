// SPDX-License-Identifier: GPL-2.0-only
/* Reporting, replaying and monitoring, in one's own process and beside the engine. */
#include <poll.h>
#include <sys/sysmacros.h>

#include "flow/store.h"
#include "poison-bench.h"
#include "test.h"

struct told {
	unsigned int n;
	uint64_t ids[8];
	struct pmf_ranges ranges;
	size_t sites;
};

static int note(const struct pmemfail_failure *f, void *userdata)
{
	struct told *t = userdata;

	t->ids[t->n++] = pmemfail_failure_id(f);
	t->sites += pmemfail_failure_sites(f);
	return pmf_ranges_add_all(&t->ranges, &pmf_failure_from_public(f)->ranges) < 0;
}

static void forget(struct told *t)
{
	pmf_ranges_done(&t->ranges);
	*t = (struct told){ 0 };
}

TEST(report_records_marks_and_tells_once)
{
	BENCH(b);
	struct told t = { 0 };
	struct pmemfail_failure *f = NULL;

	begin();
	b.ctx->policy.fs.mark_bad = true;
	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_report(b.ctx, "pmem0", PAGE, PAGE, note, &t), 1);
	CHECK_EQ(t.n, 1);
	CHECK_EQ(t.sites, 1);
	CHECK_EQ(world.calls, 1);
	CHECK(pmf_ranges_cover(&b.f.bad[0], (struct pmf_range){ PAGE, 2 * PAGE }));
	CHECK_EQ(pmemfail_get_failure(b.ctx, 1, &f), 0);
	CHECK_STR(pmemfail_failure_source(f), "request");
	CHECK_EQ(pmemfail_failure_state(f), PMEMFAIL_HANDLED);
	CHECK_STR(pmf_failure_from_public(f)->marked_in, "boot/0");
	pmemfail_failure_free(f);
	forget(&t);
	/* more than that: only the rest is new */
	CHECK_EQ(pmemfail_report(b.ctx, "/dev/pmem0", 0, 4 * PAGE, note, &t), 2);
	CHECK_EQ(t.n, 2);
	CHECK(t.ids[0] == 1 && t.ids[1] == 2);
	CHECK_EQ(pmf_ranges_bytes(&t.ranges), 4 * PAGE);
	CHECK_EQ(world.twice, 0);
	forget(&t);
	CHECK_EQ(pmemfail_report(b.ctx, "pmem0", 0, PAGE, note, &t), 1);
	CHECK_EQ(t.ids[0], 2);
	CHECK_EQ(recorded(&b, -1), 2);
	forget(&t);
}

TEST(what_cannot_be_is_refused)
{
	BENCH(b);
	struct told t = { 0 };

	begin();
	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_report(b.ctx, "pmem0", 0, 0, note, &t), -EINVAL);
	CHECK_EQ(pmemfail_report(b.ctx, "pmem0", UINT64_MAX, 2, note, &t), -ERANGE);
	CHECK_EQ(pmemfail_report(b.ctx, "pmem0", (1 << 20) - 1, 2, note, &t), -ERANGE);
	CHECK(strstr(pmemfail_why(), "pmem0"));
	CHECK_EQ(pmemfail_report(b.ctx, "pmem7", 0, 1, note, &t), -ENODEV);
	CHECK_EQ(pmemfail_report_spa(b.ctx, 12345, 0, note, &t), -EINVAL);
	CHECK_EQ(pmemfail_report_spa(b.ctx, 1ULL << 40, 1, note, &t), -ENODEV);
	CHECK(strstr(pmemfail_why(), "0x10000000000"));
	CHECK_EQ(t.n, 0);
	CHECK_EQ(world.calls, 0);
	CHECK_EQ(recorded(&b, -1), 0);
}

TEST(an_address_is_bytes_of_its_device)
{
	BENCH(b);
	struct told t = { 0 };

	begin();
	fake_holds_add(&b.f, 0);
	fake_holds_add(&b.f, 1);
	b.f.topology->devices[0].spa = UINT64_MAX;
	b.f.topology->devices[1].spa = 1ULL << 32;
	CHECK_EQ(pmemfail_report_spa(b.ctx, (1ULL << 32) + PAGE, 64, note, &t), 1);
	CHECK_EQ(t.ranges.v[0].start, PAGE);
	CHECK_EQ(t.ranges.v[0].end, PAGE + 64);
	forget(&t);
}

TEST(replay_tells_whom_nobody_has_told)
{
	BENCH(b);
	struct told t = { 0 };

	begin();
	fake_holds_add(&b.f, 0);
	fake_holds_add(&b.f, 1);
	CHECK_EQ(pmemfail_replay(b.ctx, NULL, note, &t), 0);
	world.nobody = true;
	CHECK_EQ(pmemfail_report(b.ctx, "pmem0", 0, PAGE, note, &t), 1);
	CHECK_EQ(pmemfail_report(b.ctx, "pmem1", 0, PAGE, note, &t), 1);
	CHECK_EQ(recorded(&b, PMF_STATE_PENDING), 2);
	forget(&t);
	world.nobody = false;
	CHECK_EQ(pmemfail_replay(b.ctx, "pmem1", note, &t), 1);
	CHECK_EQ(t.ids[0], 2);
	CHECK_EQ(t.sites, 1);
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
	forget(&t);
	pmf_ranges_done(&world.told);
	CHECK_EQ(pmemfail_replay(b.ctx, NULL, note, &t), 2);
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 2);
	CHECK_EQ(world.calls, 4);	/* the one that was settled was left alone */
	CHECK_EQ(world.twice, 0);
	forget(&t);
}

/* Three failures that wait for somebody to have them, of two devices. */
static bool three_wait(struct bench *b, struct told *t)
{
	fake_holds_add(&b->f, 0);
	fake_holds_add(&b->f, 1);
	world.nobody = true;
	for (unsigned int i = 0; i < 3; i++)
		if (pmemfail_report(b->ctx, i < 2 ? "pmem0" : "pmem1", 2 * i * PAGE, PAGE, note,
				    t) != 1)
			return false;
	forget(t);
	world.calls = 0;
	return true;
}

TEST(replay_counts_failures)
{
	BENCH(b);
	struct told t = { 0 };
	struct pmemfail_progress *p = NULL;
	uint64_t done = 9, total = 9;

	begin();
	CHECK(three_wait(&b, &t));
	CHECK_EQ(pmemfail_progress_new(&p), 0);
	CHECK_EQ(pmemfail_progress_get(p, &done, &total), 0);
	CHECK(done == 0 && total == 0);
	CHECK_EQ(pmemfail_replay_with_progress(b.ctx, NULL, p, note, &t), 3);
	for (unsigned int i = 0; i < 3; i++) {
		CHECK_EQ(world.done[i], i);
		CHECK_EQ(world.total[i], 3);
	}
	CHECK_EQ(pmemfail_progress_get(p, &done, &total), 0);
	CHECK(done == 3 && total == 3);
	pmemfail_progress_free(p);
	forget(&t);
	/* of one device only its own */
	world.calls = 0;
	CHECK_EQ(pmemfail_progress_new(&p), 0);
	CHECK_EQ(pmemfail_replay_with_progress(b.ctx, "pmem1", p, note, &t), 1);
	CHECK_EQ(world.total[0], 1);
	CHECK_EQ(pmemfail_progress_get(p, &done, &total), 0);
	CHECK(done == 1 && total == 1);
	pmemfail_progress_free(p);
	forget(&t);
}

struct replaying {
	struct bench *b;
	struct pmemfail_progress *p;
	struct told t;
	int r;
};

static void *replay_all(void *userdata)
{
	struct replaying *x = userdata;

	x->r = pmemfail_replay_with_progress(x->b->ctx, NULL, x->p, note, &x->t);
	return NULL;
}

static bool clear(struct bench *b, uint64_t id)
{
	_cleanup_(pmf_store_closep) struct pmf_store *s = NULL;
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;

	if (pmf_store_open(b->state, true, &s, NULL) < 0 || pmf_store_get(s, id, &f) < 0)
		return false;
	f->state = PMF_STATE_CLEARED;
	return pmf_store_put(s, f) == 0;
}

/* Another has cleared one between the count and the device's lock. */
TEST(replay_counts_those_there_are_in_the_end)
{
	BENCH(b);
	struct replaying x = { .b = &b };
	uint64_t done = 0, total = 0;
	pthread_t thread;
	bool seen, cleared;

	begin();
	CHECK(three_wait(&b, &x.t));
	CHECK_EQ(pmemfail_progress_new(&x.p), 0);
	fake_holds_set(&b.f, &b.f.slow, true);
	CHECK_EQ(pthread_create(&thread, NULL, replay_all, &x), 0);
	seen = fake_holds_wait(&b.f, &b.f.handling, 1);
	(void)pmemfail_progress_get(x.p, &done, &total);
	cleared = clear(&b, 1);
	fake_holds_set(&b.f, &b.f.slow, false);
	pthread_cond_broadcast(&b.f.changed);
	pthread_join(thread, NULL);
	CHECK(seen && cleared);
	CHECK(done == 0 && total == 3);
	CHECK_EQ(x.r, 2);
	CHECK_EQ(world.total[0], 2);
	CHECK_EQ(pmemfail_progress_get(x.p, &done, &total), 0);
	CHECK(done == 2 && total == 2);
	pmemfail_progress_free(x.p);
	forget(&x.t);
}

TEST(the_engine_sees_nothing_new_in_what_was_reported)
{
	BENCH(b);
	struct told t = { 0 };

	begin();
	b.ctx->policy.fs.mark_bad = true;
	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	CHECK_EQ(pmemfail_report(b.ctx, "pmem0", 0, PAGE, note, &t), 1);
	CHECK_EQ(b.f.bad[0].n, 1);
	pmf_engine_look(b.e, NULL, true);	/* as the watch of the list says */
	CHECK(settle(&b));
	CHECK_EQ(world.calls, 1);
	CHECK_EQ(b.added, 0);
	CHECK_EQ(recorded(&b, -1), 1);
	forget(&t);
}

static bool readable(struct pmemfail_monitor *m)
{
	struct pollfd p = { .fd = pmemfail_monitor_get_fd(m), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

TEST(monitor_misses_nothing_and_is_idle)
{
	BENCH(b);
	struct pmemfail_monitor *m = NULL;
	struct pmemfail_failure *f = NULL;
	struct told t = { 0 };

	begin();
	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_monitor_new(b.ctx, &m), 0);	/* before there is a record */
	CHECK_EQ(pmemfail_monitor_next(m, &f), -EAGAIN);
	CHECK(!readable(m));
	for (unsigned int i = 0; i < 3; i++)
		CHECK_EQ(pmemfail_report(b.ctx, "pmem0", 2 * i * PAGE, PAGE, note, &t), 1);
	CHECK(readable(m));
	for (unsigned int i = 0; i < 3; i++) {
		CHECK_EQ(pmemfail_monitor_next(m, &f), 0);
		CHECK_EQ(pmemfail_failure_id(f), i + 1);
		CHECK_EQ(pmemfail_failure_state(f), PMEMFAIL_HANDLED);
		CHECK_EQ(pmemfail_failure_sites(f), 1);
		f = pmemfail_failure_free(f);
	}
	CHECK_EQ(pmemfail_monitor_next(m, &f), -EAGAIN);
	CHECK(!readable(m));
	pmemfail_monitor_free(m);
	/* another begins with what comes after it */
	CHECK_EQ(pmemfail_monitor_new(b.ctx, &m), 0);
	CHECK_EQ(pmemfail_monitor_next(m, &f), -EAGAIN);
	CHECK_EQ(pmemfail_list_failures(b.ctx, -1, note, &t), 0);
	CHECK(!readable(m));	/* who reads disturbs nobody */
	pmemfail_monitor_free(m);
	forget(&t);
}
