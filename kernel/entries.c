// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmemfail: the DAX entries of a mapping, counted and dropped
 *
 * Why: an entry that outlives its memory is what makes the stock kernel oops long
 * after an unbind: evict or truncate ends in fs/dax.c dax_disassociate_entry(),
 * which writes to struct pages that memunmap_pages() has freed. So entries go while
 * the memory is there, with two exceptions that are left and counted:
 *
 * - entries of pinned pages (direct I/O, RDMA): the device may still write to them,
 *   and the filesystem knows the block is busy only by the entry. The kernel's own
 *   dax_layout_busy_page_range() does not look at a file that nobody maps, though
 *   its pages may be pinned all the same; hence a scan of our own.
 * - entries whose memory is gone already: the oops above would be ours.
 *
 * Called by mapping.c with the mapping's invalidate lock held for writing, so that
 * entries may vanish but not appear; to count only, without.
 */
#include <linux/dax.h>
#include <linux/memremap.h>
#include <linux/pagemap.h>
#include <linux/sched.h>

#include "pmemfail.h"

/* How many entries are visited between two looks at the scheduler. */
#define PMEMFAIL_SCAN_BATCH	4096

/* A run of entries from next on, up to those that must stay. */
struct pmemfail_scan {
	struct address_space *mapping;
	pgoff_t next, last;		/* inclusive; next > last: done */
	struct dev_pagemap *pgmap;	/* referenced: keeps memunmap_pages() waiting */
	u64 found;			/* entries with memory in this run, all kinds */
	bool pinned;			/* found one that is pinned */
	pgoff_t keep_first, keep_last;	/* run of entries to keep; first > last: none */
};

/*
 * get_dev_pagemap() makes this safe at any time: it fails once memunmap_pages() has
 * begun, and that waits for the reference.
 */
static bool pmemfail_scan_gone(struct pmemfail_scan *s, unsigned long pfn)
{
	phys_addr_t phys = PFN_PHYS(pfn);

	if (s->pgmap && phys >= s->pgmap->range.start && phys <= s->pgmap->range.end)
		return false;
	s->pgmap = get_dev_pagemap(pfn, s->pgmap);
	return !s->pgmap;
}

static bool pmemfail_scan_keeps(struct pmemfail_scan *s, const void *entry)
{
	unsigned long pfn = pmemfail_dax_pfn(entry);
	unsigned long end = pfn + pmemfail_dax_pages(entry);

	if (pmemfail_scan_gone(s, pfn))
		return true;
	for (; pfn < end; pfn++) {
		if (page_ref_count(pfn_to_page(pfn)) > pmemfail_dax_idle_refs) {
			s->pinned = true;
			return true;
		}
	}
	return false;
}

/*
 * Visits entries from s->next on, until a run of entries to keep has ended or the
 * range has; s->next is then where to go on. Under RCU, not the xarray's lock: the
 * values are read once each, and nothing is inserted under the invalidate lock.
 */
static void pmemfail_scan_run(struct pmemfail_scan *s)
{
	XA_STATE(xas, &s->mapping->i_pages, s->next);
	unsigned int visited = 0;
	pgoff_t end;
	void *entry;

	s->found = 0;
	s->keep_first = 1;
	s->keep_last = 0;

	rcu_read_lock();
	xas_for_each(&xas, entry, s->last) {
		if (xas_retry(&xas, entry))
			continue;
		if (!(++visited % PMEMFAIL_SCAN_BATCH)) {
			xas_pause(&xas);
			rcu_read_unlock();
			cond_resched();
			rcu_read_lock();
		}
		if (!pmemfail_dax_has_memory(entry))
			continue;
		s->found++;
		end = round_down(xas.xa_index, pmemfail_dax_pages(entry)) +
		      pmemfail_dax_pages(entry) - 1;
		if (pmemfail_scan_keeps(s, entry)) {
			if (s->keep_first > s->keep_last)
				s->keep_first = xas.xa_index;
			s->keep_last = end;
		} else if (s->keep_first <= s->keep_last) {
			/* It belongs to the next run. */
			s->found--;
			break;
		}
	}
	rcu_read_unlock();
}

