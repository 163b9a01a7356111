// SPDX-License-Identifier: LGPL-2.1-or-later
/* Is this device protected, with all that stands on it? See diagnosis.h. */
#include "base/str.h"
#include "diagnosis.h"
#include "flow/locate.h"

struct cases {
	struct pmf_case *v;
	size_t n;
};

static void cases_done(struct cases *c)
{
	for (size_t i = 0; i < c->n; i++)
		pmf_case_done(&c->v[i]);
	free(c->v);
}

static void ranges_donep(struct pmf_ranges *r)
{
	pmf_ranges_done(r);
}

/* Everything that an unbind of the device would hit. */
static int sites_of(const struct pmf_checkup *c, const struct pmf_device *dev,
		    struct cases *ret)
{
	_cleanup_(ranges_donep) struct pmf_ranges all = { 0 };
	int r = pmf_ranges_add(&all, PMF_RANGE_ALL);

	return r < 0 ? r : pmf_locate(c->sys, c->topology, dev->id, &all, &ret->v, &ret->n);
}

/*
 * Does an unbind of it wait? The module says so: it takes one watcher per device.
 * Asked only when there is a daemon that should have it, since a device that nobody
 * watches would for an instant be ours; the daemon then tries again.
 */
static int find_watch(struct pmemfail_diagnosis *d, const struct pmf_checkup *c,
		      const struct pmf_device *dev, const char *about, bool *ret_watched)
{
	_cleanup_close_ int fd = -1;
	int r;

	*ret_watched = false;
	if (c->module < 0 || c->facts.engine == 0)
		return 0;	/* said about the machine */
	r = c->sys->ops->hold_open(c->sys, &fd);
	if (r >= 0)
		r = c->sys->ops->hold_watch(c->sys, fd, dev->node, c->policy->hold_timeout_us, 0);
	if (r == -EBUSY) {
		*ret_watched = true;
		return 0;
	}
	if (r >= 0)
		return pmf_find(d, about, PMEMFAIL_PROBLEM, "not-watched",
				"Wait a minute and look again; then \"systemctl restart "
				"pmemfaild\" and look at its log.",
				"pmemfaild runs, but nobody watches %s: its unbind would not wait.",
				about);
	return pmf_find(d, about, PMEMFAIL_PROBLEM, "not-watchable",
			"Look at the kernel's log.",
			"%s cannot be watched: %s. Its unbind would not wait.", about,
			strerror(-r));
}

static bool has_shutdown(const char *fstype)
{
	return fstype && (streq(fstype, "xfs") || streq(fstype, "ext4"));
}

/* Root, or what pmemfail itself lives on. */
static int find_own(struct pmemfail_diagnosis *d, const struct pmf_checkup *c,
		    const char *about, const struct pmf_site *s, const char *where)
{
	_cleanup_close_ int fd = -1;
	bool own = false;

	if (streq_ptr(s->mountpoint, "/"))
		return pmf_find(d, about, PMEMFAIL_WARNING, "root-filesystem",
				"Put the root filesystem on another device.",
				"The root filesystem is on %s: nothing, pmemfail included, goes on "
				"when it is removed.", about);
	if (c->sys->ops->open_site(c->sys, s, &fd) < 0 ||
	    c->sys->ops->is_own(c->sys, fd, c->policy, &own) < 0 || !own)
		return 0;
	return pmf_find(d, about, PMEMFAIL_WARNING, "own-files",
			"Put StateDirectory and pmemfail's binaries on another device.",
			"%s holds pmemfail's own files: it is handled without being frozen, and "
			"its end cannot be recorded.", where);
}

