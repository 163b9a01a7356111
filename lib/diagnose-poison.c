// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is to know about poison: is it seen, is it on record, what waits, do the hooks
 * run. The judging half is pure and works on a checkup; the other fills it. See
 * diagnosis.h.
 */
#include <inttypes.h>

#include "base/str.h"
#include "diagnosis.h"
#include "flow/store.h"

#define OPEN_SHOWN 8	/* open failures told one by one, per device */

static void ranges_donep(struct pmf_ranges *r)
{
	pmf_ranges_done(r);
}

/* "4096 bytes at 0x1000 (first of 3 ranges)" */
static int describe(const struct pmf_ranges *set, char **ret)
{
	uint64_t bytes = pmf_ranges_bytes(set);

	if (set->n == 1)
		return pmf_format(ret, "%" PRIu64 " bytes at offset 0x%" PRIx64, bytes,
				  set->v[0].start);
	return pmf_format(ret, "%" PRIu64 " bytes in %zu ranges, the first at offset 0x%"
			  PRIx64, bytes, set->n, set->n > 0 ? set->v[0].start : 0);
}

static int find_hooks(struct pmemfail_diagnosis *d, const struct pmf_checkup *c)
{
	int r = 0;

	if (c->hooks_error < 0 && c->hooks_error != -ENOENT)
		return pmf_find(d, NULL, PMEMFAIL_WARNING, "hooks-unreadable",
				"It must be a directory that only root can write to: see "
				"pmemfail-hooks(5).",
				"The hooks in %s cannot be read, so none runs: %s.",
				c->policy->hooks_dir, strerror(-c->hooks_error));
	for (size_t i = 0; r >= 0 && i < c->n_hooks; i++) {
		const struct pmf_hook_result *h = &c->hooks[i];
		_cleanup_free_ char *name = NULL, *why = NULL;

		if (h->status == 0 && !h->why)
			continue;
		/* an entry that stands for the directory */
		if (streq_ptr(h->name, "."))
			return pmf_find(d, NULL, PMEMFAIL_WARNING, "hooks-refused",
					"Only root may be able to write to it: \"chown root:root\", "
					"\"chmod 755\"; then look at what is in it.",
					"All hooks in %s are refused: %s.", c->policy->hooks_dir,
					h->why ?: strerror(-h->status));
		r = pmf_str_escape(h->name ?: "?", &name);
		if (r >= 0)
			r = pmf_str_escape(h->why ?: strerror(h->status < 0 ? -h->status :
							      EINVAL), &why);
		if (r >= 0)
			r = pmf_find(d, NULL, PMEMFAIL_WARNING, "hook-refused",
				     "Put it right (\"chown root:root\", \"chmod 755\") or take it "
				     "out of the directory: see pmemfail-hooks(5).",
				     "The hook %s in %s is refused: %s.", name,
				     c->policy->hooks_dir, why);
	}
	return r;
}

int pmf_diagnose_poison(struct pmemfail_diagnosis *d, const struct pmf_checkup *c)
{
	int r = 0;

	if (!c->facts.ras_event)
		r = pmf_find(d, NULL, PMEMFAIL_WARNING, "trace-missing",
			     "Mount tracefs (\"mount -t tracefs nodev /sys/kernel/tracing\"), or use "
			     "a kernel with CONFIG_RAS and CONFIG_MEMORY_FAILURE.",
			     "The kernel offers no trace event ras:memory_failure_event here: poison "
			     "that a machine check finds is seen only where the kernel also puts it "
			     "into badblocks.");
	if (r >= 0 && c->record_error < 0)
		r = pmf_find(d, NULL, PMEMFAIL_WARNING, "record-unreadable",
			     "pmemfaild puts a damaged record aside when it starts, and begins a "
			     "new one: \"systemctl restart pmemfaild\".",
			     "The record of failures in %s cannot be read: %s.",
			     c->policy->state_dir, strerror(-c->record_error));
	return r < 0 ? r : find_hooks(d, c);
}

/* --- one device ------------------------------------------------------------ */

