// SPDX-License-Identifier: GPL-2.0-only
/*
 * Translation of ranges through partitions and device-mapper against an oracle
 * that follows every single byte down; names; cycles.
 */
#include "model/topology.h"
#include "test.h"

#define SPACE 512

/* Where byte b of a piece lies below: the definition in topology.h, downwards. */
static bool byte_below(const struct pmf_segment *s, uint64_t b, uint64_t *ret)
{
	uint64_t x, c;

	if (b < s->range.start || b >= s->range.end)
		return false;
	x = b - s->range.start;
	if (s->stripes <= 1) {
		*ret = s->start + x;
		return true;
	}
	c = x / s->chunk;
	if (c % s->stripes != s->stripe)
		return false;
	*ret = s->start + c / s->stripes * s->chunk + x % s->chunk;
	return true;
}

static bool covers(const struct pmf_ranges *set, uint64_t b)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		if (b >= set->v[i].start && b < set->v[i].end)
			return true;
	return false;
}

static struct pmf_segment some_segment(dev_t below)
{
	uint64_t start = test_below(64);
	struct pmf_segment s = {
		.range = { start, start + 1 + test_below(200) },
		.below = below,
		.start = test_below(64),
	};

	if (test_below(3)) {
		s.stripes = 2 + (uint32_t)test_below(4);
		s.stripe = (uint32_t)test_below(s.stripes);
		s.chunk = 1 + test_below(20);
	}
	return s;
}

TEST(segment_up_is_exact)
{
	unsigned int round;

	for (round = 0; round < 20000; round++) {
		struct pmf_segment s = some_segment(1);
		struct pmf_range r = { test_below(SPACE), test_below(SPACE) };
		struct pmf_ranges own = {};
		uint64_t b, below;
		bool ok;

		if (r.end < r.start)
			r = (struct pmf_range){ r.end, r.start };
		if (test_below(10) == 0)
			r.end = UINT64_MAX;
		ok = pmf_segment_up(&s, r, &own) == 0;
		for (b = 0; ok && b < SPACE; b++)
			ok = covers(&own, b) == (byte_below(&s, b, &below) &&
						 below >= r.start && below < r.end);
		pmf_ranges_done(&own);
		if (!ok)
			test_say("range %llu-%llu chunk %llu stripe %u/%u", (unsigned long long)
				 r.start, (unsigned long long)r.end,
				 (unsigned long long)s.chunk, s.stripe, s.stripes);
		CHECK(ok);
	}
}

TEST(segment_up_refuses_bad_stripes)
{
	struct pmf_segment s = { .range = { 0, 100 }, .stripes = 2, .stripe = 2, .chunk = 4 };
	struct pmf_ranges own = {};

	CHECK_EQ(pmf_segment_up(&s, PMF_RANGE_ALL, &own), -EINVAL);
	s.stripe = 1;
	s.chunk = 0;
	CHECK_EQ(pmf_segment_up(&s, PMF_RANGE_ALL, &own), -EINVAL);
	CHECK_EQ(own.n, 0);
}

TEST(segment_up_survives_the_ends_of_numbers)
{
	struct pmf_segment s = {
		.range = { UINT64_MAX - 1000, UINT64_MAX }, .start = UINT64_MAX - 10,
		.stripes = 3, .stripe = 2, .chunk = 1ULL << 40,
	};
	struct pmf_ranges own = {};
	bool ok;

	ok = pmf_segment_up(&s, PMF_RANGE_ALL, &own) == 0 && own.n == 0;
	s.stripe = 0;
	ok = ok && pmf_segment_up(&s, PMF_RANGE_ALL, &own) == 0 && own.n == 1 &&
	     own.v[0].start == UINT64_MAX - 1000 && own.v[0].end == UINT64_MAX - 990;
	pmf_ranges_done(&own);
	CHECK(ok);
}

TEST(segment_up_widens_but_loses_nothing)
{
	struct pmf_segment s = {
		.range = { 4096, 4096 + (1ULL << 40) }, .stripes = 2, .stripe = 1, .chunk = 4096,
	};
	struct pmf_ranges own = {};
	bool ok;

	/* The whole leg: one range from its first byte to its last. */
	ok = pmf_segment_up(&s, PMF_RANGE_ALL, &own) == 0 && own.n == 1 &&
	     own.v[0].start == 8192 && own.v[0].end == s.range.end;
	pmf_ranges_done(&own);
	CHECK(ok);
}

/* --- the walk, over stacks that are built at random --- */

#define N_BLOCKS 8

