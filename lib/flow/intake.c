// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Events in, failures out. See intake.h.
 */
#include "flow/intake.h"

/* Devices to remember; a machine has a handful. Beyond it the one that has been
 * quiet longest is forgotten, which at worst makes a repeat look new. */
#define MAX_DEVICES	1024

struct entry {
	char *id, *name;
	bool removed;			/* and not bound again since */
	uint64_t hold;			/* the last one seen */
	struct pmf_failure *removal;	/* waits to be taken */
	struct pmf_failure *poison;	/* the same */
	uint64_t used;			/* when it was last touched: a counter */
};

struct pmf_intake {
	struct entry *v;
	size_t n, cap;
	size_t max_ranges;
	uint64_t clock;
};

static void entry_done(struct entry *x)
{
	free(x->id);
	free(x->name);
	pmf_failure_free(x->removal);
	pmf_failure_free(x->poison);
}

int pmf_intake_new(size_t max_ranges, struct pmf_intake **ret)
{
	struct pmf_intake *in;

	assert(max_ranges > 0);
	in = calloc(1, sizeof(*in));
	if (!in)
		return -ENOMEM;
	in->max_ranges = max_ranges;
	*ret = in;
	return 0;
}

struct pmf_intake *pmf_intake_free(struct pmf_intake *in)
{
	if (!in)
		return NULL;
	for (size_t i = 0; i < in->n; i++)
		entry_done(&in->v[i]);
	free(in->v);
	free(in);
	return NULL;
}

size_t pmf_intake_devices(const struct pmf_intake *in)
{
	return in->n;
}

/* Forget the quietest entry that nobody waits for. */
static void make_room(struct pmf_intake *in)
{
	struct entry *oldest = NULL;

	for (size_t i = 0; i < in->n; i++) {
		struct entry *x = &in->v[i];

		if (!x->removal && !x->poison && (!oldest || x->used < oldest->used))
			oldest = x;
	}
	if (!oldest)
		return;
	entry_done(oldest);
	*oldest = in->v[--in->n];
}

static int entry_for(struct pmf_intake *in, const struct pmf_event *e, struct entry **ret)
{
	struct entry x = { 0 };
	int r;

	for (size_t i = 0; i < in->n; i++)
		if (streq_ptr(in->v[i].id, e->device_id)) {
			if (!strdup_to(&in->v[i].name, e->device_name))
				return -ENOMEM;
			*ret = &in->v[i];
			return 0;
		}
	if (in->n >= MAX_DEVICES)
		make_room(in);
	r = pmf_grow(&in->v, &in->cap, in->n + 1, sizeof(*in->v));
	if (r < 0)
		return r;
	if (!strdup_to(&x.id, e->device_id) || !strdup_to(&x.name, e->device_name)) {
		entry_done(&x);
		return -ENOMEM;
	}
	in->v[in->n] = x;
	*ret = &in->v[in->n++];
	return 0;
}

/* Join the two neighbours with the least between them, until the bound is kept. */
static void coarsen(struct pmf_ranges *set, size_t max)
{
	while (set->n > max) {
		size_t best = 0;

		for (size_t i = 0; i + 1 < set->n; i++)
			if (set->v[i + 1].start - set->v[i].end <
			    set->v[best + 1].start - set->v[best].end)
				best = i;
		set->v[best].end = set->v[best + 1].end;
		memmove(&set->v[best + 1], &set->v[best + 2],
			(set->n - best - 2) * sizeof(*set->v));
		set->n--;
	}
}

static int add_removal(struct entry *x, const struct pmf_event *e,
		       enum pmf_intake_verdict *ret)
{
	struct pmf_failure *f;
	int r;

	if (e->hold ? e->hold == x->hold : x->removed) {
		*ret = PMF_INTAKE_REPEAT;
		return 0;
	}
	if (x->removal) {
		/* Two holds of one device before either was taken: the later one is
		 * what waits. Cannot be while the engine takes each at once. */
		x->removal->hold = e->hold;
		*ret = PMF_INTAKE_MERGED;
	} else {
		r = pmf_failure_from_event(e, &f);
		if (r < 0)
			return r;
		x->removal = f;
		*ret = PMF_INTAKE_NEW;
	}
	x->removed = true;
	if (e->hold)
		x->hold = e->hold;
	return 0;
}

static int add_poison(struct pmf_intake *in, struct entry *x, const struct pmf_event *e,
		      enum pmf_intake_verdict *ret)
{
	int r;

	if (!x->poison) {
		r = pmf_failure_from_event(e, &x->poison);
		if (r < 0)
			return r;
		*ret = PMF_INTAKE_NEW;
		return 0;
	}
	r = pmf_ranges_add(&x->poison->ranges, e->range);
	if (r < 0)
		return r;
	coarsen(&x->poison->ranges, in->max_ranges);
	*ret = PMF_INTAKE_MERGED;
	return 0;
}

int pmf_intake_add(struct pmf_intake *in, const struct pmf_event *e,
		   enum pmf_intake_verdict *ret)
{
	struct entry *x;
	int r;

	assert(e->device_id);
	r = entry_for(in, e, &x);
	if (r < 0)
		return r;
	x->used = ++in->clock;
	if (e->kind == PMF_KIND_REMOVE)
		return add_removal(x, e, ret);
	if (pmf_range_empty(e->range)) {
		*ret = PMF_INTAKE_REPEAT;
		return 0;
	}
	return add_poison(in, x, e, ret);
}

int pmf_intake_next(struct pmf_intake *in, struct pmf_failure **ret)
{
	struct pmf_failure **best = NULL;

	for (size_t i = 0; i < in->n; i++)
		if (in->v[i].removal &&
		    (!best || in->v[i].removal->created_us < (*best)->created_us))
			best = &in->v[i].removal;
	for (size_t i = 0; (!best || (*best)->kind == PMF_KIND_POISON) && i < in->n; i++)
		if (in->v[i].poison &&
		    (!best || in->v[i].poison->created_us < (*best)->created_us))
			best = &in->v[i].poison;
	if (!best)
		return -EAGAIN;
	*ret = TAKE_PTR(*best);
	return 0;
}

void pmf_intake_bound(struct pmf_intake *in, const char *device)
{
	for (size_t i = 0; i < in->n; i++)
		if (streq_ptr(in->v[i].id, device) || streq_ptr(in->v[i].name, device))
			in->v[i].removed = false;
}
