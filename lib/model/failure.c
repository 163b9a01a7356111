// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Owning and copying failures. Pure; any layer from the model up may call.
 */
#include "model/failure.h"

void pmf_event_done(struct pmf_event *e)
{
	free(e->device_id);
	free(e->device_name);
	*e = (struct pmf_event){};
}

void pmf_site_done(struct pmf_site *s)
{
	free(s->name);
	free(s->node);
	free(s->fstype);
	free(s->mountpoint);
	free(s->holder);
	pmf_ranges_done(&s->ranges);
	*s = (struct pmf_site){};
}

void pmf_case_done(struct pmf_case *c)
{
	size_t i;

	pmf_site_done(&c->site);
	for (i = 0; i < c->n_targets; i++)
		free(c->targets[i].path);
	free(c->targets);
	for (i = 0; i < c->n_victims; i++) {
		free(c->victims[i].unit);
		free(c->victims[i].path);
	}
	free(c->victims);
	*c = (struct pmf_case){};
}

void pmf_cases_free(struct pmf_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pmf_case_done(&cases[i]);
	free(cases);
}

void pmf_hooks_done(struct pmf_hook_result *hooks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(hooks[i].name);
		free(hooks[i].why);
	}
	free(hooks);
}

void pmf_failure_drop_hooks(struct pmf_failure *f)
{
	pmf_hooks_done(f->hooks, f->n_hooks);
	f->hooks = NULL;
	f->n_hooks = 0;
}

uint64_t pmf_failure_told(const struct pmf_failure *f)
{
	uint64_t n = 0;

	for (size_t i = 0; i < f->n_cases; i++)
		n += f->cases[i].outcome.told;
	return f->n_cases > 0 ? n : f->told;
}

struct pmf_freezes pmf_failure_freezes(const struct pmf_failure *f)
{
	struct pmf_freezes sum = f->n_cases > 0 ? (struct pmf_freezes){ 0 } : f->freezes;

	for (size_t i = 0; i < f->n_cases; i++) {
		uint64_t ns = f->cases[i].outcome.frozen_ns;

		sum.ns += ns;
		sum.longest_ns = MAX(sum.longest_ns, ns);
	}
	return sum;
}

void pmf_failure_drop_cases(struct pmf_failure *f)
{
	f->told = pmf_failure_told(f);
	f->freezes = pmf_failure_freezes(f);
	for (size_t i = 0; i < f->n_cases; i++)
		pmf_case_done(&f->cases[i]);
	free(f->cases);
	f->cases = NULL;
	f->n_cases = 0;
}

struct pmf_failure *pmf_failure_free(struct pmf_failure *f)
{
	if (!f)
		return NULL;
	free(f->device_id);
	free(f->device_name);
	free(f->reason);
	free(f->marked_in);
	pmf_ranges_done(&f->ranges);
	pmf_ranges_done(&f->listed);
	pmf_hooks_done(f->hooks, f->n_hooks);
	pmf_failure_drop_cases(f);
	free(f);
	return NULL;
}

int pmf_failure_from_event(const struct pmf_event *e, struct pmf_failure **ret)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;

	if (!e->device_id || pmf_range_empty(e->range))
		return -EINVAL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->kind = e->kind;
	f->source = e->source;
	f->state = PMF_STATE_PENDING;
	f->hold = e->hold;
	f->created_us = f->updated_us = e->time_us;
	if (!strdup_to(&f->device_id, e->device_id) ||
	    !strdup_to(&f->device_name, e->device_name) ||
	    pmf_ranges_add(&f->ranges, e->range) < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(f);
	return 0;
}

void pmf_failure_also_from(struct pmf_failure *f, enum pmf_source source)
{
	if (f->source == PMF_SOURCE_BADBLOCKS)
		f->source = source;
}

/* Each copies into zeroed memory; what is there on -ENOMEM is for done. */
static bool site_copy(const struct pmf_site *s, struct pmf_site *to)
{
	to->kind = s->kind;
	to->role = s->role;
	to->devno = s->devno;
	to->fs_devno = s->fs_devno;
	to->dax = s->dax;
	return strdup_to(&to->name, s->name) && strdup_to(&to->node, s->node) &&
	       strdup_to(&to->fstype, s->fstype) &&
	       strdup_to(&to->mountpoint, s->mountpoint) &&
	       strdup_to(&to->holder, s->holder) &&
	       pmf_ranges_copy(&s->ranges, &to->ranges) == 0;
}

static bool case_copy(const struct pmf_case *c, struct pmf_case *to)
{
	size_t i;

	to->outcome = c->outcome;
	if (!site_copy(&c->site, &to->site))
		return false;
	/* One more than needed: calloc(0) may say NULL. */
	to->targets = calloc(c->n_targets + 1, sizeof(*to->targets));
	to->victims = calloc(c->n_victims + 1, sizeof(*to->victims));
	if (!to->targets || !to->victims)
		return false;
	for (i = 0; i < c->n_targets; i++) {
		to->targets[i] = c->targets[i];
		to->targets[i].path = NULL;
		to->n_targets++;
		if (!strdup_to(&to->targets[i].path, c->targets[i].path))
			return false;
	}
	for (i = 0; i < c->n_victims; i++) {
		to->victims[i] = c->victims[i];
		to->victims[i].unit = to->victims[i].path = NULL;
		to->n_victims++;
		if (!strdup_to(&to->victims[i].unit, c->victims[i].unit) ||
		    !strdup_to(&to->victims[i].path, c->victims[i].path))
			return false;
	}
	return true;
}

static bool hooks_copy(const struct pmf_failure *f, struct pmf_failure *to)
{
	to->hooks = calloc(f->n_hooks + 1, sizeof(*to->hooks));
	if (!to->hooks)
		return false;
	for (size_t i = 0; i < f->n_hooks; i++) {
		to->hooks[i] = f->hooks[i];
		to->hooks[i].name = to->hooks[i].why = NULL;
		to->n_hooks++;
		if (!strdup_to(&to->hooks[i].name, f->hooks[i].name) ||
		    !strdup_to(&to->hooks[i].why, f->hooks[i].why))
			return false;
	}
	return true;
}

int pmf_failure_copy(const struct pmf_failure *f, struct pmf_failure **ret)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *c = NULL;
	size_t i;

	c = malloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	*c = *f;
	c->device_id = c->device_name = c->reason = c->marked_in = NULL;
	c->ranges = c->listed = (struct pmf_ranges){};
	c->hooks = NULL;
	c->n_cases = c->n_hooks = 0;
	c->cases = calloc(f->n_cases + 1, sizeof(*c->cases));
	if (!c->cases || !strdup_to(&c->device_id, f->device_id) ||
	    !strdup_to(&c->device_name, f->device_name) ||
	    !strdup_to(&c->reason, f->reason) || !strdup_to(&c->marked_in, f->marked_in) ||
	    pmf_ranges_copy(&f->ranges, &c->ranges) < 0 ||
	    pmf_ranges_copy(&f->listed, &c->listed) < 0 || !hooks_copy(f, c))
		return -ENOMEM;
	for (i = 0; i < f->n_cases; i++) {
		c->n_cases++;
		if (!case_copy(&f->cases[i], &c->cases[i]))
			return -ENOMEM;
	}
	*ret = TAKE_PTR(c);
	return 0;
}
