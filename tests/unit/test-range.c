// SPDX-License-Identifier: GPL-2.0-only
/*
 * Range sets against a byte map: whatever order ranges come in, the set covers
 * exactly the same bytes and is sorted and merged.
 */
#include "model/range.h"
#include "test.h"

#define SPACE 256

static bool sound(const struct pmf_ranges *set)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		if (pmf_range_empty(set->v[i]) ||
		    (i > 0 && set->v[i].start <= set->v[i - 1].end))
			return false;
	return true;
}

static bool same(const struct pmf_ranges *set, const bool map[SPACE])
{
	bool mine[SPACE] = {};
	size_t i;
	uint64_t b;

	for (i = 0; i < set->n; i++)
		for (b = set->v[i].start; b < set->v[i].end; b++)
			mine[b] = true;
	return memcmp(mine, map, sizeof(mine)) == 0;
}

static struct pmf_range some_range(void)
{
	uint64_t a = test_below(SPACE), end = a + test_below(24);

	return (struct pmf_range){ a, MIN(end, (uint64_t)SPACE) };
}

static void mark(bool map[SPACE], struct pmf_range r)
{
	uint64_t b;

	for (b = r.start; b < r.end; b++)
		map[b] = true;
}

TEST(add_matches_byte_map)
{
	unsigned int round, i;

	for (round = 0; round < 3000; round++) {
		struct pmf_ranges set = {};
		bool map[SPACE] = {}, ok = true;
		uint64_t bytes = 0;

		for (i = 0; ok && i < 30; i++) {
			struct pmf_range r = some_range();

			ok = pmf_ranges_add(&set, r) == 0;
			mark(map, r);
			ok = ok && sound(&set) && same(&set, map);
		}
		for (i = 0; i < SPACE; i++)
			bytes += map[i];
		ok = ok && bytes == pmf_ranges_bytes(&set);
		pmf_ranges_done(&set);
		CHECK(ok);
	}
}

TEST(add_all_matches_byte_map)
{
	unsigned int round, i;

	for (round = 0; round < 3000; round++) {
		struct pmf_ranges a = {}, b = {}, copy = {};
		bool map[SPACE] = {}, ok = true;

		for (i = 0; i < 12; i++) {
			struct pmf_range r = some_range();

			ok = ok && pmf_ranges_add(test_below(2) ? &a : &b, r) == 0;
			mark(map, r);
		}
		ok = ok && pmf_ranges_add_all(&a, &b) == 0 && sound(&a) && same(&a, map);
		ok = ok && pmf_ranges_copy(&a, &copy) == 0 && same(&copy, map);
		pmf_ranges_done(&a);
		pmf_ranges_done(&b);
		pmf_ranges_done(&copy);
		CHECK(ok);
	}
}

TEST(touching_ranges_merge)
{
	struct pmf_ranges set = {};
	bool ok;

	ok = pmf_ranges_add(&set, (struct pmf_range){ 0, 10 }) == 0 &&
	     pmf_ranges_add(&set, (struct pmf_range){ 20, 30 }) == 0 && set.n == 2 &&
	     pmf_ranges_add(&set, (struct pmf_range){ 10, 20 }) == 0 && set.n == 1 &&
	     set.v[0].start == 0 && set.v[0].end == 30;
	pmf_ranges_done(&set);
	CHECK(ok);
}

TEST(whole_space_fits)
{
	struct pmf_ranges set = {};
	bool ok;

	ok = pmf_ranges_add(&set, PMF_RANGE_ALL) == 0 &&
	     pmf_ranges_add(&set, (struct pmf_range){ UINT64_MAX - 1, UINT64_MAX }) == 0 &&
	     set.n == 1 && pmf_ranges_bytes(&set) == UINT64_MAX;
	pmf_ranges_done(&set);
	CHECK(ok);
}

TEST(from_length_refuses_nonsense)
{
	struct pmf_range r = { 7, 8 };

	CHECK_EQ(pmf_range_from_length(4, 0, &r), -EINVAL);
	CHECK_EQ(pmf_range_from_length(UINT64_MAX, 1, &r), -ERANGE);
	CHECK(r.start == 7 && r.end == 8);
	CHECK_EQ(pmf_range_from_length(UINT64_MAX - 1, 1, &r), 0);
	CHECK(r.end == UINT64_MAX);
}

TEST(many_ranges_in_order_are_quick)
{
	struct pmf_ranges set = {};
	uint64_t i;
	bool ok = true;

	for (i = 0; ok && i < 1000000; i++)	/* a storm of single pages */
		ok = pmf_ranges_add(&set, (struct pmf_range){ i * 8192, i * 8192 + 4096 }) == 0;
	ok = ok && set.n == 1000000;
	for (i = 0; ok && i < 1000000; i++)	/* the same again costs nothing */
		ok = pmf_ranges_add(&set, (struct pmf_range){ i * 8192, i * 8192 + 4096 }) == 0;
	ok = ok && set.n == 1000000;
	pmf_ranges_done(&set);
	CHECK(ok);
}
