/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parts of reading a topology, each filling its array of a topology that is
 * being built. Only topology-read.c, and mount.c for the mounts, call these.
 */
#ifndef PMF_SYS_TOPOLOGY_READ_H
#define PMF_SYS_TOPOLOGY_READ_H

#include "model/topology.h"

/* A topology under construction, with the capacities that it does not carry. */
struct pmf_build {
	struct pmf_topology *t;
	size_t cap_devices, cap_blocks, cap_mounts;
};

/* ndctl.c: t->devices. Reads sysfs under the devices' locks: not during a hold. */
int pmf_read_devices(struct pmf_build *b);

/* block.c: t->blocks, on t->devices. The second reads no sysfs at all: what is not
 * device-mapper it copies from old. */
int pmf_read_blocks(struct pmf_build *b);
int pmf_read_stack(struct pmf_build *b, const struct pmf_topology *old);
/* Note that a block stands, somehow, on all of below. Twice is once. */
int pmf_block_stand_on(struct pmf_build *b, size_t block, dev_t below);
struct pmf_block *pmf_find_block(struct pmf_build *b, dev_t devno);
/* A new block of these; the text is copied. *ret_i may be NULL. */
int pmf_add_block(struct pmf_build *b, enum pmf_block_kind kind, dev_t devno,
		  const char *name, const char *node, const char *type, size_t *ret_i);

/* A device-mapper device, before it is known whether pmem is below it. */
struct pmf_dm {
	dev_t devno;
	char *name;		/* as below /dev/mapper */
	char *odd;		/* first target that data cannot be followed through */
	struct pmf_segment *segments;	/* of those that it can */
	size_t n_segments, cap_segments;
	dev_t *deps;		/* everything it has open; only when odd */
	size_t n_deps;
	bool added;
};

/* dm.c: all of them. Asks the driver only. */
int pmf_read_dm(struct pmf_dm **ret, size_t *ret_n);
void pmf_dm_free(struct pmf_dm *dm, size_t n);
/* Add those that stand on a block of b and are not there yet. Returns how many. */
int pmf_add_dm(struct pmf_build *b, struct pmf_dm *dm, size_t n);
/* When all blocks are known: say what the opaque ones among them stand on. */
int pmf_link_dm(struct pmf_build *b, const struct pmf_dm *dm, size_t n);

/* mountinfo.c: t->mounts, those on t->blocks. */
int pmf_read_mounts(struct pmf_build *b);
/* All mounts of devno in our namespace, in the order of the kernel's list. */
int pmf_mounts_of(dev_t devno, struct pmf_mount **ret, size_t *ret_n);
void pmf_mounts_free(struct pmf_mount *m, size_t n);
/* Do the options of this filesystem ask for DAX? */
bool pmf_options_dax(const char *fstype, const char *options);

#endif
