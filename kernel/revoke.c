// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmemfail: revoke, for one file or for all of a filesystem
 *
 * The two verbs from top to bottom: check what was asked, kill the DAX device if
 * asked, revoke each mapping (mapping.c), then find and tell the processes
 * (victims.c). Called by main.c.
 *
 * Allocations: the caller may have frozen the filesystem, and reclaim that enters
 * it could wait for a thaw that does not come. Everything runs inside
 * memalloc_nofs_save().
 */
#include <linux/blkdev.h>
#include <linux/dax.h>
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "pmemfail.h"

#define PMEMFAIL_REVOKE_FLAGS \
	(PMEMFAIL_REVOKE_LOOK | PMEMFAIL_REVOKE_DROP_DIRTY | PMEMFAIL_REVOKE_STOP_DAX)

/* What both verbs refuse, and nothing is done then. */
static int pmemfail_revoke_check(struct pmemfail_revoke *arg)
{
	if (arg->flags & ~PMEMFAIL_REVOKE_FLAGS)
		return -EINVAL;
	if (arg->flags & PMEMFAIL_REVOKE_LOOK && arg->flags & ~PMEMFAIL_REVOKE_LOOK)
		return -EINVAL;
	if (arg->signal > PMEMFAIL_SIGNAL_EVERY)
		return -EINVAL;
	if (arg->victims_max && !arg->victims)
		return -EINVAL;

	/* All behind is out. */
	memset_startat(arg, 0, victims_total);
	return 0;
}

static struct pmemfail_job *pmemfail_job_new(struct pmemfail_attempt *a,
					     struct pmemfail_revoke *arg,
					     pgoff_t first, pgoff_t last)
{
	struct pmemfail_job *job = kvzalloc(sizeof(*job), GFP_KERNEL);

	if (!job)
		return NULL;
	job->attempt = a;
	job->arg = arg;
	job->first = first;
	job->last = last;
	hash_init(job->owners);
	return job;
}

/* Ends every job: those whose memory was taken are told, whatever went wrong. */
static int pmemfail_job_finish(struct pmemfail_job *job, int err)
{
	int report_err = pmemfail_victims_report(job);

	pmemfail_areas_done(job);
	kvfree(job);
	return err ?: report_err;
}

/*
 * Kills the DAX device below a filesystem, so that no fault finds its memory again:
 * dax_direct_access() fails from then on, for every filesystem on that device. ext4
 * needs it, whose DAX read fault does not ask whether it was shut down.
 *
 * Why no entries left after the walk that follows is final: a fault looks up its
 * memory (fs/dax.c dax_iomap_direct_access(), a dax_read_lock() section) and enters
 * it (dax_insert_entry()) under one hold of the invalidate lock. kill_dax() waits
 * for the sections, so a fault after it fails; one that succeeded before still has
 * the invalidate lock, which the walk waits for. What a failed fault leaves is an
 * EMPTY entry without memory, which is not counted.
 *
 * kill_dax() also notifies a holder, that is XFS. The caller must have shut XFS down
 * before. On 6.1 xfs_dax_notify_ddev_failure() of a partition would run on past the
 * last allocation group into a NULL pointer; shut down, the first
 * xfs_alloc_read_agf() is -EIO (xfs_trans_read_buf_map() asks), and it stops there.
 * On 6.8 and later the notification thaws the filesystem from its user's freeze.
 */
static int pmemfail_stop_dax(struct super_block *sb)
{
	struct dax_device *dax_dev;
	u64 start;

	dax_dev = fs_dax_get_by_bdev(sb->s_bdev, &start, NULL, NULL);
	/* None, or dead already: no fault can map it in either case. */
	if (!dax_dev)
		return 0;
	kill_dax(dax_dev);
	fs_put_dax(dax_dev, NULL);
	return 0;
}

static int pmemfail_revoke_inode(struct inode *inode, void *data)
{
	return pmemfail_mapping_revoke(data, inode->i_mapping);
}

static int pmemfail_revoke_sb(struct pmemfail_attempt *a, struct pmemfail_revoke *arg,
			      struct file *file)
{
	struct super_block *sb = file_inode(file)->i_sb;
	struct pmemfail_deferred deferred;
	struct pmemfail_job *job;
	int err = 0;

	job = pmemfail_job_new(a, arg, 0, ULONG_MAX);
	if (!job)
		return -ENOMEM;
	if (arg->flags & PMEMFAIL_REVOKE_STOP_DAX)
		err = pmemfail_stop_dax(sb);
	if (!err) {
		pmemfail_deferred_init(&deferred);
		err = pmemfail_walk(sb, &deferred, pmemfail_revoke_inode, job);
		pmemfail_pin_deferred(a, file, &deferred);
	}
	return pmemfail_job_finish(job, err);
}

int pmemfail_revoke_fs(struct pmemfail_attempt *a, struct pmemfail_revoke *arg)
{
	unsigned int nofs;
	struct file *file;
	int err;

	err = pmemfail_revoke_check(arg);
	if (err)
		return err;
	if (arg->start || arg->end)
		return -EINVAL;
	/* O_PATH too: a filesystem that is shut down opens no other way. */
	file = fget_raw(arg->fd);
	if (!file)
		return -EBADF;

	/* A filesystem in memory (tmpfs, /proc) has nothing to lose. */
	err = -EINVAL;
	if (file_inode(file)->i_sb->s_bdev) {
		nofs = memalloc_nofs_save();
		err = pmemfail_revoke_sb(a, arg, file);
		memalloc_nofs_restore(nofs);
	}
	fput(file);
	return err;
}

/* A regular file of a filesystem with a device, or a device-DAX node. */
static bool pmemfail_revocable(const struct file *file)
{
	const struct inode *inode = file_inode(file);
	const struct inode *host = file->f_mapping->host;

	if (S_ISREG(inode->i_mode))
		return host == inode && inode->i_sb->s_bdev;
	return S_ISCHR(inode->i_mode) && host->i_sb->s_magic == DAXFS_MAGIC;
}

int pmemfail_revoke_file(struct pmemfail_attempt *a, struct pmemfail_revoke *arg)
{
	struct pmemfail_job *job = NULL;
	unsigned int nofs;
	struct file *file;
	int err;

	err = pmemfail_revoke_check(arg);
	if (err)
		return err;
	if (arg->flags & PMEMFAIL_REVOKE_STOP_DAX || arg->start >= arg->end)
		return -EINVAL;
	file = fget(arg->fd);
	if (!file)
		return -EBADF;

	err = -EINVAL;
	if (pmemfail_revocable(file)) {
		nofs = memalloc_nofs_save();
		err = -ENOMEM;
		job = pmemfail_job_new(a, arg, arg->start >> PAGE_SHIFT,
				       (arg->end - 1) >> PAGE_SHIFT);
		if (job) {
			err = pmemfail_mapping_revoke(job, file->f_mapping);
			err = pmemfail_job_finish(job, err);
		}
		memalloc_nofs_restore(nofs);
	}
	fput(file);
	return err;
}
