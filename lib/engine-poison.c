// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Bad ranges to jobs. Of a device one failure is handled at a time; what comes
 * meanwhile is gathered into the next one. Each is on record before it is acted on.
 */
#include "base/str.h"
#include "engine.h"
#include "poison.h"

/* No failure gets more ranges than so many: what is handled, kept and written at once is
 * bounded by it, whatever the size of the storm. Most is needed while one is written or
 * read, by several threads at a time perhaps: some KiB of json-c's tables for a range. */
#define MAX_PART 512

static void poisoned_free(struct pmf_poisoned *p)
{
	free(p->id);
	free(p->name);
	pmf_ranges_done(&p->known);
	pmf_ranges_done(&p->saved);
	pmf_lists_done(&p->lists);
	for (size_t i = 0; i < p->n_waiting; i++)
		pmf_failure_free(p->waiting[i].failure);
	free(p->waiting);
	pmf_failure_free(p->next);
	safe_close(p->lock_fd);
	free(p);
}

void pmf_engine_poison_done(struct pmemfail_engine *e)
{
	for (size_t i = 0; i < e->n_poisoned; i++)
		poisoned_free(e->poisoned[i]);
	free(e->poisoned);
	e->poisoned = NULL;
	e->n_poisoned = 0;
}

static struct pmf_poisoned *find(struct pmemfail_engine *e, const char *id)
{
	for (size_t i = 0; i < e->n_poisoned; i++)
		if (streq_ptr(e->poisoned[i]->id, id))
			return e->poisoned[i];
	return NULL;
}

struct pmf_poisoned *pmf_poisoned_of(struct pmemfail_engine *e, const char *id)
{
	struct pmf_poisoned *p = find(e, id);

	if (p)
		return p;
	if (pmf_grow(&e->poisoned, &e->cap_poisoned, e->n_poisoned + 1,
		     sizeof(struct pmf_poisoned *)) < 0)
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->lock_fd = -1;
	if (!strdup_to(&p->id, id)) {
		poisoned_free(p);
		return NULL;
	}
	e->poisoned[e->n_poisoned++] = p;
	(void)pmf_intake_hold_poison(e->intake, id, true);
	return p;
}

/* --- events ---------------------------------------------------------------- */

void pmf_engine_bad(struct pmemfail_engine *e, const struct pmf_device *d,
		    struct pmf_range r, enum pmf_source source)
{
	struct pmf_event ev = {
		.kind = PMF_KIND_POISON, .source = source, .device_id = d->id,
		.device_name = d->name, .time_us = e->sys->ops->now_realtime_us(e->sys),
		.range = d->size ? pmf_range_clip(r, (struct pmf_range){ 0, d->size }) : r,
	};
	struct pmf_poisoned *p = pmf_poisoned_of(e, d->id);
	enum pmf_intake_verdict verdict;

	if (pmf_range_empty(ev.range))
		return;
	if (!p || pmf_engine_take_in(e, &ev, &verdict) < 0) {
		/* Not lost: the lists have it, or the next reading finds it. */
		pmf_log(e->ctx, "a bad range of %s is not handled yet: out of memory",
			d->name ?: d->id);
		pmf_engine_timer(e, 1);
	}
}

/*
 * A page of the namespace's own: no range of the device is bad, and nothing could be
 * revoked, but whoever has the data must know. On record once, as unsupported.
 */
void pmf_engine_tell_info(struct pmemfail_engine *e, struct pmf_poisoned *p)
{
	struct pmf_event ev = {
		.kind = PMF_KIND_POISON, .source = PMF_SOURCE_MEMORY_FAILURE,
		.device_id = p->id, .device_name = p->name,
		.time_us = e->sys->ops->now_realtime_us(e->sys), .range = PMF_RANGE_ALL,
	};
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;

	if (!p->info_bad || p->info_told || !p->loaded ||
	    pmf_failure_from_event(&ev, &f) < 0)
		return;
	pmf_ranges_done(&f->ranges);
	f->state = PMF_STATE_UNSUPPORTED;
	if (pmf_format(&f->reason, PMF_INFO_IS_BAD, p->name ?: p->id) < 0)
		return;
	p->info_told = true;
	pmf_engine_put(e, ++e->last_token, f, true);
}

void pmf_engine_bad_info(struct pmemfail_engine *e, const struct pmf_device *d)
{
	struct pmf_poisoned *p = pmf_poisoned_of(e, d->id);

	if (!p)
		return;
	if (!streq_ptr(p->name, d->name))	/* without memory it is told by its id */
		(void)strdup_to(&p->name, d->name);
	p->info_bad = true;
	pmf_engine_tell_info(e, p);
}

/* No memory for it: it must be news again, for the next reading of the lists. */
static void forget(struct pmemfail_engine *e, struct pmf_failure *f)
{
	(void)pmf_intake_forget(e->intake, f->device_id, &f->ranges);
	pmf_engine_look(e, f->device_id, false);
	pmf_engine_timer(e, 1);
	pmf_failure_free(f);
}

