/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps at one site. Called by handle.c, one thread per site.
 *
 * Between freeze and thaw nothing here allocates, logs, opens or writes: results
 * go into the outcome, a plain struct, and are told afterwards.
 */
#include "flow/execute.h"
#include "flow/victims.h"

#define SETTLE_STEP_US		10000

void pmf_execute_reach(struct pmf_execution *x, enum pmf_stage stage)
{
	pmf_progress_pass(x->run->progress, stage - x->stage);
	x->stage = stage;
}

void pmf_execute_begin(struct pmf_execution *x, const struct pmf_run *run,
		       struct pmf_case *c, int attempt)
{
	uint64_t begin;
	int r;

	if (!pmf_execution_begin(x, run, c, attempt))
		return;
	begin = pmf_execution_now(x);
	r = pmf_victims_look(run->sys, attempt, x->fd, c, run->policy->freeze_timeout_us / 2);
	pmf_execution_record(x, &c->outcome.look, begin, r);
	if (r < 0)	/* not a reason to stop: the revoke finds them all again */
		pmf_execution_problem(x, "cannot list who maps %s: %s",
				      pmf_execution_label(&c->site), strerror(-r));
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
	pmf_execution_count(x, &res);
	o->entries_left = res.entries_left;
	o->pinned = res.pinned;
	o->files = MAX(o->files, res.files);
	o->vmas = MAX(o->vmas, res.vmas);
	o->entries = MAX(o->entries, res.entries);
	return 0;
}

void pmf_execute_removal(struct pmf_execution *x)
{
	struct pmf_sys *sys = x->run->sys;
	struct pmf_outcome *o = &x->c->outcome;
	bool fs = x->c->site.kind == PMF_SITE_FILESYSTEM;
	uint64_t begin;
	int r;

	if (x->fd < 0)
		return;
	if (fs)
		pmf_execution_freeze(x);

	/* --- frozen from here, if the freeze was in time --- */
	pmf_execute_reach(x, PMF_STAGE_FROZEN);
	begin = pmf_execution_now(x);
	r = revoke_site(x, 0);
	pmf_execution_record(x, &o->revoke, begin, r);
	pmf_execute_reach(x, PMF_STAGE_REVOKED);
	if (fs) {
		begin = pmf_execution_now(x);
		r = sys->ops->shutdown(sys, x->fd, x->c->site.fstype);
		pmf_execution_record(x, &o->shutdown, begin, r);
	}
	pmf_execute_reach(x, PMF_STAGE_SHUT_DOWN);
	/* A freeze does not stop DAX read faults: drop what slipped in before the
	 * shutdown did, and the dirty entries that nothing will write back any more. */
	if (o->shutdown.state == PMF_STEP_DONE && o->revoke.state == PMF_STEP_DONE) {
		begin = pmf_execution_now(x);
		r = revoke_site(x, PMF_REVOKE_DROP_DIRTY);
		pmf_execution_record(x, &o->revoke, begin, r);
	}
	pmf_execution_thaw(x, true);
	/* --- thawed --- */

	pmf_execution_explain(x);
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
	 * dax_direct_access(), and what is left after this revoke is final. XFS, which
	 * alone may have its log or realtime data elsewhere, asks; and its data device
	 * may well be one that stays. */
	if (stop_dax && x->c->site.role == PMF_ROLE_DATA) {
		begin = pmf_execution_now(x);
		r = revoke_site(x, PMF_REVOKE_DROP_DIRTY | PMF_REVOKE_STOP_DAX);
		pmf_execution_record(x, &o->stop_dax, begin, r);
	}

	/* Direct I/O into mapped memory ends by itself; its pages cannot be dropped
	 * before. Wait for it, but not for ever. */
	begin = pmf_execution_now(x);
	end = begin + run->policy->settle_timeout_us * 1000;
	if (run->hold_time_ns)
		end = MIN(end, run->hold_time_ns + run->policy->hold_timeout_us * 900);
	for (r = 0; o->entries_left || o->pinned;) {
		if (pmf_execution_now(x) >= end) {
			r = -ETIMEDOUT;
			break;
		}
		run->sys->ops->sleep_us(run->sys, SETTLE_STEP_US);
		r = revoke_site(x, PMF_REVOKE_DROP_DIRTY);
		if (r < 0)
			break;
	}
	pmf_execution_record(x, &o->settle, begin, r);
	if (r == -ETIMEDOUT)
		pmf_execution_problem(x, "%llu files on %s still have pages pinned by input or "
				      "output, %llu entries left",
				      (unsigned long long)o->pinned,
				      pmf_execution_label(&x->c->site),
				      (unsigned long long)o->entries_left);
}

/* Done is only what has no superblock left: it may live on in another mount
 * namespace, or until the last user of a file has ended, and so do its inodes. */
static int unmounted(struct pmf_execution *x)
{
	struct pmf_sys *sys = x->run->sys;
	const char *fstype;
	unsigned int n = 0;
	int r;

	r = sys->ops->unmount(sys, x->c->site.fs_devno, &n);
	/* The name of a log is not that of its superblock. But it is known as a log only
	 * by a mount of ours, and there is none left. */
	if (r < 0 || x->c->site.role != PMF_ROLE_DATA)
		return r;
	r = sys->ops->mounted_fstype(sys, x->c->site.name, &fstype);
	return r == -ENOENT ? 0 : r >= 0 ? -EBUSY : r;
}

void pmf_execute_unmount(struct pmf_execution *x)
{
	const struct pmf_run *run = x->run;
	struct pmf_outcome *o = &x->c->outcome;
	uint64_t begin = pmf_execution_now(x), end = begin + run->policy->settle_timeout_us * 1000;
	int r;

	/* Unmounting what is frozen detaches it and leaks its superblock. */
	if (x->c->site.kind != PMF_SITE_FILESYSTEM || x->freeze)
		return;
	x->fd = safe_close(x->fd);	/* or we would keep it busy ourselves */
	/* Processes that got the signal need a moment to end. */
	while ((r = unmounted(x)) == -EBUSY && pmf_execution_now(x) < end)
		run->sys->ops->sleep_us(run->sys, SETTLE_STEP_US);
	pmf_execution_record(x, &o->unmount, begin, r);
	if (r < 0)
		pmf_execution_problem(x, "cannot unmount %s: %s",
				      pmf_execution_label(&x->c->site),
				      r == -EBUSY ? "still in use" : strerror(-r));
}
