/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ranges of bytes, half-open, and sets of them kept sorted and merged.
 * Sectors, blocks and pages exist only behind the system seam.
 */
#ifndef PMF_RANGE_H
#define PMF_RANGE_H

#include "base/base.h"

struct pmf_range {
	uint64_t start;		/* bytes */
	uint64_t end;		/* bytes, exclusive; start == end is empty */
};

#define PMF_RANGE_ALL ((struct pmf_range){ 0, UINT64_MAX })

/* A set: sorted, no two overlap or touch. Zero-initialise; end with done. */
struct pmf_ranges {
	struct pmf_range *v;
	size_t n, cap;
};

static inline bool pmf_range_empty(struct pmf_range r)
{
	return r.start >= r.end;
}

static inline bool pmf_range_overlaps(struct pmf_range a, struct pmf_range b)
{
	return a.start < b.end && b.start < a.end;
}

static inline struct pmf_range pmf_range_clip(struct pmf_range r, struct pmf_range to)
{
	struct pmf_range c = { MAX(r.start, to.start), MIN(r.end, to.end) };

	if (c.end < c.start)
		c.end = c.start;
	return c;
}

/* start + length without overflow: -EINVAL for length 0, -ERANGE on overflow. */
int pmf_range_from_length(uint64_t start, uint64_t length, struct pmf_range *ret);

/* Add one range, merging what overlaps or touches. Empty ranges add nothing. */
int pmf_ranges_add(struct pmf_ranges *set, struct pmf_range r);
/* Add a whole set, in time linear in both. On -ENOMEM set is as it was. */
int pmf_ranges_add_all(struct pmf_ranges *set, const struct pmf_ranges *more);
int pmf_ranges_copy(const struct pmf_ranges *set, struct pmf_ranges *ret);
/* Take minus away from set, in time linear in both. On -ENOMEM set is as it was. */
int pmf_ranges_subtract(struct pmf_ranges *set, const struct pmf_ranges *minus);
/* *ret: what is in both; zeroed memory, or a set that is replaced. */
int pmf_ranges_intersect(const struct pmf_ranges *a, const struct pmf_ranges *b,
			 struct pmf_ranges *ret);
bool pmf_ranges_overlap(const struct pmf_ranges *set, struct pmf_range r);
/* Is every byte of r in the set? An empty r is. */
bool pmf_ranges_cover(const struct pmf_ranges *set, struct pmf_range r);
uint64_t pmf_ranges_bytes(const struct pmf_ranges *set);
void pmf_ranges_done(struct pmf_ranges *set);

#endif
