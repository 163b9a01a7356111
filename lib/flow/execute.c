/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps at one site. Called by handle.c, one thread per site.
 *
 * Between freeze and thaw nothing here allocates, logs, opens or writes: results
 * go into the outcome, a plain struct, and are told afterwards.
 */
#include <stdarg.h>

#include "flow/execute.h"
#include "flow/victims.h"

#define SETTLE_STEP_US		10000
#define FREEZE_SHARE		3	/* of the hold, at most, may go into one freeze */

static uint64_t now(const struct pmf_execution *x)
{
	return x->run->sys->ops->now_boottime_ns(x->run->sys);
}

static void record(const struct pmf_execution *x, struct pmf_step *step, uint64_t begin,
		   int r)
{
	step->ns += now(x) - begin;
	step->error = r;
	step->state = r >= 0 ? PMF_STEP_DONE :
		      r == -EOPNOTSUPP ? PMF_STEP_UNSUPPORTED : PMF_STEP_FAILED;
}

/* The first problem is the cause of those after it: keep it. Never while frozen. */
static void _printf_(2, 3) problem(struct pmf_execution *x, const char *format, ...)
{
	struct pmf_outcome *o = &x->c->outcome;
	va_list ap;

	if (o->problem[0])
		return;
	va_start(ap, format);
	(void)vsnprintf(o->problem, sizeof(o->problem), format, ap);
	va_end(ap);
}

static const char *site_label(const struct pmf_site *s)
{
	return s->mountpoint ? s->mountpoint : s->node ? s->node : s->name;
}

void pmf_execute_begin(struct pmf_execution *x, const struct pmf_run *run,
		       struct pmf_case *c, int attempt)
{
	struct pmf_outcome *o = &c->outcome;
	uint64_t begin;
	int r;

	*x = (struct pmf_execution){ .run = run, .c = c, .attempt = attempt, .fd = -1 };
	if (c->site.kind == PMF_SITE_HOLDER) {
		o->open.state = PMF_STEP_UNSUPPORTED;
		o->open.error = -EOPNOTSUPP;
		problem(x, "%s is in use by %s, which pmemfail cannot make let go",
			site_label(&c->site), c->site.holder);
		return;
	}

	begin = now(x);
	r = run->sys->ops->open_site(run->sys, &c->site, &x->fd);
	record(x, &o->open, begin, r);
	if (r < 0) {
		problem(x, "cannot open the filesystem on %s: %s", site_label(&c->site),
			strerror(-r));
		return;
	}

	begin = now(x);
	r = pmf_victims_look(run->sys, attempt, x->fd, c, run->policy->freeze_timeout_us / 2);
	record(x, &o->look, begin, r);
	if (r < 0)	/* not a reason to stop: the revoke finds them all again */
		problem(x, "cannot list who maps %s: %s", site_label(&c->site), strerror(-r));
}

/* One revoke; adds what it did to the outcome. May be called frozen. */
static int revoke_site(struct pmf_execution *x, unsigned int flags)
{
	struct pmf_sys *sys = x->run->sys;
	struct pmf_outcome *o = &x->c->outcome;
	struct pmf_revoke_result res;
	int r;

	if (x->attempt < 0)
		return -ENODEV;
	if (x->c->site.kind == PMF_SITE_DEVDAX)
		r = sys->ops->revoke_file(sys, x->attempt, x->fd, PMF_RANGE_ALL, flags,
					  PMF_SIGNAL_EVERY, NULL, 0, &res);
	else
		r = sys->ops->revoke_fs(sys, x->attempt, x->fd, flags, PMF_SIGNAL_EVERY,
					NULL, 0, &res);
	if (r < 0)
		return r;
	o->told += res.told;
	o->walk_ns += res.walk_ns;
	o->unmap_ns += res.unmap_ns;
	o->invalidate_ns += res.invalidate_ns;
	o->signal_ns += res.signal_ns;
	o->entries_left = res.entries_left;
	o->pinned = res.pinned;
	o->files = MAX(o->files, res.files);
	o->vmas = MAX(o->vmas, res.vmas);
	o->entries = MAX(o->entries, res.entries);
	return 0;
}

