// SPDX-License-Identifier: LGPL-2.1-or-later
/* Telling the kernel which ranges are bad. See mark.h. */
#include "flow/locate.h"
#include "flow/mark.h"

/* The kernel's own findings are in its lists, or were and have been cleared. */
static bool may_lack(const struct pmf_failure *f)
{
	return f->source != PMF_SOURCE_BADBLOCKS || f->marked_in;
}

static bool is_allowed(const struct pmf_run *run, const struct pmf_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!pmf_policy_for(run->policy, cases[i].site.mountpoint,
				    cases[i].site.node).mark_bad)
			return false;
	return n > 0 || run->policy->fs.mark_bad;
}

static int write_all(const struct pmf_run *run, const struct pmf_device *d,
		     const struct pmf_ranges *what, struct pmf_ranges *written)
{
	int r, first = 0;

	/* A full list stays so: each further try would read all of it, for thousands of
	 * ranges. */
	for (size_t i = 0; i < what->n && first != -ENOSPC; i++) {
		r = run->sys->ops->mark_bad(run->sys, d, what->v[i]);
		if (r >= 0)
			r = pmf_ranges_add(written, what->v[i]);
		first = first < 0 ? first : r;
	}
	return first;
}

/* What was listed in this binding and is not any more, has been cleared: a good sign
 * that is not to be overruled. What we wrote is gone with the binding it was written in,
 * while the kernel lists its own findings anew. */
static int missing(const struct pmf_failure *f, const char *binding,
		   const struct pmf_ranges *now, struct pmf_ranges *ret)
{
	int r = pmf_ranges_copy(&f->ranges, ret);

	if (r >= 0)
		r = pmf_ranges_subtract(ret, now);
	if (r >= 0 && (!f->marked_in || streq(f->marked_in, binding)))
		r = pmf_ranges_subtract(ret, &f->listed);
	return r;
}

static int mark(const struct pmf_run *run, struct pmf_failure *f, const struct pmf_device *d,
		bool write, struct pmf_ranges *listed, char **ret_binding)
{
	_cleanup_(pmf_ranges_done) struct pmf_ranges have = {}, lacks = {}, written = {};
	_cleanup_free_ char *binding = NULL;
	struct pmf_sys *sys = run->sys;
	bool full;
	int r, w;

	r = sys->ops->read_badblocks(sys, d, &have, &full);
	if (r >= 0)
		r = pmf_ranges_intersect(&f->ranges, &have, listed);
	if (r >= 0 && write)
		r = sys->ops->binding_id(sys, d, &binding);
	if (r >= 0 && write)
		r = missing(f, binding, &have, &lacks);
	if (r < 0 || !write)
		return r;
	w = write_all(run, d, &lacks, &written);
	r = pmf_ranges_add_all(listed, &written);
	/* Nothing is ours in it; or not all that was ours is, so that it is to be tried
	 * again: the binding stays as it was. */
	if (f->marked_in ? w >= 0 : written.n > 0)
		*ret_binding = TAKE_PTR(binding);
	return w < 0 ? w : r;
}

bool pmf_mark(const struct pmf_run *run, struct pmf_failure *f, struct pmf_case *cases,
	      size_t n)
{
	const struct pmf_device *d = pmf_topology_bound_by_id(run->topology, f->device_id);
	_cleanup_(pmf_ranges_done) struct pmf_ranges listed = {};
	_cleanup_free_ char *binding = NULL;
	uint64_t bytes = pmf_ranges_bytes(&f->listed);
	bool news;
	int r;

	if (!d || d->mode == PMF_MODE_DEVDAX)
		return false;
	r = mark(run, f, d, may_lack(f) && is_allowed(run, cases, n), &listed, &binding);
	if (r < 0 && n > 0 && !cases[0].outcome.problem[0])
		(void)snprintf(cases[0].outcome.problem, sizeof(cases[0].outcome.problem),
			       "the kernel could not be told that it is bad: %s", strerror(-r));
	/* What was listed once counts until all of it has gone. */
	if (pmf_ranges_add_all(&f->listed, &listed) < 0)
		return false;
	news = pmf_ranges_bytes(&f->listed) != bytes;
	if (binding && !streq_ptr(f->marked_in, binding)) {
		free(f->marked_in);
		f->marked_in = TAKE_PTR(binding);
		news = true;
	}
	return news;
}

bool pmf_mark_again(const struct pmf_run *run, struct pmf_failure *f)
{
	_cleanup_close_ int lock = -1;
	struct pmf_case *cases = NULL;
	bool news = false;
	size_t n = 0;

	if (!may_lack(f) ||
	    run->sys->ops->lock_device(run->sys, f->device_id,
				       run->policy->hold_timeout_us / 4, &lock) < 0)
		return false;
	if (pmf_locate(run->sys, run->topology, f->device_id, &f->ranges, &cases, &n) >= 0)
		news = pmf_mark(run, f, cases, n);
	pmf_cases_free(cases, n);
	return news;
}
