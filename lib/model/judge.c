// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a removal came to: from the plain numbers of each case to one state and
 * one reason that an administrator can act on. Pure; lib/flow calls it when all
 * sites are done.
 */
#include "model/verdict.h"

static bool failed(struct pmf_step step)
{
	return step.state == PMF_STEP_FAILED;
}

static bool unsupported(struct pmf_step step)
{
	return step.state == PMF_STEP_UNSUPPORTED;
}

/*
 * Does nothing map the memory again after the revoke? A shut down XFS refuses
 * every fault (xfs_read_iomap_begin). ext4's read faults never ask
 * (ext4_iomap_begin), so there DAX must be dead below.
 */
static bool stays_away(const struct pmf_case *c)
{
	return streq_ptr(c->site.fstype, "xfs") || c->outcome.stop_dax.state == PMF_STEP_DONE;
}

/* Only the first thing that went wrong at a site: the others follow from it. */
static int judge_user(struct pmf_verdict *v, const struct pmf_case *c, const char *site)
{
	const struct pmf_outcome *o = &c->outcome;
	bool is_fs = c->site.kind == PMF_SITE_FILESYSTEM;

	/* Whatever the error was called: it is not thawed. */
	if (failed(o->thaw) || unsupported(o->thaw))
		return pmf_blame(v, PMF_STATE_FAILED, "%s: it could not be thawed and may "
				 "still be frozen (%s); run pmemfailctl thaw.", site,
				 pmf_step_why(o->thaw));
	/*
	 * Unmounted before the device went: there is no inode left in memory, so no
	 * entry and no mapping, however the steps before it ended.
	 */
	if (is_fs && o->unmount.state == PMF_STEP_DONE)
		return 0;
	if (failed(o->open))
		return pmf_blame(v, PMF_STATE_FAILED, "%s: it could not be opened (%s), so "
				 "nothing was done there.", site, pmf_step_why(o->open));
	if (failed(o->revoke) && o->revoke.error == -ENODEV)
		return pmf_blame(v, PMF_STATE_FAILED, "%s: its memory could not be taken from "
				 "the processes that map it, because the pmemfail kernel "
				 "module is not loaded.", site);
	if (failed(o->revoke))
		return pmf_blame(v, PMF_STATE_FAILED, "%s: its memory could not be taken from "
				 "the processes that map it (%s).", site,
				 pmf_step_why(o->revoke));
	if (is_fs && failed(o->shutdown))
		return pmf_blame(v, PMF_STATE_FAILED, "%s: it could not be shut down (%s).",
				 site, pmf_step_why(o->shutdown));
	if (o->entries_left > 0)
		return pmf_blame(v, PMF_STATE_FAILED, "%s: %llu DAX entries were still there "
				 "after the revoke; the kernel may crash at its unmount.", site,
				 (unsigned long long)o->entries_left);
	if (o->pinned > 0)
		return pmf_blame(v, PMF_STATE_FAILED, "%s: %llu files had pages pinned, for "
				 "example by direct I/O or RDMA, when the device went.", site,
				 (unsigned long long)o->pinned);
	if (unsupported(o->open))
		return pmf_blame(v, PMF_STATE_UNSUPPORTED, "%s: it cannot be opened (%s), so "
				 "nothing was done there.", site, pmf_step_why(o->open));
	if (unsupported(o->revoke))
		return pmf_blame(v, PMF_STATE_UNSUPPORTED, "%s: its memory cannot be taken "
				 "from the processes that map it (%s).", site,
				 pmf_step_why(o->revoke));
	if (is_fs && unsupported(o->shutdown))
		return pmf_blame(v, PMF_STATE_UNSUPPORTED, "%s: this filesystem has no call to "
				 "shut it down; its processes were told.", site);
	if (is_fs && o->shutdown.state == PMF_STEP_DONE && !stays_away(c))
		return pmf_blame(v, PMF_STATE_FAILED, "%s: its memory can be mapped again "
				 "until it is unmounted, because DAX below it was not "
				 "stopped (%s).", site,
				 pmf_step_why(o->stop_dax));
	if (is_fs && o->shutdown.state != PMF_STEP_DONE)
		return pmf_blame(v, PMF_STATE_FAILED, "%s: it was not shut down, because an "
				 "earlier step ended the handling.", site);
	if (!is_fs && o->revoke.state != PMF_STEP_DONE)
		return pmf_blame(v, PMF_STATE_FAILED, "%s: its memory was not taken from the "
				 "processes that map it, because an earlier step ended the "
				 "handling.", site);
	return 0;
}

static int judge_case(struct pmf_verdict *v, const struct pmf_case *c)
{
	_cleanup_free_ char *site = NULL;
	int r;

	r = pmf_site_to_words(&c->site, &site);
	if (r < 0)
		return r;
	if (c->site.kind == PMF_SITE_HOLDER)
		return pmf_blame(v, PMF_STATE_UNSUPPORTED, "%s: data cannot be followed "
				 "through it, so what uses it was not told.", site);
	return judge_user(v, c, site);
}

int pmf_failure_judge_removal(struct pmf_failure *f)
{
	_cleanup_(pmf_verdict_done) struct pmf_verdict v = { .state = PMF_STATE_HANDLED };
	size_t i;
	int r = 0;

	if (f->hold_ended)
		r = pmf_blame(&v, PMF_STATE_FAILED, "The kernel stopped waiting before the "
			      "work was done (the hold timed out, or the unbind was killed).");
	for (i = 0; r == 0 && i < f->n_cases; i++)
		r = judge_case(&v, &f->cases[i]);
	return r < 0 ? r : pmf_verdict_give(&v, "Removal of", f);
}
