// SPDX-License-Identifier: GPL-2.0-only
/*
 * Poison of one device, against a map of its pages: whatever comes in whatever order,
 * all of it is given, none of it twice, and quickly.
 */
#include <time.h>

#include "flow/damage.h"
#include "flow/intake.h"
#include "test.h"

static void intakep(struct pmf_intake **in)
{
	pmf_intake_free(*in);
}
#define _cleanup_intake_ _cleanup_(intakep)

static void rangesp(struct pmf_ranges *set)
{
	pmf_ranges_done(set);
}
#define _cleanup_ranges_ _cleanup_(rangesp)

#define _cleanup_failure_ _cleanup_(pmf_failure_freep)

static char id[] = "bus/uuid", name[] = "pmem0", other[] = "bus/other";

static struct pmf_event pages(uint64_t first, uint64_t n)
{
	return (struct pmf_event){
		.kind = PMF_KIND_POISON, .source = PMF_SOURCE_BADBLOCKS, .device_id = id,
		.device_name = name, .range = { first << 12, (first + n) << 12 },
		.time_us = 3,
	};
}

/* -errno or the verdict. */
static int add(struct pmf_intake *in, uint64_t first, uint64_t n)
{
	struct pmf_event e = pages(first, n);
	enum pmf_intake_verdict v;
	int r = pmf_intake_add(in, &e, &v);

	return r < 0 ? r : (int)v;
}

/* Is it exactly page first to first + n, and then nothing? */
static bool gives(struct pmf_intake *in, uint64_t first, uint64_t n)
{
	_cleanup_failure_ struct pmf_failure *f = NULL, *more = NULL;

	return pmf_intake_next(in, &f) == 0 && f->ranges.n == 1 &&
	       f->kind == PMF_KIND_POISON && streq(f->device_id, id) &&
	       streq(f->device_name, name) && f->created_us == 3 &&
	       f->ranges.v[0].start == first << 12 &&
	       f->ranges.v[0].end == (first + n) << 12 &&
	       pmf_intake_next(in, &more) == -EAGAIN;
}

/* Mark what a failure gives; false when a page of it was given before. */
static bool mark(const struct pmf_ranges *set, bool *given, uint64_t space)
{
	for (size_t i = 0; i < set->n; i++) {
		if (pmf_range_empty(set->v[i]) || set->v[i].end > space << 12 ||
		    (i > 0 && set->v[i].start <= set->v[i - 1].end))
			return false;
		for (uint64_t p = set->v[i].start >> 12; p < set->v[i].end >> 12; p++) {
			if (given[p])
				return false;
			given[p] = true;
		}
	}
	return true;
}

/*
 * n events of at most longest pages, now and then taken, and at the end. With a bound
 * that is never reached what is given is exactly what came.
 */
static void storm(uint64_t space, size_t max, int n, uint64_t longest, uint64_t take)
{
	_cleanup_intake_ struct pmf_intake *in = NULL;
	_cleanup_free_ bool *hit = calloc(space, 1), *given = calloc(space, 1);
	size_t extra = 0, missing = 0, failures = 0;
	int r;

	CHECK(hit && given);
	CHECK_EQ(pmf_intake_new(max, &in), 0);
	for (int i = 0; i <= n; i++) {
		uint64_t first = test_below(space), len = 1 + test_below(longest);

		len = MIN(len, space - first);
		if (i < n) {
			bool seen = true;

			for (uint64_t p = first; p < first + len; p++) {
				seen = seen && given[p];
				hit[p] = true;
			}
			r = add(in, first, len);
			CHECK(r >= 0);
			CHECK_EQ(r == PMF_INTAKE_REPEAT, seen);
		}
		while (i == n || test_below(take) == 0) {
			_cleanup_failure_ struct pmf_failure *f = NULL;

			r = pmf_intake_next(in, &f);
			if (r == -EAGAIN)
				break;
			CHECK_EQ(r, 0);
			CHECK(f->ranges.n > 0 && f->ranges.n <= 2 * max);
			CHECK(mark(&f->ranges, given, space));
			failures++;
		}
	}
	for (uint64_t p = 0; p < space; p++) {
		missing += hit[p] && !given[p];
		extra += given[p] && !hit[p];
	}
	test_say("%zu failures, %zu pages more than came", failures, extra);
	CHECK_EQ(missing, 0);
	if (space / 2 < max)
		CHECK_EQ(extra, 0);
	else
		CHECK(extra > 0);
}