static void pmemfail_scan_begin(struct pmemfail_scan *s, struct address_space *mapping,
				pgoff_t first, pgoff_t last)
{
	*s = (struct pmemfail_scan){ .mapping = mapping, .next = first, .last = last };
}

/* Goes on behind the run of entries that stay; says whether there is more. */
static bool pmemfail_scan_next(struct pmemfail_scan *s)
{
	if (s->keep_first > s->keep_last || s->keep_last >= s->last)
		return false;
	s->next = s->keep_last + 1;
	return true;
}

static void pmemfail_scan_end(struct pmemfail_scan *s)
{
	if (s->pgmap)
		put_dev_pagemap(s->pgmap);
}

/*
 * After the filesystem's shutdown nothing flushes these pages any more, and
 * __dax_invalidate_entry() would keep them for their marks. An entry locked by a
 * writeback that is finishing loses its mark here or there, whichever is first.
 */
static void pmemfail_entries_clean(struct address_space *mapping, pgoff_t first,
				   pgoff_t last, xa_mark_t mark)
{
	XA_STATE(xas, &mapping->i_pages, first);
	unsigned int visited = 0;
	void *entry;

	if (!mapping_tagged(mapping, mark))
		return;
	xas_lock_irq(&xas);
	xas_for_each_marked(&xas, entry, last, mark) {
		xas_clear_mark(&xas, mark);
		if (++visited % PMEMFAIL_SCAN_BATCH)
			continue;
		xas_pause(&xas);
		xas_unlock_irq(&xas);
		cond_resched();
		xas_lock_irq(&xas);
	}
	xas_unlock_irq(&xas);
}

/* found and pinned; left is set to found. */
void pmemfail_entries_count(struct address_space *mapping, pgoff_t first,
			    pgoff_t last, struct pmemfail_entries *ret)
{
	struct pmemfail_entries e = {};
	struct pmemfail_scan s;

	if (dax_mapping(mapping) && READ_ONCE(mapping->nrpages)) {
		pmemfail_scan_begin(&s, mapping, first, last);
		do {
			pmemfail_scan_run(&s);
			e.found += s.found;
		} while (pmemfail_scan_next(&s));
		pmemfail_scan_end(&s);
		e.pinned = s.pinned;
		e.left = e.found;
	}
	*ret = e;
}

/*
 * Drops what can be dropped. invalidate_inode_pages2_range(), not truncation: the
 * latter warns about pages that were pinned since we looked. Its -EBUSY says that
 * some entries are dirty, which left says better.
 */
void pmemfail_entries_drop(struct address_space *mapping, pgoff_t first, pgoff_t last,
			   bool dirty_too, struct pmemfail_entries *ret)
{
	struct pmemfail_entries e = {}, after;
	struct pmemfail_scan s;
	pgoff_t from, to;

	if (!dax_mapping(mapping) || !READ_ONCE(mapping->nrpages)) {
		*ret = e;
		return;
	}
	pmemfail_scan_begin(&s, mapping, first, last);
	do {
		from = s.next;
		pmemfail_scan_run(&s);
		e.found += s.found;
		to = last;
		if (s.keep_first <= s.keep_last) {
			if (s.keep_first <= from)
				continue;
			to = s.keep_first - 1;
		}
		if (dirty_too) {
			pmemfail_entries_clean(mapping, from, to, PAGECACHE_TAG_DIRTY);
			pmemfail_entries_clean(mapping, from, to, PAGECACHE_TAG_TOWRITE);
		}
		invalidate_inode_pages2_range(mapping, from, to);
	} while (pmemfail_scan_next(&s));
	pmemfail_scan_end(&s);

	e.pinned = s.pinned;
	pmemfail_entries_count(mapping, first, last, &after);
	e.left = after.left;
	*ret = e;
}
