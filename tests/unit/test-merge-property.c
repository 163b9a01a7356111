// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events into failures, by chance: poison and removals of several devices, what gets
 * known or whole again, what is held, with memory or without; against a table of pages
 * and flags. All that came is given, none of it twice, and in the right order.
 */
#include "flow/intake.h"
#include "test.h"

#define DEVICES	3
#define PAGES	64
#define STEPS	60000

static char ids[DEVICES][8] = { "bus/a", "bus/b", "bus/c" };
static char names[DEVICES][8] = { "pmem0", "pmem1", "pmem2" };

struct device {
	bool known[PAGES], waiting[PAGES];
	bool held;
	uint64_t since;		/* of what waits; 0: nothing does */
	bool removed, removal;	/* told; waits */
	uint64_t hold, removal_since;
};

struct model {
	struct pmf_intake *in;
	struct device d[DEVICES];
	uint64_t now, last_hold;
	bool short_of_memory;	/* the call under way may fail with -ENOMEM */
};

static bool any(const bool *v)
{
	for (int i = 0; i < PAGES; i++)
		if (v[i])
			return true;
	return false;
}

/* -ENOMEM, where it can be; then nothing has happened. */
static bool failed(struct model *m, int r)
{
	bool f = m->short_of_memory && test_alloc_failed() && r == -ENOMEM;

	test_alloc_fail(0);
	return f;
}

static void some_memory(struct model *m)
{
	m->short_of_memory = test_below(5) == 0;
	test_alloc_fail(m->short_of_memory ? 1 + (unsigned int)test_below(4) : 0);
}

static struct pmf_range some_pages(void)
{
	uint64_t first = test_below(PAGES), n = 1 + test_below(test_below(3) ? 3 : PAGES / 2);

	return (struct pmf_range){ first, MIN(first + n, (uint64_t)PAGES) };
}

static struct pmf_range bytes_of(struct pmf_range pages)
{
	return (struct pmf_range){ pages.start << 12, pages.end << 12 };
}

static bool add_poison(struct model *m, int i)
{
	struct pmf_range r = some_pages();
	struct pmf_event e = {
		.kind = PMF_KIND_POISON, .source = PMF_SOURCE_BADBLOCKS, .device_id = ids[i],
		.device_name = names[i], .time_us = ++m->now, .range = bytes_of(r),
	};
	struct device *d = &m->d[i];
	enum pmf_intake_verdict v, want;
	bool all = true;
	int err;

	for (uint64_t p = r.start; p < r.end; p++)
		all &= d->known[p];
	some_memory(m);
	err = pmf_intake_add(m->in, &e, &v);
	if (failed(m, err))
		return true;
	want = all ? PMF_INTAKE_REPEAT : d->since ? PMF_INTAKE_MERGED : PMF_INTAKE_NEW;
	if (err < 0 || v != want)
		return false;
	for (uint64_t p = r.start; p < r.end && !all; p++)
		d->waiting[p] = true;
	d->since = all || d->since ? d->since : m->now;
	return true;
}

static bool add_removal(struct model *m, int i)
{
	struct device *d = &m->d[i];
	uint64_t hold = test_below(3) ? 0 : test_below(2) ? m->last_hold : ++m->last_hold;
	struct pmf_event e = {
		.kind = PMF_KIND_REMOVE, .source = hold ? PMF_SOURCE_HOLD : PMF_SOURCE_UEVENT,
		.device_id = ids[i], .device_name = names[i], .time_us = ++m->now,
		.range = PMF_RANGE_ALL, .hold = hold,
	};
	bool repeat = hold ? hold == d->hold : d->removed;
	enum pmf_intake_verdict v;
	int err;

	some_memory(m);
	err = pmf_intake_add(m->in, &e, &v);
	if (failed(m, err))
		return true;
	if (err < 0 || v != (repeat ? PMF_INTAKE_REPEAT :
			     d->removal ? PMF_INTAKE_MERGED : PMF_INTAKE_NEW))
		return false;
	if (repeat)
		return true;
	d->removal_since = d->removal ? d->removal_since : m->now;
	d->removed = d->removal = true;
	d->hold = hold ?: d->hold;
	return true;
}

/* Which device is to be given next, -1: none; what became known meanwhile is none. */
static int next_of(struct model *m, bool *ret_removal)
{
	int best = -1;

	*ret_removal = true;
	for (int i = 0; i < DEVICES; i++)
		if (m->d[i].removal &&
		    (best < 0 || m->d[i].removal_since < m->d[best].removal_since))
			best = i;
	if (best >= 0)
		return best;
	*ret_removal = false;
	for (int i = 0; i < DEVICES; i++) {
		struct device *d = &m->d[i];
		bool news = false;

		for (int p = 0; p < PAGES; p++)
			news |= d->waiting[p] && !d->known[p];
		if (d->since && news && !d->held && (best < 0 || d->since < m->d[best].since))
			best = i;
	}
	return best;
}