/* The freeze is what gets dirty data onto the media before it goes. */
static void freeze(struct pmf_execution *x)
{
	const struct pmf_run *run = x->run;
	struct pmf_sys *sys = run->sys;
	struct pmf_outcome *o = &x->c->outcome;
	uint64_t begin = now(x), limit = run->policy->freeze_timeout_us;
	bool own = false;
	int r;

	if (!run->policy->fs.freeze)
		return;
	/* Frozen, pmemfail itself could not go on. When in doubt it is ours. */
	if (sys->ops->is_own(sys, x->fd, run->policy, &own) < 0 || own) {
		o->self = true;
		return;
	}
	if (run->hold_fd >= 0)
		limit = MIN(limit, run->policy->hold_timeout_us / FREEZE_SHARE);
	r = sys->ops->freeze_prepare(sys, x->fd, x->c->site.name, limit, &x->freeze);
	if (r >= 0) {
		if (x->attempt >= 0)	/* the guard process stands behind it as well */
			(void)sys->ops->attempt_guard(sys, x->attempt, x->fd, true);
		r = sys->ops->freeze(sys, x->freeze);
	}
	if (r == -EBADF)	/* shut down before we came: see open_site */
		return;
	record(x, &o->freeze, begin, r);
	o->freeze_late = r == -ETIMEDOUT;
}

/* From here on the filesystem may be written again, if it was frozen at all. */
static void thaw(struct pmf_execution *x, uint64_t frozen_since)
{
	struct pmf_sys *sys = x->run->sys;
	struct pmf_outcome *o = &x->c->outcome;
	uint64_t begin = now(x);
	int r;

	if (!x->freeze)
		return;
	/* Also when the freeze failed: EBUSY means that somebody else has frozen it,
	 * and a filesystem on a vanishing device must not stay frozen for anybody. */
	r = sys->ops->thaw(sys, x->freeze);
	record(x, &o->thaw, begin, r);
	if (o->freeze.state == PMF_STEP_DONE)
		o->frozen_ns = now(x) - frozen_since;
	if (r >= 0 && x->attempt >= 0)
		(void)sys->ops->attempt_guard(sys, x->attempt, x->fd, false);
	if (r >= 0)
		x->freeze = sys->ops->freeze_done(sys, x->freeze);
}

static void explain(struct pmf_execution *x)
{
	const struct pmf_outcome *o = &x->c->outcome;
	const char *label = site_label(&x->c->site);

	if (o->thaw.state == PMF_STEP_FAILED) {
		x->c->outcome.problem[0] = '\0';	/* outranks what came before */
		problem(x, "%s is still frozen: %s; 'pmemfailctl thaw' tries again", label,
			strerror(-o->thaw.error));
	}
	if (o->revoke.state == PMF_STEP_FAILED && o->revoke.error == -ENODEV)
		problem(x, "the kernel module is not loaded: mappings of %s could not be "
			"taken away", label);
	else if (o->revoke.state == PMF_STEP_FAILED)
		problem(x, "cannot take away the mappings of %s: %s", label,
			strerror(-o->revoke.error));
	if (o->shutdown.state == PMF_STEP_UNSUPPORTED)
		problem(x, "%s on %s has no call to shut it down",
			x->c->site.fstype ? x->c->site.fstype : "the filesystem", label);
	else if (o->shutdown.state == PMF_STEP_FAILED)
		problem(x, "cannot shut down %s: %s", label, strerror(-o->shutdown.error));
}

void pmf_execute_removal(struct pmf_execution *x)
{
	struct pmf_sys *sys = x->run->sys;
	struct pmf_outcome *o = &x->c->outcome;
	bool fs = x->c->site.kind == PMF_SITE_FILESYSTEM;
	uint64_t begin, frozen_since;
	int r;

	if (x->fd < 0)
		return;
	frozen_since = now(x);
	if (fs)
		freeze(x);

	/* --- frozen from here, if the freeze was in time --- */
	begin = now(x);
	r = revoke_site(x, 0);
	record(x, &o->revoke, begin, r);
	if (fs) {
		begin = now(x);
		r = sys->ops->shutdown(sys, x->fd, x->c->site.fstype);
		record(x, &o->shutdown, begin, r);
	}
	/* A freeze does not stop DAX read faults: drop what slipped in before the
	 * shutdown did, and the dirty entries that nothing will write back any more. */
	if (o->shutdown.state == PMF_STEP_DONE && o->revoke.state == PMF_STEP_DONE) {
		begin = now(x);
		r = revoke_site(x, PMF_REVOKE_DROP_DIRTY);
		record(x, &o->revoke, begin, r);
	}
	thaw(x, frozen_since);
	/* --- thawed --- */

	explain(x);
}

