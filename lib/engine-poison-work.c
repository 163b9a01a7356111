// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the jobs about poison do. They share nothing with the engine's thread but the
 * snapshots, the record and the queue.
 */
#include "engine.h"
#include "flow/mark.h"
#include "flow/store.h"
#include "poison.h"

/* No record, and one that is gone by now, are none; after any other error there may be
 * more on record than was seen. */
static bool saw_all(int r)
{
	return r >= 0 || r == -ENOENT;
}

/* --- reading the lists ----------------------------------------------------- */

int pmf_engine_foreach_open(struct pmemfail_engine *e, const char *device_id,
			    int (*fn)(const struct pmf_failure *f, void *userdata),
			    void *userdata)
{
	_cleanup_(pmf_store_closep) struct pmf_store *store = NULL;
	int r = pmf_store_open(e->policy->state_dir, false, &store, NULL);

	if (r >= 0)
		r = pmf_store_foreach_open(store, device_id, fn, userdata);
	return r == -ENOENT ? 0 : r;
}

static int compare_open(struct pmf_job *j, const struct pmf_failure *f)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *copy = NULL;
	enum pmf_reconciled v;
	int r = pmf_failure_copy(f, &copy);

	if (r >= 0)
		r = pmf_reconcile(copy, &j->lists, &v);
	if (r >= 0)
		j->differs |= v != PMF_RECONCILED_SAME;
	return r;
}

static int see_open(const struct pmf_failure *f, void *userdata)
{
	struct pmf_job *j = userdata;
	int r = pmf_ranges_add_all(&j->ranges, &f->ranges);

	j->n_open += pmf_poison_is_open(f);
	j->has_info |= f->ranges.n == 0;
	return r < 0 || !j->has_lists ? r : compare_open(j, f);
}

/* After the lists, so that who reports (record, then mark) is seen to have. */
static int read_record(struct pmf_job *j)
{
	int r = pmf_engine_foreach_open(j->engine, j->device_id, see_open, j);

	if (r == -ENOMEM)
		return r;
	j->has_known = true;
	j->counted = saw_all(r);
	if (!saw_all(r))
		pmf_log(j->engine->ctx, "cannot read what poison is on record: %s",
			strerror(-r));
	return 0;
}

static int read_lists(struct pmf_job *j, const struct pmf_device *d)
{
	struct pmf_sys *sys = j->engine->sys;
	_cleanup_free_ char *after = NULL;
	int r;

	pmf_lists_done(&j->lists);
	(void)sys->ops->binding_id(sys, d, &j->lists.binding);
	r = sys->ops->read_badblocks(sys, d, &j->lists.bad, &j->lists.full);
	if (r >= 0) {
		/* Bound anew in between: which binding's list it was is not known. */
		(void)sys->ops->binding_id(sys, d, &after);
		if (!streq_ptr(after, j->lists.binding))
			r = -EAGAIN;
	}
	j->has_lists = r >= 0;
	return r;
}

void pmf_job_lists(struct pmf_job *j)
{
	int lists = read_lists(j, &j->device);
	int record = read_record(j);

	j->result = record < 0 ? record : lists;
}

/* --- handling -------------------------------------------------------------- */

/* Nothing is logged while a filesystem may be frozen. */
static void begin_quiet(struct pmf_job *j)
{
	atomic_fetch_add(&j->engine->ctx->quiet, 1);
}

static void end_quiet(struct pmf_job *j)
{
	atomic_fetch_sub(&j->engine->ctx->quiet, 1);
}

static void handle_new(struct pmf_job *j, const struct pmf_run *run)
{
	struct pmf_failure *f = TAKE_PTR(j->failure);

	begin_quiet(j);
	pmf_poison_handle(run, f);
	end_quiet(j);
	pmf_job_put(j, j->token, f);
}

static void clear(struct pmf_job *j, struct pmf_failure *f)
{
	/* its ranges may be news again; without memory they are after the next start */
	(void)pmf_ranges_add_all(&j->ranges, &f->ranges);
	f->updated_us = j->engine->sys->ops->now_realtime_us(j->engine->sys);
	pmf_failure_drop_hooks(f);
	pmf_job_put(j, j->more_tokens++, f);
}

/* The lists are older than what is on record now: somebody may have marked it since.
 * So that it is gone is believed only after another look. */
