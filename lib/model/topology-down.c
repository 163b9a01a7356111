// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which bytes of pmem devices a range of a block device over them is. Pure. */
#include "model/topology.h"

#define MAX_DEPTH 16

/*
 * A range of a stripe's piece, in bytes of the piece, to bytes of the stripe: the
 * chunks that it has lie one after the other below, so it is one range. Empty: none.
 */
static struct pmf_range stripe_down(const struct pmf_segment *s, struct pmf_range r)
{
	uint64_t first = r.start / s->chunk, last = (r.end - 1) / s->chunk;
	uint64_t a = first, b = last;
	struct pmf_range own;

	/* this stripe's first and last chunk in it */
	a += (s->stripe + s->stripes - a % s->stripes) % s->stripes;
	if (a > last)
		return (struct pmf_range){ 0, 0 };
	b -= (b % s->stripes + s->stripes - s->stripe) % s->stripes;
	own.start = a / s->stripes * s->chunk + (a == first ? r.start % s->chunk : 0);
	own.end = b / s->stripes * s->chunk +
		  (b == last ? (r.end - 1) % s->chunk + 1 : s->chunk);
	return own;
}

static int down(const struct pmf_topology *t, dev_t devno, struct pmf_range r,
		pmf_topology_down_fn fn, void *userdata, unsigned int depth)
{
	const struct pmf_device *d = pmf_topology_device_by_devno(t, devno);
	const struct pmf_block *b = pmf_topology_block(t, devno);
	uint64_t found = 0;
	int ret;

	if (d)
		return d->size && r.end > d->size ? -ERANGE : fn(d, r, userdata);
	if (!b)
		return -ENODEV;
	if (depth > MAX_DEPTH)
		return -ELOOP;
	if (b->kind == PMF_BLOCK_HOLDER)
		return -EOPNOTSUPP;
	for (size_t i = 0; i < b->n_segments; i++) {
		const struct pmf_segment *s = &b->segments[i];
		struct pmf_range part = pmf_range_clip(r, s->range), own;

		if (pmf_range_empty(part))
			continue;
		part.start -= s->range.start;
		part.end -= s->range.start;
		own = part;
		if (s->stripes > 1 && (s->chunk == 0 || s->stripe >= s->stripes))
			return -EINVAL;
		if (s->stripes > 1)
			own = stripe_down(s, part);
		/* Each stripe is a segment of the same bytes: together they have all. */
		found += own.end - own.start;
		if (pmf_range_empty(own))
			continue;
		own.start += s->start;
		own.end += s->start;
		ret = down(t, s->below, own, fn, userdata, depth + 1);
		if (ret != 0)
			return ret;
	}
	return found < r.end - r.start ? -ERANGE : 0;
}

int pmf_topology_down(const struct pmf_topology *t, dev_t devno, struct pmf_range r,
		      pmf_topology_down_fn fn, void *userdata)
{
	if (pmf_range_empty(r))
		return -EINVAL;
	return down(t, devno, r, fn, userdata, 0);
}
