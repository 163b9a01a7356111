// SPDX-License-Identifier: GPL-2.0-only
/* Down through partitions and stripes: byte for byte, against a slow reckoning. */
#include <sys/sysmacros.h>

#include "model/topology.h"
#include "test.h"

enum { DISK_A = 1, DISK_B, PART, STRIPED, HOLDER, LOOP };

static struct pmf_segment part[] = {
	{ .range = { 0, 4000 }, .below = DISK_A, .start = 100 },
};
/* chunk 64 over two stripes, then a linear tail */
static struct pmf_segment striped[] = {
	{ .range = { 0, 1024 }, .below = PART, .start = 32, .chunk = 64, .stripes = 2 },
	{ .range = { 0, 1024 }, .below = DISK_B, .start = 8, .chunk = 64, .stripes = 2,
	  .stripe = 1 },
	{ .range = { 1024, 1500 }, .below = DISK_B, .start = 3000 },
};
static struct pmf_segment loop[] = { { .range = { 0, 10 }, .below = LOOP } };
static struct pmf_block blocks[] = {
	{ .devno = PART, .kind = PMF_BLOCK_PARTITION, .segments = part, .n_segments = 1 },
	{ .devno = STRIPED, .kind = PMF_BLOCK_DM, .segments = striped, .n_segments = 3 },
	{ .devno = HOLDER, .kind = PMF_BLOCK_HOLDER },
	{ .devno = LOOP, .kind = PMF_BLOCK_DM, .segments = loop, .n_segments = 1 },
};
static struct pmf_device devices[] = {
	{ .devno = DISK_A, .size = 8192 }, { .devno = DISK_B, .size = 8192 },
};
static const struct pmf_topology t = {
	.devices = devices, .n_devices = 2, .blocks = blocks, .n_blocks = ARRAY_SIZE(blocks),
};

static int take(const struct pmf_device *d, struct pmf_range r, void *userdata)
{
	struct pmf_ranges *sets = userdata;

	return pmf_ranges_add(&sets[d == &devices[1]], r);
}

/* Where one byte of STRIPED lies. */
static uint64_t byte_down(uint64_t x, unsigned int *disk)
{
	uint64_t chunk = x / 64;

	*disk = x >= 1024 || chunk % 2;
	if (x >= 1024)
		return 3000 + x - 1024;
	return chunk / 2 * 64 + x % 64 + (*disk ? 8 : 100 + 32);
}

TEST(stripes_byte_for_byte)
{
	for (unsigned int i = 0; i < 3000; i++) {
		struct pmf_ranges got[2] = { { 0 } }, want[2] = { { 0 } };
		uint64_t start = (uint64_t)random() % 1499;
		uint64_t end = start + 1 + (uint64_t)random() % (1500 - start);
		bool same = true;

		if (i % 2)
			end = MIN(end, start + 100);
		CHECK_EQ(pmf_topology_down(&t, STRIPED, (struct pmf_range){ start, end }, take,
					   got), 0);
		for (uint64_t x = start; x < end; x++) {
			unsigned int disk;
			uint64_t y = byte_down(x, &disk);

			CHECK_EQ(pmf_ranges_add(&want[disk], (struct pmf_range){ y, y + 1 }), 0);
		}
		for (unsigned int d = 0; d < 2; d++) {
			same &= got[d].n == want[d].n &&
				(got[d].n == 0 || memcmp(got[d].v, want[d].v,
							 got[d].n * sizeof(*got[d].v)) == 0);
			pmf_ranges_done(&got[d]);
			pmf_ranges_done(&want[d]);
		}
		CHECK(same);
	}
}

TEST(what_leads_nowhere_is_said)
{
	struct pmf_ranges sets[2] = { { 0 } };

	CHECK_EQ(pmf_topology_down(&t, PART, (struct pmf_range){ 3999, 4001 }, take, sets),
		 -ERANGE);
	CHECK_EQ(pmf_topology_down(&t, STRIPED, (struct pmf_range){ 1499, 1501 }, take, sets),
		 -ERANGE);
	CHECK_EQ(pmf_topology_down(&t, DISK_A, (struct pmf_range){ 0, 8193 }, take, sets),
		 -ERANGE);
	CHECK_EQ(pmf_topology_down(&t, HOLDER, (struct pmf_range){ 0, 1 }, take, sets),
		 -EOPNOTSUPP);
	CHECK_EQ(pmf_topology_down(&t, LOOP, (struct pmf_range){ 0, 1 }, take, sets), -ELOOP);
	CHECK_EQ(pmf_topology_down(&t, 99, (struct pmf_range){ 0, 1 }, take, sets), -ENODEV);
	CHECK_EQ(pmf_topology_down(&t, PART, (struct pmf_range){ 1, 1 }, take, sets), -EINVAL);
	pmf_ranges_done(&sets[0]);
	pmf_ranges_done(&sets[1]);
}
