// SPDX-License-Identifier: LGPL-2.1-or-later
/* What became of a removal that was not handled to its end. See aftermath.h. */
#include <stdarg.h>

#include "base/str.h"
#include "flow/aftermath.h"
#include "flow/locate.h"

static const char *name_of(const struct pmf_failure *f)
{
	return f->device_name ?: f->device_id;
}

/* "xfs on pmem0 (/mnt), ext4 on pmem0p2": what is still in use, for people. */
static int list_sites(const struct pmf_failure *f, const bool *which, char **ret)
{
	_cleanup_free_ char *list = NULL;

	for (size_t i = 0; i < f->n_cases; i++) {
		const struct pmf_site *s = &f->cases[i].site;
		_cleanup_free_ char *where = NULL, *longer = NULL;
		int r;

		if (which && !which[i])
			continue;
		r = pmf_str_escape(s->mountpoint ?: "", &where);
		if (r < 0)
			return r;
		r = pmf_format(&longer, "%s%s%s on %s%s%s%s", list ?: "", list ? ", " : "",
			       s->fstype ?: s->holder ?: pmf_site_kind_to_string(s->kind),
			       s->name ?: "?", *where ? " (" : "", where, *where ? ")" : "");
		if (r < 0)
			return r;
		free(list);
		list = TAKE_PTR(longer);
	}
	if (!list && !strdup_to(&list, "nothing"))
		return -ENOMEM;
	*ret = TAKE_PTR(list);
	return 0;
}

static void drop_case(struct pmf_failure *f, size_t i)
{
	pmf_case_done(&f->cases[i]);
	f->n_cases--;
	memmove(&f->cases[i], &f->cases[i + 1], (f->n_cases - i) * sizeof(*f->cases));
}

/* A device-DAX node is a site whether or not anybody maps it: only then it matters.
 * Who does is learnt by reading every process, for lack of anything else. */
static int drop_idle_nodes(struct pmf_sys *sys, struct pmf_failure *f)
{
	for (size_t i = 0; i < f->n_cases; ) {
		struct pmf_case *c = &f->cases[i];
		int r;

		if (c->site.kind != PMF_SITE_DEVDAX) {
			i++;
			continue;
		}
		r = sys->ops->scan_victims(sys, c->site.devno, &c->victims, &c->n_victims);
		if (r < 0 && r != -EOPNOTSUPP)
			return r;
		if (c->n_victims > 0)
			i++;
		else
			drop_case(f, i);
	}
	return 0;
}

static bool all_holders(const struct pmf_failure *f)
{
	for (size_t i = 0; i < f->n_cases; i++)
		if (f->cases[i].site.kind != PMF_SITE_HOLDER)
			return false;
	return true;
}

int pmf_judge_unheld(struct pmf_sys *sys, const struct pmf_topology *t, const char *why,
		     struct pmf_failure *f)
{
	const struct pmf_device *d = pmf_topology_device_by_id(t, f->device_id);
	_cleanup_free_ char *sites = NULL;
	int r;

	r = pmf_locate(sys, t, f->device_id, &f->ranges, &f->cases, &f->n_cases);
	if (r >= 0)
		r = drop_idle_nodes(sys, f);
	if (r < 0 || f->n_cases == 0)
		return r;
	r = list_sites(f, NULL, &sites);
	if (r < 0)
		return r;
	for (size_t i = 0; i < f->n_cases; i++)
		(void)snprintf(f->cases[i].outcome.problem,
			       sizeof(f->cases[i].outcome.problem),
			       "nothing was done here: nobody held the unbind");
	f->updated_us = sys->ops->now_realtime_us(sys);
	if (d && d->mode == PMF_MODE_SECTOR) {
		f->state = PMF_STATE_UNSUPPORTED;
		r = pmf_format(&f->reason, "%s was unbound in use by %s. In sector mode nothing "
			       "of it is mapped, so there was nothing to take away; unmount "
			       "what stands on it.", name_of(f), sites);
	} else if (all_holders(f)) {
		f->state = PMF_STATE_UNSUPPORTED;
		r = pmf_format(&f->reason, "%s was unbound in use by %s, which pmemfail cannot "
			       "look through, and nobody held the unbind: %s.", name_of(f),
			       sites, why);
	} else {
		f->state = PMF_STATE_FAILED;
		r = pmf_format(&f->reason, "%s was unbound in use by %s, and nobody held the "
			       "unbind: %s. Processes may still read the removed memory, and "
			       "an unmount can crash the kernel: stop them, then restart the "
			       "machine.", name_of(f), sites, why);
	}
	return r < 0 ? r : 1;
}

