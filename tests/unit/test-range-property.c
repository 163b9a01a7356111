// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets of ranges that live long: whatever is done to them in whatever order, at both ends
 * of all addresses, with memory or without, they are what a map of bytes says.
 */
#include "model/range.h"
#include "test.h"

#define SPACE	96
#define SETS	4
#if defined(__SANITIZE_ADDRESS__)
#define STEPS	4000
#else
#define STEPS	40000
#endif

struct mapped {
	struct pmf_ranges set;
	bool map[SPACE];
};

/* The map is of the first bytes of all, or of the last. */
static uint64_t base;

static struct pmf_range some_range(void)
{
	uint64_t a = test_below(SPACE), n = test_below(test_below(3) ? 8 : SPACE);

	return (struct pmf_range){ base + a, base + MIN(a + n, (uint64_t)SPACE) };
}

/* Sorted, merged, and exactly what the map has. */
static bool is_right(const struct mapped *m)
{
	bool mine[SPACE] = {};
	uint64_t bytes = 0;

	for (size_t i = 0; i < m->set.n; i++) {
		const struct pmf_range *r = &m->set.v[i];

		if (pmf_range_empty(*r) || r->start < base || r->end - base > SPACE ||
		    (i > 0 && r->start <= m->set.v[i - 1].end))
			return false;
		for (uint64_t b = r->start; b < r->end; b++)
			mine[b - base] = true;
		bytes += r->end - r->start;
	}
	return memcmp(mine, m->map, sizeof(mine)) == 0 &&
	       pmf_ranges_bytes(&m->set) == bytes;
}

static void mark(bool *map, struct pmf_range r)
{
	for (uint64_t b = r.start; b < r.end; b++)
		map[b - base] = true;
}

enum what { ADD, ADD_ALL, SUBTRACT, INTERSECT, COPY, EMPTY, WHAT_N };

/* The byte that it makes of one of each. */
static bool combine(enum what what, bool a, bool b)
{
	return what == ADD_ALL ? a || b : what == SUBTRACT ? a && !b :
	       what == INTERSECT ? a && b : what == COPY ? b : false;
}

static int act(enum what what, struct mapped *a, const struct mapped *b, struct pmf_range r)
{
	struct pmf_ranges copy = {};
	int err = 0;

	switch (what) {
	case ADD:
		return pmf_ranges_add(&a->set, r);
	case ADD_ALL:
		return pmf_ranges_add_all(&a->set, &b->set);
	case SUBTRACT:
		return pmf_ranges_subtract(&a->set, &b->set);
	case INTERSECT:
		return pmf_ranges_intersect(&a->set, &b->set, &a->set);
	case COPY:
		err = pmf_ranges_copy(&b->set, &copy);
		if (err < 0)
			return err;
		pmf_ranges_done(&a->set);
		a->set = copy;
		return 0;
	case EMPTY:
	case WHAT_N:
		pmf_ranges_done(&a->set);
	}
	return err;
}

/* One step on a, with b, which may be a itself. False: it broke something. */
static bool step(struct mapped *a, const struct mapped *b)
{
	enum what what = (enum what)test_below(WHAT_N);
	struct pmf_range r = some_range();
	bool failed, map[SPACE];
	int err;

	if (what == EMPTY && test_below(8) > 0)
		what = ADD;
	memcpy(map, a->map, sizeof(map));
	for (int i = 0; i < SPACE && what != ADD; i++)
		map[i] = combine(what, a->map[i], b->map[i]);
	if (what == ADD)
		mark(map, r);
	test_alloc_fail(test_below(6) == 0 ? 1 : 0);
	err = act(what, a, b, r);
	failed = test_alloc_failed() && err == -ENOMEM;
	test_alloc_fail(0);
	if (err < 0 && !failed)
		return false;
	if (err == 0)
		memcpy(a->map, map, sizeof(map));
	return is_right(a) && is_right(b);
}

static bool asks_right(const struct mapped *m)
{
	struct pmf_range r = some_range();
	bool any = false, all = true;

	for (uint64_t b = r.start; b < r.end; b++) {
		any |= m->map[b - base];
		all &= m->map[b - base];
	}
	return pmf_ranges_overlap(&m->set, r) == any && pmf_ranges_cover(&m->set, r) == all;
}

static void live_long(uint64_t from)
{
	struct mapped sets[SETS] = {};
	bool right = true;
	int i;

	base = from;
	for (i = 0; i < STEPS && right; i++)
		right = step(&sets[test_below(SETS)], &sets[test_below(SETS)]) &&
			asks_right(&sets[test_below(SETS)]);
	for (size_t k = 0; k < SETS; k++)
		pmf_ranges_done(&sets[k].set);
	CHECK(right);
	CHECK_EQ(i, STEPS);
}

TEST(from_the_first_byte)
{
	live_long(0);
}

TEST(to_the_last_byte)
{
	live_long(UINT64_MAX - SPACE);
}
