/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What lies on what: pmem devices, the block devices over them, the mounts on
 * those. Pure data and pure look-ups; lib/sys reads it off the machine,
 * lib/flow/topology.c publishes it. Immutable once published.
 */
#ifndef PMF_TOPOLOGY_H
#define PMF_TOPOLOGY_H

#include <sys/types.h>

#include "model/range.h"

enum pmf_device_mode {
	PMF_MODE_UNKNOWN,
	PMF_MODE_RAW,		/* namespace bound as itself, DAX-capable */
	PMF_MODE_FSDAX,		/* bound as pfnX.Y */
	PMF_MODE_DEVDAX,	/* character device daxX.Y */
	PMF_MODE_SECTOR,	/* BTT: no DAX above it */
	PMF_MODE_N
};

struct pmf_device {
	char *id;		/* stable: PROVIDER/NAMESPACE-UUID, else PROVIDER/NAMESPACE */
	char *name;		/* node's kernel name: pmem0, dax0.0; NULL when not bound */
	char *node;		/* /dev/pmem0; NULL when not bound */
	char *bound;		/* nd bus device that a driver binds: pfn0.0, namespace0.0,
				 * btt0.1, dax0.1: what an unbind names */
	char *ns;		/* namespace0.0 */
	char *region;		/* region0 */
	char *provider;		/* ACPI.NFIT, e820, ... */
	char *uuid;		/* of the namespace; NULL for a legacy one */
	enum pmf_device_mode mode;
	dev_t devno;		/* of the node; 0 when not bound */
	uint64_t diskseq;	/* another each time it is bound; 0: no disk, or unknown */
	uint64_t size;		/* bytes of the node */
	uint64_t spa;		/* physical address of its byte 0; UINT64_MAX unknown */
	/* The whole namespace, with info block and page structs: a bad byte in there
	 * but before spa is fatal to the device. Empty: unknown. */
	struct pmf_range ns_spa;
	uint64_t region_spa;	/* of byte 0 of the region; UINT64_MAX unknown */
};

enum pmf_block_kind {
	PMF_BLOCK_DISK,		/* the pmem block device itself */
	PMF_BLOCK_PARTITION,
	PMF_BLOCK_DM,		/* device-mapper, every target linear or striped */
	PMF_BLOCK_HOLDER,	/* something that data cannot be followed through:
				 * md, dm-crypt, another dm target, bcache ... */
	PMF_BLOCK_N
};

/*
 * One piece of a block device and where it lies below.
 * Linear: own byte range.start + x is byte start + x of below.
 * Striped: stripes > 1; chunk c of the piece lies on below when
 * c % stripes == stripe, as chunk c / stripes there.
 */
struct pmf_segment {
	struct pmf_range range;	/* own bytes */
	dev_t below;
	uint64_t start;		/* bytes on below */
	uint64_t chunk;		/* bytes; 0 for linear */
	uint32_t stripes, stripe;
};

struct pmf_block {
	dev_t devno;
	char *name;		/* pmem0, pmem0p1, dm-0, md127 */
	char *node;		/* /dev/pmem0p1, /dev/mapper/vg-lv */
	enum pmf_block_kind kind;
	char *type;		/* for people: "disk", "partition", "linear", "crypt", "md" */
	bool swap;		/* used as swap: also a holder */
	struct pmf_segment *segments;
	size_t n_segments;
};

struct pmf_mount {
	int id;
	dev_t devno;
	char *fstype, *source, *root, *target, *options;
	bool dax;		/* options say dax=always, or ext4's dax */
	dev_t log_devno, rt_devno;	/* XFS logdev=, rtdev=; 0: none, or not over pmem */
};

struct pmf_topology {
	uint64_t generation;
	struct pmf_device *devices;
	size_t n_devices;
	struct pmf_block *blocks;	/* those over a pmem device only */
	size_t n_blocks;
	struct pmf_mount *mounts;	/* of our own mount namespace: those whose data, log
					 * or realtime device is among blocks */
	size_t n_mounts;
};

struct pmf_topology *pmf_topology_free(struct pmf_topology *t);
static inline void pmf_topology_freep(struct pmf_topology **t)
{
	*t = pmf_topology_free(*t);
}
int pmf_topology_copy(const struct pmf_topology *t, struct pmf_topology **ret);

