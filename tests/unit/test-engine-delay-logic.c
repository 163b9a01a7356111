// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who asks for a moment before a removal: what a name means, whom a removal waits for,
 * how long, and what ends the wait.
 */
#include "delay-bench.h"

/* --- what is asked for ------------------------------------------------------- */

TEST(what_a_name_means)
{
	static const struct { const char *what, *device; } cases[] = {
		{ "pmem0", "pmem0" }, { "/dev/pmem0", "pmem0" }, { "ACPI.NFIT/uuid-0", "pmem0" },
		{ "pfn0.0", "pmem0" }, { "namespace0.0", "pmem0" }, { "pmem0p1", "pmem0" },
		{ "/dev/pmem0p1", "pmem0" }, { "/srv/data", "pmem0" }, { "/srv/log", "pmem1" },
		{ "/srv/rt", "pmem1" }, { "pmem2", "pmem2" },
	};
	MACHINE();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (unsigned int k = 0; k < 3; k++) {
			bool waits = cases[i].device[4] == (char)('0' + k);
			uint64_t removal = 0;
			char name[16];

			CHECK_EQ(pmemfail_engine_delay(b.e, cases[i].what, &token), 0);
			(void)snprintf(name, sizeof(name), "pmem%u", k);
			CHECK_EQ(pmemfail_engine_begin_removal(b.e, name, &removal), 0);
			take(&b, &t);
			if (t.ready != !waits)
				test_say("%s, %s is removed", cases[i].what, name);
			CHECK_EQ(t.ready, !waits);
			pmemfail_engine_end_delay(b.e, token);
			pmemfail_engine_end_removal(b.e, removal);
			take(&b, &t);
			t = (struct told){ 0 };
		}
	}
}

TEST(what_cannot_be_asked_for)
{
	static const char *const unknown[] = { "pmem9", "/srv", "/srv/data/", "/dev/pmem", "data",
					       "region9" };
	MACHINE();

	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		CHECK_EQ(pmemfail_engine_delay(b.e, unknown[i], &token), -ENODEV);
		CHECK(strstr(pmemfail_why(), unknown[i]));
	}
	CHECK_EQ(pmemfail_engine_delay(NULL, "pmem0", &token), -EINVAL);
	CHECK_EQ(pmemfail_engine_delay(b.e, NULL, &token), -EINVAL);
	CHECK_EQ(pmemfail_engine_delay(b.e, "", &token), -EINVAL);
	CHECK_EQ(pmemfail_engine_delay(b.e, "pmem0", NULL), -EINVAL);
	CHECK_EQ(pmemfail_engine_begin_removal(b.e, "pmem9", &token), -ENODEV);
	CHECK_EQ(pmemfail_engine_begin_removal(b.e, NULL, &token), -EINVAL);
	CHECK_EQ(pmemfail_engine_begin_removal(NULL, "pmem0", &token), -EINVAL);
	CHECK_EQ(pmemfail_engine_begin_removal(b.e, "pmem0", NULL), -EINVAL);
	CHECK_EQ(token, 0);
	/* what ends nothing */
	pmemfail_engine_end_delay(NULL, 1);
	pmemfail_engine_end_delay(b.e, 1);
	pmemfail_engine_end_removal(NULL, 1);
	pmemfail_engine_end_removal(b.e, 1);
	take(&b, &t);
	CHECK(t.begins == 0 && t.ready == 0 && t.ends == 0);
}

TEST(there_is_a_most_of_them)
{
	MACHINE();
	unsigned int n = 0;
	int r;

	while ((r = pmemfail_engine_delay(b.e, "pmem0", &token)) == 0)
		n++;
	CHECK_EQ(r, -EMFILE);
	CHECK_EQ(n, 1024);
	pmemfail_engine_end_delay(b.e, token);
	CHECK_EQ(pmemfail_engine_delay(b.e, "pmem0", &token), 0);
	CHECK_EQ(pmemfail_engine_delay(b.e, "pmem0", &token), -EMFILE);
}

TEST(before_anything_is_known_nothing_can_be_asked_for)
{
	MACHINE();
	struct pmf_topology *known = TAKE_PTR(b.e->topology);
	int delay, removal;

	delay = pmemfail_engine_delay(b.e, "pmem0", &token);
	removal = pmemfail_engine_begin_removal(b.e, "pmem0", &token);
	b.e->topology = known;
	CHECK_EQ(delay, -ENODEV);
	CHECK_EQ(removal, -EAGAIN);
}

