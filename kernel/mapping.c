// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmemfail: one file's mapping is revoked
 *
 * Why in this order. Every DAX fault of XFS and ext4 runs under the mapping's
 * invalidate lock (XFS: MMAPLOCK), a freeze or not; holding it for writing means
 * that no fault is half way between having found the memory and having mapped it.
 * Then the range is unmapped, so that nobody can load from it and nobody new can
 * pin it; then the areas are collected; then entries are dropped.
 *
 * Called by revoke.c, for one file or for each of a filesystem. It neither signals
 * nor sleeps for anybody but the lock, and takes no mmap_lock: on 6.1 a process
 * that waits for a thaw holds its own.
 */
#include <linux/dax.h>
#include <linux/pagemap.h>
#include <linux/timekeeping.h>

#include "pmemfail.h"

/* Nanoseconds since the last call with the same clock. */
u64 pmemfail_now(u64 *since)
{
	u64 now = ktime_get_ns(), passed = now - *since;

	*since = now;
	return passed;
}

static void pmemfail_mapping_account(struct pmemfail_job *job, u32 vmas,
				     const struct pmemfail_entries *e)
{
	struct pmemfail_revoke *arg = job->arg;

	arg->vmas += vmas;
	arg->entries += e->found;
	arg->entries_left += e->left;
	if (e->pinned)
		arg->pinned++;
	if (vmas || e->found)
		arg->files++;
}

static void pmemfail_mapping_look(struct pmemfail_job *job,
				  struct address_space *mapping)
{
	struct pmemfail_entries e;
	u64 clock = ktime_get_ns();
	u32 vmas;

	pmemfail_areas_collect(job, mapping, &vmas);
	pmemfail_entries_count(mapping, job->first, job->last, &e);
	job->arg->walk_ns += pmemfail_now(&clock);
	pmemfail_mapping_account(job, vmas, &e);
}

int pmemfail_mapping_revoke(struct pmemfail_job *job, struct address_space *mapping)
{
	bool dirty_too = job->arg->flags & PMEMFAIL_REVOKE_DROP_DIRTY;
	struct pmemfail_entries e;
	u64 clock = ktime_get_ns();
	u32 vmas;

	if (job->arg->flags & PMEMFAIL_REVOKE_LOOK) {
		pmemfail_mapping_look(job, mapping);
		return 0;
	}

	if (down_write_killable(&mapping->invalidate_lock))
		return -EINTR;
	job->arg->walk_ns += pmemfail_now(&clock);

	/* A length of 0 is all of the file: last - first + 1 has wrapped. */
	unmap_mapping_pages(mapping, job->first, job->last - job->first + 1, false);
	job->arg->unmap_ns += pmemfail_now(&clock);

	pmemfail_areas_collect(job, mapping, &vmas);
	job->arg->walk_ns += pmemfail_now(&clock);

	pmemfail_entries_drop(mapping, job->first, job->last, dirty_too, &e);
	job->arg->invalidate_ns += pmemfail_now(&clock);

	filemap_invalidate_unlock(mapping);
	pmemfail_mapping_account(job, vmas, &e);
	return 0;
}
