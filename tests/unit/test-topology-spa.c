// SPDX-License-Identifier: GPL-2.0-only
/* Physical addresses to bytes of devices: borders, info blocks, and what is nobody's. */
#include "model/topology.h"
#include "test.h"

#define MB	0x100000ULL

/* pmem0: 2 MB of info block and struct pages, 6 MB of data, 1 MB of padding behind.
 * Then a raw one right behind it, one that is not bound, a BTT, and one at the very
 * end of all addresses. */
static struct pmf_device devices[] = {
	{ .mode = PMF_MODE_FSDAX, .devno = 1, .size = 6 * MB, .spa = 102 * MB,
	  .ns_spa = { 100 * MB, 109 * MB }, .region_spa = 100 * MB },
	{ .mode = PMF_MODE_RAW, .devno = 2, .size = 4 * MB, .spa = 109 * MB,
	  .ns_spa = { 109 * MB, 113 * MB }, .region_spa = 100 * MB },
	{ .mode = PMF_MODE_FSDAX, .size = 4 * MB, .spa = UINT64_MAX,
	  .ns_spa = { 113 * MB, 117 * MB }, .region_spa = 100 * MB },
	{ .mode = PMF_MODE_SECTOR, .devno = 3, .size = 4 * MB, .spa = UINT64_MAX,
	  .ns_spa = { 117 * MB, 121 * MB }, .region_spa = 100 * MB },
	/* Where its namespace lies is not known. */
	{ .mode = PMF_MODE_DEVDAX, .devno = 4, .size = 4 * MB, .spa = 200 * MB,
	  .region_spa = UINT64_MAX },
	{ .mode = PMF_MODE_RAW, .devno = 5, .size = 4 * MB, .spa = UINT64_MAX - 2 * MB,
	  .ns_spa = { UINT64_MAX - 2 * MB, UINT64_MAX } },
};
static const struct pmf_topology t = { .devices = devices, .n_devices = ARRAY_SIZE(devices) };

struct calls {
	size_t n;
	dev_t devno[8];
	struct pmf_range r[8];
	bool meta[8];
	int answer;	/* to the first call */
};

static int note(const struct pmf_device *d, struct pmf_range r, bool meta, void *userdata)
{
	struct calls *c = userdata;

	c->devno[c->n] = d->devno;
	c->r[c->n] = r;
	c->meta[c->n++] = meta;
	return c->answer;
}

static const struct {
	uint64_t start, end;	/* physical */
	int result;
	dev_t devno;		/* of the one call; 0: none */
	uint64_t from, to;
	bool meta;
} one[] = {
	/* data, from its first byte to its last */
	{ 102 * MB, 102 * MB + 1, 0, 1, 0, 1, false },
	{ 108 * MB - 1, 108 * MB, 0, 1, 6 * MB - 1, 6 * MB, false },
	{ 104 * MB, 105 * MB, 0, 1, 2 * MB, 3 * MB, false },
	/* into the padding, and all of that */
	{ 107 * MB, 109 * MB, 0, 1, 5 * MB, 6 * MB, false },
	{ 108 * MB, 109 * MB, -ENODEV, 0, 0, 0, false },
	/* info block and struct pages, from first to last, also with data behind */
	{ 100 * MB, 100 * MB + 1, 0, 1, 0, 6 * MB, true },
	{ 102 * MB - 1, 102 * MB, 0, 1, 0, 6 * MB, true },
	{ 102 * MB - 1, 102 * MB + 1, 0, 1, 0, 6 * MB, true },
	{ 1 * MB, 101 * MB, 0, 1, 0, 6 * MB, true },
	/* before and behind all of them */
	{ 0, 100 * MB, -ENODEV, 0, 0, 0, false },
	{ 204 * MB, 205 * MB, -ENODEV, 0, 0, 0, false },
	/* raw: nothing is before its data */
	{ 109 * MB, 110 * MB, 0, 2, 0, 1 * MB, false },
	{ 112 * MB, 120 * MB, 0, 2, 3 * MB, 4 * MB, false },
	/* not bound, and a BTT */
	{ 113 * MB, 121 * MB, -ENODEV, 0, 0, 0, false },
	/* namespace unknown: only its data */
	{ 199 * MB, 201 * MB, 0, 4, 0, 1 * MB, false },
	/* the end of all addresses */
	{ UINT64_MAX - 1, UINT64_MAX, 0, 5, 2 * MB - 1, 2 * MB, false },
	{ 300 * MB, UINT64_MAX, 0, 5, 0, 2 * MB, false },
	/* nothing */
	{ 104 * MB, 104 * MB, -ENODEV, 0, 0, 0, false },
	{ 101 * MB, 101 * MB, -ENODEV, 0, 0, 0, false },
	{ 105 * MB, 104 * MB, -ENODEV, 0, 0, 0, false },
};

