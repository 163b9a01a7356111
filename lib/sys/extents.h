/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The caller's array that owners() and file_extents() fill: they run between
 * freeze and thaw, so nothing here allocates.
 */
#ifndef PMF_SYS_EXTENTS_H
#define PMF_SYS_EXTENTS_H

#include "sys/sys.h"

struct pmf_extent_list {
	struct pmf_extent *v;
	size_t max, n;
};

/* Add it, or make the last one longer when it goes on there. -ENOBUFS: no room. */
static inline int pmf_extent_list_add(struct pmf_extent_list *l, const struct pmf_extent *e)
{
	struct pmf_extent *last = l->n > 0 ? &l->v[l->n - 1] : NULL;
	bool in_file = e->kind == PMF_TARGET_FILE;

	if (last && last->kind == e->kind && last->ino == e->ino &&
	    last->shared == e->shared && last->at.end == e->at.start &&
	    (!in_file || last->offset + (last->at.end - last->at.start) == e->offset)) {
		last->at.end = e->at.end;
		return 0;
	}
	if (l->n == l->max)
		return -ENOBUFS;
	l->v[l->n++] = *e;
	return 0;
}

#endif
