// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The walk up: from bytes of a device to the bytes of everything that lies on
 * it. Pure; any layer from the model up may call.
 */
#include "model/topology.h"

/*
 * A striped piece turns one range into one per chunk. A terabyte in 4 KiB chunks
 * would be gigabytes of ranges, so beyond this many the piece answers with one
 * range around them all: wider, but nothing is lost.
 */
#define MAX_CHUNKS 65536

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static int linear_up(const struct pmf_segment *s, struct pmf_range r, struct pmf_ranges *own)
{
	uint64_t length = s->range.end - s->range.start;
	struct pmf_range below = { s->start, add_saturated(s->start, length) };

	r = pmf_range_clip(r, below);
	if (pmf_range_empty(r))
		return 0;
	return pmf_ranges_add(own, (struct pmf_range){
		s->range.start + (r.start - s->start),
		s->range.start + (r.end - s->start),
	});
}

/* Own bytes [.., ..) of what lies in bytes [from, to) of the q-th chunk below. */
static struct pmf_range chunk_up(const struct pmf_segment *s, uint64_t q, uint64_t from,
				 uint64_t to)
{
	uint64_t own = s->range.start + (q * s->stripes + s->stripe) * s->chunk;
	struct pmf_range r = { own + from, add_saturated(own, to) };

	return pmf_range_clip(r, s->range);	/* the last chunk may be cut short */
}

static int striped_up(const struct pmf_segment *s, struct pmf_range r, struct pmf_ranges *own)
{
	uint64_t length = s->range.end - s->range.start;
	uint64_t chunks, here, first, last, q, from, to;
	struct pmf_range below;
	int err;

	if (s->chunk == 0 || s->stripe >= s->stripes)
		return -EINVAL;
	chunks = length / s->chunk + (length % s->chunk != 0);
	if (chunks <= s->stripe)
		return 0;
	/* So many of the piece's chunks are on this leg. */
	here = (chunks - 1 - s->stripe) / s->stripes + 1;
	below.start = s->start;
	below.end = here > (UINT64_MAX - s->start) / s->chunk ?
		UINT64_MAX : s->start + here * s->chunk;
	r = pmf_range_clip(r, below);
	if (pmf_range_empty(r))
		return 0;

	first = (r.start - s->start) / s->chunk;
	last = (r.end - 1 - s->start) / s->chunk;
	from = (r.start - s->start) % s->chunk;
	to = (r.end - 1 - s->start) % s->chunk + 1;
	if (last - first >= MAX_CHUNKS)
		return pmf_ranges_add(own, (struct pmf_range){
			chunk_up(s, first, from, s->chunk).start,
			chunk_up(s, last, 0, to).end,
		});
	for (q = first; q <= last; q++) {
		err = pmf_ranges_add(own, chunk_up(s, q, q == first ? from : 0,
						   q == last ? to : s->chunk));
		if (err < 0)
			return err;
	}
	return 0;
}

int pmf_segment_up(const struct pmf_segment *s, struct pmf_range r, struct pmf_ranges *own)
{
	if (pmf_range_empty(s->range))
		return 0;
	return s->stripes > 1 ? striped_up(s, r, own) : linear_up(s, r, own);
}

/* --- the walk --- */

struct node {
	bool reached;
	size_t waits_for;	/* edges from reached blocks below, not walked yet */
	struct pmf_ranges own;
};

struct walk {
	const struct pmf_topology *t;
	struct node *nodes;	/* one per block */
	size_t *order;		/* indices, each behind all that it lies on */
	size_t n_order;
};

static void walk_done(struct walk *w)
{
	size_t i;

	for (i = 0; w->nodes && i < w->t->n_blocks; i++)
		pmf_ranges_done(&w->nodes[i].own);
	free(w->nodes);
	free(w->order);
}

/* Nothing above a holder can be told: it may keep its data elsewhere as well. */
static bool leads_up(const struct pmf_block *b)
{
	return b->kind != PMF_BLOCK_HOLDER;
}

static void reach(struct walk *w, size_t i)
{
	if (w->nodes[i].reached)
		return;
	w->nodes[i].reached = true;
	w->order[w->n_order++] = i;
}