struct seen {
	unsigned int calls[N_BLOCKS];
	bool bytes[N_BLOCKS][SPACE];
	unsigned int n;
	dev_t first;
	bool merged;
};

static int note(const struct pmf_block *b, const struct pmf_ranges *own, void *userdata)
{
	struct seen *s = userdata;
	size_t k = (size_t)b->devno - 1, i;
	uint64_t at;

	if (s->n++ == 0)
		s->first = b->devno;
	s->calls[k]++;
	s->merged = true;
	for (i = 0; i < own->n; i++) {
		if (i > 0 && own->v[i].start <= own->v[i - 1].end)
			s->merged = false;
		for (at = own->v[i].start; at < MIN(own->v[i].end, (uint64_t)SPACE); at++)
			s->bytes[k][at] = true;
	}
	return 0;
}

/* Does byte b of block k lie, however deep, on range r of block 0? */
static bool reaches(const struct pmf_block *blocks, size_t k, uint64_t b, struct pmf_range r)
{
	uint64_t below;
	size_t j;

	if (k == 0)
		return b >= r.start && b < r.end;
	for (j = 0; j < blocks[k].n_segments; j++)
		if (byte_below(&blocks[k].segments[j], b, &below) &&
		    reaches(blocks, (size_t)blocks[k].segments[j].below - 1, below, r))
			return true;
	return false;
}

TEST(walk_up_is_exact_and_merges)
{
	unsigned int round;

	for (round = 0; round < 1500; round++) {
		struct pmf_segment segments[N_BLOCKS][3];
		struct pmf_block blocks[N_BLOCKS] = {}, shuffled[N_BLOCKS];
		struct pmf_topology t = { .blocks = shuffled, .n_blocks = N_BLOCKS };
		struct pmf_range r = { test_below(200), 0 };
		struct seen seen = {};
		size_t k, j;

		r.end = r.start + test_below(60);
		for (k = 0; k < N_BLOCKS; k++) {
			blocks[k].devno = k + 1;
			blocks[k].kind = k ? PMF_BLOCK_DM : PMF_BLOCK_DISK;
			blocks[k].segments = segments[k];
			blocks[k].n_segments = k ? 1 + test_below(3) : 0;
			for (j = 0; j < blocks[k].n_segments; j++)
				segments[k][j] = some_segment(1 + test_below(k));
		}
		memcpy(shuffled, blocks, sizeof(blocks));
		for (k = N_BLOCKS - 1; k > 0; k--) {	/* order must not matter */
			struct pmf_block tmp = shuffled[k];

			j = test_below(k + 1);
			shuffled[k] = shuffled[j];
			shuffled[j] = tmp;
		}
		CHECK_EQ(pmf_topology_up(&t, 1, r, note, &seen), 0);
		CHECK(r.end == r.start || (seen.first == 1 && seen.merged));
		for (k = 0; k < N_BLOCKS; k++) {
			uint64_t b;

			for (b = 0; b < SPACE; b++)
				CHECK_EQ(seen.bytes[k][b], reaches(blocks, k, b, r));
			CHECK(seen.calls[k] <= 1);
		}
	}
}

static struct pmf_segment linear(dev_t below)
{
	return (struct pmf_segment){ .range = { 0, 100 }, .below = below };
}

TEST(a_cycle_is_an_error_before_any_call)
{
	struct pmf_segment s1[] = { linear(1), linear(3) }, s2[] = { linear(2) };
	struct pmf_segment self[] = { linear(1), linear(2) };
	struct pmf_block blocks[] = {
		{ .devno = 1 },
		{ .devno = 2, .kind = PMF_BLOCK_DM, .segments = s1, .n_segments = 2 },
		{ .devno = 3, .kind = PMF_BLOCK_DM, .segments = s2, .n_segments = 1 },
	};
	struct pmf_topology t = { .blocks = blocks, .n_blocks = 3 };
	struct seen seen = {};

	CHECK_EQ(pmf_topology_up(&t, 1, PMF_RANGE_ALL, note, &seen), -ELOOP);
	CHECK_EQ(seen.n, 0);
	t.n_blocks = 2;		/* one that lies on itself */
	blocks[1].segments = self;
	CHECK_EQ(pmf_topology_up(&t, 1, PMF_RANGE_ALL, note, &seen), -ELOOP);
}