TEST(a_storm_of_pages_is_given_exactly_once) { storm(100000, 65536, 100000, 1, 5000); }
TEST(a_storm_of_ranges_is_given_exactly_once) { storm(100000, 65536, 20000, 40, 500); }
TEST(small_storms_taken_often) { storm(500, 251, 20000, 7, 3); }
TEST(beyond_the_bound_it_is_widened_not_lost) { storm(20000, 50, 20000, 3, 200); }
TEST(a_bound_of_one) { storm(1000, 1, 300, 3, 10); }

TEST(a_hundred_thousand_pages_are_quick)
{
	_cleanup_intake_ struct pmf_intake *in = NULL;
	_cleanup_failure_ struct pmf_failure *f = NULL;
	clock_t begin = clock();
	double took;

	CHECK_EQ(pmf_intake_new(65536, &in), 0);
	for (int i = 0; i < 100000; i++)
		CHECK(add(in, test_below(1ULL << 36), 1) >= 0);
	CHECK_EQ(pmf_intake_next(in, &f), 0);
	CHECK(f->ranges.n > 60000 && f->ranges.n <= 65536);
	for (int i = 0; i < 100000; i++)	/* against as many that are known */
		CHECK(add(in, test_below(1ULL << 36), 1) >= 0);
	f = pmf_failure_free(f);
	CHECK_EQ(pmf_intake_next(in, &f), 0);
	took = (double)(clock() - begin) / CLOCKS_PER_SEC;
	test_say("%.2f s", took);
	CHECK(took < 20);	/* plain it is a fraction of one; with sanitizers more */
}

/* Also before anybody takes it. */
TEST(what_waits_is_bounded)
{
	struct pmf_damage d = {};
	bool news, ok = true;

	for (int i = 0; ok && i < 20000; i++)
		ok = pmf_damage_add(&d, pages(test_below(1ULL << 36), 1).range, 3000,
				    &news) == 0 && news && d.waiting.n <= 3000 &&
		     d.fresh.n <= 1024;
	ok = ok && d.waiting.n == 3000;
	pmf_damage_done(&d);
	CHECK(ok);
}

/* Of gaps just as wide only as many are closed as must be, the first. */
TEST(no_more_is_widened_than_must_be)
{
	_cleanup_intake_ struct pmf_intake *in = NULL;
	_cleanup_failure_ struct pmf_failure *f = NULL;

	CHECK_EQ(pmf_intake_new(4, &in), 0);
	for (uint64_t i = 0; i < 6; i++)
		CHECK(add(in, i * 10, 1) >= 0);
	CHECK_EQ(pmf_intake_next(in, &f), 0);
	CHECK_EQ(f->ranges.n, 4);
	CHECK_EQ(f->ranges.v[0].end, 21 << 12);
	CHECK_EQ(pmf_ranges_bytes(&f->ranges), 24 << 12);
}

/* More is known than the bound: that is not widened for one more. */
TEST(known_is_not_widened)
{
	_cleanup_intake_ struct pmf_intake *in = NULL;
	_cleanup_ranges_ struct pmf_ranges known = {};

	CHECK_EQ(pmf_intake_new(4, &in), 0);
	for (uint64_t i = 0; i < 10; i++)
		CHECK_EQ(pmf_ranges_add(&known, pages(i * 2, 1).range), 0);
	CHECK_EQ(pmf_intake_known(in, id, &known), 0);
	CHECK_EQ(add(in, 19, 2), PMF_INTAKE_NEW);
	CHECK(gives(in, 19, 2));
	/* Nor does the bound take back that one more is one too many. */
	CHECK_EQ(add(in, 1000, 1), PMF_INTAKE_NEW);
	{
		_cleanup_failure_ struct pmf_failure *f = NULL;

		CHECK_EQ(pmf_intake_next(in, &f), 0);
		CHECK_EQ(pmf_ranges_bytes(&f->ranges), 2 << 12);
	}
}

