// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sets of byte ranges. Pure; any layer from the model up may call.
 */
#include "model/range.h"

int pmf_range_from_length(uint64_t start, uint64_t length, struct pmf_range *ret)
{
	uint64_t end;

	if (length == 0)
		return -EINVAL;
	if (__builtin_add_overflow(start, length, &end))
		return -ERANGE;
	*ret = (struct pmf_range){ start, end };
	return 0;
}

/* Index of the first range that ends at or behind pos: what could touch it. */
static size_t first_touching(const struct pmf_ranges *set, uint64_t pos)
{
	size_t lo = 0, hi = set->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (set->v[mid].end < pos)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int pmf_ranges_add(struct pmf_ranges *set, struct pmf_range r)
{
	size_t first, last;
	int err;

	if (pmf_range_empty(r))
		return 0;
	first = first_touching(set, r.start);
	for (last = first; last < set->n && set->v[last].start <= r.end; last++) {
		r.start = MIN(r.start, set->v[last].start);
		r.end = MAX(r.end, set->v[last].end);
	}
	if (last == first) {	/* touches nothing: make room for one */
		err = pmf_grow(&set->v, &set->cap, set->n + 1, sizeof(*set->v));
		if (err < 0)
			return err;
		memmove(&set->v[first + 1], &set->v[first],
			(set->n - first) * sizeof(*set->v));
		set->n++;
	} else if (last > first + 1) {	/* replaces last - first of them */
		memmove(&set->v[first + 1], &set->v[last],
			(set->n - last) * sizeof(*set->v));
		set->n -= last - first - 1;
	}
	set->v[first] = r;
	return 0;
}

int pmf_ranges_add_all(struct pmf_ranges *set, const struct pmf_ranges *more)
{
	struct pmf_ranges sum = {};
	size_t i = 0, j = 0;
	int r;

	if (more->n == 0)
		return 0;
	r = pmf_grow(&sum.v, &sum.cap, set->n + more->n, sizeof(*sum.v));
	if (r < 0)
		return r;
	while (i < set->n || j < more->n) {
		bool from_set = j == more->n ||
			(i < set->n && set->v[i].start <= more->v[j].start);
		struct pmf_range next = from_set ? set->v[i++] : more->v[j++];

		if (sum.n > 0 && next.start <= sum.v[sum.n - 1].end)
			sum.v[sum.n - 1].end = MAX(sum.v[sum.n - 1].end, next.end);
		else
			sum.v[sum.n++] = next;
	}
	pmf_ranges_done(set);
	*set = sum;
	return 0;
}

int pmf_ranges_copy(const struct pmf_ranges *set, struct pmf_ranges *ret)
{
	struct pmf_ranges c = {};
	int r;

	r = pmf_grow(&c.v, &c.cap, set->n, sizeof(*c.v));
	if (r < 0)
		return r;
	if (set->n > 0)
		memcpy(c.v, set->v, set->n * sizeof(*c.v));
	c.n = set->n;
	*ret = c;
	return 0;
}

/* Index of the first range that ends behind pos: what could overlap from there on. */
static size_t first_overlapping(const struct pmf_ranges *set, uint64_t pos)
{
	size_t i = first_touching(set, pos);

	return i < set->n && set->v[i].end == pos ? i + 1 : i;
}

int pmf_ranges_subtract(struct pmf_ranges *set, const struct pmf_ranges *minus)
{
	struct pmf_ranges rest = {};
	size_t first, last, i;
	int r;

	if (set->n == 0)
		return 0;
	/* Only these can take something away: a small set from which much is taken
	 * costs what it is small, not what is taken. */
	first = first_overlapping(minus, set->v[0].start);
	last = first_touching(minus, set->v[set->n - 1].end);
	last += last < minus->n;
	if (first >= last)
		return 0;
	/* Each taken away leaves at most one piece more. */
	r = pmf_grow(&rest.v, &rest.cap, set->n + last - first, sizeof(*rest.v));
	if (r < 0)
		return r;
	for (i = 0; i < set->n; i++) {
		struct pmf_range left = set->v[i];

		while (first < last && minus->v[first].end <= left.start)
			first++;
		for (; first < last && minus->v[first].start < left.end; first++) {
			if (minus->v[first].start > left.start)
				rest.v[rest.n++] = (struct pmf_range){
					left.start, minus->v[first].start };
			left.start = minus->v[first].end;
			if (left.start >= left.end)
				break;	/* it may reach into the next, too */
		}
		if (!pmf_range_empty(left))
			rest.v[rest.n++] = left;
	}
	pmf_ranges_done(set);
	*set = rest;
	return 0;
}

int pmf_ranges_intersect(const struct pmf_ranges *a, const struct pmf_ranges *b,
			 struct pmf_ranges *ret)
{
	struct pmf_ranges both = {};
	size_t i = 0, j = 0;
	int r;

	if (a->n > 0 && b->n > 0) {
		/* Each step down below ends one range of either, and adds at most one. */
		r = pmf_grow(&both.v, &both.cap, a->n + b->n, sizeof(*both.v));
		if (r < 0)
			return r;
	}
	while (i < a->n && j < b->n) {
		struct pmf_range c = pmf_range_clip(a->v[i], b->v[j]);

		if (!pmf_range_empty(c))
			both.v[both.n++] = c;
		if (a->v[i].end <= b->v[j].end)
			i++;
		else
			j++;
	}
	pmf_ranges_done(ret);
	*ret = both;
	return 0;
}

bool pmf_ranges_overlap(const struct pmf_ranges *set, struct pmf_range r)
{
	size_t i = first_overlapping(set, r.start);

	return !pmf_range_empty(r) && i < set->n && set->v[i].start < r.end;
}

bool pmf_ranges_cover(const struct pmf_ranges *set, struct pmf_range r)
{
	size_t i = first_overlapping(set, r.start);

	/* No two touch, so one range must have all of it. */
	return pmf_range_empty(r) ||
	       (i < set->n && set->v[i].start <= r.start && set->v[i].end >= r.end);
}

uint64_t pmf_ranges_bytes(const struct pmf_ranges *set)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < set->n; i++)	/* disjoint: cannot overflow */
		sum += set->v[i].end - set->v[i].start;
	return sum;
}

void pmf_ranges_done(struct pmf_ranges *set)
{
	free(set->v);
	*set = (struct pmf_ranges){};
}