static int compare(struct pmf_job *j, const struct pmf_run *run, struct pmf_failure **f,
		   enum pmf_reconciled *ret)
{
	const struct pmf_device *d = pmf_topology_bound_by_id(run->topology, j->device_id);
	_cleanup_(pmf_failure_freep) struct pmf_failure *copy = NULL;
	int r = pmf_failure_copy(*f, &copy);

	*ret = PMF_RECONCILED_SAME;
	if (r < 0 || !j->has_lists || !d)
		return r;
	r = pmf_reconcile(copy, &j->lists, ret);
	if (r < 0)
		return r;
	if (*ret == PMF_RECONCILED_CLEARED && !j->reread) {
		j->reread = true;
		(void)read_lists(j, d);
		return compare(j, run, f, ret);
	}
	pmf_failure_free(*f);
	*f = TAKE_PTR(copy);
	return 0;
}

/* Takes f. */
static int look_again(struct pmf_job *j, const struct pmf_run *run, struct pmf_failure *f)
{
	enum pmf_reconciled v = PMF_RECONCILED_SAME;
	bool news = false, write;
	int r;

	r = pmf_job_reserve(j);
	if (r >= 0)
		r = compare(j, run, &f, &v);
	if (r < 0) {
		pmf_failure_free(f);
		return r;
	}
	if (v == PMF_RECONCILED_CLEARED) {
		clear(j, f);
		return 0;
	}
	j->n_open += pmf_poison_is_open(f);
	/* A replay tries what could not be marked before: it was being removed, say. */
	write = v == PMF_RECONCILED_LISTED;
	if (v == PMF_RECONCILED_UNMARKED || j->replay)
		write |= pmf_mark_again(run, f);
	if (j->replay && pmf_poison_is_open(f)) {
		begin_quiet(j);
		r = pmf_poison_handle_again(run, &f);
		end_quiet(j);
		news = r > 0;
		if (r == 0)	/* what is on record says it all */
			run->sys->ops->attempt_finish(run->sys, f->id);
	}
	if (news)
		pmf_job_put(j, j->more_tokens++, f);
	else if (write)
		pmf_job_put(j, j->more_tokens++ | PMF_TOKEN_HUSHED, f);
	else
		pmf_failure_free(f);
	return 0;
}

struct ids {
	uint64_t *v;
	size_t n, cap;
};

static int take_id(const struct pmf_failure *f, void *userdata)
{
	struct ids *ids = userdata;

	if (pmf_grow(&ids->v, &ids->cap, ids->n + 1, sizeof(*ids->v)) < 0)
		return -ENOMEM;		/* the others next time */
	ids->v[ids->n++] = f->id;
	return 0;
}

static void look_at_all(struct pmf_job *j, const struct pmf_run *run)
{
	_cleanup_(pmf_store_closep) struct pmf_store *store = NULL;
	struct ids ids = { 0 };
	int r, error;

	r = pmf_store_open(j->engine->policy->state_dir, false, &store, NULL);
	if (r >= 0)
		r = pmf_store_foreach_open(store, j->device_id, take_id, &ids);
	j->counted = saw_all(r);
	for (size_t i = 0; i < ids.n; i++) {
		struct pmf_failure *f;

		error = pmf_store_get(store, ids.v[i], &f);
		if (error >= 0)
			error = look_again(j, run, f);
		j->counted &= saw_all(error);
		if (saw_all(r))
			r = error;
	}
	free(ids.v);
	if (!saw_all(r))
		pmf_log(j->engine->ctx, "cannot read what poison is on record: %s",
			strerror(-r));
}

void pmf_job_poison(struct pmf_job *j)
{
	struct pmemfail_engine *e = j->engine;
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = NULL;
	struct pmf_run run = { .sys = e->sys, .policy = e->policy, .hold_fd = -1,
			       .resumes = true };

	if (pmf_snapshots_for_hold(e->snapshots, &t) < 0) {
		/* It stays on record as it is, and is looked at again. */
		pmf_log(e->ctx, "poison of %s is not handled yet: out of memory",
			j->device_id);
		return;
	}
	run.topology = t;
	/* Whoever has it for longer than this hangs; then both work at once. */
	if (j->lock_fd < 0)
		(void)pmf_poison_lock(e->sys, j->device_id, PMF_POISON_PATIENCE_US,
				      &j->lock_fd);
	if (j->failure)
		handle_new(j, &run);
	else
		look_at_all(j, &run);
}