TEST(the_oldest_goes_first)
{
	_cleanup_intake_ struct pmf_intake *in = NULL;
	_cleanup_failure_ struct pmf_failure *a = NULL, *b = NULL;
	struct pmf_event e = pages(0, 1);
	enum pmf_intake_verdict v;

	CHECK_EQ(pmf_intake_new(4, &in), 0);
	e.device_id = other;
	e.time_us = 9;
	CHECK_EQ(pmf_intake_add(in, &e, &v), 0);
	CHECK_EQ(add(in, 0, 1), PMF_INTAKE_NEW);
	CHECK_EQ(pmf_intake_next(in, &a), 0);
	CHECK_STR(a->device_id, id);
	CHECK_EQ(pmf_intake_next(in, &b), 0);
	CHECK_STR(b->device_id, other);
}

TEST(known_is_no_news)
{
	_cleanup_intake_ struct pmf_intake *in = NULL;
	_cleanup_ranges_ struct pmf_ranges known = {}, none = {};

	CHECK_EQ(pmf_intake_new(8, &in), 0);
	CHECK_EQ(pmf_ranges_add(&known, pages(10, 10).range), 0);
	CHECK_EQ(pmf_intake_known(in, id, &known), 0);
	CHECK_EQ(add(in, 12, 3), PMF_INTAKE_REPEAT);
	CHECK_EQ(add(in, 15, 10), PMF_INTAKE_NEW);
	CHECK(gives(in, 20, 5));
	CHECK_EQ(add(in, 10, 15), PMF_INTAKE_REPEAT);	/* what was given is known */
	CHECK_EQ(pmf_intake_known(in, id, &none), 0);	/* replaced */
	CHECK_EQ(add(in, 10, 15), PMF_INTAKE_NEW);
	CHECK(gives(in, 10, 15));
}

TEST(what_gets_known_while_it_waits_is_not_given)
{
	_cleanup_intake_ struct pmf_intake *in = NULL;
	_cleanup_ranges_ struct pmf_ranges known = {};
	struct pmf_failure *f = NULL;

	CHECK_EQ(pmf_intake_new(8, &in), 0);
	CHECK_EQ(add(in, 10, 10), PMF_INTAKE_NEW);
	CHECK_EQ(pmf_ranges_add(&known, pages(5, 10).range), 0);
	CHECK_EQ(pmf_intake_known(in, id, &known), 0);
	CHECK(gives(in, 15, 5));
	CHECK_EQ(add(in, 30, 1), PMF_INTAKE_NEW);
	CHECK_EQ(pmf_ranges_add(&known, pages(0, 100).range), 0);
	CHECK_EQ(pmf_intake_known(in, id, &known), 0);
	CHECK_EQ(pmf_intake_next(in, &f), -EAGAIN);
	CHECK(!f);
	CHECK_EQ(add(in, 100, 1), PMF_INTAKE_NEW);	/* not merged into that */
	CHECK(gives(in, 100, 1));
}

TEST(forgotten_is_news_again)
{
	_cleanup_intake_ struct pmf_intake *in = NULL;
	_cleanup_ranges_ struct pmf_ranges gone = {};

	CHECK_EQ(pmf_intake_new(8, &in), 0);
	CHECK_EQ(pmf_ranges_add(&gone, pages(12, 3).range), 0);
	CHECK_EQ(pmf_intake_forget(in, id, &gone), 0);	/* never heard of */
	CHECK_EQ(pmf_intake_devices(in), 0);
	CHECK_EQ(add(in, 10, 10), PMF_INTAKE_NEW);
	CHECK(gives(in, 10, 10));
	CHECK_EQ(pmf_intake_forget(in, id, &gone), 0);
	CHECK_EQ(add(in, 10, 2), PMF_INTAKE_REPEAT);
	CHECK_EQ(add(in, 10, 10), PMF_INTAKE_NEW);
	CHECK(gives(in, 12, 3));
}