/* Those that are passed over on the way to the one that is given have no news left. */
static void pass_over(struct model *m, uint64_t before)
{
	for (int i = 0; i < DEVICES; i++) {
		struct device *d = &m->d[i];

		if (d->since && d->since < before && !d->held) {
			memset(d->waiting, 0, sizeof(d->waiting));
			d->since = 0;
		}
	}
}

static bool gives(struct device *d, const struct pmf_ranges *set)
{
	bool given[PAGES] = {};

	for (size_t i = 0; i < set->n; i++)
		for (uint64_t p = set->v[i].start >> 12; p < set->v[i].end >> 12; p++)
			given[MIN(p, (uint64_t)PAGES - 1)] = true;
	for (int p = 0; p < PAGES; p++) {
		if (given[p] != (d->waiting[p] && !d->known[p]))
			return false;
		d->known[p] |= given[p];
	}
	memset(d->waiting, 0, sizeof(d->waiting));
	d->since = 0;
	return true;
}

static bool take(struct model *m)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;
	bool removal;
	int i = next_of(m, &removal), r;

	some_memory(m);
	r = pmf_intake_next(m->in, &f);
	if (failed(m, r)) {	/* nothing is lost, but what had no news may be gone */
		r = pmf_intake_next(m->in, &f);
		m->short_of_memory = false;
	}
	if (i < 0) {
		pass_over(m, UINT64_MAX);
		return r == -EAGAIN;
	}
	if (r < 0 || !streq(f->device_id, ids[i]) || !streq_ptr(f->device_name, names[i]) ||
	    f->kind != (removal ? PMF_KIND_REMOVE : PMF_KIND_POISON))
		return false;
	if (removal) {
		m->d[i].removal = false;
		return f->hold == 0 || f->hold == m->d[i].hold;
	}
	pass_over(m, m->d[i].since);
	return gives(&m->d[i], &f->ranges);
}

/* Other ranges are known, or these are whole again. */
static bool learn(struct model *m, int i, bool whole)
{
	_cleanup_(pmf_ranges_done) struct pmf_ranges set = {};
	bool map[PAGES] = {};
	int r;

	for (uint64_t n = test_below(4); n > 0; n--) {
		struct pmf_range p = some_pages();

		if (pmf_ranges_add(&set, bytes_of(p)) < 0)
			abort();
		for (uint64_t k = p.start; k < p.end; k++)
			map[k] = true;
	}
	some_memory(m);
	r = whole ? pmf_intake_forget(m->in, ids[i], &set) :
		pmf_intake_known(m->in, ids[i], &set);
	if (failed(m, r))
		return true;
	for (int p = 0; p < PAGES; p++)
		m->d[i].known[p] = whole ? m->d[i].known[p] && !map[p] : map[p];
	return r == 0;
}

static bool hold(struct model *m, int i)
{
	bool on = test_below(2);
	int r;

	some_memory(m);
	r = pmf_intake_hold_poison(m->in, ids[i], on);
	if (failed(m, r))
		return on;	/* to end it needs none */
	m->d[i].held = on;
	return r == 0;
}

static bool step(struct model *m)
{
	int i = (int)test_below(DEVICES);

	switch (test_below(12)) {
	case 0:
		return learn(m, i, false);
	case 1:
		return learn(m, i, true);
	case 2:
		return hold(m, i);
	case 3:
		return add_removal(m, i);
	case 4:
		pmf_intake_bound(m->in, test_below(2) ? ids[i] : names[i]);
		m->d[i].removed = false;
		return true;
	case 5: case 6: case 7:
		return take(m);
	default:
		return add_poison(m, i);
	}
}

/* Whatever waits comes out once nothing is held. */
static bool drain(struct model *m)
{
	bool right = true;

	for (int i = 0; i < DEVICES; i++) {
		right &= pmf_intake_hold_poison(m->in, ids[i], false) == 0;
		m->d[i].held = false;
	}
	for (int i = 0; i < 3 * DEVICES && right; i++)
		right = take(m);
	for (int i = 0; i < DEVICES; i++)
		right &= !any(m->d[i].waiting) && !m->d[i].removal;
	return right;
}

TEST(all_that_came_is_given_once)
{
	struct model m = {};
	bool right = true;
	int i;

	CHECK_EQ(pmf_intake_new(65536, &m.in), 0);
	for (i = 0; i < STEPS && right; i++)
		right = step(&m);
	right = right && drain(&m);
	m.in = pmf_intake_free(m.in);
	CHECK(right);
	CHECK_EQ(i, STEPS);
}