/* --- a held unbind ----------------------------------------------------------- */

TEST(without_delays_an_unbind_waits_for_nothing)
{
	MACHINE();

	fake_holds_unbind(&b.f, 0, 1, false);
	CHECK(COMES(b.f.released, 1));
	CHECK(COMES(t.ends, 1));
	CHECK_EQ(t.begins, 1);
	CHECK_STR(t.device, "ACPI.NFIT/uuid-0");
	CHECK_EQ(t.ready, 0);		/* that is for whoever began one by a call */
}

TEST(an_unbind_waits_for_all_of_its_delays_and_for_no_other)
{
	MACHINE();
	uint64_t second = 0, other = 0;

	CHECK_EQ(pmemfail_engine_delay(b.e, "/srv/data", &token), 0);
	CHECK_EQ(pmemfail_engine_delay(b.e, "pmem0", &second), 0);
	CHECK_EQ(pmemfail_engine_delay(b.e, "pmem1", &other), 0);
	CHECK(token < second && second < other);
	fake_holds_unbind(&b.f, 0, 1, false);
	CHECK(COMES(t.begins, 1));
	CHECK(STAYS_AWAY(b.f.released, 1));
	pmemfail_engine_end_delay(b.e, second);
	CHECK(STAYS_AWAY(b.f.released, 1));
	CHECK_EQ(pmemfail_engine_busy(b.e), 1);
	pmemfail_engine_end_delay(b.e, token);
	CHECK(COMES(b.f.released, 1));
	CHECK(COMES(t.ends, 1));
	fake_holds_unbind(&b.f, 2, 2, false);
	CHECK(COMES(b.f.released, 2));
}

TEST(who_comes_when_it_has_begun_comes_too_late)
{
	MACHINE();
	uint64_t late = 0;

	CHECK_EQ(pmemfail_engine_delay(b.e, "pmem0", &token), 0);
	fake_holds_unbind(&b.f, 0, 1, false);
	CHECK(COMES(t.begins, 1));
	CHECK_EQ(pmemfail_engine_delay(b.e, "pmem0", &late), 0);
	pmemfail_engine_end_delay(b.e, token);
	CHECK(COMES(b.f.released, 1));
	pmemfail_engine_end_delay(b.e, late);
}

TEST(the_longest_wait)
{
	BENCH(b);
	struct told t = { 0 };
	uint64_t token = 0, begun, ns;

	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_set(b.ctx, "InhibitDelayMaxSec", "400ms"), 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK_EQ(pmemfail_engine_delay(b.e, "pmem0", &token), 0);
	begun = b.f.sys.ops->now_boottime_ns(&b.f.sys);
	fake_holds_unbind(&b.f, 0, 1, false);
	CHECK(COMES(b.f.released, 1));		/* though it has not ended */
	ns = b.f.sys.ops->now_boottime_ns(&b.f.sys) - begun;
	CHECK(ns >= 400000000);
	pmemfail_engine_end_delay(b.e, token);
}

TEST(the_rescue_keeps_half_of_the_hold)
{
	MACHINE();
	struct pmf_policy policy = *b.e->policy;

	CHECK_EQ(pmemfail_engine_delay_us(NULL), 0);
	CHECK_EQ(pmemfail_engine_delay_us(b.e), 14000000);
	policy.hold_timeout_us = 3000000;
	b.e->policy = &policy;
	CHECK_EQ(pmemfail_engine_delay_us(b.e), 1500000);
	b.e->policy = &b.ctx->policy;
}

TEST(no_time_for_delays_is_no_delay)
{
	BENCH(b);
	struct told t = { 0 };
	uint64_t token = 0;

	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_set(b.ctx, "InhibitDelayMaxSec", "0"), 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK_EQ(pmemfail_engine_delay(b.e, "pmem0", &token), 0);
	fake_holds_unbind(&b.f, 0, 1, false);
	CHECK(COMES(b.f.released, 1));
}

TEST(a_hold_that_ends_before_ends_the_wait)
{
	MACHINE();

	CHECK_EQ(pmemfail_engine_delay(b.e, "pmem0", &token), 0);
	fake_holds_unbind(&b.f, 0, 1, false);
	CHECK(COMES(t.begins, 1));
	CHECK(STAYS_AWAY(b.f.released, 1));
	fake_holds_unbind(&b.f, 0, 1, true);
	CHECK(COMES(t.ends, 1));
	CHECK_EQ(b.f.released, 1);	/* handled, if late: it says that it had ended */
}