/* The first of its ranges as a failure of their own, or all of it: then *f is NULL. */
static struct pmf_failure *take_part(struct pmf_failure **f)
{
	struct pmf_ranges all = (*f)->ranges;
	struct pmf_failure *part = NULL;

	if (all.n <= MAX_PART)
		return TAKE_PTR(*f);
	(*f)->ranges.n = MAX_PART;	/* so that no more than these are copied */
	(void)pmf_failure_copy(*f, &part);
	(*f)->ranges = all;
	if (part) {
		(*f)->ranges.n -= MAX_PART;
		memmove(all.v, all.v + MAX_PART, (*f)->ranges.n * sizeof(*all.v));
	}
	return part;
}

/* Takes f, but not on error (-ENOMEM). What is listed is noted now, or it could be taken
 * later for cleared, or for what another source told, which is to be marked. */
static int wait_for_turn(struct pmemfail_engine *e, struct pmf_poisoned *p,
			 struct pmf_failure *f)
{
	struct pmf_waiting *w = p->n_waiting > 0 ? &p->waiting[p->n_waiting - 1] : NULL;
	int r = 0;

	if (p->has_lists)
		r = pmf_ranges_intersect(&f->ranges, &p->lists.bad, &f->listed);
	if (r < 0)
		return r;
	if (!w || w->failure->ranges.n + f->ranges.n > MAX_PART) {
		r = pmf_grow(&p->waiting, &p->cap_waiting, p->n_waiting + 1, sizeof(*w));
		if (r < 0)
			return r;
		w = &p->waiting[p->n_waiting++];
		*w = (struct pmf_waiting){ .failure = f, .token = ++e->last_token };
	} else {
		r = pmf_ranges_add_all(&w->failure->ranges, &f->ranges);
		if (r >= 0)
			r = pmf_ranges_add_all(&w->failure->listed, &f->listed);
		if (r < 0)
			return r;
		w->failure->updated_us = f->updated_us;
		pmf_failure_also_from(w->failure, f->source);
		pmf_failure_free(f);
	}
	w->dirty = true;
	return 0;
}

static void gather(struct pmemfail_engine *e, struct pmf_failure *f)
{
	struct pmf_poisoned *p = pmf_poisoned_of(e, f->device_id);

	if (!p || pmf_ranges_add_all(&p->known, &f->ranges) < 0) {
		forget(e, f);
		return;
	}
	while (f) {
		struct pmf_failure *part = take_part(&f);

		if (part && wait_for_turn(e, p, part) >= 0)
			continue;
		if (part) {
			(void)pmf_ranges_subtract(&p->known, &part->ranges);
			forget(e, part);
		} else {
			(void)pmf_ranges_subtract(&p->known, &f->ranges);
			forget(e, TAKE_PTR(f));
		}
	}
}

/* --- one at a time --------------------------------------------------------- */

static void unlock_when_saved(struct pmemfail_engine *e, struct pmf_poisoned *p)
{
	if (p->lock_fd >= 0 && !p->working && !pmf_record_is_behind(e->record, p->id))
		p->lock_fd = safe_close(p->lock_fd);
}

static void start(struct pmemfail_engine *e, struct pmf_poisoned *p, struct pmf_failure *f,
		  uint64_t token)
{
	struct pmf_job *j = NULL;

	if (pmf_job_new(e, PMF_JOB_POISON, &j) < 0 || !strdup_to(&j->device_id, p->id) ||
	    (p->has_lists && pmf_lists_copy(&p->lists, &j->lists) < 0)) {
		pmf_job_free(j);
		/* What is on record is found there again. */
		pmf_failure_free(f);
		p->replay = true;
		pmf_engine_timer(e, 1);
		return;
	}
	j->has_lists = p->has_lists;
	j->failure = f;
	j->token = token;
	j->more_tokens = e->last_token + 1;
	e->last_token += 1U << 20;
	j->lock_fd = TAKE_FD(p->lock_fd);
	if (!f) {
		j->replay = p->replay;
		p->replay = p->reconcile = false;
	} else {
		p->n_open++;
	}
	p->working = true;
	pmf_job_start(j);
}

/* What has gathered is the next one, once its last version is on record. */
static void take_next(struct pmemfail_engine *e, struct pmf_poisoned *p)
{
	p->next = p->waiting[0].failure;
	p->next_token = p->waiting[0].token;
	p->n_waiting--;
	memmove(p->waiting, p->waiting + 1, p->n_waiting * sizeof(*p->waiting));
	p->next->state = PMF_STATE_HANDLING;
	/* Without memory to record it the rescue goes on all the same. */
	if (pmf_engine_put(e, p->next_token, p->next, false) < 0)
		start(e, p, TAKE_PTR(p->next), p->next_token);
}