TEST(a_holder_is_told_and_ends_the_walk)
{
	struct pmf_segment s1 = linear(1), s2 = linear(2);
	struct pmf_block blocks[] = {
		{ .devno = 1 },
		{ .devno = 2, .kind = PMF_BLOCK_HOLDER, .segments = &s1, .n_segments = 1 },
		{ .devno = 3, .kind = PMF_BLOCK_DM, .segments = &s2, .n_segments = 1 },
	};
	struct pmf_topology t = { .blocks = blocks, .n_blocks = 3 };
	struct seen seen = {};

	/* Beyond what its segment says: md's size is not that of a member. */
	CHECK_EQ(pmf_topology_up(&t, 1, (struct pmf_range){ 400, 401 }, note, &seen), 0);
	CHECK_EQ(seen.calls[1], 1);
	CHECK_EQ(seen.calls[2], 0);
}

static int stop(const struct pmf_block *b, const struct pmf_ranges *own, void *userdata)
{
	(void)b;
	(void)own;
	++*(int *)userdata;
	return 42;
}

TEST(the_callback_can_stop)
{
	struct pmf_block b = { .devno = 1 };
	struct pmf_topology t = { .blocks = &b, .n_blocks = 1 };
	int n = 0;

	CHECK_EQ(pmf_topology_up(&t, 1, PMF_RANGE_ALL, stop, &n), 42);
	CHECK_EQ(pmf_topology_up(&t, 9, PMF_RANGE_ALL, stop, &n), 0);
	CHECK_EQ(n, 1);
}

static char *text(const char *s)
{
	return (char *)(uintptr_t)s;	/* never written to */
}

TEST(find_by_every_name)
{
	static const char *const names[] = {
		"ACPI.NFIT/u-1", "pmem0", "/dev/pmem0", "pfn0.0", "namespace0.0", "U-1",
		"pmem0p1", "/dev/pmem0p1",
	};
	struct pmf_segment part = linear(1), both[] = { linear(1), linear(9) };
	struct pmf_device devices[] = {
		{ .id = text("ACPI.NFIT/u-1"), .name = text("pmem0"), .node = text("/dev/pmem0"),
		  .bound = text("pfn0.0"), .ns = text("namespace0.0"), .uuid = text("u-1"),
		  .devno = 1 },
		{ .id = text("ACPI.NFIT/u-2"), .name = text("pmem1"), .devno = 9 },
		{ .id = text("e820/ns"), .ns = text("namespace1.0") },
	};
	struct pmf_block blocks[] = {
		{ .devno = 1, .name = text("pmem0") },
		{ .devno = 2, .name = text("pmem0p1"), .node = text("/dev/pmem0p1"),
		  .segments = &part, .n_segments = 1 },
		{ .devno = 3, .name = text("dm-0"), .segments = both, .n_segments = 2 },
		{ .devno = 9, .name = text("pmem1") },
	};
	struct pmf_topology t = { .devices = devices, .n_devices = 3, .blocks = blocks,
				  .n_blocks = 4 };
	const struct pmf_device *d = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		d = NULL;
		CHECK_EQ(pmf_topology_find(&t, names[i], &d), 0);
		CHECK(d == &devices[0]);
	}
	CHECK_EQ(pmf_topology_find(&t, "dm-0", &d), -ENOTUNIQ);
	CHECK_EQ(pmf_topology_find(&t, "pmem7", &d), -ENODEV);
	CHECK_EQ(pmf_topology_find(&t, "", &d), -ENODEV);
	CHECK(d == &devices[0]);
	CHECK_EQ(pmf_topology_find(&t, "namespace1.0", &d), 0);
	CHECK(d == &devices[2]);
}

/* A copy is what handlings and readings work with: a number left out is a zero. */
TEST(copies_keep_every_number)
{
	struct pmf_device d = { .id = text("d"), .mode = PMF_MODE_FSDAX, .devno = 1, .size = 2,
				.spa = 3, .ns_spa = { 4, 5 }, .region_spa = 6 };
	struct pmf_mount m = { .id = 1, .devno = 2, .dax = true, .log_devno = 3,
			       .rt_devno = 4 };
	struct pmf_topology t = { .devices = &d, .n_devices = 1, .mounts = &m, .n_mounts = 1 };
	struct pmf_topology *c = NULL;

	CHECK_EQ(pmf_topology_copy(&t, &c), 0);
	CHECK(c->devices[0].mode == PMF_MODE_FSDAX && c->devices[0].devno == 1 &&
	      c->devices[0].size == 2 && c->devices[0].spa == 3 &&
	      c->devices[0].ns_spa.start == 4 && c->devices[0].ns_spa.end == 5 &&
	      c->devices[0].region_spa == 6);
	CHECK(c->mounts[0].id == 1 && c->mounts[0].devno == 2 && c->mounts[0].dax &&
	      c->mounts[0].log_devno == 3 && c->mounts[0].rt_devno == 4);
	pmf_topology_free(c);
}
