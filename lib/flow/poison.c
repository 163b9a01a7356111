// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Poison at one site. Called by handle.c, one thread per filesystem.
 *
 *	look who owns the bytes ▶ plan
 *	as many files as may be open at once:
 *		open them, look who maps them	(names, while /proc is safe)
 *		freeze ▶ look again ▶ revoke each range ▶ shut down ▶ thaw
 *	until all is done; make it read-only, if it is to be
 *
 * Between freeze and thaw nothing here allocates, logs, opens or writes.
 *
 * Dirty DAX entries are left alone (no PMF_REVOKE_DROP_DIRTY): an entry can be 2 MiB
 * for 512 bad bytes, and is all that makes dax_writeback_mapping_range() flush what
 * else was written there; dropped, a good neighbour could be lost at a power cut. It
 * does no harm where it is: the mappings are gone, and a fault that finds it asks
 * dax_direct_access() all the same, which refuses what is in badblocks.
 */
#include "flow/poison.h"
#include "flow/poison-act.h"
#include "flow/victims.h"
#include "model/plan.h"

#define MAX_TRIES	3

static void work_done(struct pmf_poison *w)
{
	pmf_targets_done(&w->fresh);
	pmf_resolution_done(&w->res);
}

/* Look, and leave what is new to do, with what is to be done. */
static int look(struct pmf_poison *w, const struct pmf_case *before,
		const struct pmf_resolve_how *how)
{
	struct pmf_execution *x = w->x;
	struct pmf_fs_policy policy = pmf_execution_policy(x);
	struct pmf_case view = { .site = x->c->site };	/* borrowed */
	uint64_t begin = pmf_execution_now(x);
	int r;

	r = pmf_targets_move(&w->fresh, x->c, false);	/* what an earlier look led to */
	if (r < 0)
		return r;
	work_done(w);
	r = pmf_resolve(x, how, &w->res);
	if (r >= 0)
		r = pmf_targets_from(&x->c->site, &w->res, &w->fresh);
	if (r >= 0 && before)
		r = pmf_targets_drop(&w->fresh, before->targets, before->n_targets, false);
	if (r >= 0)
		r = pmf_targets_drop(&w->fresh, x->c->targets, x->c->n_targets, true);
	pmf_execution_record(x, &x->c->outcome.resolve, begin, r < 0 ? r : w->res.error);
	if (r < 0)
		return r;
	view.targets = w->fresh.v;
	view.n_targets = w->fresh.n;
	pmf_plan(&view, &policy);
	return 0;
}

static const char *known_path(const struct pmf_case *c, const struct pmf_target *t)
{
	for (size_t i = 0; i < c->n_victims; i++)
		if (c->victims[i].ino == t->ino && c->victims[i].path &&
		    c->victims[i].generation == t->generation)
			return c->victims[i].path;
	return NULL;
}

/* Names are for people: that one cannot be had stops nothing. A file of a thousand bad
 * ranges is asked for once: they come one after the other. */
static int name_target(struct pmf_poison *w, struct pmf_target *t, int fd)
{
	const struct pmf_target *last = t > w->fresh.v ? t - 1 : NULL;
	struct pmf_sys *sys = w->x->run->sys;

	if (t->path || fd < 0)
		return 0;
	if (last && last->path && last->ino == t->ino && last->generation == t->generation)
		return strdup_to(&t->path, last->path) ? 0 : -ENOMEM;
	if (sys->ops->inode_path(sys, w->x->fd, fd, &t->path) >= 0)
		return 0;
	t->path = NULL;
	return strdup_to(&t->path, known_path(w->x->c, t)) ? 0 : -ENOMEM;
}

