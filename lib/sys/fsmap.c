// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who owns bytes of a filesystem's device, by FS_IOC_GETFSMAP. Works on a frozen
 * filesystem (the kernel's transaction writes nothing) and allocates nothing here.
 * Only the table of operations (sys.c) refers to this.
 */
#include <linux/fsmap.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "sys/extents.h"
#include "sys/sys-internal.h"
#include "sys/xfs-abi.h"

/* Records of one call, 24 KiB on the stack: with fewer, going down the trees anew for
 * each call costs more than the records (scripts/bench resolve). */
#define BATCH	512

/* Owners of XFS (fs/xfs/libxfs/xfs_fs.h); ext4's (fs/ext4/fsmap.h) are the same
 * where they mean the same, and otherwise metadata. */
#define OWNER_LOG	FMR_OWNER('X', 2)
#define OWNER_COW	FMR_OWNER('X', 7)

struct query {
	int fd;
	uint32_t device;
	struct pmf_range at;
	const struct pmf_xfs_geometry *geometry;	/* to tell more of what is UNKNOWN */
	uint64_t told_until;		/* before it, what has no record is known, too */
	uint64_t next;			/* all before it has been told of */
	struct pmf_extent_list out;
	union {
		struct fsmap_head head;
		unsigned char room[sizeof(struct fsmap_head) + BATCH * sizeof(struct fsmap)];
	};
};

/* Ask for what lies between the low key and the end of at. */
static int ask(struct query *q, uint32_t high_device, uint32_t count)
{
	/* The kernel refuses a length in the high key, though its header asks for all
	 * ones (xfs_getfsmap). Its physical is heeded only with the device's number. */
	q->head.fmh_keys[1] = (struct fsmap){
		.fmr_device = high_device,
		.fmr_flags = UINT32_MAX,
		.fmr_physical = q->at.end - 1,
		.fmr_owner = UINT64_MAX,
		.fmr_offset = UINT64_MAX,
	};
	q->head.fmh_iflags = 0;
	q->head.fmh_oflags = 0;
	q->head.fmh_count = count;
	q->head.fmh_entries = 0;
	return pmf_ioctl(q->fd, FS_IOC_GETFSMAP, &q->head);
}

static void set_kind(struct pmf_extent *e, const struct fsmap *r)
{
	if (!(r->fmr_flags & FMR_OF_SPECIAL_OWNER)) {
		e->ino = r->fmr_owner;
		if (r->fmr_flags & FMR_OF_EXTENT_MAP)
			e->kind = PMF_TARGET_METADATA;
		else if (r->fmr_flags & FMR_OF_ATTR_FORK)
			e->kind = PMF_TARGET_XATTR;
		else
			e->kind = PMF_TARGET_FILE;
		return;
	}
	switch (r->fmr_owner) {
	case FMR_OWN_FREE:
	/* Room for a copy on write: no file has it until the copy is complete
	 * (xfs_reflink_end_cow), and many a piece goes back to free space unused. So
	 * it is looked at again, as free space is, and nobody loses anything now. */
	case OWNER_COW:
		e->kind = PMF_TARGET_FREE;
		return;
	case FMR_OWN_UNKNOWN:
		e->kind = PMF_TARGET_UNKNOWN;
		return;
	case OWNER_LOG:
		e->kind = PMF_TARGET_LOG;
		return;
	}
	e->kind = PMF_TARGET_METADATA;
}

/*
 * XFS without rmapbt tells free space only. But where its log and the headers of its
 * allocation groups lie follows from the geometry: the kind of what begins at a byte,
 * and where that ends at the latest.
 */
static enum pmf_target_kind fixed_kind(const struct pmf_xfs_geometry *g, uint64_t at,
				       uint64_t *ret_end)
{
	uint64_t block = g->blocksize, group = g->agblocks * block;
	uint64_t begin = at / group * group, header = MAX(4ULL * g->sectsize, block);
	unsigned int bits = 32 - __builtin_clz(MAX(g->agblocks - 1, 1U));
	uint64_t agno = g->logstart >> bits, agbno = g->logstart & ((1ULL << bits) - 1);
	struct pmf_range log;

	if (at < begin + header) {
		*ret_end = begin + header;
		return PMF_TARGET_METADATA;
	}
	log.start = agno * group + agbno * block;
	log.end = log.start + g->logblocks * block;
	*ret_end = begin + group;
	if (g->logstart == 0 || at >= log.end)
		return PMF_TARGET_UNKNOWN;	/* 0: it is on another device */
	if (at >= log.start) {
		*ret_end = log.end;
		return PMF_TARGET_LOG;
	}
	*ret_end = MIN(*ret_end, log.start);
	return PMF_TARGET_UNKNOWN;
}

static int take_unknown(struct query *q, struct pmf_extent e)
{
	struct pmf_range rest = e.at;
	uint64_t end;
	int err;

	for (; !pmf_range_empty(rest); rest.start = e.at.end) {
		e.kind = fixed_kind(q->geometry, rest.start, &end);
		e.at = (struct pmf_range){ rest.start, MIN(end, rest.end) };
		err = pmf_extent_list_add(&q->out, &e);
		if (err < 0)
			return err;
	}
	return 0;
}

/*
 * A range between two records has none itself on 6.1, whose xfs_getfsmap_helper() tells
 * of a gap only when a record comes behind it. With rmapbt the records are of what is
 * used, without of what is free.
 */
static int take_gap(struct query *q, uint64_t end)
{
	struct pmf_extent e = { .kind = PMF_TARGET_FREE,
				.at = { q->next, MIN(end, q->told_until) } };

	if (pmf_range_empty(e.at))
		return 0;
	return q->geometry ? take_unknown(q, e) : pmf_extent_list_add(&q->out, &e);
}

static int take(struct query *q, const struct fsmap *r)
{
	struct pmf_range whole = { r->fmr_physical, r->fmr_physical + r->fmr_length };
	struct pmf_extent e = { .shared = r->fmr_flags & FMR_OF_SHARED };
	int err;

	/* Records that overlap are told whole. */
	e.at = pmf_range_clip(whole, q->at);
	if (r->fmr_device != q->device || pmf_range_empty(e.at))
		return 0;
	err = take_gap(q, e.at.start);
	if (err < 0)
		return err;
	q->next = MAX(q->next, e.at.end);
	set_kind(&e, r);
	if (e.kind == PMF_TARGET_FILE)
		e.offset = r->fmr_offset + (e.at.start - whole.start);
	if (e.kind == PMF_TARGET_UNKNOWN && q->geometry)
		return take_unknown(q, e);
	return pmf_extent_list_add(&q->out, &e);
}

/* Whatever comes after it begins behind the end. Only file data may have several
 * owners, which come one after the other. ext4 refuses a low key behind the end. */
static bool is_end(const struct query *q, const struct fsmap *r)
{
	return r->fmr_flags & FMR_OF_LAST || r->fmr_physical >= q->at.end ||
		(r->fmr_flags & (FMR_OF_SPECIAL_OWNER | FMR_OF_EXTENT_MAP) &&
		 r->fmr_length >= q->at.end - r->fmr_physical);
}

static int collect(struct query *q)
{
	const struct fsmap *last;
	uint32_t i;
	int err;

	q->head.fmh_keys[0] = (struct fsmap){
		.fmr_device = q->device,
		.fmr_physical = q->at.start,
	};
	for (;;) {
		err = ask(q, q->device, BATCH);
		if (err < 0)
			return err;
		for (i = 0; i < q->head.fmh_entries; i++) {
			err = take(q, &q->head.fmh_recs[i]);
			if (err < 0)
				return err;
		}
		if (i == 0)
			return 0;
		last = &q->head.fmh_recs[i - 1];
		if (is_end(q, last))
			return 0;
		/* with its length, which says that it was told already */
		q->head.fmh_keys[0] = *last;
	}
}

/* Of the first two records from the low key on: one that is of neither the data
 * device nor a log, which is one record that says so (xfs_getfsmap_logdev). */
static int look_for_realtime(struct query *q, uint32_t data, uint32_t *ret)
{
	uint32_t i;
	int err;

	err = ask(q, UINT32_MAX, 2);
	if (err < 0)
		return err;
	for (i = 0; i < q->head.fmh_entries; i++) {
		const struct fsmap *r = &q->head.fmh_recs[i];

		if (r->fmr_device == data)
			break;
		if (r->fmr_flags & FMR_OF_SPECIAL_OWNER && r->fmr_owner == OWNER_LOG)
			continue;
		*ret = r->fmr_device;
		return 0;
	}
	return -ENODEV;
}

/*
 * The kernel knows the realtime device by a number that nothing else here tells, and
 * refuses numbers that are none of its own. But it goes through its devices by number:
 * so look before the data device, and behind its end.
 */
static int find_realtime(struct query *q, uint32_t data, uint32_t *ret)
{
	int err;

	q->head.fmh_keys[0] = (struct fsmap){ 0 };
	err = look_for_realtime(q, data, ret);
	if (err != -ENODEV)
		return err;
	q->head.fmh_keys[0] = (struct fsmap){
		.fmr_device = data,
		.fmr_physical = 1ULL << 62,
	};
	return look_for_realtime(q, data, ret);
}

static int find_device(struct query *q, enum pmf_site_role role)
{
	struct stat st;

	if (fstat(q->fd, &st) < 0)
		return -errno;
	/* The kernel's 32 bits are those of ours, as long as major and minor fit. */
	q->device = (uint32_t)st.st_dev;
	if (q->device != st.st_dev)
		return -EOVERFLOW;
	if (role == PMF_ROLE_REALTIME)
		return find_realtime(q, q->device, &q->device);
	return 0;
}

int pmf_xfs_geometry(int fs_fd, struct pmf_xfs_geometry *ret)
{
	struct statfs sf;

	/* The call's number means other things elsewhere. */
	if (fstatfs(fs_fd, &sf) < 0)
		return -errno;
	if (sf.f_type != PMF_XFS_MAGIC)
		return -EOPNOTSUPP;
	return pmf_ioctl(fs_fd, PMF_XFS_GEOMETRY, ret);
}

static int query(int fs_fd, uint64_t told_until, const struct pmf_xfs_geometry *geometry,
		 enum pmf_site_role role, struct pmf_range at, struct pmf_extent *v,
		 size_t max, size_t *ret_n)
{
	struct query q = {
		.fd = fs_fd,
		.at = at,
		.geometry = geometry,
		.told_until = told_until,
		.next = at.start,
		.out = { .v = v, .max = max },
	};
	int err;

	if (pmf_range_empty(at)) {
		*ret_n = 0;
		return 0;
	}
	if (role == PMF_ROLE_LOG) {
		/* A device that is nothing but log, of either filesystem. */
		const struct pmf_extent e = { .kind = PMF_TARGET_LOG, .at = at };

		err = pmf_extent_list_add(&q.out, &e);
	} else {
		err = find_device(&q, role);
		if (err == 0)
			err = collect(&q);
		if (err == 0)
			err = take_gap(&q, at.end);
		if (err == -ENOTTY)
			err = -EOPNOTSUPP;
	}
	if (err < 0)
		return err;
	*ret_n = q.out.n;
	return 0;
}

int pmf_sys_owners(struct pmf_sys *s, int fs_fd, enum pmf_site_role role,
		   struct pmf_range at, struct pmf_extent *v, size_t max, size_t *ret_n)
{
	struct pmf_xfs_geometry g;
	int err;

	(void)s;
	if (role != PMF_ROLE_LOG) {
		err = pmf_xfs_geometry(fs_fd, &g);
		if (err < 0)
			return err;
		if (!(g.flags & PMF_XFS_GEOMETRY_RMAPBT))
			return -EOPNOTSUPP;
	}
	return query(fs_fd, role == PMF_ROLE_DATA ? g.datablocks * g.blocksize : 0, NULL, role,
		     at, v, max, ret_n);
}

int pmf_sys_known_space(struct pmf_sys *s, int fs_fd, enum pmf_site_role role,
			struct pmf_range at, struct pmf_extent *v, size_t max,
			size_t *ret_n)
{
	struct pmf_xfs_geometry g;
	bool fixed;

	(void)s;
	fixed = role == PMF_ROLE_DATA && pmf_xfs_geometry(fs_fd, &g) == 0 &&
		g.blocksize > 0 && g.agblocks > 1;
	return query(fs_fd, fixed ? g.datablocks * g.blocksize : 0, fixed ? &g : NULL, role,
		     at, v, max, ret_n);
}
