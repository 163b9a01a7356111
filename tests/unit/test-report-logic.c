// SPDX-License-Identifier: GPL-2.0-only
/* Reporting, replaying and monitoring, in one's own process and beside the engine. */
#include <poll.h>
#include <sys/sysmacros.h>

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
