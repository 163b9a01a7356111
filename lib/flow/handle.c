/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Handling one failure, top to bottom. Called by the engine's handler threads
 * and by prepare-remove.
 *
 *	device ── locate ──▶ sites
 *	each site, all at once:
 *		open, look who maps it                  (names, while /proc is safe)
 *		freeze ▶ revoke ▶ shut down ▶ revoke ▶ thaw
 *	all sites shut down?
 *	each site, all at once:
 *		stop DAX below ▶ revoke until nothing is left ▶ unmount if asked
 *	release the hold, judge, done
 *
 * The middle line is a barrier because DAX is stopped per device while one device
 * can carry several filesystems, and because kill_dax() tells the filesystem that
 * claimed the device: 6.1's xfs_dax_notify_failure() dereferences NULL on a
 * partition unless that filesystem is shut down.
 */
#include "flow/crew.h"
#include "flow/execute.h"
#include "flow/handle.h"
#include "flow/locate.h"
#include "flow/victims.h"

struct rescue {
	struct pmf_execution *sites;
	bool all_down;
};

/* --- the two halves -------------------------------------------------------- */

static void take_away(size_t i, void *userdata)
{
	struct rescue *rescue = userdata;
	struct pmf_execution *x = &rescue->sites[i];

	pmf_execute_begin(x, x->run, x->c, x->attempt);
	pmf_execute_removal(x);
}

static void make_final(size_t i, void *userdata)
{
	struct rescue *rescue = userdata;
	struct pmf_execution *x = &rescue->sites[i];

	/* Only a device that is really going loses DAX for good: prepare-remove may
	 * be followed by another mount. */
	pmf_execute_settle(x, rescue->all_down && x->run->hold_fd >= 0);
	pmf_execution_thaw_again(x);
	if (x->run->unmount)
		pmf_execute_unmount(x);
	pmf_execution_end(x);
}

static bool all_shut_down(const struct pmf_failure *f)
{
	for (size_t i = 0; i < f->n_cases; i++)
		if (f->cases[i].site.kind == PMF_SITE_FILESYSTEM &&
		    f->cases[i].outcome.shutdown.state != PMF_STEP_DONE)
			return false;
	return true;
}

static int rescue(const struct pmf_run *run, struct pmf_failure *f)
{
	_cleanup_free_ struct pmf_execution *sites = NULL;
	_cleanup_close_ int attempt = -1;
	struct rescue all = {};

	if (f->n_cases == 0)
		return 0;
	sites = calloc(f->n_cases, sizeof(*sites));
	if (!sites)
		return -ENOMEM;
	/* Without the module (attempt stays -1) the steps do what they can and say
	 * what they cannot. */
	(void)run->sys->ops->attempt_open(run->sys, &attempt);

	for (size_t i = 0; i < f->n_cases; i++) {
		sites[i].run = run;
		sites[i].c = &f->cases[i];
		sites[i].attempt = attempt;
	}
	all.sites = sites;
	pmf_crew(f->n_cases, take_away, &all);
	if (attempt < 0 && run->unmount)
		pmf_victims_signal(run->sys, f->cases, f->n_cases);
	all.all_down = all_shut_down(f);
	pmf_crew(f->n_cases, make_final, &all);

	return attempt < 0 ? 0 : pmf_victims_told(run->sys, attempt, f->cases, f->n_cases);
}

static void release(const struct pmf_run *run, struct pmf_failure *f)
{
	bool ended = false;

	if (run->hold_fd < 0 || !f->hold)
		return;
	if (run->sys->ops->hold_release(run->sys, run->hold_fd, f->hold, &ended) < 0)
		ended = true;	/* whatever became of it, it does not wait for us */
	f->hold_ended |= ended;
	f->hold_ns = run->sys->ops->now_boottime_ns(run->sys) - run->hold_time_ns;
	f->hold = 0;
}

int pmf_handle_removal(const struct pmf_run *run, struct pmf_failure *f)
{
	_cleanup_close_ int lock = -1;
	int r;

	f->state = PMF_STATE_HANDLING;
	/* A prepare-remove may be at it. Waiting longer than this would be worse than
	 * both working at once, which every step tolerates. */
	(void)run->sys->ops->lock_device(run->sys, f->device_id,
					 run->policy->hold_timeout_us / 4, &lock);

	r = pmf_locate(run->sys, run->topology, f->device_id, &f->ranges, &f->cases,
		       &f->n_cases);
	if (r >= 0) {
		pmf_cases_once(f->cases, &f->n_cases);
		r = rescue(run, f);
	}
	release(run, f);
	f->updated_us = run->sys->ops->now_realtime_us(run->sys);
	if (r < 0) {
		f->state = PMF_STATE_FAILED;
		free(f->reason);
		if (asprintf(&f->reason, "cannot handle the removal of %s: %s",
			     f->device_name, strerror(-r)) < 0) {
			f->reason = NULL;
			return -ENOMEM;
		}
		return 0;
	}
	return pmf_failure_judge_removal(f);
}

int pmf_assess_removal(const struct pmf_run *run, struct pmf_failure *f)
{
	_cleanup_close_ int attempt = -1;
	int r;

	r = pmf_locate(run->sys, run->topology, f->device_id, &f->ranges, &f->cases,
		       &f->n_cases);
	if (r < 0)
		return r;
	pmf_cases_once(f->cases, &f->n_cases);
	(void)run->sys->ops->attempt_open(run->sys, &attempt);
	for (size_t i = 0; i < f->n_cases; i++) {
		struct pmf_execution x;

		pmf_execute_begin(&x, run, &f->cases[i], attempt);
		pmf_execution_end(&x);
	}
	f->state = PMF_STATE_PENDING;
	return 0;
}