static int find_open(struct pmemfail_diagnosis *d, const char *about,
		     const struct pmf_failure *f)
{
	_cleanup_free_ char *where = NULL, *advice = NULL;
	const char *reason = f->reason ?: "no reason is on record";
	int r = describe(&f->ranges, &where);

	if (r >= 0)
		r = pmf_format(&advice, f->state == PMF_STATE_HANDLED ?
			       "\"pmemfailctl show %" PRIu64 "\" names the files: write the bad part "
			       "anew from a backup. Once the kernel's list is empty there, the failure "
			       "is cleared." :
			       f->state == PMF_STATE_PENDING ?
			       "Nothing, unless it takes long: it is tried again by itself. "
			       "\"pmemfailctl show %" PRIu64 "\" tells more." :
			       "\"pmemfailctl show %" PRIu64 "\" tells more; \"pmemfailctl replay\" "
			       "tries again.", f->id);
	if (r < 0)
		return r;
	switch (f->state) {
	case PMF_STATE_HANDLED:
		return pmf_find(d, about, PMEMFAIL_NOTE, "poison-stands", advice,
				"Failure %" PRIu64 " is handled, but the damage stands: %s.", f->id,
				where);
	case PMF_STATE_PENDING:
		return pmf_find(d, about, PMEMFAIL_NOTE, "poison-waits", advice,
				"Failure %" PRIu64 " waits (%s): %s", f->id, where, reason);
	case PMF_STATE_FAILED:
		return pmf_find(d, about, PMEMFAIL_WARNING, "poison-failed", advice,
				"Failure %" PRIu64 " could not be handled (%s): %s", f->id, where,
				reason);
	case PMF_STATE_UNSUPPORTED:
		return pmf_find(d, about, PMEMFAIL_WARNING, "poison-unsupported", advice,
				"For failure %" PRIu64 " nothing can be done (%s): %s", f->id, where,
				reason);
	default:
		return 0;	/* being handled just now */
	}
}

/* On record: also what is being handled. */
static int find_all_open(struct pmemfail_diagnosis *d, const struct pmf_checkup *c,
			 const struct pmf_device *dev, const char *about,
			 struct pmf_ranges *ret_known)
{
	size_t told = 0, more = 0;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < c->n_open; i++) {
		const struct pmf_failure *f = c->open[i];

		if (!streq_ptr(f->device_id, dev->id))
			continue;
		r = pmf_ranges_add_all(ret_known, &f->ranges);
		if (r < 0)
			return r;
		if (told++ < OPEN_SHOWN)
			r = find_open(d, about, f);
		else
			more++;
	}
	if (r < 0 || more == 0)
		return r;
	return pmf_find(d, about, PMEMFAIL_NOTE, "poison-more",
			"\"pmemfailctl list\" shows them all.",
			"%zu more failures of %s are open.", more, about);
}

static int find_bad(struct pmemfail_diagnosis *d, const struct pmf_checkup *c,
		    const struct pmf_bad *bad, const char *about,
		    const struct pmf_ranges *known)
{
	_cleanup_(ranges_donep) struct pmf_ranges news = { 0 };
	_cleanup_free_ char *where = NULL, *advice = NULL;
	int r;

	if (bad->error < 0)
		return pmf_find(d, about, PMEMFAIL_WARNING, "badblocks-unreadable",
				"Look at the kernel's log.",
				"What the kernel holds for bad on %s cannot be read: %s.", about,
				strerror(-bad->error));
	r = pmf_ranges_copy(&bad->ranges, &news);
	if (r >= 0)
		r = pmf_ranges_subtract(&news, known);
	if (r >= 0 && news.n > 0) {
		r = describe(&news, &where);
		if (r >= 0)
			r = pmf_format(&advice, "%s or handle it now, range by range: \"pmemfailctl "
				       "report %s 0x%" PRIx64 " %" PRIu64 "\".",
				       c->facts.engine > 0 ? "Restart pmemfaild," :
				       "Start pmemfaild,", about, news.v[0].start,
				       news.v[0].end - news.v[0].start);
		if (r >= 0)
			r = pmf_find(d, about, PMEMFAIL_WARNING, "badblocks-unrecorded", advice,
				     "The kernel holds %s of %s for bad, and no failure is on record for "
				     "it: nobody was told.", where, about);
	}
	if (r >= 0 && bad->full)
		r = pmf_find(d, about, PMEMFAIL_WARNING, "badblocks-full",
			     "Write the bad parts anew where that can be done, so that the list "
			     "shrinks; else move the data away and replace the device.",
			     "The kernel's list of bad blocks of %s is full: more may be bad than it "
			     "says.", about);
	return r;
}

