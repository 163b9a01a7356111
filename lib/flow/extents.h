/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lists of extents: what a look at a filesystem found. Room is reserved before a
 * freeze, so that a second look fits; sorting and finding allocate nothing.
 */
#ifndef PMF_EXTENTS_H
#define PMF_EXTENTS_H

#include "sys/sys.h"

struct pmf_extents {
	struct pmf_extent *v;
	size_t n, cap;
};

int pmf_extents_reserve(struct pmf_extents *e, size_t cap);
/* In place, without allocating: by place, kind, inode and offset. */
void pmf_extents_sort(struct pmf_extents *e);
/* Is exactly this one in the sorted list? */
bool pmf_extents_have(const struct pmf_extents *e, const struct pmf_extent *x);
/* The parts of these ranges that none of the list has. */
int pmf_extents_gaps(const struct pmf_extents *e, const struct pmf_ranges *of,
		     struct pmf_ranges *ret);
void pmf_extents_done(struct pmf_extents *e);

#endif
