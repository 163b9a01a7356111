// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Looking again at poison that is known, at once and in the caller's own thread.
 * Public; works beside a running daemon.
 */
#include "flow/mark.h"
#include "ops.h"
#include "poison.h"

int pmf_found_add(struct pmf_found *found, struct pmf_failure *f)
{
	if (pmf_grow(&found->v, &found->cap, found->n + 1, sizeof(struct pmf_failure *)) < 0) {
		pmf_failure_free(f);
		return -ENOMEM;
	}
	found->v[found->n++] = f;
	return 0;
}

int pmf_found_tell(struct pmf_found *found, pmemfail_failure_fn fn, void *userdata)
{
	bool more = true;
	int n = (int)found->n;

	for (size_t i = 0; i < found->n; i++) {
		if (more)
			more = fn(pmf_failure_to_public(found->v[i]), userdata) == 0;
		pmf_failure_free(found->v[i]);
	}
	free(found->v);
	*found = (struct pmf_found){ 0 };
	return n;
}

/* --- which ----------------------------------------------------------------- */

struct choice {
	struct pmf_ranges *ranges, *had;
	uint64_t *ids;
	size_t n, cap;
};

static int choose(const struct pmf_failure *f, void *userdata)
{
	struct choice *c = userdata;
	bool some = !c->ranges;
	int r = 0;

	for (size_t i = 0; !some && i < f->ranges.n; i++)
		some = pmf_ranges_overlap(c->ranges, f->ranges.v[i]);
	if (!some)
		return 0;
	r = pmf_grow(&c->ids, &c->cap, c->n + 1, sizeof(*c->ids));
	if (r == 0)
		r = pmf_ranges_add_all(c->had, &f->ranges);
	if (r < 0)
		return r;
	c->ids[c->n++] = f->id;
	return 0;
}

static int look(struct pmemfail *ctx, const struct pmf_run *run, struct pmf_store **writable,
		struct pmf_failure *f, struct pmf_found *found)
{
	bool marked = pmf_mark_again(run, f);
	int r = 0;

	if (pmf_poison_is_open(f)) {
		atomic_fetch_add(&ctx->quiet, 1);
		r = pmf_poison_handle_again(run, &f);
		atomic_fetch_sub(&ctx->quiet, 1);
	}
	if (r > 0 || marked)
		pmf_act_record(ctx, writable, f);
	else if (r == 0)	/* what is on record says it all */
		run->sys->ops->attempt_finish(run->sys, f->id);
	if (r > 0)
		pmf_act_hooks(ctx, writable, f);
	if (r < 0) {
		pmf_failure_free(f);
		return r;
	}
	return pmf_found_add(found, f);
}

/* counted: how many of them who looks on was told to expect. */
static int replay_device(struct pmemfail *ctx, const struct pmf_run *run, const char *device_id,
			 struct pmf_ranges *ranges, uint64_t counted, struct pmf_found *found)
{
	_cleanup_(pmf_store_closep) struct pmf_store *store = NULL;
	_cleanup_(pmf_store_closep) struct pmf_store *writable = NULL;
	_cleanup_(pmf_ranges_done) struct pmf_ranges had = { 0 };
	struct choice c = { .ranges = ranges, .had = &had };
	int r;

	r = pmf_store_open(ctx->policy.state_dir, false, &store, NULL);
	if (r == -ENOENT)
		return 0;	/* nothing was ever recorded */
	if (r >= 0)
		r = pmf_store_foreach_open(store, device_id, choose, &c);
	pmf_progress_correct(run->progress, counted, c.n);
	/* one damaged record hides no other */
	for (size_t i = 0; (r >= 0 || r == -EBADMSG) && i < c.n; i++) {
		struct pmf_failure *f;

		r = pmf_store_get(store, c.ids[i], &f);
		if (r >= 0)
			r = look(ctx, run, &writable, f, found);
		pmf_progress_pass(run->progress, 1);
	}
	free(c.ids);
	if (r >= 0 && ranges)
		r = pmf_ranges_subtract(ranges, &had);
	return r == -EBADMSG ? 0 : r;
}

int pmf_replay_device(struct pmemfail *ctx, const struct pmf_run *run, const char *device_id,
		      struct pmf_ranges *ranges, struct pmf_found *found)
{
	return replay_device(ctx, run, device_id, ranges, 0, found);
}

/* --- at once --------------------------------------------------------------- */

static int count(const struct pmf_failure *f, void *userdata)
{
	uint64_t *n = userdata;

	(void)f;
	++*n;
	return 0;
}

/* How many there are of each of these devices, for who looks on: nothing else hangs on
 * it, and what cannot be read now is said when it is to be handled. */
static int count_all(struct pmemfail *ctx, const struct pmf_topology *t,
		     const struct pmf_device *one, struct pmf_progress *progress,
		     uint64_t **ret_counts)
{
	_cleanup_(pmf_store_closep) struct pmf_store *store = NULL;
	uint64_t all = 0;

	*ret_counts = calloc(t->n_devices + 1, sizeof(**ret_counts));
	if (!*ret_counts)
		return -ENOMEM;
	if (!progress || pmf_store_open(ctx->policy.state_dir, false, &store, NULL) < 0)
		return 0;
	for (size_t i = 0; i < t->n_devices; i++)
		if (!one || one == &t->devices[i]) {
			(void)pmf_store_foreach_open(store, t->devices[i].id, count,
						     &(*ret_counts)[i]);
			all += (*ret_counts)[i];
		}
	pmf_progress_expect(progress, all);
	return 0;
}

static int replay(struct pmemfail *ctx, const struct pmf_run *run, const char *id,
		  uint64_t counted, struct pmf_found *found)
{
	_cleanup_close_ int lock = -1;

	/* Longer than this it hangs; then both work at once. */
	(void)pmf_poison_lock(run->sys, id, PMF_POISON_PATIENCE_US, &lock);
	return replay_device(ctx, run, id, NULL, counted, found);
}

int pmf_direct_replay(struct pmemfail *ctx, const char *device, struct pmf_progress *progress,
		      pmemfail_failure_fn fn, void *userdata)
{
	_cleanup_free_ uint64_t *counts = NULL;
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = NULL;
	const struct pmf_device *one = NULL;
	struct pmf_run run = { .hold_fd = -1, .progress = progress, .resumes = true };
	struct pmf_found found = { 0 };
	int r, n;

	r = pmf_act(ctx, &run.sys);
	if (r >= 0)
		r = pmf_read_all(run.sys, &t);
	if (r >= 0 && device)
		r = pmf_find_device(t, device, &one);
	if (r < 0)
		return r;
	run.policy = &ctx->policy;
	run.topology = t;
	r = count_all(ctx, t, one, progress, &counts);
	for (size_t i = 0; r >= 0 && i < t->n_devices; i++)
		if (!one || one == &t->devices[i])
			r = replay(ctx, &run, t->devices[i].id, counts[i], &found);
	n = pmf_found_tell(&found, fn, userdata);
	return r < 0 ? pmf_why_errno(r, "cannot look at all that is bad again") : n;
}
