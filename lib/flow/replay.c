// SPDX-License-Identifier: LGPL-2.1-or-later
/* Handling again. Called by handle.c. */
#include "flow/replay.h"
#include "flow/targets.h"

static bool same_site(const struct pmf_site *a, const struct pmf_site *b)
{
	return a->kind == b->kind && a->role == b->role && streq_ptr(a->name, b->name) &&
	       streq_ptr(a->fstype, b->fstype) && streq_ptr(a->holder, b->holder);
}

static struct pmf_case *before(const struct pmf_failure *f, const struct pmf_site *site)
{
	for (size_t i = 0; i < f->n_cases; i++)
		if (same_site(&f->cases[i].site, site))
			return &f->cases[i];
	return NULL;
}

const struct pmf_case *pmf_replay_before(const struct pmf_failure *f,
					 const struct pmf_site *site)
{
	return before(f, site);
}

static bool is_final(const struct pmf_target *t)
{
	return pmf_target_acts(t) && t->step.state == PMF_STEP_DONE;
}

static bool same_step(struct pmf_step a, struct pmf_step b)
{
	return a.state == b.state && a.error == b.error;
}

/* Does the new look say but what the old one said, of what is not done? */
static bool same_look(const struct pmf_case *old, const struct pmf_case *fresh)
{
	size_t i, j = 0;

	if (!same_step(old->outcome.open, fresh->outcome.open) ||
	    !same_step(old->outcome.resolve, fresh->outcome.resolve))
		return false;
	for (i = 0; i < old->n_targets; i++) {
		if (is_final(&old->targets[i]))
			continue;
		if (j == fresh->n_targets ||
		    !pmf_targets_equal(&old->targets[i], &fresh->targets[j++]))
			return false;
	}
	return j == fresh->n_targets;
}

/* Its log, say, is another site of it. */
static bool same_filesystem(const struct pmf_site *a, const struct pmf_site *b)
{
	return same_site(a, b) || (a->mountpoint && streq_ptr(a->mountpoint, b->mountpoint));
}

static bool shut_down_before(const struct pmf_failure *f, const struct pmf_site *s)
{
	for (size_t i = 0; i < f->n_cases; i++)
		if (f->cases[i].outcome.shutdown.state == PMF_STEP_DONE &&
		    same_filesystem(&f->cases[i].site, s))
			return true;
	return false;
}

/* A site that could not be looked at, again for the same reason, has no news. One that
 * we have shut down cannot be looked at, and needs not. */
static bool nothing_seen(const struct pmf_failure *f, const struct pmf_case *old,
			 const struct pmf_case *fresh)
{
	const struct pmf_outcome *a = &old->outcome, *b = &fresh->outcome;

	if (b->open.state == PMF_STEP_DONE && b->resolve.state == PMF_STEP_DONE)
		return false;
	for (size_t i = 0; i < fresh->n_targets; i++)
		if (is_final(&fresh->targets[i]))
			return false;
	if (shut_down_before(f, &fresh->site))
		return true;
	return fresh->n_targets == 0 && same_step(a->open, b->open) &&
	       same_step(a->resolve, b->resolve);
}

static void take_step(struct pmf_step *step, struct pmf_step fresh)
{
	if (fresh.state != PMF_STEP_SKIPPED)
		*step = fresh;
}

/* What was not done this time is as it was left the last time. */
static void merge_outcome(struct pmf_outcome *o, const struct pmf_outcome *fresh)
{
	take_step(&o->open, fresh->open);
	take_step(&o->look, fresh->look);
	take_step(&o->resolve, fresh->resolve);
	take_step(&o->freeze, fresh->freeze);
	take_step(&o->revoke, fresh->revoke);
	take_step(&o->shutdown, fresh->shutdown);
	take_step(&o->remount_ro, fresh->remount_ro);
	take_step(&o->thaw, fresh->thaw);
	o->frozen_ns += fresh->frozen_ns;
	o->walk_ns += fresh->walk_ns;
	o->unmap_ns += fresh->unmap_ns;
	o->invalidate_ns += fresh->invalidate_ns;
	o->signal_ns += fresh->signal_ns;
	o->files += fresh->files;
	o->vmas += fresh->vmas;
	o->entries += fresh->entries;
	o->entries_left += fresh->entries_left;
	o->pinned += fresh->pinned;
	o->told += fresh->told;
	o->freeze_late = fresh->freeze_late;
	o->self = fresh->self;
	memcpy(o->problem, fresh->problem, sizeof(o->problem));
}

static bool same_victim(const struct pmf_victim *a, const struct pmf_victim *b)
{
	return a->pid == b->pid && a->start_ns == b->start_ns && a->ino == b->ino &&
	       a->generation == b->generation;
}

/* Someone who was told once has been told, whatever a later look says. */
static void add_victim(struct pmf_case *c, struct pmf_victim *v)
{
	for (size_t i = 0; i < c->n_victims; i++)
		if (same_victim(&c->victims[i], v)) {
			c->victims[i].told |= v->told;
			free(v->unit);
			free(v->path);
			return;
		}
	c->victims[c->n_victims++] = *v;
}

static int merge_case(struct pmf_case *old, struct pmf_case *fresh)
{
	struct pmf_target *t;
	struct pmf_victim *v;
	size_t kept = 0;

	t = realloc(old->targets, (old->n_targets + fresh->n_targets + 1) * sizeof(*t));
	if (!t)
		return -ENOMEM;
	old->targets = t;
	v = realloc(old->victims, (old->n_victims + fresh->n_victims + 1) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	old->victims = v;

	for (size_t i = 0; i < old->n_targets; i++)
		if (fresh->outcome.resolve.state != PMF_STEP_DONE && fresh->n_targets == 0)
			t[kept++] = t[i];	/* nobody looked */
		else if (is_final(&t[i]))
			t[kept++] = t[i];
		else
			free(t[i].path);
	for (size_t i = 0; i < fresh->n_targets; i++)
		t[kept++] = fresh->targets[i];
	old->n_targets = kept;
	fresh->n_targets = 0;
	pmf_targets_sort(t, kept);
	for (size_t i = 0; i < fresh->n_victims; i++)
		add_victim(old, &fresh->victims[i]);
	fresh->n_victims = 0;
	merge_outcome(&old->outcome, &fresh->outcome);

	struct pmf_site site = old->site;	/* where it is mounted now */

	old->site = fresh->site;
	fresh->site = site;
	return 1;
}

int pmf_replay_merge(struct pmf_failure *f, struct pmf_case *cases, size_t n)
{
	struct pmf_case *grown;
	size_t n_before = f->n_cases;
	int news = 0, r = 0;

	grown = realloc(f->cases, (f->n_cases + n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	f->cases = grown;
	for (size_t i = 0; i < n; i++) {
		struct pmf_case *old = NULL;

		for (size_t j = 0; j < n_before && !old; j++)
			if (same_site(&f->cases[j].site, &cases[i].site))
				old = &f->cases[j];
		if (!old) {
			f->cases[f->n_cases++] = cases[i];
			cases[i] = (struct pmf_case){};
			news = 1;
		} else if (cases[i].outcome.thaw.state == PMF_STEP_FAILED ||
			   (!nothing_seen(f, old, &cases[i]) &&
			    !same_look(old, &cases[i]))) {
			int m = merge_case(old, &cases[i]);

			r = m < 0 ? m : r;
			news |= m > 0;
		}
	}
	return r < 0 ? r : news;
}
