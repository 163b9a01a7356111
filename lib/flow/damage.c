// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * News and known ranges of one device. See damage.h.
 */
#include "flow/damage.h"

/* How many ranges are added one by one, each moving those behind it, before they
 * are merged into the many in one go: a storm of n single pages in any order costs
 * n * FRESH + n / FRESH * max. */
#define FRESH	1024

/* How many gaps are at most this wide. */
static size_t gaps_upto(const struct pmf_ranges *set, uint64_t width)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < set->n; i++)
		n += set->v[i + 1].start - set->v[i].end <= width;
	return n;
}

/* Join the neighbours with the least between them, until max are left. Allocates
 * nothing, so it cannot fail: the width to join at is found by halving. */
static void coarsen(struct pmf_ranges *set, size_t max)
{
	uint64_t lo = 0, hi = UINT64_MAX;
	size_t excess, same, n = 0;

	if (set->n <= max)
		return;
	excess = set->n - max;
	while (lo < hi) {	/* the least width with that many gaps */
		uint64_t mid = lo + (hi - lo) / 2;

		if (gaps_upto(set, mid) < excess)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* No gap is 0 wide, so lo is not 0. Of those just as wide only so many. */
	same = excess - gaps_upto(set, lo - 1);
	for (size_t i = 1; i < set->n; i++) {
		uint64_t gap = set->v[i].start - set->v[n].end;

		if (gap < lo || (gap == lo && same > 0 && same--))
			set->v[n].end = set->v[i].end;
		else
			set->v[++n] = set->v[i];
	}
	set->n = n + 1;
}

static int merge_fresh(struct pmf_damage *d, size_t max)
{
	int r;

	r = pmf_ranges_add_all(&d->waiting, &d->fresh);
	if (r < 0)
		return r;
	d->fresh.n = 0;		/* its memory is used again */
	coarsen(&d->waiting, max);
	return 0;
}

int pmf_damage_add(struct pmf_damage *d, struct pmf_range r, size_t max, bool *ret_news)
{
	int err = 0;

	if (pmf_ranges_cover(&d->known, r)) {
		*ret_news = false;
		return 0;
	}
	if (d->fresh.n >= FRESH)
		err = merge_fresh(d, max);
	if (err < 0)
		return err;
	if (!pmf_ranges_cover(&d->waiting, r))
		err = pmf_ranges_add(&d->fresh, r);	/* take() leaves out what is known */
	if (err < 0)
		return err;
	*ret_news = true;
	return 0;
}

int pmf_damage_take(struct pmf_damage *d, size_t max, struct pmf_ranges *ret)
{
	struct pmf_ranges all = {}, news = {};
	int r;

	r = merge_fresh(d, max);
	if (r == 0)
		r = pmf_ranges_copy(&d->known, &all);
	if (r == 0)
		r = pmf_ranges_add_all(&all, &d->waiting);
	if (r == 0) {
		/* What the caller told to be known is not for us to widen. */
		coarsen(&all, MAX(max, d->known.n));
		r = pmf_ranges_copy(&all, &news);
	}
	if (r == 0)
		r = pmf_ranges_subtract(&news, &d->known);
	if (r < 0) {
		pmf_ranges_done(&all);
		pmf_ranges_done(&news);
		return r;
	}
	pmf_ranges_done(&d->known);
	pmf_ranges_done(&d->waiting);
	pmf_ranges_done(&d->fresh);
	d->known = all;
	*ret = news;
	return 0;
}

void pmf_damage_done(struct pmf_damage *d)
{
	pmf_ranges_done(&d->known);
	pmf_ranges_done(&d->waiting);
	pmf_ranges_done(&d->fresh);
}
