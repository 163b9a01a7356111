// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Events in, failures out. See intake.h.
 */
#include "flow/damage.h"
#include "flow/intake.h"

/* Devices to remember; a machine has a handful. Beyond it the one that has been
 * quiet longest is forgotten, which at worst makes a repeat of its removal look new;
 * one with open poison is not. */
#define MAX_DEVICES	1024

struct entry {
	char *id, *name;
	bool removed;			/* and not bound again since */
	uint64_t hold;			/* the last one seen */
	struct pmf_failure *removal;	/* waits to be taken */
	struct pmf_failure *poison;	/* the same; its ranges are in damage */
	struct pmf_damage damage;
	bool poison_held;		/* not to be taken now */
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
	pmf_damage_done(&x->damage);
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

		if (!x->removal && !x->poison && !x->poison_held &&
		    x->damage.known.n == 0 && (!oldest || x->used < oldest->used))
			oldest = x;
	}
	if (!oldest)
		return;
	entry_done(oldest);
	*oldest = in->v[--in->n];
}

static struct entry *find(struct pmf_intake *in, const char *id)
{
	for (size_t i = 0; i < in->n; i++)
		if (streq(in->v[i].id, id))
			return &in->v[i];
	return NULL;
}

/* Found or made. */
static int entry_for(struct pmf_intake *in, const char *id, struct entry **ret)
{
	struct entry x = { 0 }, *found = find(in, id);
	int r;

	if (!found) {
		if (in->n >= MAX_DEVICES)
			make_room(in);
		r = pmf_grow(&in->v, &in->cap, in->n + 1, sizeof(*in->v));
		if (r < 0)
			return r;
		if (!strdup_to(&x.id, id))
			return -ENOMEM;
		in->v[in->n] = x;
		found = &in->v[in->n++];
	}
	found->used = ++in->clock;
	*ret = found;
	return 0;
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
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;
	bool news;
	int r;

	if (!x->poison) {
		r = pmf_failure_from_event(e, &f);
		if (r < 0)
			return r;
		pmf_ranges_done(&f->ranges);
	}
	r = pmf_damage_add(&x->damage, e->range, in->max_ranges, &news);
	if (r < 0)
		return r;
	if (!news) {
		*ret = PMF_INTAKE_REPEAT;
	} else if (x->poison) {
		pmf_failure_also_from(x->poison, e->source);
		*ret = PMF_INTAKE_MERGED;
	} else {
		x->poison = TAKE_PTR(f);
		*ret = PMF_INTAKE_NEW;
	}
	return 0;
}

int pmf_intake_add(struct pmf_intake *in, const struct pmf_event *e,
		   enum pmf_intake_verdict *ret)
{
	struct entry *x;
	int r;

	assert(e->device_id);
	r = entry_for(in, e->device_id, &x);
	if (r < 0)
		return r;
	if (!streq_ptr(x->name, e->device_name) && !strdup_to(&x->name, e->device_name))
		return -ENOMEM;
	if (e->kind == PMF_KIND_REMOVE)
		return add_removal(x, e, ret);
	if (pmf_range_empty(e->range)) {
		*ret = PMF_INTAKE_REPEAT;
		return 0;
	}
	return add_poison(in, x, e, ret);
}

/* The oldest that may be taken. */
static struct entry *oldest(struct pmf_intake *in, bool removal)
{
	struct entry *best = NULL;
	uint64_t best_us = 0;

	for (size_t i = 0; i < in->n; i++) {
		struct entry *x = &in->v[i];
		const struct pmf_failure *f = removal ? x->removal :
			x->poison_held ? NULL : x->poison;

		if (f && (!best || f->created_us < best_us)) {
			best = x;
			best_us = f->created_us;
		}
	}
	return best;
}

int pmf_intake_next(struct pmf_intake *in, struct pmf_failure **ret)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;
	struct entry *x = oldest(in, true);
	int r;

	if (x) {
		*ret = TAKE_PTR(x->removal);
		return 0;
	}
	while ((x = oldest(in, false))) {
		r = pmf_damage_take(&x->damage, in->max_ranges, &x->poison->ranges);
		if (r < 0)
			return r;
		f = TAKE_PTR(x->poison);
		if (f->ranges.n > 0) {
			*ret = TAKE_PTR(f);
			return 0;
		}
		f = pmf_failure_free(f);	/* it became known while it waited */
	}
	return -EAGAIN;
}

/* --- what is known --------------------------------------------------------- */

int pmf_intake_known(struct pmf_intake *in, const char *device_id,
		     const struct pmf_ranges *known)
{
	struct pmf_ranges copy;
	struct entry *x;
	int r;

	r = pmf_ranges_copy(known, &copy);
	if (r < 0)
		return r;
	r = entry_for(in, device_id, &x);
	if (r < 0) {
		pmf_ranges_done(&copy);
		return r;
	}
	pmf_ranges_done(&x->damage.known);
	x->damage.known = copy;
	return 0;
}

int pmf_intake_forget(struct pmf_intake *in, const char *device_id,
		      const struct pmf_ranges *gone)
{
	struct entry *x = find(in, device_id);

	return x ? pmf_ranges_subtract(&x->damage.known, gone) : 0;
}

int pmf_intake_hold_poison(struct pmf_intake *in, const char *device_id, bool hold)
{
	struct entry *x = find(in, device_id);
	int r;

	if (!x && !hold)
		return 0;
	if (!x) {
		r = entry_for(in, device_id, &x);
		if (r < 0)
			return r;
	}
	x->poison_held = hold;
	return 0;
}

void pmf_intake_bound(struct pmf_intake *in, const char *device)
{
	for (size_t i = 0; i < in->n; i++)
		if (streq_ptr(in->v[i].id, device) || streq_ptr(in->v[i].name, device))
			in->v[i].removed = false;
}
