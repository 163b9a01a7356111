// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which devices an unbind waits for: every bound one, anew whenever devices come
 * or are bound. Opening a device can wait for its removal, so a job does it.
 */
#include <sys/timerfd.h>

#include "engine.h"

#define FIRST_RETRY_SEC	1
#define MAX_RETRY_SHIFT	6U	/* at last every 64 s */

void pmf_engine_timer(struct pmemfail_engine *e, unsigned int sec)
{
	struct itimerspec t = { .it_value.tv_sec = sec };

	(void)timerfd_settime(e->timer_fd, 0, &t, NULL);	/* cannot fail: valid values */
}

const struct pmf_watched *pmf_engine_watched_by_cookie(struct pmemfail_engine *e,
						       uint64_t cookie)
{
	for (size_t i = 0; i < e->n_watched; i++)
		if (e->watched[i].cookie == cookie)
			return &e->watched[i];
	return NULL;
}

static void watched_done(struct pmf_watched *w)
{
	free(w->id);
	free(w->name);
	free(w->node);
	free(w->bound);
}

void pmf_engine_watched_done(struct pmemfail_engine *e)
{
	for (size_t i = 0; i < e->n_watched; i++)
		watched_done(&e->watched[i]);
	free(e->watched);
	e->watched = NULL;
	e->n_watched = 0;
}

/* --- the snapshot's devices into the table --------------------------------- */

static struct pmf_watched *find(struct pmemfail_engine *e, const char *id)
{
	for (size_t i = 0; i < e->n_watched; i++)
		if (streq_ptr(e->watched[i].id, id))
			return &e->watched[i];
	return NULL;
}

static int copy_names(struct pmf_watched *w, const struct pmf_device *d)
{
	struct pmf_watched new = { 0 };

	if (!strdup_to(&new.id, d->id) || !strdup_to(&new.name, d->name) ||
	    !strdup_to(&new.node, d->node) || !strdup_to(&new.bound, d->bound)) {
		watched_done(&new);
		return -ENOMEM;
	}
	watched_done(w);
	w->id = new.id;
	w->name = new.name;
	w->node = new.node;
	w->bound = new.bound;
	w->devno = d->devno;
	w->diskseq = d->diskseq;
	w->result = 1;
	return 0;
}

/* Returns 1 when something about it is new. */
static int see_device(struct pmemfail_engine *e, const struct pmf_device *d)
{
	struct pmf_watched *w = find(e, d->id);
	bool new = !w || !w->present;
	int r;

	if (!w) {
		r = pmf_grow(&e->watched, &e->cap_watched, e->n_watched + 1, sizeof(*w));
		if (r < 0)
			return r;
		w = &e->watched[e->n_watched];
		*w = (struct pmf_watched){ .cookie = ++e->last_cookie };
		r = copy_names(w, d);
		if (r < 0)
			return r;
		e->n_watched++;
	} else if (new || w->devno != d->devno || w->diskseq != d->diskseq ||
		   !streq_ptr(w->node, d->node) ||
		   !streq_ptr(w->name, d->name) || !streq_ptr(w->bound, d->bound)) {
		new = true;
		r = copy_names(w, d);
		if (r < 0)
			return r;
	}
	w->present = true;
	return new;
}

/* The id is kept while the kernel may still name its cookie: as long as the device
 * exists, bound or not. */
static bool exists(const struct pmf_topology *t, const char *id)
{
	for (size_t i = 0; i < t->n_devices; i++)
		if (streq_ptr(t->devices[i].id, id))
			return true;
	return false;
}

static bool is_bound(const struct pmf_topology *t, const char *id)
{
	for (size_t i = 0; i < t->n_devices; i++)
		if (t->devices[i].devno && streq_ptr(t->devices[i].id, id))
			return true;
	return false;
}

static bool forget_gone(struct pmemfail_engine *e)
{
	bool changed = false;

	for (size_t i = 0; i < e->n_watched; ) {
		struct pmf_watched *w = &e->watched[i];

		if (w->present && !is_bound(e->topology, w->id)) {
			w->present = false;
			changed = true;
		}
		if (w->present || exists(e->topology, w->id)) {
			i++;
			continue;
		}
		if (w->told)
			pmf_engine_notice_device(e, PMEMFAIL_PROTECTION_CHANGED, w->id, false);
		watched_done(w);
		*w = e->watched[--e->n_watched];
	}
	return changed;
}

