// SPDX-License-Identifier: LGPL-2.1-or-later
/* See poison.h. */
#include "poison.h"

#include "base/str.h"
#include "flow/locate.h"

int pmf_poison_lock(struct pmf_sys *sys, const char *device_id, uint64_t timeout_us,
		    int *ret_fd)
{
	_cleanup_free_ char *name = NULL;
	int r = pmf_format(&name, "%s.poison", device_id);

	return r < 0 ? r : sys->ops->lock_device(sys, name, timeout_us, ret_fd);
}

/* --- marking --------------------------------------------------------------- */

static bool may_mark(const struct pmf_run *run, const struct pmf_failure *f)
{
	struct pmf_case *cases = NULL;
	bool may = run->policy->fs.mark_bad;
	size_t n = 0;

	if (run->policy->n_overrides == 0)
		return may;
	if (pmf_locate(run->sys, run->topology, f->device_id, &f->ranges, &cases, &n) < 0)
		return may;
	for (size_t i = 0; i < n; i++) {
		const struct pmf_site *s = &cases[i].site;
		bool here = pmf_policy_for(run->policy, s->mountpoint, s->node).mark_bad;

		may = i == 0 ? here : may && here;
		pmf_case_done(&cases[i]);
	}
	free(cases);
	return may;
}

static void mark(const struct pmf_run *run, struct pmf_failure *f,
		 const struct pmf_ranges *what)
{
	const struct pmf_device *d = pmf_topology_bound_by_id(run->topology, f->device_id);
	_cleanup_free_ char *binding = NULL;

	if (!d || what->n == 0 || run->sys->ops->binding_id(run->sys, d, &binding) < 0)
		return;
	for (size_t i = 0; i < what->n; i++) {
		/* Full, or no list: what is not marked is handled all the same. */
		if (run->sys->ops->mark_bad(run->sys, d, what->v[i]) < 0 ||
		    pmf_ranges_add(&f->listed, what->v[i]) < 0)
			continue;
		free(f->marked_in);
		f->marked_in = TAKE_PTR(binding);
		if (!strdup_to(&binding, f->marked_in))
			return;
	}
}

void pmf_poison_mark(const struct pmf_run *run, struct pmf_failure *f)
{
	_cleanup_(pmf_ranges_done) struct pmf_ranges what = { 0 };

	if (!may_mark(run, f) || pmf_ranges_copy(&f->ranges, &what) < 0 ||
	    pmf_ranges_subtract(&what, &f->listed) < 0)
		return;
	mark(run, f, &what);
}

void pmf_poison_mark_again(const struct pmf_run *run, struct pmf_failure *f)
{
	_cleanup_(pmf_ranges_done) struct pmf_ranges what = { 0 };

	if (pmf_ranges_copy(&f->listed, &what) == 0)
		mark(run, f, &what);
}

/* --- handling -------------------------------------------------------------- */

void pmf_poison_handle(const struct pmf_run *run, struct pmf_failure *f)
{
	int r;

	pmf_failure_drop_hooks(f);
	f->state = PMF_STATE_HANDLING;
	r = pmf_handle_poison(run, f);
	f->updated_us = run->sys->ops->now_realtime_us(run->sys);
	if (r >= 0)
		return;
	f->state = PMF_STATE_FAILED;
	if (pmf_format(&f->reason, "the poison of %s was not handled: %s",
		       f->device_name ?: f->device_id, strerror(-r)) < 0)
		(void)strdup_to(&f->reason, "out of memory");
}

int pmf_poison_handle_again(const struct pmf_run *run, struct pmf_failure **f)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *before = NULL;
	int r = pmf_failure_copy(*f, &before);

	if (r < 0)
		return r;
	pmf_poison_handle(run, *f);
	if (!pmf_poison_is_same(before, *f))
		return 1;
	pmf_failure_free(*f);
	*f = TAKE_PTR(before);
	return 0;
}
