// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Removals to jobs: those that the module holds, and those that nobody held.
 */
#include <inttypes.h>
#include <sys/epoll.h>

#include "base/str.h"
#include "engine.h"

static uint64_t new_token(struct pmemfail_engine *e)
{
	return ++e->last_token;
}

/* Let an unbind go on that we cannot even make a job for. */
static void let_go(struct pmemfail_engine *e, uint64_t id)
{
	bool ended;

	(void)e->sys->ops->hold_release(e->sys, e->hold_fd, id, &ended);
}

/* The event's device by its watch, else by its number or name in the snapshot.
 * Unknown: named by what the kernel calls it. */
static int fill_device(struct pmemfail_engine *e, const struct pmf_hold_event *h,
		       struct pmf_event *ev)
{
	const struct pmf_watched *w = pmf_engine_watched_by_cookie(e, h->cookie);
	const struct pmf_device *d = NULL;
	const char *id, *name;

	if (!w && e->topology) {
		d = pmf_topology_device_by_devno(e->topology, h->devno);
		if (!d)
			(void)pmf_topology_find(e->topology, h->name, &d);
	}
	id = w ? w->id : d ? d->id : h->name;
	name = w ? w->name : d ? d->name : h->name;
	return strdup_to(&ev->device_id, id) && strdup_to(&ev->device_name, name) ? 0 :
		-ENOMEM;
}

static int take_failure(struct pmemfail_engine *e, const struct pmf_event *ev,
			struct pmf_failure **ret)
{
	enum pmf_intake_verdict verdict;
	int r;

	r = pmf_engine_take_in(e, ev, &verdict);
	if (r < 0)
		return r;
	if (verdict == PMF_INTAKE_REPEAT)
		return -EALREADY;
	return pmf_intake_next(e->intake, ret);
}

static void begin_hold(struct pmemfail_engine *e, const struct pmf_hold_event *h)
{
	_cleanup_(pmf_event_done) struct pmf_event ev = {
		.kind = PMF_KIND_REMOVE, .source = PMF_SOURCE_HOLD, .hold = h->id,
		.range = PMF_RANGE_ALL, .time_us = e->sys->ops->now_realtime_us(e->sys),
	};
	struct pmf_failure *f = NULL;
	struct pmf_job *j = NULL;
	int r;

	r = fill_device(e, h, &ev);
	if (r >= 0)
		r = take_failure(e, &ev, &f);
	if (r >= 0)
		r = pmf_job_new(e, PMF_JOB_HOLD, &j);
	if (r >= 0 && !strdup_to(&j->device_id, f->device_id))
		r = -ENOMEM;
	if (r < 0) {
		pmf_failure_free(f);
		pmf_job_free(j);
		if (r != -EALREADY)
			let_go(e, h->id);
		pmf_log(e->ctx, "hold %" PRIu64 " of %s: %s", h->id, h->name, strerror(-r));
		return;
	}
	f->state = PMF_STATE_HANDLING;
	j->token = new_token(e);
	j->failure = f;
	j->hold = *h;
	/* The creation time too: a module that was loaded anew counts holds anew. */
	(void)snprintf(j->note_name, sizeof(j->note_name), "%" PRIu64 "-%" PRIu64 ".json",
		       h->id, f->created_us);
	pmf_snapshots_hold_begin(e->snapshots);
	pmf_engine_write_note(e, j->token, j->note_name, f);
	(void)pmf_engine_put(e, j->token, f, false);
	pmf_engine_hold_begins(e, j);
	pmf_job_start(j);
}

/* The unbind goes on though we have not released it. If its job is over already
 * the release has said so. */
static void end_hold(struct pmemfail_engine *e, const struct pmf_hold_event *h)
{
	struct pmf_job *delayed = NULL;

	for (struct pmf_job *j = e->jobs; j; j = j->next)
		if (j->kind == PMF_JOB_HOLD && j->hold.id == h->id) {
			atomic_store(&j->hold_ended, true);
			if (j->delayed)
				delayed = j;
		}
	if (delayed)
		pmf_engine_hold_gone(e, delayed);
}

void pmf_engine_read_holds(struct pmemfail_engine *e)
{
	struct pmf_hold_event h;
	int r;

	while ((r = e->sys->ops->hold_read(e->sys, e->hold_fd, &h)) >= 0) {
		if (h.ended)
			end_hold(e, &h);
		else
			begin_hold(e, &h);
	}
	if (r == -EAGAIN)
		return;
	/* Nothing sensible comes from it any more, though holds under way can still be
	 * released through it. */
	pmf_log(e->ctx, "cannot read holds: %s", strerror(-r));
	(void)epoll_ctl(e->epoll_fd, EPOLL_CTL_DEL, e->hold_fd, NULL);
	e->hold_broken = true;
	e->hold_error = r;
	pmf_engine_notice(e, PMEMFAIL_MODULE_CHANGED, NULL,
			  strdup("the module's events cannot be read any more"));
	pmf_engine_close_broken(e);
}

void pmf_engine_close_broken(struct pmemfail_engine *e)
{
	if (!e->hold_broken)
		return;
	if (e->n_handling == 0 && !e->watching) {
		e->hold_fd = safe_close(e->hold_fd);	/* releases what waits */
		e->hold_broken = false;
		e->rewatch = true;
	}
	pmf_engine_timer(e, 1);
}

/* --- nobody held it -------------------------------------------------------- */

static int why_unheld(struct pmemfail_engine *e, const struct pmf_device *d, char **ret)
{
	const struct pmf_watched *w = NULL;

	for (size_t i = 0; i < e->n_watched && !w; i++)
		if (streq_ptr(e->watched[i].id, d->id))
			w = &e->watched[i];
	if (e->hold_fd < 0 && (e->hold_error == -ENODEV || e->hold_error == -ENOENT))
		return pmf_format(ret, "the kernel module is not loaded; load it with "
				  "\"modprobe pmemfail\" before the next one");
	if (e->hold_fd < 0)
		return pmf_format(ret, "the kernel module cannot be used (%s); "
				  "\"pmemfailctl doctor\" says what to do",
				  strerror(-e->hold_error));
	if (!w || w->result > 0)
		return pmf_format(ret, "the device was not watched yet");
	if (w->result < 0)
		return pmf_format(ret, "the device could not be watched (%s); "
				  "\"pmemfailctl doctor\" says what to do",
				  strerror(-w->result));
	return pmf_format(ret, "the module did not make the unbind wait");
}

void pmf_engine_unheld(struct pmemfail_engine *e, const struct pmf_device *d)
{
	struct pmf_event ev = {
		.kind = PMF_KIND_REMOVE, .source = PMF_SOURCE_UEVENT,
		.device_id = d->id, .device_name = d->name, .range = PMF_RANGE_ALL,
		.time_us = e->sys->ops->now_realtime_us(e->sys),
	};
	struct pmf_failure *f = NULL;
	struct pmf_job *j = NULL;
	int r;

	r = take_failure(e, &ev, &f);
	if (r == -EALREADY)
		return;
	if (r >= 0)
		r = pmf_job_new(e, PMF_JOB_UNHELD, &j);
	if (r >= 0)
		r = pmf_topology_copy(e->topology, &j->topology);
	if (r >= 0)
		r = why_unheld(e, d, &j->why_unheld);
	if (r < 0) {
		pmf_failure_free(f);
		pmf_job_free(j);
		pmf_log(e->ctx, "unbind of %s: %s", d->name ?: d->id, strerror(-r));
		return;
	}
	j->token = new_token(e);
	j->failure = f;
	pmf_job_start(j);
}