TEST(borders)
{
	for (size_t i = 0; i < ARRAY_SIZE(one); i++) {
		struct calls c = { 0 };

		test_say("%zu", i);
		CHECK_EQ(pmf_topology_spa(&t, (struct pmf_range){ one[i].start, one[i].end },
					  note, &c), one[i].result);
		CHECK_EQ(c.n, one[i].devno ? 1 : 0);
		if (c.n == 0)
			continue;
		CHECK_EQ(c.devno[0], one[i].devno);
		CHECK(c.r[0].start == one[i].from && c.r[0].end == one[i].to);
		CHECK_EQ(c.meta[0], one[i].meta);
	}
}

TEST(over_two_devices)
{
	struct calls c = { 0 };

	CHECK_EQ(pmf_topology_spa(&t, (struct pmf_range){ 107 * MB, 110 * MB }, note, &c), 0);
	CHECK_EQ(c.n, 2);
	CHECK(c.devno[0] == 1 && c.devno[1] == 2);
	CHECK(c.r[0].start == 5 * MB && c.r[0].end == 6 * MB);
	CHECK(c.r[1].start == 0 && c.r[1].end == 1 * MB);
	c = (struct calls){ 0 };
	CHECK_EQ(pmf_topology_spa(&t, PMF_RANGE_ALL, note, &c), 0);
	CHECK_EQ(c.n, 4);
}

TEST(the_first_answer_that_is_not_zero_ends_it)
{
	struct calls c = { .answer = -ENOMEM };

	CHECK_EQ(pmf_topology_spa(&t, PMF_RANGE_ALL, note, &c), -ENOMEM);
	CHECK_EQ(c.n, 1);
	c = (struct calls){ .answer = 7 };
	CHECK_EQ(pmf_topology_spa(&t, PMF_RANGE_ALL, note, &c), 7);
	CHECK_EQ(c.n, 1);
}

TEST(no_devices)
{
	struct pmf_topology none = { 0 };
	struct calls c = { 0 };

	CHECK_EQ(pmf_topology_spa(&none, PMF_RANGE_ALL, note, &c), -ENODEV);
	CHECK_EQ(c.n, 0);
}

/* Every byte of a small machine, against what each device says it has. */
TEST(matches_byte_by_byte)
{
	for (int round = 0; round < 300; round++) {
		struct pmf_device d[3];
		struct pmf_topology some = { .devices = d, .n_devices = ARRAY_SIZE(d) };
		uint64_t at = 0, first = test_below(100), last = first + 1 + test_below(30);

		for (size_t i = 0; i < ARRAY_SIZE(d); i++) {
			uint64_t start = at + test_below(10), meta = test_below(6);
			uint64_t size = 1 + test_below(20), pad = test_below(4);

			d[i] = (struct pmf_device){ .devno = i + 1, .size = size,
						    .spa = start + meta };
			at = start + meta + size + pad;
			if (test_below(4))
				d[i].ns_spa = (struct pmf_range){ start, at };
		}
		for (size_t i = 0; i < ARRAY_SIZE(d); i++) {
			struct calls c = { 0 };
			bool meta = false;
			size_t k = 0;

			(void)pmf_topology_spa(&some, (struct pmf_range){ first, last }, note,
					       &c);
			while (k < c.n && c.devno[k] != i + 1)
				k++;
			for (uint64_t b = first; b < last; b++)
				meta = meta || (d[i].ns_spa.end > 0 && b < d[i].spa &&
						b >= d[i].ns_spa.start);
			for (uint64_t b = 0; b < d[i].size; b++) {
				bool hit = meta || (b + d[i].spa >= first &&
						    b + d[i].spa < last);

				CHECK_EQ(hit, k < c.n && b >= c.r[k].start && b < c.r[k].end);
			}
			if (k < c.n)
				CHECK_EQ(c.meta[k], meta);
		}
	}
}