int pmf_diagnose_poison_device(struct pmemfail_diagnosis *d, const struct pmf_checkup *c,
			       const struct pmf_device *dev, const char *about)
{
	_cleanup_(ranges_donep) struct pmf_ranges known = { 0 };
	int r = find_all_open(d, c, dev, about, &known);

	if (r < 0 || !c->bad)
		return r;
	return find_bad(d, c, &c->bad[dev - c->topology->devices], about, &known);
}

int pmf_diagnose_owners(struct pmemfail_diagnosis *d, const struct pmf_checkup *c,
			const char *about, const struct pmf_site *s, const char *where)
{
	struct pmf_extent one[8];
	_cleanup_close_ int fd = -1;
	size_t n;

	if (c->sys->ops->open_site(c->sys, s, &fd) < 0 ||
	    c->sys->ops->owners(c->sys, fd, s->role, (struct pmf_range){ 0, 4096 }, one,
				ARRAY_SIZE(one), &n) != -EOPNOTSUPP)
		return 0;
	return pmf_find(d, about, PMEMFAIL_NOTE, "owners-in-use",
			streq_ptr(s->fstype, "xfs") ?
			"Make it anew with \"mkfs.xfs -m rmapbt=1\" when that matters." :
			"XFS with reverse mapping (\"mkfs.xfs -m rmapbt=1\") knows them all; "
			"\"pmemfailctl assess --deep\" looks through the whole tree.",
			"%s keeps no map from blocks to files: of poison, only files that are in use "
			"are found at once, others when somebody opens them.", where);
}

/* --- gathering ------------------------------------------------------------- */

static int keep_open(const struct pmf_failure *f, void *userdata)
{
	struct pmf_checkup *c = userdata;
	struct pmf_failure *copy = NULL, **v;

	v = reallocarray(c->open, c->n_open + 1, sizeof(*v));
	if (v)
		c->open = v;
	if (!v || pmf_failure_copy(f, &copy) < 0) {
		c->record_error = -ENOMEM;
		return 1;
	}
	c->open[c->n_open++] = copy;
	return 0;
}

static void read_open(struct pmf_checkup *c)
{
	_cleanup_(pmf_store_closep) struct pmf_store *store = NULL;
	int r = pmf_store_open(c->policy->state_dir, false, &store, NULL);

	if (r >= 0)
		r = pmf_store_foreach_open(store, NULL, keep_open, c);
	if (r < 0 && r != -ENOENT)	/* ENOENT: nothing was ever recorded */
		c->record_error = r;
}

int pmf_checkup_poison(struct pmf_checkup *c)
{
	const struct pmf_topology *t = c->topology;

	c->bad = calloc(t->n_devices + 1, sizeof(*c->bad));
	if (!c->bad)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_devices; i++) {
		struct pmf_bad *b = &c->bad[i];
		int r = 0;

		/* A device-DAX node has no list of its own, a sector device none at all. */
		if (t->devices[i].devno)
			r = c->sys->ops->read_badblocks(c->sys, &t->devices[i], &b->ranges,
							&b->full);
		b->error = r == -ENODEV || r == -EOPNOTSUPP || r == -ENOENT ? 0 : r;
	}
	c->hooks_error = c->sys->ops->list_hooks(c->sys, c->policy->hooks_dir, &c->hooks,
						 &c->n_hooks);
	read_open(c);
	return 0;
}

void pmf_checkup_poison_done(struct pmf_checkup *c)
{
	for (size_t i = 0; c->bad && i < c->topology->n_devices; i++)
		pmf_ranges_done(&c->bad[i].ranges);
	free(c->bad);
	for (size_t i = 0; i < c->n_open; i++)
		(void)pmf_failure_free(c->open[i]);
	free(c->open);
	for (size_t i = 0; i < c->n_hooks; i++) {
		free(c->hooks[i].name);
		free(c->hooks[i].why);
	}
	free(c->hooks);
}