/* Copy into zeroed memory; false without memory, and then done frees what is there. */
bool pmf_device_copy(const struct pmf_device *d, struct pmf_device *to);
bool pmf_block_copy(const struct pmf_block *b, struct pmf_block *to);
void pmf_device_done(struct pmf_device *d);
void pmf_block_done(struct pmf_block *b);

/*
 * Take over from old each bound device that t lacks, or has as unbound, though it
 * still lives; and all that stands on it. What t knows itself is left as it is.
 */
int pmf_topology_keep(struct pmf_topology *t, const struct pmf_topology *old,
		      bool (*lives)(const struct pmf_device *d));

/*
 * By any name a person may use: pmem0, /dev/pmem0, dax0.0, pfn0.0, namespace0.0,
 * the stable id, the UUID, or a partition or dm device over it when unambiguous.
 * -ENODEV when there is none, -ENOTUNIQ when several match.
 */
int pmf_topology_find(const struct pmf_topology *t, const char *name,
		      const struct pmf_device **ret);
/* By its stable id; NULL: none. bound: only if it is. */
const struct pmf_device *pmf_topology_device_by_id(const struct pmf_topology *t, const char *id);
const struct pmf_device *pmf_topology_bound_by_id(const struct pmf_topology *t, const char *id);
const struct pmf_device *pmf_topology_device_by_devno(const struct pmf_topology *t, dev_t d);
const struct pmf_block *pmf_topology_block(const struct pmf_topology *t, dev_t devno);
const struct pmf_mount *pmf_topology_mount(const struct pmf_topology *t, dev_t devno);

/*
 * Walk up: for every block device that has bytes on range r of devno (itself
 * first), call fn with the block and its own ranges. Stops at fn's first
 * non-zero return and returns it. -ELOOP on a cycle, before any call. Ranges are
 * valid only during the call. Each block comes once, after all that it lies on,
 * with its ranges merged. Above a PMF_BLOCK_HOLDER it does not go on: nobody can
 * tell what of it lies there; its own ranges are whole segments.
 */
typedef int (*pmf_topology_up_fn)(const struct pmf_block *b,
				  const struct pmf_ranges *own, void *userdata);
int pmf_topology_up(const struct pmf_topology *t, dev_t devno, struct pmf_range r,
		    pmf_topology_up_fn fn, void *userdata);

/*
 * Walk down: for each pmem device that has bytes of range r of the block device devno,
 * fn once for each piece. Non-zero stops and is returned. -ERANGE: r goes beyond the
 * device's end; -EOPNOTSUPP: something in between cannot be looked through; -ENODEV.
 */
typedef int (*pmf_topology_down_fn)(const struct pmf_device *d, struct pmf_range r,
				    void *userdata);
int pmf_topology_down(const struct pmf_topology *t, dev_t devno, struct pmf_range r,
		      pmf_topology_down_fn fn, void *userdata);

/*
 * Own ranges of a segment that lie on byte range r of what is below it: exact,
 * but a striped one that would answer with more than 65536 ranges answers with
 * one around them. -EINVAL for stripes without chunk, or stripe >= stripes.
 */
int pmf_segment_up(const struct pmf_segment *s, struct pmf_range r, struct pmf_ranges *own);

/*
 * A physical range to bytes of devices: for each device it touches, fn with the
 * part of it. meta: it lies in the namespace's info block or page structs, so the
 * whole device is meant, and r is all of it. Each device comes once; stops at fn's
 * first non-zero return and returns it. -ENODEV: none has it.
 */
typedef int (*pmf_topology_spa_fn)(const struct pmf_device *d, struct pmf_range r, bool meta,
				   void *userdata);
int pmf_topology_spa(const struct pmf_topology *t, struct pmf_range spa,
		     pmf_topology_spa_fn fn, void *userdata);

const char *pmf_device_mode_to_string(enum pmf_device_mode m);
/* -EINVAL for a word that is none. */
int pmf_device_mode_from_string(const char *s, enum pmf_device_mode *ret);
const char *pmf_block_kind_to_string(enum pmf_block_kind k);

#endif
