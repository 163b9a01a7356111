// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that an enumeration passed over: which are taken over from the old
 * topology. Logic only: that enumerations do pass them over is seen in the guest
 * (cases paths:driver and paths:region).
 */
#include "model/topology.h"
#include "test.h"

static struct pmf_segment on_disk = { .range = { 0, 100 }, .below = 1, .stripes = 1 };
static struct pmf_segment on_partition = { .range = { 0, 50 }, .below = 2, .stripes = 1 };
static struct pmf_segment on_other = { .range = { 0, 50 }, .below = 9, .stripes = 1 };

#define A { .id = (char *)"nfit/a", .name = (char *)"pmem0", .devno = 1, .size = 7, \
	    .mode = PMF_MODE_FSDAX }

static struct pmf_device old_devices[] = {
	A, { .id = (char *)"nfit/b", .name = (char *)"pmem1", .devno = 9 },
	{ .id = (char *)"nfit/never-bound" },
};
static struct pmf_block old_blocks[] = {
	{ .devno = 3, .name = (char *)"dm-0", .kind = PMF_BLOCK_DM,
	  .segments = &on_partition, .n_segments = 1 },
	{ .devno = 1, .name = (char *)"pmem0", .kind = PMF_BLOCK_DISK },
	{ .devno = 2, .name = (char *)"pmem0p1", .kind = PMF_BLOCK_PARTITION,
	  .segments = &on_disk, .n_segments = 1 },
	{ .devno = 9, .name = (char *)"pmem1", .kind = PMF_BLOCK_DISK },
	{ .devno = 10, .name = (char *)"pmem1p1", .kind = PMF_BLOCK_PARTITION,
	  .segments = &on_other, .n_segments = 1 },
};
static const struct pmf_topology old = {
	.devices = old_devices, .n_devices = ARRAY_SIZE(old_devices),
	.blocks = old_blocks, .n_blocks = ARRAY_SIZE(old_blocks),
};

static bool only_a_lives(const struct pmf_device *d)
{
	return streq(d->id, "nfit/a");
}

static bool all_live(const struct pmf_device *d)
{
	(void)d;
	return true;
}

static struct pmf_topology *with(const struct pmf_device *d, const struct pmf_block *b)
{
	struct pmf_topology some = {
		.devices = (struct pmf_device *)(uintptr_t)d, .n_devices = !!d,
		.blocks = (struct pmf_block *)(uintptr_t)b, .n_blocks = !!b,
	}, *t = NULL;

	return pmf_topology_copy(&some, &t) < 0 ? NULL : t;
}

TEST(logic_what_lives_is_kept_with_its_stack)
{
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = with(NULL, NULL);

	CHECK_EQ(pmf_topology_keep(t, &old, only_a_lives), 0);
	CHECK_EQ(t->n_devices, 1);
	CHECK(streq(t->devices[0].id, "nfit/a") && t->devices[0].devno == 1);
	CHECK_EQ(t->n_blocks, 3);
	CHECK(pmf_topology_block(t, 1) && pmf_topology_block(t, 2));
	CHECK(pmf_topology_block(t, 3) && pmf_topology_block(t, 3)->segments[0].below == 2);
}

TEST(logic_what_is_gone_is_dropped)
{
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = with(NULL, NULL);

	CHECK_EQ(pmf_topology_keep(t, &(struct pmf_topology){ .devices = &old_devices[1],
				   .n_devices = 2, .blocks = old_blocks,
				   .n_blocks = ARRAY_SIZE(old_blocks) }, only_a_lives), 0);
	CHECK_EQ(t->n_devices, 0);
	CHECK_EQ(t->n_blocks, 0);
}

TEST(logic_a_number_given_to_another_is_his)
{
	struct pmf_device other = { .id = (char *)"nfit/c", .name = (char *)"pmem0", .devno = 1 };
	struct pmf_device node = { .id = (char *)"nfit/d", .name = (char *)"dax0.0", .devno = 1,
				   .mode = PMF_MODE_DEVDAX };
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = with(&other, NULL);
	_cleanup_(pmf_topology_freep) struct pmf_topology *u = with(&node, NULL);

	CHECK_EQ(pmf_topology_keep(t, &old, only_a_lives), 0);
	CHECK_EQ(t->n_devices, 1);
	CHECK(streq(t->devices[0].id, "nfit/c"));
	CHECK_EQ(t->n_blocks, 0);
	/* but a character device's number is another thing */
	CHECK_EQ(pmf_topology_keep(u, &old, only_a_lives), 0);
	CHECK_EQ(u->n_devices, 2);
}

TEST(logic_listed_as_unbound_is_bound_still)
{
	struct pmf_device unbound = { .id = (char *)"nfit/a" };
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = with(&unbound, NULL);

	CHECK_EQ(pmf_topology_keep(t, &old, only_a_lives), 0);
	CHECK_EQ(t->n_devices, 1);
	CHECK(t->devices[0].devno == 1 && t->devices[0].size == 7);
	CHECK(streq_ptr(t->devices[0].name, "pmem0"));
}

TEST(logic_what_is_known_is_left_alone)
{
	struct pmf_device a = A;
	struct pmf_block disk = { .devno = 9, .name = (char *)"new-name",
				  .kind = PMF_BLOCK_DISK };
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = with(&a, &disk);

	t->devices[0].size = 8;
	CHECK_EQ(pmf_topology_keep(t, &old, all_live), 0);
	CHECK_EQ(t->n_devices, 2);
	CHECK_EQ(t->devices[0].size, 8);
	CHECK(streq(pmf_topology_block(t, 9)->name, "new-name"));
	CHECK(!pmf_topology_block(t, 1));	/* a is listed: its blocks are as read */
}
