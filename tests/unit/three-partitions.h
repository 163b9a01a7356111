/* SPDX-License-Identifier: GPL-2.0-only */
/* The device that the tests of handling handle: what stands on what. */
#ifndef THREE_PARTITIONS_H
#define THREE_PARTITIONS_H

#include "model/topology.h"

static inline char *text(const char *s)
{
	return (char *)(uintptr_t)s;	/* never written to */
}

/* pmem0 with three partitions of 1000 bytes; a dm device over the third. */
static struct pmf_segment segments[] = {
	{ .range = { 0, 1000 }, .below = 1, .start = 0 },
	{ .range = { 0, 1000 }, .below = 1, .start = 1000 },
	{ .range = { 0, 1000 }, .below = 1, .start = 2000 },
	{ .range = { 0, 1000 }, .below = 4, .start = 0 },
};
static struct pmf_block blocks[] = {
	{ .devno = 1, .name = (char[]){ "pmem0" }, .kind = PMF_BLOCK_DISK },
	{ .devno = 2, .name = (char[]){ "pmem0p1" }, .kind = PMF_BLOCK_PARTITION,
	  .segments = &segments[0], .n_segments = 1 },
	{ .devno = 3, .name = (char[]){ "pmem0p2" }, .kind = PMF_BLOCK_PARTITION,
	  .segments = &segments[1], .n_segments = 1 },
	{ .devno = 4, .name = (char[]){ "pmem0p3" }, .kind = PMF_BLOCK_PARTITION,
	  .segments = &segments[2], .n_segments = 1 },
	{ .devno = 5, .name = (char[]){ "dm-0" }, .kind = PMF_BLOCK_DM,
	  .segments = &segments[3], .n_segments = 1 },
};
static struct pmf_mount mounts[] = {
	{ .devno = 2, .target = (char[]){ "/a" }, .fstype = (char[]){ "xfs" }, .dax = true },
	{ .devno = 3, .target = (char[]){ "/b" }, .fstype = (char[]){ "ext4" }, .dax = true },
};
static struct pmf_device devices[] = {
	{ .id = (char[]){ "ACPI.NFIT/u" }, .name = (char[]){ "pmem0" },
	  .node = (char[]){ "/dev/pmem0" }, .mode = PMF_MODE_FSDAX, .devno = 1 },
};

#endif