/* --- leftovers ------------------------------------------------------------- */

static int end_leftover(struct pmf_failure *f, enum pmf_state state, const char *fmt,
			...) _printf_(3, 4);
static int end_leftover(struct pmf_failure *f, enum pmf_state state, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	free(f->reason);
	f->reason = s;
	f->state = state;
	f->hold = 0;
	return 0;
}

/* Is the filesystem of that name still there? A device-DAX node is, while its
 * device is bound; of a holder nothing is known. */
static bool still_used(struct pmf_sys *sys, const struct pmf_site *s, bool bound)
{
	const char *fstype;

	if (s->kind != PMF_SITE_FILESYSTEM)
		return s->kind == PMF_SITE_HOLDER || bound;
	/* anything but a clear no is a yes */
	return !s->name || sys->ops->mounted_fstype(sys, s->name, &fstype) != -ENOENT;
}

static int judge(struct pmf_sys *sys, const struct pmf_topology *t, struct pmf_failure *f)
{
	const struct pmf_device *d = pmf_topology_device_by_id(t, f->device_id);
	bool bound = d && d->devno, any = false;
	_cleanup_free_ bool *used = calloc(f->n_cases + 1, sizeof(*used));
	_cleanup_free_ char *sites = NULL;
	int r;

	if (!used)
		return -ENOMEM;
	for (size_t i = 0; i < f->n_cases; i++) {
		used[i] = still_used(sys, &f->cases[i].site, bound);
		any |= used[i];
	}
	r = list_sites(f, used, &sites);
	if (r < 0)
		return r;
	if (f->n_cases == 0)
		return end_leftover(f, PMF_STATE_FAILED, "pmemfail ended in the middle of "
				    "handling, before it knew what used %s. The device is %s "
				    "now; look with \"pmemfailctl assess\" and the kernel's "
				    "log.", name_of(f), bound ? "bound" : "not bound");
	if (any && bound)
		return end_leftover(f, PMF_STATE_FAILED, "pmemfail ended in the middle of "
				    "handling; the device is bound, and in use: %s. When that "
				    "was mounted anew since, all is well; else unmount it.",
				    sites);
	if (any)
		return end_leftover(f, PMF_STATE_FAILED, "pmemfail ended in the middle of "
				    "handling; the device is not bound, yet still there: %s. "
				    "Whether its processes were told is not known.", sites);
	/* A mapping keeps its filesystem alive: without one there is no other. */
	return end_leftover(f, PMF_STATE_HANDLED, "pmemfail ended in the middle of handling, "
			    "but no filesystem of the device is in use any more.");
}

int pmf_judge_leftover(struct pmf_sys *sys, const struct pmf_topology *t,
		       struct pmf_failure *f)
{
	_cleanup_close_ int lock = -1;
	int r;

	r = sys->ops->lock_device(sys, f->device_id, 0, &lock);
	if (r == -EBUSY)
		return r;
	/* Any other error: the lock cannot be had by anybody, so nobody is at it. */
	r = judge(sys, t, f);
	if (r >= 0)
		f->updated_us = sys->ops->now_realtime_us(sys);
	return r;
}
