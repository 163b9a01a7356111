// SPDX-License-Identifier: LGPL-2.1-or-later
/* Lists of extents. Called by resolve.c. */
#include "flow/extents.h"

int pmf_extents_reserve(struct pmf_extents *e, size_t cap)
{
	return cap <= e->cap ? 0 : pmf_grow(&e->v, &e->cap, cap, sizeof(*e->v));
}

int pmf_extents_gaps(const struct pmf_extents *e, const struct pmf_ranges *of,
		     struct pmf_ranges *ret)
{
	_cleanup_(pmf_ranges_done) struct pmf_ranges gaps = {}, had = {};
	int r;

	r = pmf_ranges_copy(of, &gaps);
	for (size_t i = 0; i < e->n && r >= 0; i++)
		r = pmf_ranges_add(&had, e->v[i].at);
	if (r >= 0)
		r = pmf_ranges_subtract(&gaps, &had);
	if (r < 0)
		return r;
	*ret = gaps;
	gaps = (struct pmf_ranges){};
	return 0;
}

void pmf_extents_done(struct pmf_extents *e)
{
	free(e->v);
	*e = (struct pmf_extents){};
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare(const struct pmf_extent *a, const struct pmf_extent *b)
{
	return compare_u64(a->at.start, b->at.start) ?: compare_u64(a->at.end, b->at.end) ?:
	       compare_u64(a->kind, b->kind) ?: compare_u64(a->ino, b->ino) ?:
	       compare_u64(a->offset, b->offset) ?: compare_u64(a->shared, b->shared);
}

/* Let v[i] sink in the heap of n. */
static void sift(struct pmf_extent *v, size_t n, size_t i)
{
	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		struct pmf_extent tmp = v[i];

		if (child + 1 < n && compare(&v[child], &v[child + 1]) < 0)
			child++;
		if (compare(&v[i], &v[child]) >= 0)
			return;
		v[i] = v[child];
		v[child] = tmp;
	}
}

/* A heap sort: qsort() of glibc 2.36 allocates for what is long. */
void pmf_extents_sort(struct pmf_extents *e)
{
	for (size_t i = e->n / 2; i > 0; i--)
		sift(e->v, e->n, i - 1);
	for (size_t n = e->n; n > 1; n--) {
		struct pmf_extent tmp = e->v[0];

		e->v[0] = e->v[n - 1];
		e->v[n - 1] = tmp;
		sift(e->v, n - 1, 0);
	}
}

bool pmf_extents_have(const struct pmf_extents *e, const struct pmf_extent *x)
{
	size_t low = 0, high = e->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = compare(&e->v[mid], x);

		if (c == 0)
			return true;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}
