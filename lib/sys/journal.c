// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Where ext4's journal lies on the data device. FS_IOC_GETFSMAP tells of one that is on a
 * device of its own only (ext4_getfsmap_logdev()); the blocks of an internal one look
 * like those of a file, and its inode cannot be opened by a handle (ext4_nfs_get_inode()
 * refuses reserved ones). So libext2fs reads it from the block device, whose page cache
 * is where ext4 itself keeps its metadata. A journal stays where it is while it is
 * mounted: ext4_load_journal() looks its blocks up once.
 *
 * Reads the device and allocates, hence never while anything is frozen.
 */
#include <ext2fs/ext2fs.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "sys/extents.h"
#include "sys/sys-internal.h"
#include "sys/sysfs.h"

static void close_fs(ext2_filsys *fs)
{
	if (*fs)
		(void)ext2fs_close_free(fs);
}

struct look {
	uint64_t block;		/* bytes */
	struct pmf_range at;
	struct pmf_extent_list out;
	int error;
};

static int take(ext2_filsys fs, blk64_t *block, e2_blkcnt_t count, blk64_t ref_block,
		int ref_offset, void *userdata)
{
	struct look *l = userdata;
	struct pmf_range whole = { *block * l->block, (*block + 1) * l->block };
	struct pmf_extent e = { .kind = PMF_TARGET_LOG, .at = pmf_range_clip(whole, l->at) };

	(void)fs, (void)count, (void)ref_block, (void)ref_offset;
	if (pmf_range_empty(e.at))
		return 0;
	l->error = pmf_extent_list_add(&l->out, &e);
	return l->error < 0 ? BLOCK_ABORT : 0;
}

/* Its errors are its own numbers, unless they are the system's. */
static int to_errno(errcode_t r)
{
	return r == 0 ? 0 : r == EXT2_ET_NO_MEMORY ? -ENOMEM : r > 0 && r < 4096 ? -(int)r : -EIO;
}

static int look_for(ext2_filsys fs, struct look *l)
{
	ext2_ino_t ino = fs->super->s_journal_inum;
	errcode_t r;

	if (!ext2fs_has_feature_journal(fs->super) || ino == 0)
		return 0;	/* none, or on another device */
	l->block = fs->blocksize;
	r = ext2fs_block_iterate3(fs, ino, BLOCK_FLAG_READ_ONLY, NULL, take, l);
	return l->error < 0 ? l->error : to_errno(r);
}

/* Only the links of sysfs are read, and no attribute, which an unbind may hold up. */
static int find_node(dev_t devno, char **ret)
{
	_cleanup_free_ char *node = NULL;
	char link[64], target[PATH_MAX];
	struct stat st;
	ssize_t n;
	int r;

	(void)snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(devno), minor(devno));
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	r = pmf_sysfs_block_node(basename(target), &node);
	if (r < 0)
		return r;
	if (stat(node, &st) < 0)
		return -errno;
	if (!S_ISBLK(st.st_mode) || st.st_rdev != devno)
		return -ENODEV;
	*ret = TAKE_PTR(node);
	return 0;
}

int pmf_sys_journal(struct pmf_sys *s, int fs_fd, enum pmf_site_role role,
		    struct pmf_range at, struct pmf_extent *v, size_t max, size_t *ret_n)
{
	_cleanup_(close_fs) ext2_filsys fs = NULL;
	struct look l = { .at = at, .out = { .v = v, .max = max } };
	_cleanup_free_ char *node = NULL;
	struct statfs sf;
	struct stat st;
	int r;

	(void)s;
	if (fstatfs(fs_fd, &sf) < 0 || fstat(fs_fd, &st) < 0)
		return -errno;
	if (sf.f_type != EXT4_SUPER_MAGIC || role != PMF_ROLE_DATA)
		return -EOPNOTSUPP;
	r = find_node(st.st_dev, &node);
	if (r < 0)
		return r;
	r = to_errno(ext2fs_open(node, EXT2_FLAG_64BITS | EXT2_FLAG_SOFTSUPP_FEATURES, 0, 0,
				 unix_io_manager, &fs));
	if (r == 0)
		r = look_for(fs, &l);
	if (r < 0)
		return r;
	*ret_n = l.out.n;
	return 0;
}
