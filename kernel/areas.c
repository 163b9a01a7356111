// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmemfail: areas, the parts of address spaces that map a range, and their owners
 *
 * Why: the kernel finds mappers page by page, each time past every process
 * (mm/memory-failure.c collect_procs_fsdax()). Here the address-space tree is
 * walked once per file for the whole range, and what is found is remembered by mm:
 * the processes come later, in one pass over all (victims.c).
 *
 * Called by mapping.c after unmapping, with the invalidate lock held (unless it
 * only looks). That order loses nobody: an area that appears after the unmapping,
 * by mmap or fork, cannot have the range in its page tables, as faults wait for
 * the lock and what fork copies is gone; one that is gone by then is not affected.
 */
#include <linux/dax.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "pmemfail.h"

/*
 * The granularity of what is lost at this address, as dev_pagemap_mapping_shift()
 * in mm/memory-failure.c says it; but that reads page tables, which are empty by
 * now. A device-DAX area is mapped by its alignment throughout. In a file, memory
 * at index is mapped huge when its entry is, and the area has room for it there.
 */
static u32 pmemfail_area_lsb(struct address_space *mapping,
			     struct vm_area_struct *vma, pgoff_t index)
{
	pgoff_t huge = round_down(index, PMD_SIZE / PAGE_SIZE);
	unsigned long address;

	if (vma->vm_ops && vma->vm_ops->pagesize)
		return ilog2(vma->vm_ops->pagesize(vma));
	if (!dax_mapping(mapping) || huge < vma->vm_pgoff)
		return PAGE_SHIFT;
	if (xa_get_order(&mapping->i_pages, index) < PMD_SHIFT - PAGE_SHIFT)
		return PAGE_SHIFT;
	address = vma->vm_start + ((huge - vma->vm_pgoff) << PAGE_SHIFT);
	if (!IS_ALIGNED(address, PMD_SIZE) || vma->vm_end - address < PMD_SIZE)
		return PAGE_SHIFT;
	return PMD_SHIFT;
}

/* Under i_mmap_lock_read(), which keeps the area, and so its mm, from going. */
static void pmemfail_area_from_vma(struct pmemfail_area *area,
				   struct address_space *mapping,
				   struct vm_area_struct *vma,
				   pgoff_t first, pgoff_t last)
{
	pgoff_t lo = max(first, vma->vm_pgoff);
	pgoff_t hi = min(last, vma->vm_pgoff + vma_pages(vma) - 1);

	mmgrab(vma->vm_mm);
	area->mm = vma->vm_mm;
	area->address = vma->vm_start + ((lo - vma->vm_pgoff) << PAGE_SHIFT);
	area->length = (u64)(hi - lo + 1) << PAGE_SHIFT;
	area->offset = (u64)lo << PAGE_SHIFT;
	area->lsb = pmemfail_area_lsb(mapping, vma, lo);
}

static void pmemfail_areas_drop(struct pmemfail_job *job, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		mmdrop(job->areas[i].mm);
}

/*
 * One pass over the tree, which is ordered by vm_pgoff (mm/interval_tree.c; its
 * iterators are not exported). Fills the array as far as it goes, answers the need.
 */
static size_t pmemfail_areas_walk(struct pmemfail_job *job,
				  struct address_space *mapping)
{
	struct vm_area_struct *vma;
	struct rb_node *rb;
	size_t count = 0;

	i_mmap_lock_read(mapping);
	for (rb = rb_first_cached(&mapping->i_mmap); rb; rb = rb_next(rb)) {
		vma = rb_entry(rb, struct vm_area_struct, shared.rb);
		if (vma->vm_pgoff > job->last)
			break;
		if (vma->vm_pgoff + vma_pages(vma) - 1 < job->first)
			continue;
		if (count < job->areas_max)
			pmemfail_area_from_vma(&job->areas[count], mapping, vma,
					       job->first, job->last);
		count++;
		cond_resched();
	}
	i_mmap_unlock_read(mapping);
	return count;
}

/*
 * Nothing may be allocated under i_mmap_lock_read(): reclaim takes it. So when the
 * array is too short, it is made longer and the walk done anew.
 */
static size_t pmemfail_areas_fill(struct pmemfail_job *job,
				  struct address_space *mapping)
{
	size_t count;

	for (;;) {
		count = pmemfail_areas_walk(job, mapping);
		if (count <= job->areas_max)
			return count;
		pmemfail_areas_drop(job, job->areas_max);
		kvfree(job->areas);
		job->areas_max = count + count / 4 + 16;
		job->areas = kvmalloc_array(job->areas_max, sizeof(*job->areas),
					    GFP_KERNEL | __GFP_NOFAIL);
	}
}

/* Takes over the area's reference to the mm. */
static void pmemfail_owner_add(struct pmemfail_job *job, const struct inode *inode,
			       const struct pmemfail_area *area)
{
	bool look = job->arg->flags & PMEMFAIL_REVOKE_LOOK;
	const struct inode *key = look ? inode : NULL;
	struct pmemfail_owner *owner;

	hash_for_each_possible(job->owners, owner, node, (unsigned long)area->mm)
		if (owner->mm == area->mm && owner->inode == key)
			goto found;

	owner = kzalloc(sizeof(*owner), GFP_KERNEL | __GFP_NOFAIL);
	owner->mm = area->mm;
	owner->inode = key;
	owner->address = U64_MAX;
	mmgrab(owner->mm);
	hash_add(job->owners, &owner->node, (unsigned long)owner->mm);
	job->nr_owners++;
found:
	owner->vmas++;
	if (area->address < owner->address) {
		owner->address = area->address;
		owner->length = area->length;
		owner->offset = area->offset;
		owner->lsb = area->lsb;
		owner->ino = inode->i_ino;
		owner->generation = inode->i_generation;
	}
	mmdrop(area->mm);
}

/* Adds the areas that map the job's range of a file to the job's owners. */
void pmemfail_areas_collect(struct pmemfail_job *job, struct address_space *mapping,
			    u32 *ret_count)
{
	size_t count = 0, i;

	if (mapping_mapped(mapping))
		count = pmemfail_areas_fill(job, mapping);
	for (i = 0; i < count; i++) {
		pmemfail_owner_add(job, mapping->host, &job->areas[i]);
		cond_resched();
	}
	*ret_count = count;
}

void pmemfail_areas_done(struct pmemfail_job *job)
{
	struct pmemfail_owner *owner;
	struct hlist_node *next;
	int bucket;

	hash_for_each_safe(job->owners, bucket, next, owner, node) {
		mmdrop(owner->mm);
		kfree(owner);
	}
	kvfree(job->areas);
}
