// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmemfail: the in-memory inodes of a filesystem, those that matter
 *
 * Why: only an inode in memory can be mapped or have DAX entries, so the cost
 * follows what is in use and not the size of the device. Called by revoke.c.
 *
 * What the walk may miss, and why that is harmless. New inodes go to the head of
 * s_inodes (fs/inode.c inode_sb_list_add()), behind the walk. They can get entries
 * only by a fault; with the DAX device killed before (STOP_DAX) a fault that comes
 * to them finds it dead, and without that the caller makes another pass after the
 * shutdown. A fault that was past the check when the device was killed belongs to
 * an inode that was mapped, and so on the list, before the walk began. An inode
 * being freed (I_FREEING) has no areas; its eviction drops its entries by itself.
 */
#include <linux/dax.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "pmemfail.h"

/* How many idle inodes are passed over before the list is let go for a moment. */
#define PMEMFAIL_WALK_BATCH	4096

/*
 * In this order: a fault in progress has its area in the tree throughout. When
 * there was none, all entries that will ever be (see above) are there to be seen.
 */
static bool pmemfail_inode_in_use(struct inode *inode)
{
	struct address_space *mapping = inode->i_mapping;

	if (!S_ISREG(READ_ONCE(inode->i_mode)))
		return false;
	if (mapping_mapped(mapping))
		return true;
	smp_rmb();
	return dax_mapping(mapping) && READ_ONCE(mapping->nrpages);
}

/* Being set up: its filesystem has not published it yet. */
static bool pmemfail_inode_is_new(struct inode *inode)
{
	bool is_new;

	spin_lock(&inode->i_lock);
	is_new = inode->i_state & I_NEW;
	spin_unlock(&inode->i_lock);
	return is_new;
}

/*
 * Calls fn for each regular file's inode that is mapped or has DAX entries, with a
 * reference held and no lock. A reference that turns out to be the last is put
 * aside in deferred (pin.c says why).
 */
int pmemfail_walk(struct super_block *sb, struct pmemfail_deferred *deferred,
		  pmemfail_walk_fn fn, void *data)
{
	struct inode *inode, *cursor = NULL;
	unsigned int passed = 0;
	bool in_use;
	int err = 0;

	pmemfail_deferred_reserve(deferred);
	spin_lock(&sb->s_inode_list_lock);
	list_for_each_entry(inode, &sb->s_inodes, i_sb_list) {
		in_use = pmemfail_inode_in_use(inode);
		if (!in_use && ++passed < PMEMFAIL_WALK_BATCH)
			continue;
		if (pmemfail_inode_is_new(inode) || !igrab(inode))
			continue;
		passed = 0;
		/* The reference keeps it on the list: we can go on from it. */
		spin_unlock(&sb->s_inode_list_lock);
		if (cursor)
			pmemfail_deferred_iput(deferred, cursor);
		cursor = inode;
		pmemfail_deferred_reserve(deferred);

		if (in_use)
			err = fn(inode, data);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
		spin_lock(&sb->s_inode_list_lock);
		if (err)
			break;
	}
	spin_unlock(&sb->s_inode_list_lock);
	if (cursor)
		pmemfail_deferred_iput(deferred, cursor);
	return err;
}