void pmf_execute_settle(struct pmf_execution *x, bool stop_dax)
{
	const struct pmf_run *run = x->run;
	struct pmf_outcome *o = &x->c->outcome;
	uint64_t begin, end;
	int r;

	if (x->fd < 0 || x->c->site.kind != PMF_SITE_FILESYSTEM ||
	    o->shutdown.state != PMF_STEP_DONE || o->revoke.state != PMF_STEP_DONE)
		return;
	/* ext4's DAX read faults never ask whether it was shut down (ext4_iomap_begin
	 * looks at the journal on writes only). With DAX dead below, they fail in
	 * dax_direct_access(), and what is left after this revoke is final. */
	if (stop_dax) {
		begin = now(x);
		r = revoke_site(x, PMF_REVOKE_DROP_DIRTY | PMF_REVOKE_STOP_DAX);
		record(x, &o->stop_dax, begin, r);
	}

	/* Direct I/O into mapped memory ends by itself; its pages cannot be dropped
	 * before. Wait for it, but not for ever. */
	begin = now(x);
	end = begin + run->policy->settle_timeout_us * 1000;
	if (run->hold_time_ns)
		end = MIN(end, run->hold_time_ns + run->policy->hold_timeout_us * 900);
	for (r = 0; o->entries_left || o->pinned;) {
		if (now(x) >= end) {
			r = -ETIMEDOUT;
			break;
		}
		run->sys->ops->sleep_us(run->sys, SETTLE_STEP_US);
		r = revoke_site(x, PMF_REVOKE_DROP_DIRTY);
		if (r < 0)
			break;
	}
	record(x, &o->settle, begin, r);
	if (r == -ETIMEDOUT)
		problem(x, "%llu files on %s still have pages pinned by input or output, "
			"%llu entries left", (unsigned long long)o->pinned,
			site_label(&x->c->site), (unsigned long long)o->entries_left);
}

/* Done is only what has no superblock left: it may live on in another mount
 * namespace, or until the last user of a file has ended, and so do its inodes. */
static int unmounted(struct pmf_execution *x)
{
	struct pmf_sys *sys = x->run->sys;
	const char *fstype;
	unsigned int n = 0;
	int r;

	r = sys->ops->unmount(sys, x->c->site.devno, &n);
	if (r < 0)
		return r;
	r = sys->ops->mounted_fstype(sys, x->c->site.name, &fstype);
	return r == -ENOENT ? 0 : r >= 0 ? -EBUSY : r;
}

void pmf_execute_unmount(struct pmf_execution *x)
{
	const struct pmf_run *run = x->run;
	struct pmf_outcome *o = &x->c->outcome;
	uint64_t begin = now(x), end = begin + run->policy->settle_timeout_us * 1000;
	int r;

	/* Unmounting what is frozen detaches it and leaks its superblock. */
	if (x->c->site.kind != PMF_SITE_FILESYSTEM || x->freeze)
		return;
	x->fd = safe_close(x->fd);	/* or we would keep it busy ourselves */
	/* Processes that got the signal need a moment to end. */
	while ((r = unmounted(x)) == -EBUSY && now(x) < end)
		run->sys->ops->sleep_us(run->sys, SETTLE_STEP_US);
	record(x, &o->unmount, begin, r);
	if (r < 0)
		problem(x, "cannot unmount %s: %s", site_label(&x->c->site),
			r == -EBUSY ? "still in use" : strerror(-r));
}

void pmf_execute_thaw_again(struct pmf_execution *x)
{
	struct pmf_outcome *o = &x->c->outcome;

	if (!x->freeze || x->run->sys->ops->thaw(x->run->sys, x->freeze) < 0)
		return;
	o->thaw.state = PMF_STEP_DONE;
	o->thaw.error = 0;
	x->freeze = x->run->sys->ops->freeze_done(x->run->sys, x->freeze);
}

void pmf_execute_end(struct pmf_execution *x)
{
	pmf_execute_thaw_again(x);	/* one more try; after it, guard and module */
	if (x->freeze)
		x->freeze = x->run->sys->ops->freeze_done(x->run->sys, x->freeze);
	x->fd = safe_close(x->fd);
}
