/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who owns the bad bytes of a device; see claims.h. Called by bad.c.
 *
 * One sweep over the ends of all claims, counting which are open: a storm can leave
 * tens of thousands of ranges on record.
 */
#include "claims.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

#define N_KINDS (CLAIM_TARGET + 1)

struct edge {
	uint64_t at;
	enum claim_kind kind;
	enum strip_owner owner;
	int step;		/* +1 begins, -1 ends */
};

void claims_add(struct claims *c, enum claim_kind kind, uint64_t start, uint64_t end,
		enum strip_owner owner)
{
	if (start >= end)
		return;
	if (c->n == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 32;
		c->v = text_alloc(realloc(c->v, c->cap * sizeof(*c->v)));
	}
	c->v[c->n++] = (struct claim){ kind, { start, end, owner } };
}

void claims_done(struct claims *c)
{
	free(c->v);
	memset(c, 0, sizeof(*c));
}

static int compare(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static enum strip_owner worst(unsigned int open[static N_KINDS][STRIP_N])
{
	for (int kind = CLAIM_TARGET; kind >= CLAIM_FAILURE; kind--)
		for (enum strip_owner o = 0; o < STRIP_N; o++)
			if (open[kind][o] > 0)
				return o;
	return STRIP_UNRECORDED;
}

struct strip_range *claims_settle(const struct claims *c, size_t *ret_n)
{
	struct edge *edges = text_alloc(calloc(2 * c->n + 1, sizeof(*edges)));
	struct strip_range *v = text_alloc(calloc(2 * c->n + 1, sizeof(*v)));
	unsigned int open[N_KINDS][STRIP_N] = {};
	size_t n = 0, bad = 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct claim *k = &c->v[i];

		edges[2 * i] = (struct edge){ k->at.start, k->kind, k->at.owner, 1 };
		edges[2 * i + 1] = (struct edge){ k->at.end, k->kind, k->at.owner, -1 };
	}
	qsort(edges, 2 * c->n, sizeof(*edges), compare);
	for (size_t i = 0; i < 2 * c->n; i++) {
		const struct edge *e = &edges[i];
		uint64_t next = i + 1 < 2 * c->n ? edges[i + 1].at : e->at;

		open[e->kind][e->owner] += (unsigned int)e->step;
		if (e->kind == CLAIM_BAD)
			bad += (size_t)e->step;
		if (bad == 0 || next == e->at)
			continue;
		if (n > 0 && v[n - 1].end == e->at && v[n - 1].owner == worst(open))
			v[n - 1].end = next;
		else
			v[n++] = (struct strip_range){ e->at, next, worst(open) };
	}
	free(edges);
	*ret_n = n;
	return v;
}