void pmf_engine_snapshot(struct pmemfail_engine *e)
{
	_cleanup_(pmf_topology_freep) struct pmf_topology *old = NULL;
	struct pmf_topology *t;
	bool changed;
	int r;

	if (pmf_snapshots_copy(e->snapshots, &t) < 0)
		return;		/* the old one serves until the next */
	if (e->topology && t->generation == e->topology->generation) {
		pmf_topology_free(t);
		return;
	}
	old = e->topology;
	e->topology = t;
	changed = forget_gone(e);
	for (size_t i = 0; i < t->n_devices; i++) {
		if (!t->devices[i].devno)
			continue;
		if (e->all_bound)
			pmf_intake_bound(e->intake, t->devices[i].id);
		r = see_device(e, &t->devices[i]);
		if (r > 0 || e->all_bound)
			pmf_engine_look(e, t->devices[i].id, true);
		if (r > 0)
			changed = e->rewatch = true;
		else if (r < 0)
			pmf_log(e->ctx, "cannot watch a device: %s", strerror(-r));
	}
	/* one that came back unseen has lists of its own */
	e->rewatch_lists |= changed || e->all_bound;
	e->all_bound = false;
	pmf_engine_look_mounted(e, old);
	pmf_engine_trace_again(e, old);
	if (changed)
		pmf_engine_notice(e, PMEMFAIL_DEVICES_CHANGED, NULL, NULL);
}

/* --- watching -------------------------------------------------------------- */

static int make_job(struct pmemfail_engine *e, struct pmf_job **ret)
{
	struct pmf_job *j;
	int r;

	r = pmf_job_new(e, PMF_JOB_WATCH, &j);
	if (r < 0)
		return r;
	j->watches = calloc(e->n_watched + 1, sizeof(*j->watches));
	if (!j->watches) {
		pmf_job_free(j);
		return -ENOMEM;
	}
	for (size_t i = 0; i < e->n_watched; i++) {
		struct pmf_watched *w = &e->watched[i];

		if (!w->present || !w->node)
			continue;
		j->watches[j->n_watches].cookie = w->cookie;
		if (!strdup_to(&j->watches[j->n_watches].node, w->node)) {
			pmf_job_free(j);
			return -ENOMEM;
		}
		j->n_watches++;
	}
	*ret = j;
	return 0;
}

void pmf_engine_watch(struct pmemfail_engine *e)
{
	struct pmf_job *j;

	if (!e->rewatch || e->watching)
		return;
	if (e->hold_fd < 0 && pmf_engine_open_holds(e) < 0) {
		e->rewatch = false;	/* a uevent tells when the module comes */
		return;
	}
	e->rewatch = false;
	if (make_job(e, &j) < 0) {
		pmf_engine_timer(e, FIRST_RETRY_SEC);
		return;
	}
	e->watching = true;
	pmf_job_start(j);
}

/* Will the same call do better later? */
static bool may_pass(int error)
{
	return error == -EBUSY || error == -ENOENT || error == -ENXIO || error == -ENODEV ||
	       error == -ENOMEM || error == -EMFILE || error == -ENFILE || error == -EINTR;
}

static void take_results(struct pmemfail_engine *e, const struct pmf_watch_request *v,
			 size_t n)
{
	bool changed = false, again = false;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < e->n_watched; k++) {
			struct pmf_watched *w = &e->watched[k];

			if (w->cookie != v[i].cookie)
				continue;
			changed |= (w->result == 0) != (v[i].result == 0);
			w->result = v[i].result;
			again |= w->present && may_pass(w->result);
			if (w->result < 0)
				pmf_log(e->ctx, "cannot watch %s: %s", w->node,
					strerror(-w->result));
		}
	if (changed)
		pmf_engine_notice(e, PMEMFAIL_DEVICES_CHANGED, NULL, NULL);
	if (!again) {
		e->watch_tries = 0;
		return;
	}
	pmf_engine_timer(e, 1U << MIN(e->watch_tries, MAX_RETRY_SHIFT));
	e->watch_tries++;
}

void pmf_engine_watched(struct pmemfail_engine *e, const struct pmf_job *j)
{
	e->watching = false;
	take_results(e, j->watches, j->n_watches);
}

/* After each round, since it hangs on the device, its watch and the module. */
void pmf_engine_tell_protection(struct pmemfail_engine *e)
{
	for (size_t i = 0; i < e->n_watched; i++) {
		struct pmf_watched *w = &e->watched[i];
		bool on = w->present && w->result == 0 && e->hold_fd >= 0 && !e->hold_broken;

		if (on == w->told)
			continue;
		w->told = on;
		pmf_engine_notice_device(e, PMEMFAIL_PROTECTION_CHANGED, w->id, on);
	}
}
