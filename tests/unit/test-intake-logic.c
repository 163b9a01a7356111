// SPDX-License-Identifier: GPL-2.0-only
/* What is news, what repeats, and that no range of poison is ever lost. */
#include "flow/intake.h"
#include "test.h"

static void intakep(struct pmf_intake **in)
{
	pmf_intake_free(*in);
}
#define _cleanup_intake_ _cleanup_(intakep)

static char id[] = "bus/uuid", name[] = "pmem0", other[] = "bus/other";

static struct pmf_event removal(enum pmf_source source, uint64_t hold)
{
	return (struct pmf_event){
		.kind = PMF_KIND_REMOVE, .source = source, .device_id = id,
		.device_name = name, .range = PMF_RANGE_ALL, .hold = hold, .time_us = 5,
	};
}

static struct pmf_event poison(uint64_t start, uint64_t end)
{
	return (struct pmf_event){
		.kind = PMF_KIND_POISON, .source = PMF_SOURCE_BADBLOCKS, .device_id = id,
		.device_name = name, .range = { start, end }, .time_us = 3,
	};
}

TEST(hold_then_uevents_is_one_failure)
{
	_cleanup_intake_ struct pmf_intake *in = NULL;
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;
	struct pmf_event hold = removal(PMF_SOURCE_HOLD, 7);
	struct pmf_event uevent = removal(PMF_SOURCE_UEVENT, 0);
	enum pmf_intake_verdict v;
	struct pmf_failure *none = NULL;

	CHECK_EQ(pmf_intake_new(8, &in), 0);
	CHECK_EQ(pmf_intake_add(in, &hold, &v), 0);
	CHECK_EQ(v, PMF_INTAKE_NEW);
	CHECK_EQ(pmf_intake_next(in, &f), 0);
	CHECK_EQ(f->hold, 7);
	CHECK_EQ(f->source, PMF_SOURCE_HOLD);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(pmf_intake_add(in, &uevent, &v), 0);
		CHECK_EQ(v, PMF_INTAKE_REPEAT);
	}
	CHECK_EQ(pmf_intake_add(in, &hold, &v), 0);
	CHECK_EQ(v, PMF_INTAKE_REPEAT);
	CHECK_EQ(pmf_intake_next(in, &none), -EAGAIN);
	CHECK(!none);
}

TEST(bound_again_makes_it_new)
{
	_cleanup_intake_ struct pmf_intake *in = NULL;
	struct pmf_event uevent = removal(PMF_SOURCE_UEVENT, 0);
	enum pmf_intake_verdict v;
	static const char *const names[] = { id, name };

	CHECK_EQ(pmf_intake_new(8, &in), 0);
	for (size_t i = 0; i <= ARRAY_SIZE(names); i++) {
		_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;

		CHECK_EQ(pmf_intake_add(in, &uevent, &v), 0);
		CHECK_EQ(v, PMF_INTAKE_NEW);
		CHECK_EQ(pmf_intake_next(in, &f), 0);
		pmf_intake_bound(in, "pmem00");	/* another */
		CHECK_EQ(pmf_intake_add(in, &uevent, &v), 0);
		CHECK_EQ(v, PMF_INTAKE_REPEAT);
		if (i < ARRAY_SIZE(names))
			pmf_intake_bound(in, names[i]);
	}
}

TEST(each_hold_is_handled)
{
	_cleanup_intake_ struct pmf_intake *in = NULL;
	enum pmf_intake_verdict v;

	CHECK_EQ(pmf_intake_new(8, &in), 0);
	/* no word of a bind in between: the uevent may have been lost */
	for (uint64_t hold = 1; hold < 5; hold++) {
		_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;
		struct pmf_event e = removal(PMF_SOURCE_HOLD, hold);

		CHECK_EQ(pmf_intake_add(in, &e, &v), 0);
		CHECK_EQ(v, PMF_INTAKE_NEW);
		CHECK_EQ(pmf_intake_next(in, &f), 0);
		CHECK_EQ(f->hold, hold);
	}
}

TEST(removal_goes_before_older_poison)
{
	_cleanup_intake_ struct pmf_intake *in = NULL;
	_cleanup_(pmf_failure_freep) struct pmf_failure *a = NULL, *b = NULL;
	struct pmf_event p = poison(0, 4096), r = removal(PMF_SOURCE_HOLD, 1);
	enum pmf_intake_verdict v;

	r.device_id = other;
	CHECK_EQ(pmf_intake_new(8, &in), 0);
	CHECK_EQ(pmf_intake_add(in, &p, &v), 0);
	CHECK_EQ(pmf_intake_add(in, &r, &v), 0);
	CHECK_EQ(pmf_intake_next(in, &a), 0);
	CHECK_EQ(a->kind, PMF_KIND_REMOVE);
	CHECK_EQ(pmf_intake_next(in, &b), 0);
	CHECK_EQ(b->kind, PMF_KIND_POISON);
}