static void advance(struct pmemfail_engine *e, struct pmf_poisoned *p)
{
	unlock_when_saved(e, p);	/* its note was lost, or itself dropped */
	if (p->n_waiting > 0 && !p->working && !p->next)
		take_next(e, p);
	for (size_t i = 0; i < p->n_waiting; i++) {
		struct pmf_waiting *w = &p->waiting[i];

		if (w->dirty && !w->writing &&
		    pmf_engine_put(e, w->token, w->failure, false) >= 0) {
			w->dirty = false;
			w->writing = true;
		}
	}
	if (!p->working && !p->next && (p->replay || p->reconcile) && p->loaded &&
	    !p->list && !p->listing && !pmf_record_is_behind(e->record, p->id))
		start(e, p, NULL, 0);
}

static void gather_all(struct pmemfail_engine *e)
{
	struct pmf_failure *f;

	while (e->intake && pmf_intake_next(e->intake, &f) >= 0) {
		if (f->kind == PMF_KIND_POISON)
			gather(e, f);
		else
			pmf_failure_free(f);	/* cannot be: removals are taken at once */
	}
}

void pmf_engine_poison(struct pmemfail_engine *e)
{
	if (e->ending)
		return;
	gather_all(e);
	for (size_t i = 0; i < e->n_poisoned; i++)
		advance(e, e->poisoned[i]);
}

static int see_known(const struct pmf_failure *f, void *userdata)
{
	struct pmf_poisoned *p = userdata;

	pmf_poisoned_saved(p, f);
	return pmf_ranges_add_all(&p->known, &f->ranges);
}

/* Events that still waited for the lists to be read: rather on record twice than lost. */
static void release(struct pmemfail_engine *e, struct pmf_poisoned *p)
{
	if (p->loaded)
		return;
	p->loaded = true;
	if (pmf_engine_foreach_open(e, p->id, see_known, p) < 0 ||
	    pmf_intake_known(e->intake, p->id, &p->known) < 0)
		pmf_log(e->ctx, "what is known of %s cannot be read", p->id);
	(void)pmf_intake_hold_poison(e->intake, p->id, false);
	pmf_engine_tell_info(e, p);
}

/* What is not begun by now is left to a successor, on record as what it is: pending. */
void pmf_engine_poison_end(struct pmemfail_engine *e)
{
	for (size_t i = 0; i < e->n_poisoned; i++)
		release(e, e->poisoned[i]);
	gather_all(e);
	for (size_t i = 0; i < e->n_poisoned; i++) {
		struct pmf_poisoned *p = e->poisoned[i];

		if (p->next) {
			p->next->state = PMF_STATE_PENDING;
			(void)pmf_engine_put(e, p->next_token, p->next, false);
		}
		for (size_t k = 0; k < p->n_waiting; k++)
			if (p->waiting[k].dirty)
				(void)pmf_engine_put(e, p->waiting[k].token,
						     p->waiting[k].failure, false);
	}
}

/* --- what became of it ----------------------------------------------------- */

static void waiting_noted(struct pmf_poisoned *p, const struct pmf_record_note *n)
{
	for (size_t i = 0; i < p->n_waiting; i++)
		if (p->waiting[i].token == n->token) {
			p->waiting[i].failure->id = n->failure->id;
			p->waiting[i].writing = false;
		}
}

void pmf_engine_poison_noted(struct pmemfail_engine *e, const struct pmf_record_note *n)
{
	struct pmf_poisoned *p = n->failure && n->failure->kind == PMF_KIND_POISON ?
		find(e, n->failure->device_id) : NULL;

	/* Ending: nothing is begun any more, no job would be waited for. */
	if (!p || e->ending)
		return;
	if (n->final) {
		/* What was marked meanwhile is in no list that was read; and whether it
		 * waits for anything is known now. */
		p->list = true;
		unlock_when_saved(e, p);
	} else if (p->next && p->next_token == n->token &&
		   n->failure->state == PMF_STATE_HANDLING) {
		p->next->id = n->failure->id;
		start(e, p, TAKE_PTR(p->next), n->token);
	} else {
		waiting_noted(p, n);
	}
}

void pmf_engine_poison_over(struct pmemfail_engine *e, struct pmf_job *j)
{
	struct pmf_poisoned *p = j->device_id ? find(e, j->device_id) : NULL;

	if (!p)
		return;		/* hooks of a removal */
	if (p->lock_fd < 0)
		p->lock_fd = TAKE_FD(j->lock_fd);
	if (j->kind == PMF_JOB_POISON) {
		p->working = false;
		if (j->ranges.n > 0) {
			(void)pmf_ranges_subtract(&p->known, &j->ranges);
			(void)pmf_ranges_subtract(&p->saved, &j->ranges);
			(void)pmf_intake_forget(e->intake, p->id, &j->ranges);
			p->n_clears++;
		}
		pmf_poisoned_count(p, j);
		p->replay |= j->failure != NULL;	/* not begun: it is on record */
	}
	unlock_when_saved(e, p);
	pmf_engine_rearm(e);
}
