// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The frozen section of poison: nothing here allocates, logs, opens or writes.
 * Called by poison.c.
 */
#include "flow/poison-act.h"

int pmf_poison_fd(const struct pmf_poison *w, const struct pmf_target *t)
{
	const struct pmf_held *h;

	if (w->x->c->site.kind == PMF_SITE_DEVDAX)
		return w->x->fd;
	h = t->ino ? pmf_resolve_held(&w->res, t->ino) : NULL;
	return h ? h->fd : -1;
}

/* Does the second look say the same of some of these bytes? */
static bool seen_again(const struct pmf_extents *again, const struct pmf_target *t)
{
	for (size_t i = 0; i < again->n && again->v[i].at.start < t->at.end; i++) {
		const struct pmf_extent *e = &again->v[i];

		if (!pmf_range_overlaps(e->at, t->at) || e->ino != t->ino)
			continue;
		if (t->ino == 0 ? e->kind == t->kind :
		    pmf_range_empty(t->range) ||
		    e->at.start - e->offset == t->at.start - t->range.start)
			return true;
	}
	return false;
}

/* A log stays where it is as long as the filesystem is mounted, and a file that is not
 * open is of a later portion. */
static bool can_be_seen(const struct pmf_poison *w, const struct pmf_target *t)
{
	return !w->res.by_files || t->kind == PMF_TARGET_METADATA ||
	       pmf_poison_fd(w, t) >= 0;
}

static bool to_do(const struct pmf_target *t, enum pmf_action action)
{
	return t->action == action && t->step.state == PMF_STEP_SKIPPED;
}

void pmf_poison_agree(struct pmf_poison *w)
{
	const struct pmf_extents *again = &w->res.again;
	size_t n = w->fresh.n;

	for (size_t i = 0; i < n; i++)
		if (pmf_target_acts(&w->fresh.v[i]) &&
		    w->fresh.v[i].step.state == PMF_STEP_SKIPPED &&
		    !seen_again(again, &w->fresh.v[i]) &&
		    can_be_seen(w, &w->fresh.v[i]))
			/* moved away; what is there now is for the next handling */
			w->fresh.v[i].step = (struct pmf_step){ .state = PMF_STEP_FAILED,
								.error = -EAGAIN };
	for (size_t i = 0; i < again->n; i++) {
		const struct pmf_extent *e = &again->v[i];
		const struct pmf_held *h = e->ino ? pmf_resolve_held(&w->res, e->ino) : NULL;

		if (e->kind == PMF_TARGET_FILE && h && h->fd >= 0 &&
		    h->kind == PMF_TARGET_FILE && w->fresh.n < w->fresh.cap &&
		    !pmf_extents_have(&w->res.found, e))
			w->fresh.v[w->fresh.n++] = (struct pmf_target){
				.kind = PMF_TARGET_FILE, .at = e->at, .ino = e->ino,
				.generation = h->id.generation, .shared = e->shared,
				.range = { e->offset, e->offset + (e->at.end - e->at.start) },
				.action = PMF_ACTION_REVOKE,
			};
	}
}

/* A step of the site is many of its targets': the first that fails is its result. */
static void add_step(struct pmf_execution *x, struct pmf_step *step, uint64_t begin, int r)
{
	struct pmf_step before = *step;

	pmf_execution_record(x, step, begin, r);
	if (before.state == PMF_STEP_FAILED || before.state == PMF_STEP_UNSUPPORTED) {
		step->state = before.state;
		step->error = before.error;
	}
}

static void take_range(struct pmf_poison *w, struct pmf_target *t, enum pmf_signal signal)
{
	struct pmf_execution *x = w->x;
	struct pmf_sys *sys = x->run->sys;
	struct pmf_outcome *o = &x->c->outcome;
	const struct pmf_held *h = t->ino ? pmf_resolve_held(&w->res, t->ino) : NULL;
	int r, fd = pmf_poison_fd(w, t);
	uint64_t begin = pmf_execution_now(x);
	struct pmf_revoke_result res = {};

	if (x->attempt < 0)
		r = -ENODEV;
	else if (fd >= 0)
		r = sys->ops->revoke_file(sys, x->attempt, fd, t->range, 0, signal, NULL, 0,
					  &res);
	else if (!h || h->error < 0)
		r = h ? h->error : -ESTALE;
	else
		return;		/* in a later portion */
	pmf_execution_record(x, &t->step, begin, r);
	add_step(x, &o->revoke, begin, r);
	if (r < 0)
		return;
	t->told = res.told;
	t->pinned = res.pinned;
	pmf_execution_count(x, &res);
	o->files += res.files;
	o->vmas += res.vmas;
	o->entries += res.entries;
	o->entries_left += res.entries_left;
	o->pinned += res.pinned;
}

static void shut_down(struct pmf_poison *w)
{
	struct pmf_execution *x = w->x;
	struct pmf_step *step = &x->c->outcome.shutdown;
	uint64_t begin = pmf_execution_now(x);

	if (step->state == PMF_STEP_SKIPPED)
		pmf_execution_record(x, step, begin,
				     x->run->sys->ops->shutdown(x->run->sys, x->fd,
								x->c->site.fstype));
	for (size_t i = 0; i < w->fresh.n; i++)
		if (to_do(&w->fresh.v[i], PMF_ACTION_SHUTDOWN))
			w->fresh.v[i].step = *step;
}

void pmf_poison_act(struct pmf_poison *w)
{
	enum pmf_signal signal = pmf_execution_policy(w->x).signal;
	bool left = false, wanted = false;

	for (size_t i = 0; i < w->fresh.n; i++) {
		struct pmf_target *t = &w->fresh.v[i];

		if (to_do(t, PMF_ACTION_REVOKE))
			take_range(w, t, signal);
		left |= to_do(t, PMF_ACTION_REVOKE);
		wanted |= to_do(t, PMF_ACTION_SHUTDOWN);
	}
	/* Last: on a filesystem that is shut down no file can be opened any more. */
	if (wanted && !left)
		shut_down(w);
}