static int find_filesystem(struct pmemfail_diagnosis *d, const struct pmf_checkup *c,
			   const char *about, const struct pmf_site *s)
{
	_cleanup_free_ char *mountpoint = NULL, *where = NULL;
	int r;

	r = pmf_str_escape(s->mountpoint ?: "not in sight", &mountpoint);
	if (r >= 0)
		r = pmf_format(&where, "%s on %s (%s)", s->fstype ?: "a filesystem", s->name,
			       mountpoint);
	if (r < 0)
		return r;
	if (!has_shutdown(s->fstype))
		r = pmf_find(d, about, PMEMFAIL_WARNING, "filesystem-unsupported",
			     "Use XFS or ext4, or unmount it before the device is unbound.",
			     "%s has no call to shut it down: its processes are told and its "
			     "memory is taken away, but writers go on into errors.", where);
	else if (!s->dax)
		r = pmf_find(d, about, PMEMFAIL_NOTE, "filesystem-not-dax",
			     "Mount it with dax=always when programs are to use the memory "
			     "itself.",
			     "%s is not mounted with DAX for all: only files with the DAX "
			     "attribute, if any, map the device. It is shut down all the same.",
			     where);
	else if (streq(s->fstype, "xfs") && c->facts.major * 1000 + c->facts.minor >= 6008)
		r = pmf_find(d, about, PMEMFAIL_NOTE, "kernel-helps", NULL,
			     "%s: with reverse mapping (rmapbt) and not over device-mapper this "
			     "kernel also revokes XFS by itself; pmemfail does it before, for "
			     "every layout.", where);
	if (r >= 0 && has_shutdown(s->fstype))
		r = pmf_diagnose_owners(d, c, about, s, where);
	return r < 0 ? r : find_own(d, c, about, s, where);
}

static int find_holder(struct pmemfail_diagnosis *d, const char *about,
		       const struct pmf_site *s)
{
	const char *advice = "Use plain partitions, or linear or striped logical volumes, on "
			     "persistent memory; else unmount what stands on it before the "
			     "device is unbound.";

	if (streq_ptr(s->holder, "swap"))
		return pmf_find(d, about, PMEMFAIL_PROBLEM, "holder-swap",
				"Stop it before the device is unbound: \"swapoff\".",
				"%s is used as swap: an unbind takes the memory of whoever is "
				"swapped out to it.", s->name);
	return pmf_find(d, about, PMEMFAIL_PROBLEM, "holder-unknown", advice,
			"%s (%s) uses the device, and data cannot be followed through it: what "
			"stands on it is not protected.", s->name, s->holder ?: "unknown");
}

static int find_sites(struct pmemfail_diagnosis *d, const struct pmf_checkup *c,
		      const struct pmf_device *dev, const char *about)
{
	_cleanup_(cases_done) struct cases cases = { 0 };
	int r;

	r = sites_of(c, dev, &cases);
	if (r < 0)
		return r == -ENOMEM ? r : pmf_find(d, about, PMEMFAIL_WARNING,
			"sites-unknown", "Look at the kernel's log.",
			"What uses %s cannot be found out: %s.", about, strerror(-r));
	for (size_t i = 0; i < cases.n; i++) {
		const struct pmf_site *s = &cases.v[i].site;

		if (s->kind == PMF_SITE_FILESYSTEM)
			r = find_filesystem(d, c, about, s);
		else if (s->kind == PMF_SITE_HOLDER)
			r = find_holder(d, about, s);
		if (r < 0)
			return r;
	}
	return 0;
}

int pmf_diagnose_device(struct pmemfail_diagnosis *d, const struct pmf_checkup *c,
			const struct pmf_device *dev)
{
	const char *about = dev->name ?: dev->ns ?: dev->id;
	bool watched;
	int r;

	if (!dev->devno)
		return pmf_find(d, about, PMEMFAIL_OK, "not-bound", NULL,
				"%s is not bound to a driver, so nothing can use it.", about);
	r = find_watch(d, c, dev, about, &watched);
	if (r >= 0 && dev->mode == PMF_MODE_SECTOR)
		r = pmf_find(d, about, PMEMFAIL_NOTE, "sector-mode", NULL,
			     "%s is in sector mode: no program maps it, so none can be left with "
			     "memory that is gone. A filesystem on it sees I/O errors.", about);
	if (r >= 0)
		r = find_sites(d, c, dev, about);
	if (r >= 0)
		r = pmf_diagnose_poison_device(d, c, dev, about);
	if (r < 0 || !watched)
		return r;
	if (pmemfail_diagnosis_worst(d, about) >= PMEMFAIL_WARNING)
		return pmf_find(d, about, PMEMFAIL_OK, "watched", NULL,
				"An unbind of %s waits until pmemfail has done what it can.", about);
	return pmf_find(d, about, PMEMFAIL_OK, "protected", NULL,
			dev->mode == PMF_MODE_DEVDAX ?
			"An unbind of %s waits until every process that maps the node is told." :
			"An unbind of %s waits until its filesystems are shut down and every "
			"process that maps them is told.", about);
}