/* Open files until there are enough, or no more can be had; the rest comes later. */
static int open_portion(struct pmf_poison *w)
{
	struct pmf_execution *x = w->x;
	size_t n = 0;

	pmf_resolve_close(&w->res);
	for (size_t i = 0; i < w->fresh.n; i++) {
		struct pmf_target *t = &w->fresh.v[i];
		struct pmf_held *h = t->ino ? pmf_resolve_held(&w->res, t->ino) : NULL;
		int r;

		if (!h || !pmf_target_acts(t) || t->step.state != PMF_STEP_SKIPPED)
			continue;
		/* Which file it is could not be learnt, so neither whether all is done
		 * for it already: it fails, and the next handling sees. */
		if (h->error < 0 && !h->id.known)
			continue;
		if (h->fd < 0) {
			if (n >= PMF_POISON_FILES)
				continue;
			r = pmf_resolve_open(x, h);
			if (r == -ENOMEM)
				return r;
			if ((r == -EMFILE || r == -ENFILE) && n > 1) {
				/* the freeze needs some, too */
				h->error = 0;
				n = PMF_POISON_FILES;
				continue;
			}
			n += r >= 0;
		}
		r = name_target(w, t, h->fd);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Who maps the ranges: before the freeze, while asking about processes is safe. */
static int look_victims(struct pmf_poison *w)
{
	struct pmf_execution *x = w->x;
	uint64_t begin = pmf_execution_now(x);
	uint64_t end = begin + x->run->policy->freeze_timeout_us * 500;
	int r = 0, first = 0;

	if (x->attempt < 0)
		return 0;
	for (size_t i = 0; i < w->fresh.n; i++) {
		const struct pmf_target *t = &w->fresh.v[i];
		int fd = pmf_poison_fd(w, t);

		if (fd < 0 || t->action != PMF_ACTION_REVOKE ||
		    t->step.state != PMF_STEP_SKIPPED)
			continue;
		r = pmf_victims_look_file(x->run->sys, x->attempt, fd, t->range, x->c, end);
		if (r == -ENOMEM)
			break;
		first = first < 0 ? first : r < 0 ? r : 0;
	}
	pmf_execution_record(x, &x->c->outcome.look, begin, r == -ENOMEM ? r : first);
	return r == -ENOMEM ? r : 0;
}

static size_t count_left(const struct pmf_poison *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->fresh.n; i++)
		if (pmf_target_acts(&w->fresh.v[i]) &&
		    w->fresh.v[i].action != PMF_ACTION_REMOUNT_RO &&
		    w->fresh.v[i].step.state == PMF_STEP_SKIPPED)
			n++;
	return n;
}

/* Is it worth a freeze? Without the module nothing can be revoked. */
static bool needs_freeze(const struct pmf_poison *w)
{
	if (w->x->c->site.kind != PMF_SITE_FILESYSTEM)
		return false;
	for (size_t i = 0; i < w->fresh.n; i++) {
		const struct pmf_target *t = &w->fresh.v[i];

		if (t->step.state == PMF_STEP_SKIPPED &&
		    (t->action == PMF_ACTION_SHUTDOWN ||
		     (t->action == PMF_ACTION_REVOKE && pmf_poison_fd(w, t) >= 0 &&
		      w->x->attempt >= 0)))
			return true;
	}
	return false;
}

/* All that is needed is open and reserved: freeze and do it. 0: look anew. */
static int portion(struct pmf_poison *w, bool last_try)
{
	struct pmf_execution *x = w->x;
	bool same = true, act = true;
	int r;

	r = pmf_resolve_reserve(&w->res);
	if (r >= 0)	/* what the second look may add */
		r = pmf_grow(&w->fresh.v, &w->fresh.cap, w->fresh.n + w->res.again.cap,
			     sizeof(*w->fresh.v));
	if (r < 0)
		return r;
	if (needs_freeze(w)) {
		pmf_execution_freeze(x);
		/* --- frozen from here, if the freeze was in time --- */
		same = pmf_resolve_again(x, &w->res) > 0;
		act = same || last_try;
	}
	if (act && !same)
		pmf_poison_agree(w);
	if (act)
		pmf_poison_act(w);
	pmf_execution_thaw(x, false);
	/* --- thawed --- */
	if (!same && last_try)
		pmf_execution_problem(x, "files on %s kept moving; what could be seen was "
				      "taken care of", pmf_execution_label(&x->c->site));
	return act;
}

/* Remounting waits for the thaw: reconfigure_super() refuses what is frozen. */
static void remount(struct pmf_poison *w)
{
	struct pmf_execution *x = w->x;
	struct pmf_step *step = &x->c->outcome.remount_ro;
	bool wanted = false;
	uint64_t begin = pmf_execution_now(x);

	for (size_t i = 0; i < w->fresh.n; i++)
		wanted |= w->fresh.v[i].action == PMF_ACTION_REMOUNT_RO;
	if (!wanted)
		return;
	pmf_execution_record(x, step, begin,
			     x->run->sys->ops->remount_ro(x->run->sys, x->fd, &x->c->site));
	for (size_t i = 0; i < w->fresh.n; i++)
		if (w->fresh.v[i].action == PMF_ACTION_REMOUNT_RO)
			w->fresh.v[i].step = *step;
	if (step->state != PMF_STEP_DONE)
		pmf_execution_problem(x, "cannot make %s read-only: %s",
				      pmf_execution_label(&x->c->site),
				      strerror(-step->error));
}

/*
 * XFS shuts itself down when it hears of bad metadata (xfs_dax_notify_ddev_failure()),
 * and then it answers nothing any more.
 */
static int already_down(struct pmf_execution *x)
{
	x->c->outcome.resolve.state = PMF_STEP_UNSUPPORTED;
	x->c->outcome.resolve.error = -EBADF;
	pmf_execution_problem(x, "%s had been shut down already, so whose the bad part is "
			      "cannot be found out", pmf_execution_label(&x->c->site));
	return 0;
}

static int act_on_all(struct pmf_poison *w, const struct pmf_case *before)
{
	static const struct pmf_resolve_how in_use = {};
	unsigned int tries = 0;
	bool again = true;
	size_t left;
	int r;

	for (;;) {
		if (again) {
			r = look(w, before, &in_use);
			if (r == -EBADF)	/* see open_site */
				return already_down(w->x);
			if (r < 0)
				return r;
			tries++;
		}
		left = count_left(w);
		if (left == 0)
			break;
		r = open_portion(w);
		if (r >= 0)
			r = look_victims(w);
		if (r >= 0)
			r = portion(w, tries >= MAX_TRIES);
		if (r < 0)
			return r;
		pmf_execution_thaw_again(w->x);
		if (w->x->freeze)
			return -EBUSY;	/* nothing can be done to it as it is */
		again = r == 0;
		if (!again && count_left(w) >= left)
			return -EIO;	/* never freeze again and again for nothing */
	}
	remount(w);
	return 0;
}

static void explain(struct pmf_execution *x, int r)
{
	const struct pmf_outcome *o = &x->c->outcome;

	pmf_execution_explain(x);
	if (r < 0 || o->resolve.state == PMF_STEP_FAILED)
		pmf_execution_problem(x, "cannot find out who owns the bad part of %s: %s",
				      pmf_execution_label(&x->c->site),
				      strerror(r < 0 ? -r : -o->resolve.error));
}

int pmf_poison_site(const struct pmf_run *run, struct pmf_case *c,
		    const struct pmf_case *before, int attempt)
{
	struct pmf_execution x;
	struct pmf_poison w = { .x = &x };
	int r, moved;

	if (!pmf_execution_begin(&x, run, c, attempt))
		return 0;
	r = act_on_all(&w, before);
	explain(&x, r);
	pmf_execution_end(&x);
	moved = pmf_targets_move(&w.fresh, c, true);
	pmf_targets_sort(c->targets, c->n_targets);
	work_done(&w);
	if (r != -ENOMEM && moved >= 0)
		return 0;
	/* What the record lacks must not look as if nothing were there. */
	c->outcome.resolve.state = PMF_STEP_FAILED;
	c->outcome.resolve.error = -ENOMEM;
	return -ENOMEM;
}

int pmf_poison_look(const struct pmf_run *run, struct pmf_case *c, int attempt,
		    const struct pmf_resolve_how *how)
{
	struct pmf_execution x;
	struct pmf_poison w = { .x = &x };
	int r, moved;

	if (!pmf_execution_begin(&x, run, c, attempt))
		return 0;
	r = look(&w, NULL, how);
	if (r >= 0)
		r = open_portion(&w);
	if (r >= 0)
		r = look_victims(&w);
	explain(&x, r);
	pmf_execution_end(&x);
	moved = pmf_targets_move(&w.fresh, c, true);
	work_done(&w);
	return r == -ENOMEM || moved < 0 ? -ENOMEM : 0;
}
