// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a job's thread does. It shares nothing with the engine's thread but the
 * snapshots, the record and the queue, which are made for that.
 */
#include "base/str.h"
#include "engine.h"
#include "flow/aftermath.h"
#include "flow/handle.h"
#include "flow/locate.h"

static void put_final(struct pmf_job *j)
{
	pmf_job_put(j, j->token, TAKE_PTR(j->failure));
}

static void release(struct pmf_job *j)
{
	struct pmf_sys *sys = j->engine->sys;
	bool ended = false;

	(void)sys->ops->hold_release(sys, j->engine->hold_fd, j->hold.id, &ended);
	j->failure->hold_ended |= ended;
	j->failure->hold_ns = sys->ops->now_boottime_ns(sys) - j->hold.time_ns;
	j->failure->hold = 0;
}

static void fail(struct pmf_job *j, const char *why)
{
	struct pmf_failure *f = j->failure;

	f->state = PMF_STATE_FAILED;
	f->updated_us = j->engine->sys->ops->now_realtime_us(j->engine->sys);
	/* Without memory for more, words that need none: failed always has a reason. */
	if (pmf_format(&f->reason, "the removal of %s was not handled: %s",
		       f->device_name ?: f->device_id, why) < 0)
		(void)strdup_to(&f->reason, "out of memory");
}

void pmf_job_give_up(struct pmf_job *j, const char *why)
{
	release(j);
	pmf_snapshots_hold_end(j->engine->snapshots);
	fail(j, why);
	put_final(j);
}

/*
 * Say early what is going to be handled: people see the sites while it lasts, and
 * a successor knows them if we die. Handling looks again for itself.
 */
static void foretell(struct pmf_job *j, const struct pmf_topology *t)
{
	struct pmemfail_engine *e = j->engine;
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;

	if (pmf_failure_copy(j->failure, &f) < 0)
		return;
	assert(f->n_cases == 0);	/* but the copy may have an empty array */
	free(TAKE_PTR(f->cases));
	if (pmf_locate(e->sys, t, f->device_id, &f->ranges, &f->cases, &f->n_cases) < 0 ||
	    f->n_cases == 0)
		return;
	pmf_engine_write_note(e, 0, j->note_name, f);
	(void)pmf_record_put(e->record, j->token, TAKE_PTR(f), false);
}

/* The engine's thread saw the hold end before our release. */
static void note_ended(struct pmf_job *j)
{
	struct pmf_failure *f = j->failure;

	if (!atomic_load(&j->hold_ended) || f->hold_ended)
		return;
	f->hold_ended = true;
	/* judges what was done together with that; without memory it stays unjudged */
	(void)pmf_failure_judge_removal(f);
}

static void do_hold(struct pmf_job *j)
{
	struct pmemfail_engine *e = j->engine;
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = NULL;
	struct pmf_run run = {
		.sys = e->sys, .policy = e->policy, .hold_fd = e->hold_fd,
		.hold_time_ns = j->hold.time_ns, .unmount = e->policy->unmount,
	};
	int r;

	r = pmf_snapshots_for_hold(e->snapshots, &t);
	if (r < 0) {
		pmf_job_give_up(j, strerror(-r));
		return;
	}
	if (!pmf_topology_device_by_id(t, j->failure->device_id)) {
		pmf_job_give_up(j, "the device was not known to pmemfail yet when its unbind "
				"began, so what used it could not be found out");
		return;
	}
	foretell(j, t);
	run.topology = t;
	r = pmf_handle_removal(&run, j->failure);
	pmf_snapshots_hold_end(e->snapshots);
	if (r < 0)
		fail(j, strerror(-r));
	else
		note_ended(j);
	put_final(j);
}

static void do_unheld(struct pmf_job *j)
{
	int r = pmf_judge_unheld(j->engine->sys, j->topology, j->why_unheld, j->failure);

	if (r < 0)
		fail(j, strerror(-r));
	if (r != 0)
		put_final(j);
}

static void do_leftover(struct pmf_job *j)
{
	struct pmemfail_engine *e = j->engine;
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = NULL;
	int r;

	r = pmf_snapshots_copy(e->snapshots, &t);
	if (r >= 0)
		r = pmf_judge_leftover(e->sys, t, j->failure);
	if (r == -EBUSY)
		return;		/* pmemfailctl is at it, and records it itself */
	if (r < 0)
		fail(j, strerror(-r));
	put_final(j);
}

static void do_watch(struct pmf_job *j)
{
	struct pmemfail_engine *e = j->engine;

	for (size_t i = 0; i < j->n_watches; i++)
		j->watches[i].result = e->sys->ops->hold_watch(e->sys, e->hold_fd,
							       j->watches[i].node,
							       e->policy->hold_timeout_us,
							       j->watches[i].cookie);
}

void pmf_job_work(struct pmf_job *j)
{
	switch (j->kind) {
	case PMF_JOB_HOLD:
		do_hold(j);
		break;
	case PMF_JOB_UNHELD:
		do_unheld(j);
		break;
	case PMF_JOB_LEFTOVER:
		do_leftover(j);
		break;
	case PMF_JOB_WATCH:
		do_watch(j);
		break;
	case PMF_JOB_WATCH_LISTS:
		pmf_job_watch_lists(j);
		break;
	case PMF_JOB_LISTS:
		pmf_job_lists(j);
		break;
	case PMF_JOB_POISON:
		pmf_job_poison(j);
		break;
	case PMF_JOB_HOOKS:
		pmf_job_hooks(j);
		break;
	}
}