/* Mark what lies on devno, however indirectly, and count the edges into each. */
static void reach_all(struct walk *w, dev_t devno)
{
	const struct pmf_topology *t = w->t;
	size_t i, j, k;

	for (i = 0; i < t->n_blocks; i++)
		if (t->blocks[i].devno == devno)
			reach(w, i);
	for (k = 0; k < w->n_order; k++) {
		const struct pmf_block *from = &t->blocks[w->order[k]];

		if (!leads_up(from))
			continue;
		for (i = 0; i < t->n_blocks; i++)
			for (j = 0; j < t->blocks[i].n_segments; j++) {
				if (t->blocks[i].segments[j].below != from->devno)
					continue;
				reach(w, i);
				w->nodes[i].waits_for++;
			}
	}
}

/* Add to above what lies on the ranges of below through one segment. */
static int add_through(const struct pmf_block *above, const struct pmf_segment *s,
		       const struct pmf_ranges *below, struct pmf_ranges *own)
{
	struct pmf_ranges part = {};
	size_t i;
	int r = 0;

	if (above->kind == PMF_BLOCK_HOLDER) {
		/* Its layout is its own: any byte below may be any byte of it. */
		if (below->n > 0)
			r = pmf_ranges_add(&part, pmf_range_empty(s->range) ?
					   PMF_RANGE_ALL : s->range);
	} else {
		for (i = 0; r == 0 && i < below->n; i++)
			r = pmf_segment_up(s, below->v[i], &part);
	}
	if (r == 0)
		r = pmf_ranges_add_all(own, &part);
	pmf_ranges_done(&part);
	return r;
}

/* Give every reached block its ranges, lower blocks first. Rewrites w->order. */
static int spread(struct walk *w)
{
	const struct pmf_topology *t = w->t;
	size_t reached = w->n_order, i, j, k;
	int r;

	w->n_order = 0;
	for (i = 0; i < t->n_blocks; i++)
		if (w->nodes[i].reached && w->nodes[i].waits_for == 0)
			w->order[w->n_order++] = i;
	for (k = 0; k < w->n_order; k++) {
		const struct pmf_block *from = &t->blocks[w->order[k]];

		if (!leads_up(from))
			continue;
		for (i = 0; i < t->n_blocks; i++)
			for (j = 0; j < t->blocks[i].n_segments; j++) {
				const struct pmf_segment *s = &t->blocks[i].segments[j];

				if (s->below != from->devno)
					continue;
				r = add_through(&t->blocks[i], s, &w->nodes[w->order[k]].own,
						&w->nodes[i].own);
				if (r < 0)
					return r;
				if (--w->nodes[i].waits_for == 0)
					w->order[w->n_order++] = i;
			}
	}
	return w->n_order == reached ? 0 : -ELOOP;
}

static int walk_up(struct walk *w, dev_t devno, struct pmf_range range,
		   pmf_topology_up_fn fn, void *userdata)
{
	const struct pmf_topology *t = w->t;
	size_t i, k;
	int r;

	w->nodes = calloc(t->n_blocks + 1, sizeof(*w->nodes));
	w->order = calloc(t->n_blocks + 1, sizeof(*w->order));
	if (!w->nodes || !w->order)
		return -ENOMEM;
	reach_all(w, devno);
	for (i = 0; i < t->n_blocks; i++)
		if (t->blocks[i].devno == devno) {
			r = pmf_ranges_add(&w->nodes[i].own, range);
			if (r < 0)
				return r;
		}
	r = spread(w);
	if (r < 0)
		return r;
	for (k = 0; k < w->n_order; k++) {
		const struct pmf_ranges *own = &w->nodes[w->order[k]].own;

		if (own->n == 0)
			continue;
		r = fn(&t->blocks[w->order[k]], own, userdata);
		if (r != 0)
			return r;
	}
	return 0;
}

int pmf_topology_up(const struct pmf_topology *t, dev_t devno, struct pmf_range r,
		    pmf_topology_up_fn fn, void *userdata)
{
	struct walk w = { .t = t };
	int ret;

	ret = walk_up(&w, devno, r, fn, userdata);
	walk_done(&w);
	return ret;
}