TEST(the_end_of_the_engine_ends_the_wait)
{
	MACHINE();

	CHECK_EQ(pmemfail_engine_delay(b.e, "pmem0", &token), 0);
	fake_holds_unbind(&b.f, 0, 1, false);
	CHECK(COMES(t.begins, 1));
	CHECK(STAYS_AWAY(b.f.released, 1));
	b.e = pmemfail_engine_free(b.e);
	CHECK_EQ(b.f.released, 1);
}

/* --- names that change their meaning ------------------------------------------ */

static void move_mount(struct bench *b, size_t i, dev_t to, const char *target)
{
	struct pmf_mount *m = &b->e->topology->mounts[i];

	m->devno = to;
	free(m->target);
	m->target = copy(target);
}

TEST(what_was_meant_counts_when_it_is_gone)
{
	MACHINE();

	CHECK_EQ(pmemfail_engine_delay(b.e, "/srv/data", &token), 0);
	move_mount(&b, 0, makedev(259, 100), "/srv/elsewhere");
	fake_holds_unbind(&b.f, 0, 1, false);
	CHECK(COMES(t.begins, 1));
	CHECK(STAYS_AWAY(b.f.released, 1));
	pmemfail_engine_end_delay(b.e, token);
	CHECK(COMES(b.f.released, 1));
}

TEST(what_the_name_means_now_counts_too)
{
	MACHINE();

	CHECK_EQ(pmemfail_engine_delay(b.e, "/srv/data", &token), 0);
	move_mount(&b, 0, makedev(259, 2), "/srv/data");
	fake_holds_unbind(&b.f, 2, 1, false);
	CHECK(COMES(t.begins, 1));
	CHECK(STAYS_AWAY(b.f.released, 1));
	pmemfail_engine_end_delay(b.e, token);
	CHECK(COMES(b.f.released, 1));
}

/* --- a removal by a call ------------------------------------------------------ */

static bool has_news(struct bench *b)
{
	struct pollfd p = { .fd = pmemfail_engine_get_fd(b->e), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

TEST(a_removal_by_a_call_is_ready_when_nobody_delays_it)
{
	MACHINE();
	uint64_t first = 0, second = 0, delay = 0;

	/* What the engine's start brings comes before, or the caller would wake up anyway. */
	do
		(void)comes(&b, &t, &t.ready, 1, A_WHILE_MS);
	while (has_news(&b));
	CHECK_EQ(pmemfail_engine_begin_removal(b.e, "/dev/pmem1", &first), 0);
	CHECK(has_news(&b));		/* the caller wakes up for it */
	CHECK(COMES(t.ready, 1));
	CHECK_EQ(t.token, first);
	CHECK_STR(t.device, "ACPI.NFIT/uuid-1");
	CHECK_EQ(pmemfail_engine_delay(b.e, "pmem0", &delay), 0);
	CHECK_EQ(pmemfail_engine_begin_removal(b.e, "pmem0", &second), 0);
	CHECK(second > delay && delay > first);
	CHECK(STAYS_AWAY(t.ready, 2));
	pmemfail_engine_end_delay(b.e, delay);
	CHECK(has_news(&b));
	CHECK(COMES(t.ready, 2));
	CHECK_EQ(t.token, second);
	CHECK_EQ(t.ends, 0);
	pmemfail_engine_end_removal(b.e, delay);	/* that is no removal's */
	take(&b, &t);
	CHECK_EQ(t.ends, 0);
	pmemfail_engine_end_removal(b.e, second);
	pmemfail_engine_end_removal(b.e, second);
	CHECK(COMES(t.ends, 1));
	CHECK_EQ(t.ends, 1);
}

TEST(a_removal_by_a_call_waits_no_longer_than_it_may)
{
	BENCH(b);
	struct told t = { 0 };
	uint64_t delay = 0, removal = 0, begun, ns;

	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_set(b.ctx, "InhibitDelayMaxSec", "300ms"), 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK_EQ(pmemfail_engine_delay(b.e, "pmem0", &delay), 0);
	begun = b.f.sys.ops->now_boottime_ns(&b.f.sys);
	CHECK_EQ(pmemfail_engine_begin_removal(b.e, "pmem0", &removal), 0);
	CHECK(COMES(t.ready, 1));		/* though the delay has not ended */
	ns = b.f.sys.ops->now_boottime_ns(&b.f.sys) - begun;
	CHECK(ns >= 300000000);
	CHECK_EQ(t.token, removal);
}
