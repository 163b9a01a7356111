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
 *
 * Poison is simpler, for the device stays:
 *
 *	device ── locate ──▶ sites
 *	tell the kernel, so that no new fault maps the range	(mark.c)
 *	each filesystem, all at once: its sites		(poison.c)
 *	take what is new into the record, judge, done	(replay.c)
 */
#include <stdatomic.h>

#include "base/str.h"
#include "flow/crew.h"
#include "flow/execute.h"
#include "flow/handle.h"
#include "flow/locate.h"
#include "flow/mark.h"
#include "flow/poison.h"
#include "flow/replay.h"
#include "flow/victims.h"

#define LOCATE_STEP	1	/* of progress */

struct rescue {
	struct pmf_execution *sites;
	bool all_down;
};

/* --- removal: the two halves -------------------------------------------------------- */

static void take_away(size_t i, void *userdata)
{
	struct rescue *rescue = userdata;
	struct pmf_execution *x = &rescue->sites[i];

	pmf_execute_begin(x, x->run, x->c, x->attempt);
	pmf_execute_reach(x, PMF_STAGE_LOOKED);
	pmf_execute_removal(x);
	pmf_execute_reach(x, PMF_STAGE_THAWED);
}

static void make_final(size_t i, void *userdata)
{
	struct rescue *rescue = userdata;
	struct pmf_execution *x = &rescue->sites[i];

	/* Only a device that is really going loses DAX for good: prepare-remove may
	 * be followed by another mount. */
	pmf_execute_settle(x, rescue->all_down && x->run->hold_fd >= 0);
	pmf_execution_thaw_again(x);
	pmf_execute_reach(x, PMF_STAGE_SETTLED);
	if (x->run->unmount)
		pmf_execute_unmount(x);
	pmf_execution_end(x);
	pmf_execute_reach(x, PMF_STAGE_ALL);
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
	if (r >= 0)
		pmf_cases_once(f->cases, &f->n_cases);
	pmf_progress_expect(run->progress, LOCATE_STEP + f->n_cases * PMF_STAGE_ALL +
			    PMF_REMOVAL_AFTER);
	pmf_progress_pass(run->progress, LOCATE_STEP);
	if (r >= 0)
		r = rescue(run, f);
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

/* --- poison ----------------------------------------------------------------- */

struct treatment {
	const struct pmf_run *run;
	const struct pmf_failure *f;	/* with what was done before */
	struct pmf_case *cases;
	size_t n;
	int attempt;
	atomic_int error;
};

/* One filesystem may be several sites, and must not be frozen by two at once. Its log
 * goes last: that may shut it down, after which no file can be opened. */
static void treat_filesystem(size_t first, void *userdata)
{
	static const enum pmf_site_role order[] = { PMF_ROLE_REALTIME, PMF_ROLE_DATA,
						    PMF_ROLE_LOG };
	struct treatment *t = userdata;

	for (size_t i = 0; i < first; i++)
		if (t->cases[i].site.fs_devno == t->cases[first].site.fs_devno)
			return;		/* that one's thread does this, too */
	for (size_t o = 0; o < ARRAY_SIZE(order); o++)
		for (size_t i = first; i < t->n; i++) {
			struct pmf_case *c = &t->cases[i];
			int r = 0;

			if (c->site.fs_devno == t->cases[first].site.fs_devno &&
			    c->site.role == order[o])
				r = pmf_poison_site(t->run, c, pmf_replay_before(t->f, &c->site),
						    t->attempt);
			if (r < 0)
				atomic_store(&t->error, r);
		}
}

static int treat(const struct pmf_run *run, const struct pmf_failure *f,
		 struct pmf_case *cases, size_t n)
{
	struct treatment t = { .run = run, .f = f, .cases = cases, .n = n };
	_cleanup_close_ int attempt = -1;
	int r = 0;

	if (n == 0)
		return 0;
	/* One for all sites, so that nobody is told twice. */
	if (run->resumes && f->id)
		(void)run->sys->ops->attempt_resume(run->sys, f->id, &attempt);
	else
		(void)run->sys->ops->attempt_open(run->sys, &attempt);
	t.attempt = attempt;
	pmf_crew(n, treat_filesystem, &t);
	if (attempt >= 0)
		r = pmf_victims_told(run->sys, attempt, cases, n);
	return atomic_load(&t.error) < 0 ? atomic_load(&t.error) : r;
}

int pmf_handle_poison(const struct pmf_run *run, struct pmf_failure *f)
{
	_cleanup_free_ char *reason = NULL;
	_cleanup_close_ int lock = -1;
	struct pmf_case *cases = NULL;
	enum pmf_state state = f->state;
	bool marked = false;
	size_t n = 0;
	int r, news;

	if (!strdup_to(&reason, f->reason))
		return -ENOMEM;
	f->state = PMF_STATE_HANDLING;
	r = run->sys->ops->lock_device(run->sys, f->device_id,
				       run->policy->hold_timeout_us / 4, &lock);
	news = pmf_locate(run->sys, run->topology, f->device_id, &f->ranges, &cases, &n);
	if (news == -ENODEV)
		news = 0;	/* not bound: nobody can have any of it */
	if (news >= 0 && r >= 0)	/* else it is being removed: no sysfs then */
		marked = pmf_mark(run, f, cases, n);
	if (news >= 0) {
		r = treat(run, f, cases, n);
		news = pmf_replay_merge(f, cases, n);
		news = r < 0 ? r : news;
	}
	pmf_cases_free(cases, n);
	if (news >= 0) {
		r = pmf_failure_judge_poison(f);
		if (r < 0)
			return r;
	} else {
		f->state = PMF_STATE_FAILED;
		r = pmf_format(&f->reason, "Cannot handle bad memory of %s: %s.",
			       f->device_name ?: f->device_id, strerror(-news));
		if (r < 0)
			return r;
	}
	if (news == 0 && !marked && f->state == state && streq_ptr(f->reason, reason))
		return 0;
	f->updated_us = run->sys->ops->now_realtime_us(run->sys);
	return 1;
}

int pmf_assess_poison(const struct pmf_run *run, struct pmf_failure *f, bool deep,
		      pmf_progress_fn progress, void *userdata)
{
	const struct pmf_resolve_how how = { .deep = deep, .progress = progress,
					     .userdata = userdata };
	_cleanup_close_ int attempt = -1;
	int r;

	r = pmf_locate(run->sys, run->topology, f->device_id, &f->ranges, &f->cases,
		       &f->n_cases);
	if (r < 0)
		return r;
	(void)run->sys->ops->attempt_open(run->sys, &attempt);
	for (size_t i = 0; i < f->n_cases && r >= 0; i++)
		r = pmf_poison_look(run, &f->cases[i], attempt, &how);
	f->state = PMF_STATE_PENDING;
	return r;
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