TEST(held_poison_gathers)
{
	_cleanup_intake_ struct pmf_intake *in = NULL;
	_cleanup_failure_ struct pmf_failure *f = NULL, *removal = NULL;
	struct pmf_event e = pages(0, 1);
	enum pmf_intake_verdict v;

	CHECK_EQ(pmf_intake_new(8, &in), 0);
	CHECK_EQ(pmf_intake_hold_poison(in, id, true), 0);
	CHECK_EQ(add(in, 1, 1), PMF_INTAKE_NEW);
	CHECK_EQ(add(in, 3, 1), PMF_INTAKE_MERGED);
	CHECK_EQ(pmf_intake_next(in, &f), -EAGAIN);
	e.device_id = other;			/* others do not wait for it */
	e.time_us = 9;
	CHECK_EQ(pmf_intake_add(in, &e, &v), 0);
	CHECK_EQ(pmf_intake_next(in, &f), 0);
	CHECK_STR(f->device_id, other);
	e = pages(0, 0);			/* nor does its own removal */
	e.kind = PMF_KIND_REMOVE;
	e.range = PMF_RANGE_ALL;
	CHECK_EQ(pmf_intake_add(in, &e, &v), 0);
	CHECK_EQ(pmf_intake_next(in, &removal), 0);
	CHECK_EQ(removal->kind, PMF_KIND_REMOVE);
	CHECK_EQ(add(in, 2, 1), PMF_INTAKE_MERGED);
	CHECK_EQ(pmf_intake_hold_poison(in, id, false), 0);
	CHECK_EQ(pmf_intake_hold_poison(in, "bus/never", false), 0);
	CHECK_EQ(pmf_intake_devices(in), 2);
	CHECK(gives(in, 1, 3));
}

/* Only what nobody needs is forgotten for want of room. */
TEST(a_thousand_devices_later_it_is_still_known)
{
	_cleanup_intake_ struct pmf_intake *in = NULL;
	_cleanup_failure_ struct pmf_failure *f = NULL;
	enum pmf_intake_verdict v;
	char text[32];

	CHECK_EQ(pmf_intake_new(8, &in), 0);
	CHECK_EQ(add(in, 1, 1), PMF_INTAKE_NEW);
	CHECK(gives(in, 1, 1));
	CHECK_EQ(pmf_intake_hold_poison(in, other, true), 0);
	for (int i = 0; i < 3000; i++) {
		_cleanup_failure_ struct pmf_failure *gone = NULL;
		struct pmf_event e = pages(0, 1);

		(void)snprintf(text, sizeof(text), "bus/%d", i);
		e.kind = PMF_KIND_REMOVE;
		e.device_id = text;
		CHECK_EQ(pmf_intake_add(in, &e, &v), 0);
		CHECK_EQ(pmf_intake_next(in, &gone), 0);
	}
	CHECK(pmf_intake_devices(in) <= 1024);
	CHECK_EQ(add(in, 1, 1), PMF_INTAKE_REPEAT);
	{
		struct pmf_event e = pages(0, 1);

		e.device_id = other;
		CHECK_EQ(pmf_intake_add(in, &e, &v), 0);
		CHECK_EQ(pmf_intake_next(in, &f), -EAGAIN);
	}
}

/* Each allocation fails once: what was added before is given in the end, once. */
TEST(without_memory_nothing_is_lost)
{
	unsigned int nth;
	bool over = false;

	for (nth = 1; !over; nth++) {
		_cleanup_intake_ struct pmf_intake *in = NULL;
		_cleanup_ranges_ struct pmf_ranges known = {};
		bool hit[64] = {}, given[64] = {};
		struct pmf_failure *f = NULL;
		int r = 0;

		CHECK_EQ(pmf_ranges_add(&known, pages(40, 4).range), 0);
		CHECK_EQ(pmf_intake_new(64, &in), 0);
		test_alloc_fail(nth);
		for (uint64_t p = 0; p < 20; p++) {
			uint64_t first = p * 3, n = 1 + p % 3;

			if (p == 5)
				r = pmf_intake_known(in, id, &known);
			if (p % 8 == 7)
				r = pmf_intake_next(in, &f);
			if (r == 0 && f && !mark(&f->ranges, given, 64))
				CHECK(!"given twice");
			f = pmf_failure_free(f);
			if (p == 6 || add(in, first, n) < 0)
				continue;
			for (uint64_t i = first; i < first + n; i++)
				hit[i] = true;
		}
		over = !test_alloc_failed();
		test_alloc_fail(0);
		while (pmf_intake_next(in, &f) == 0) {
			CHECK(mark(&f->ranges, given, 64));
			f = pmf_failure_free(f);
		}
		for (int i = 0; i < 64; i++)
			CHECK(!hit[i] || given[i] || (i >= 40 && i < 44));
	}
	CHECK(nth > 10);
	test_say("%u allocations", nth - 2);
}