/* A million pages in disorder: the set stays within its bound, and every page is
 * still in it. */
TEST(storm_is_bounded_and_complete)
{
	enum { MAX = 64, EVENTS = 20000, SPACE = 1 << 20 };
	_cleanup_intake_ struct pmf_intake *in = NULL;
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;
	_cleanup_free_ bool *hit = calloc(SPACE, 1);
	enum pmf_intake_verdict v;

	CHECK(hit);
	CHECK_EQ(pmf_intake_new(MAX, &in), 0);
	for (int i = 0; i < EVENTS; i++) {
		uint64_t page = test_below(SPACE);
		struct pmf_event e = poison(page << 12, (page + 1) << 12);

		hit[page] = true;
		CHECK_EQ(pmf_intake_add(in, &e, &v), 0);
		CHECK_EQ(v, i == 0 ? PMF_INTAKE_NEW : PMF_INTAKE_MERGED);
	}
	CHECK_EQ(pmf_intake_devices(in), 1);
	CHECK_EQ(pmf_intake_next(in, &f), 0);
	CHECK(f->ranges.n <= MAX);
	CHECK(f->ranges.n > 1);
	for (uint64_t page = 0; page < SPACE; page++) {
		bool found = !hit[page];

		for (size_t i = 0; i < f->ranges.n && !found; i++)
			found = f->ranges.v[i].start <= page << 12 &&
				f->ranges.v[i].end >= (page + 1) << 12;
		CHECK(found);
	}
	for (size_t i = 0; i + 1 < f->ranges.n; i++)
		CHECK(f->ranges.v[i].end < f->ranges.v[i + 1].start);
}

TEST(coarser_means_the_nearest_join)
{
	_cleanup_intake_ struct pmf_intake *in = NULL;
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;
	static const struct pmf_range r[] = { { 0, 10 }, { 100, 110 }, { 112, 120 } };
	enum pmf_intake_verdict v;

	CHECK_EQ(pmf_intake_new(2, &in), 0);
	for (size_t i = 0; i < ARRAY_SIZE(r); i++) {
		struct pmf_event e = poison(r[i].start, r[i].end);

		CHECK_EQ(pmf_intake_add(in, &e, &v), 0);
	}
	CHECK_EQ(pmf_intake_next(in, &f), 0);
	CHECK_EQ(f->ranges.n, 2);
	CHECK_EQ(f->ranges.v[0].end, 10);
	CHECK_EQ(f->ranges.v[1].start, 100);
	CHECK_EQ(f->ranges.v[1].end, 120);
}

TEST(empty_poison_is_nothing)
{
	_cleanup_intake_ struct pmf_intake *in = NULL;
	struct pmf_event e = poison(4096, 4096);
	struct pmf_failure *f = NULL;
	enum pmf_intake_verdict v;

	CHECK_EQ(pmf_intake_new(2, &in), 0);
	CHECK_EQ(pmf_intake_add(in, &e, &v), 0);
	CHECK_EQ(v, PMF_INTAKE_REPEAT);
	CHECK_EQ(pmf_intake_next(in, &f), -EAGAIN);
}

TEST(devices_are_bounded)
{
	_cleanup_intake_ struct pmf_intake *in = NULL;
	enum pmf_intake_verdict v;
	char text[32];

	CHECK_EQ(pmf_intake_new(2, &in), 0);
	for (int i = 0; i < 5000; i++) {
		struct pmf_event e = removal(PMF_SOURCE_UEVENT, 0);
		_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;

		(void)snprintf(text, sizeof(text), "bus/%d", i);
		e.device_id = text;
		CHECK_EQ(pmf_intake_add(in, &e, &v), 0);
		CHECK_EQ(v, PMF_INTAKE_NEW);
		CHECK_EQ(pmf_intake_next(in, &f), 0);
		CHECK_STR(f->device_id, text);
	}
	CHECK(pmf_intake_devices(in) <= 1024);
}

/* What is not from the lists may have to be written there, whichever came first. */
TEST(of_several_sources_the_lists_count_least)
{
	for (uint64_t first = 0; first < 2; first++) {
		_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;
		struct pmf_intake *in = NULL;
		enum pmf_intake_verdict v;

		CHECK_EQ(pmf_intake_new(10, &in), 0);
		for (uint64_t i = 0; i < 2; i++) {
			struct pmf_event e = {
				.kind = PMF_KIND_POISON, .device_id = (char[]){ "bus/uuid" },
				.source = i == first ? PMF_SOURCE_MEMORY_FAILURE :
					  PMF_SOURCE_BADBLOCKS,
				.range = { i << 12, (i + 1) << 12 },
			};

			CHECK_EQ(pmf_intake_add(in, &e, &v), 0);
		}
		CHECK_EQ(pmf_intake_next(in, &f), 0);
		CHECK_EQ(f->source, PMF_SOURCE_MEMORY_FAILURE);
		pmf_intake_free(in);
	}
}
