// SPDX-License-Identifier: GPL-2.0-only
/*
 * What sets of ranges make of each other, against a map of bytes, and that a
 * small set costs little against a large one.
 */
#include <time.h>

#include "model/range.h"
#include "test.h"

#define SPACE	200
#define ROUNDS	4000

struct mapped {
	struct pmf_ranges set;
	bool map[SPACE];
};

static void mappedp(struct mapped *m)
{
	pmf_ranges_done(&m->set);
}
#define _cleanup_mapped_ _cleanup_(mappedp)

static void rangesp(struct pmf_ranges *set)
{
	pmf_ranges_done(set);
}
#define _cleanup_ranges_ _cleanup_(rangesp)

static struct pmf_range some_range(uint64_t longest)
{
	uint64_t a = test_below(SPACE), end = a + test_below(longest);

	return (struct pmf_range){ a, MIN(end, (uint64_t)SPACE) };
}

/* Anything from nothing to nearly all of the space. */
static bool fill(struct mapped *m)
{
	uint64_t n = test_below(14), longest = test_below(2) ? 4 : 40;

	for (uint64_t i = 0; i < n; i++) {
		struct pmf_range r = some_range(longest);

		if (pmf_ranges_add(&m->set, r) < 0)
			return false;
		for (uint64_t b = r.start; b < r.end; b++)
			m->map[b] = true;
	}
	return true;
}

/* Sorted, merged, and exactly what the map has. */
static bool is(const struct pmf_ranges *set, const bool map[SPACE])
{
	bool mine[SPACE] = {};

	for (size_t i = 0; i < set->n; i++) {
		if (pmf_range_empty(set->v[i]) || set->v[i].end > SPACE ||
		    (i > 0 && set->v[i].start <= set->v[i - 1].end))
			return false;
		for (uint64_t b = set->v[i].start; b < set->v[i].end; b++)
			mine[b] = true;
	}
	return memcmp(mine, map, sizeof(mine)) == 0;
}

TEST(subtract_matches_byte_map)
{
	for (int round = 0; round < ROUNDS; round++) {
		_cleanup_mapped_ struct mapped a = {}, b = {};

		CHECK(fill(&a) && fill(&b));
		for (int i = 0; i < SPACE; i++)
			a.map[i] = a.map[i] && !b.map[i];
		CHECK_EQ(pmf_ranges_subtract(&a.set, &b.set), 0);
		CHECK(is(&a.set, a.map));
		CHECK(is(&b.set, b.map));
	}
}

TEST(intersect_matches_byte_map)
{
	for (int round = 0; round < ROUNDS; round++) {
		_cleanup_mapped_ struct mapped a = {}, b = {}, both = {};

		CHECK(fill(&a) && fill(&b) && fill(&both));	/* is replaced */
		for (int i = 0; i < SPACE; i++)
			both.map[i] = a.map[i] && b.map[i];
		CHECK_EQ(pmf_ranges_intersect(&a.set, &b.set, &both.set), 0);
		CHECK(is(&both.set, both.map));
		CHECK_EQ(pmf_ranges_intersect(&b.set, &a.set, &both.set), 0);
		CHECK(is(&both.set, both.map));
		CHECK(is(&a.set, a.map) && is(&b.set, b.map));
	}
}

TEST(overlap_and_cover_match_byte_map)
{
	for (int round = 0; round < ROUNDS; round++) {
		_cleanup_mapped_ struct mapped a = {};

		CHECK(fill(&a));
		for (int i = 0; i < 20; i++) {
			struct pmf_range r = some_range(24);
			bool any = false, all = true;

			for (uint64_t b = r.start; b < r.end; b++) {
				any = any || a.map[b];
				all = all && a.map[b];
			}
			CHECK_EQ(pmf_ranges_overlap(&a.set, r), any);
			CHECK_EQ(pmf_ranges_cover(&a.set, r), all);
		}
	}
}

