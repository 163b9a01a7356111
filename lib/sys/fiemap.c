// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Where a file lies on its device, by FIEMAP: for filesystems that cannot be asked
 * the other way round. Works frozen, for it neither asks for a flush (FIEMAP_FLAG_
 * SYNC, which would wait for the thaw) nor allocates. Only sys.c refers to this.
 */
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/stat.h>

#include "sys/extents.h"
#include "sys/sys-internal.h"

/* Extents of one call: on the stack, 11 KiB. */
#define BATCH	200

/* Nowhere yet, or not in a place that holds only the file's data. */
#define NOT_ON_DEVICE	(FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | \
			 FIEMAP_EXTENT_ENCODED | FIEMAP_EXTENT_DATA_INLINE | \
			 FIEMAP_EXTENT_DATA_TAIL)

union query {
	struct fiemap head;
	unsigned char room[sizeof(struct fiemap) + BATCH * sizeof(struct fiemap_extent)];
};

static int take(struct pmf_extent_list *l, uint64_t ino, struct pmf_range at,
		const struct fiemap_extent *x)
{
	struct pmf_range whole = { x->fe_physical, x->fe_physical + x->fe_length };
	struct pmf_extent e = {
		.kind = PMF_TARGET_FILE,
		.ino = ino,
		.at = pmf_range_clip(whole, at),
		.shared = x->fe_flags & FIEMAP_EXTENT_SHARED,
	};

	if (x->fe_flags & NOT_ON_DEVICE || pmf_range_empty(e.at))
		return 0;
	e.offset = x->fe_logical + (e.at.start - whole.start);
	return pmf_extent_list_add(l, &e);
}

/* Is the file's data on the device with this role? FIEMAP does not say on which. */
static int is_on(int fd, enum pmf_site_role role, bool *ret)
{
	struct fsxattr x;
	int err;

	err = pmf_ioctl(fd, FS_IOC_FSGETXATTR, &x);
	if (err == -ENOTTY || err == -EOPNOTSUPP)
		x.fsx_xflags = 0;
	else if (err < 0)
		return err;
	*ret = role == (x.fsx_xflags & FS_XFLAG_REALTIME ? PMF_ROLE_REALTIME :
			PMF_ROLE_DATA);
	return 0;
}

int pmf_sys_file_extents(struct pmf_sys *s, int file_fd, enum pmf_site_role role,
			 struct pmf_range at, struct pmf_extent *v, size_t max,
			 size_t *ret_n)
{
	struct pmf_extent_list l = { .v = v, .max = max };
	const struct fiemap_extent *last = NULL;
	union query q;
	struct stat st;
	bool on = false;
	uint64_t next;
	uint32_t i;
	int err;

	(void)s;
	if (fstat(file_fd, &st) < 0)
		return -errno;
	err = is_on(file_fd, role, &on);
	if (err < 0)
		return err;
	q.head.fm_start = 0;
	while (on && !(last && last->fe_flags & FIEMAP_EXTENT_LAST)) {
		q.head.fm_length = FIEMAP_MAX_OFFSET - q.head.fm_start;
		q.head.fm_flags = 0;
		q.head.fm_mapped_extents = 0;
		q.head.fm_extent_count = BATCH;
		q.head.fm_reserved = 0;
		err = pmf_ioctl(file_fd, FS_IOC_FIEMAP, &q.head);
		if (err < 0)
			return err;
		for (i = 0; i < q.head.fm_mapped_extents; i++) {
			err = take(&l, st.st_ino, at, &q.head.fm_extents[i]);
			if (err < 0)
				return err;
		}
		if (i == 0)
			break;
		last = &q.head.fm_extents[i - 1];
		/* Of a damaged tree: it would be asked the same for ever, perhaps frozen. */
		next = last->fe_logical + last->fe_length;
		if (next <= q.head.fm_start)
			return -EUCLEAN;
		q.head.fm_start = next;
	}
	*ret_n = l.n;
	return 0;
}
