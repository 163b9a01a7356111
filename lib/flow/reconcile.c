// SPDX-License-Identifier: LGPL-2.1-or-later
/* See reconcile.h. */
#include "flow/reconcile.h"

void pmf_lists_done(struct pmf_lists *l)
{
	pmf_ranges_done(&l->bad);
	free(l->binding);
	*l = (struct pmf_lists){ 0 };
}

int pmf_lists_copy(const struct pmf_lists *l, struct pmf_lists *ret)
{
	struct pmf_lists c = { .full = l->full };

	if (pmf_ranges_copy(&l->bad, &c.bad) < 0 || !strdup_to(&c.binding, l->binding)) {
		pmf_lists_done(&c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

/* A full list may have pushed out what is bad all the same. */
static int may_be_cleared(const struct pmf_failure *f, const struct pmf_lists *lists,
			  bool *ret)
{
	_cleanup_(pmf_ranges_done) struct pmf_ranges left = { 0 };
	int r = pmf_ranges_intersect(&f->listed, &lists->bad, &left);

	if (r == 0)
		*ret = f->listed.n > 0 && left.n == 0 && !lists->full;
	return r;
}

static int add_listed(struct pmf_failure *f, const struct pmf_lists *lists, bool *ret_more)
{
	_cleanup_(pmf_ranges_done) struct pmf_ranges more = { 0 };
	int r;

	r = pmf_ranges_intersect(&f->ranges, &lists->bad, &more);
	if (r == 0)
		r = pmf_ranges_subtract(&more, &f->listed);
	if (r == 0 && more.n > 0)
		r = pmf_ranges_add_all(&f->listed, &more);
	if (r == 0)
		*ret_more = more.n > 0;
	return r;
}

int pmf_reconcile(struct pmf_failure *f, const struct pmf_lists *lists,
		  enum pmf_reconciled *ret)
{
	bool cleared = false, more = false;
	int r;

	*ret = PMF_RECONCILED_SAME;
	r = may_be_cleared(f, lists, &cleared);
	if (r < 0)
		return r;
	if (cleared && f->marked_in && !streq_ptr(f->marked_in, lists->binding)) {
		/* Not knowing the binding, rather believe that it is still bad. */
		if (lists->binding)
			*ret = PMF_RECONCILED_UNMARKED;
		return 0;
	}
	if (cleared) {
		f->state = PMF_STATE_CLEARED;
		free(f->reason);
		f->reason = NULL;
		*ret = PMF_RECONCILED_CLEARED;
		return 0;
	}
	r = add_listed(f, lists, &more);
	if (r == 0 && more)
		*ret = PMF_RECONCILED_LISTED;
	return r;
}

/* --- replay ---------------------------------------------------------------- */

static bool is_settled(const struct pmf_target *t)
{
	if (t->kind == PMF_TARGET_FREE || t->kind == PMF_TARGET_UNKNOWN)
		return false;
	return t->action == PMF_ACTION_REPORT || t->action == PMF_ACTION_NONE ||
	       t->step.state == PMF_STEP_DONE;
}

/* Does somebody who was dealt with own every byte of the site's ranges? */
static bool case_is_settled(const struct pmf_case *c)
{
	_cleanup_(pmf_ranges_done) struct pmf_ranges owned = { 0 };

	for (size_t i = 0; i < c->n_targets; i++)
		if (is_settled(&c->targets[i]) &&
		    pmf_ranges_add(&owned, c->targets[i].at) < 0)
			return false;
	for (size_t i = 0; i < c->site.ranges.n; i++)
		if (!pmf_ranges_cover(&owned, c->site.ranges.v[i]))
			return false;
	return true;
}

bool pmf_poison_is_open(const struct pmf_failure *f)
{
	uint64_t bytes = 0;

	/* Without a range it is the namespace's own page: nobody can do anything. */
	if (f->state == PMF_STATE_CLEARED || f->ranges.n == 0)
		return false;
	if (f->state != PMF_STATE_HANDLED)
		return true;
	for (size_t i = 0; i < f->n_cases; i++) {
		if (!case_is_settled(&f->cases[i]))
			return true;
		bytes += pmf_ranges_bytes(&f->cases[i].site.ranges);
	}
	/* Parts of the device that nothing mounted had. */
	return bytes < pmf_ranges_bytes(&f->ranges);
}

static bool same_targets(const struct pmf_case *a, const struct pmf_case *b)
{
	if (a->n_targets != b->n_targets)
		return false;
	for (size_t i = 0; i < a->n_targets; i++) {
		const struct pmf_target *x = &a->targets[i], *y = &b->targets[i];

		if (x->kind != y->kind || x->ino != y->ino || x->generation != y->generation ||
		    x->action != y->action || x->step.state != y->step.state ||
		    x->told != y->told || x->at.start != y->at.start ||
		    x->at.end != y->at.end)
			return false;
	}
	return true;
}

static bool same_ranges(const struct pmf_ranges *a, const struct pmf_ranges *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->v, b->v, a->n * sizeof(*a->v)) == 0);
}

bool pmf_poison_is_same(const struct pmf_failure *a, const struct pmf_failure *b)
{
	if (a->state != b->state || !streq_ptr(a->reason, b->reason) ||
	    !same_ranges(&a->listed, &b->listed) || !streq_ptr(a->marked_in, b->marked_in) ||
	    a->n_cases != b->n_cases)
		return false;
	for (size_t i = 0; i < a->n_cases; i++)
		if (a->cases[i].site.devno != b->cases[i].site.devno ||
		    a->cases[i].n_victims != b->cases[i].n_victims ||
		    !same_targets(&a->cases[i], &b->cases[i]))
			return false;
	return true;
}