TEST(a_set_with_itself)
{
	_cleanup_ranges_ struct pmf_ranges set = {};

	CHECK_EQ(pmf_ranges_add(&set, (struct pmf_range){ 1, 3 }), 0);
	CHECK_EQ(pmf_ranges_add(&set, (struct pmf_range){ 5, 7 }), 0);
	CHECK_EQ(pmf_ranges_intersect(&set, &set, &set), 0);
	CHECK_EQ(set.n, 2);
	CHECK_EQ(pmf_ranges_bytes(&set), 4);
	CHECK_EQ(pmf_ranges_subtract(&set, &set), 0);
	CHECK_EQ(set.n, 0);
}

TEST(the_whole_space)
{
	_cleanup_ranges_ struct pmf_ranges all = {}, hole = {}, both = {};

	CHECK_EQ(pmf_ranges_add(&all, PMF_RANGE_ALL), 0);
	CHECK_EQ(pmf_ranges_add(&hole, (struct pmf_range){ 4096, 8192 }), 0);
	CHECK(pmf_ranges_cover(&all, PMF_RANGE_ALL));
	CHECK(!pmf_ranges_cover(&hole, PMF_RANGE_ALL));
	CHECK(pmf_ranges_overlap(&hole, PMF_RANGE_ALL));
	CHECK_EQ(pmf_ranges_intersect(&all, &hole, &both), 0);
	CHECK_EQ(pmf_ranges_bytes(&both), 4096);
	CHECK_EQ(pmf_ranges_subtract(&all, &hole), 0);
	CHECK_EQ(all.n, 2);
	CHECK(all.v[1].start == 8192 && all.v[1].end == UINT64_MAX);
}

/* A million ranges, and a million times one range against them: what looked at all
 * of them each time would take hours. */
TEST(one_range_against_many_is_quick)
{
	_cleanup_ranges_ struct pmf_ranges many = {};
	clock_t begin = clock();
	double took;

	for (uint64_t i = 0; i < 1000000; i++)
		CHECK_EQ(pmf_ranges_add(&many, (struct pmf_range){ i * 8, i * 8 + 4 }), 0);
	for (uint64_t i = 0; i < 1000000; i++) {
		_cleanup_ranges_ struct pmf_ranges one = {};
		uint64_t at = test_below(1000000) * 8;

		CHECK_EQ(pmf_ranges_add(&one, (struct pmf_range){ at, at + 6 }), 0);
		CHECK_EQ(pmf_ranges_subtract(&one, &many), 0);
		CHECK_EQ(one.n, 1);
		CHECK(one.cap < 100);
		CHECK_EQ(one.v[0].start, at + 4);
		CHECK(pmf_ranges_cover(&many, (struct pmf_range){ at, at + 4 }));
		CHECK(!pmf_ranges_overlap(&many, (struct pmf_range){ at + 4, at + 8 }));
	}
	took = (double)(clock() - begin) / CLOCKS_PER_SEC;
	test_say("%.2f s", took);
	CHECK(took < 60);	/* a sanitizer on a busy machine takes a few seconds */
}

TEST(many_against_many_is_linear)
{
	_cleanup_ranges_ struct pmf_ranges a = {}, b = {}, both = {};

	for (uint64_t i = 0; i < 1000000; i++) {
		CHECK_EQ(pmf_ranges_add(&a, (struct pmf_range){ i * 8, i * 8 + 6 }), 0);
		CHECK_EQ(pmf_ranges_add(&b, (struct pmf_range){ i * 8 + 2, i * 8 + 3 }), 0);
	}
	CHECK_EQ(pmf_ranges_intersect(&a, &b, &both), 0);
	CHECK_EQ(both.n, 1000000);
	CHECK_EQ(pmf_ranges_subtract(&a, &b), 0);
	CHECK_EQ(a.n, 2000000);
	CHECK_EQ(pmf_ranges_bytes(&a), 5000000);
}
