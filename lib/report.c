// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Poison that a person names: by device and offset, or by physical address. Acts in
 * the caller's own thread, as prepare-remove does. Public; works beside a running
 * daemon.
 */
#include "ops.h"
#include "poison.h"

/* --- which bytes of which devices ------------------------------------------ */

struct piece {
	const struct pmf_device *device;
	struct pmf_ranges ranges;
};

struct pieces {
	struct piece *v;
	size_t n, cap;
};

static void pieces_done(struct pieces *p)
{
	for (size_t i = 0; i < p->n; i++)
		pmf_ranges_done(&p->v[i].ranges);
	free(p->v);
}

static int add_piece(const struct pmf_device *d, struct pmf_range r, void *userdata)
{
	struct pieces *p = userdata;
	size_t i = 0;
	int ret;

	while (i < p->n && p->v[i].device != d)
		i++;
	if (i == p->n) {
		ret = pmf_grow(&p->v, &p->cap, p->n + 1, sizeof(*p->v));
		if (ret < 0)
			return ret;
		p->v[p->n++] = (struct piece){ .device = d };
	}
	return pmf_ranges_add(&p->v[i].ranges, r);
}

static int add_spa(const struct pmf_device *d, struct pmf_range r, bool meta, void *userdata)
{
	/* never as the whole device: that would be marked bad, and taken away */
	return meta ? pmf_why(-EOPNOTSUPP, PMF_INFO_IS_BAD, d->name ?: d->id) :
		add_piece(d, r, userdata);
}

/* A partition or device-mapper device so called; NULL: none. */
static const struct pmf_block *block_over(const struct pmf_topology *t, const char *name)
{
	for (size_t i = 0; i < t->n_blocks; i++) {
		const struct pmf_block *b = &t->blocks[i];

		if (b->kind != PMF_BLOCK_DISK &&
		    (streq_ptr(b->name, name) || streq_ptr(b->node, name) ||
		     (strncmp(name, "/dev/", 5) == 0 && streq_ptr(b->name, name + 5))))
			return b;
	}
	return NULL;
}

static int find_pieces(const struct pmf_topology *t, const char *name, struct pmf_range r,
		       struct pieces *ret)
{
	const struct pmf_block *b = block_over(t, name);
	const struct pmf_device *d;
	int e;

	if (b) {
		e = pmf_topology_down(t, b->devno, r, add_piece, ret);
	} else {
		e = pmf_find_device(t, name, &d);
		if (e < 0)
			return e;
		if (!d->devno)
			return pmf_why(-ENODEV, "%s is not bound to a driver, so it has no "
				       "bytes to name", d->ns ?: d->id);
		e = r.end > d->size ? -ERANGE : add_piece(d, r, ret);
	}
	if (e == -ERANGE)
		return pmf_why(e, "that range goes beyond the end of %.128s", name);
	if (e == -EOPNOTSUPP)
		return pmf_why(e, "%.128s lies on something that pmemfail cannot look through; "
			       "name the pmem device itself", name);
	return e < 0 ? pmf_why_errno(e, "cannot tell what lies there on %.128s", name) : 0;
}

/* --- acting ---------------------------------------------------------------- */

static int report_new(struct pmemfail *ctx, const struct pmf_run *run, const struct piece *p,
		      struct pmf_found *found)
{
	_cleanup_(pmf_store_closep) struct pmf_store *store = NULL;
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;
	struct pmf_event ev = {
		.kind = PMF_KIND_POISON, .source = PMF_SOURCE_REQUEST,
		.device_id = p->device->id, .device_name = p->device->name,
		.range = p->ranges.v[0], .time_us = run->sys->ops->now_realtime_us(run->sys),
	};
	int r;

	r = pmf_failure_from_event(&ev, &f);
	if (r >= 0)
		r = pmf_ranges_add_all(&f->ranges, &p->ranges);
	if (r < 0)
		return r;
	/* On record first: the daemon sees the mark that the handling makes, and then
	 * that it is nothing new. */
	f->state = PMF_STATE_HANDLING;
	pmf_act_record(ctx, &store, f);
	atomic_fetch_add(&ctx->quiet, 1);
	pmf_poison_handle(run, f);
	atomic_fetch_sub(&ctx->quiet, 1);
	pmf_act_record(ctx, &store, f);
	pmf_act_hooks(ctx, &store, f);
	return pmf_found_add(found, TAKE_PTR(f));
}

static int report_piece(struct pmemfail *ctx, const struct pmf_run *run, struct piece *p,
			struct pmf_found *found)
{
	_cleanup_close_ int lock = -1;
	int r;

	(void)pmf_poison_lock(run->sys, p->device->id, PMF_POISON_PATIENCE_US, &lock);
	r = pmf_replay_device(ctx, run, p->device->id, &p->ranges, found);
	if (r < 0 && r != -ENOMEM) {
		/* The rescue does not wait for the record. */
		pmf_log(ctx, "cannot read what is known already: %s", strerror(-r));
		r = 0;
	}
	return r < 0 || p->ranges.n == 0 ? r : report_new(ctx, run, p, found);
}

static int report(struct pmemfail *ctx, struct pmf_run *run, struct pieces *p,
		  pmemfail_failure_fn fn, void *userdata)
{
	struct pmf_found found = { 0 };
	int n, r = 0;

	run->policy = &ctx->policy;
	for (size_t i = 0; r >= 0 && i < p->n; i++)
		r = report_piece(ctx, run, &p->v[i], &found);
	n = pmf_found_tell(&found, fn, userdata);
	return r < 0 ? pmf_why_errno(r, "cannot handle all that was reported") : n;
}

int pmf_direct_report(struct pmemfail *ctx, const char *device, struct pmf_range range,
		      pmemfail_failure_fn fn, void *userdata)
{
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = NULL;
	_cleanup_(pieces_done) struct pieces p = { 0 };
	struct pmf_run run = { .hold_fd = -1, .resumes = true };
	int r;

	r = pmf_act(ctx, &run.sys);
	if (r >= 0)
		r = pmf_read_all(run.sys, &t);
	if (r >= 0)
		r = find_pieces(t, device, range, &p);
	run.topology = t;
	return r < 0 ? r : report(ctx, &run, &p, fn, userdata);
}

int pmf_direct_report_spa(struct pmemfail *ctx, struct pmf_range range,
			  pmemfail_failure_fn fn, void *userdata)
{
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = NULL;
	_cleanup_(pieces_done) struct pieces p = { 0 };
	struct pmf_run run = { .hold_fd = -1, .resumes = true };
	int r;

	r = pmf_act(ctx, &run.sys);
	if (r >= 0)
		r = pmf_read_all(run.sys, &t);
	if (r < 0)
		return r;
	r = pmf_topology_spa(t, range, add_spa, &p);
	if (r == -ENODEV || (r >= 0 && p.n == 0))
		return pmf_why(-ENODEV, "no bound pmem device has the address %#llx",
			       (unsigned long long)range.start);
	if (r == -EOPNOTSUPP)
		return r;
	if (r < 0)
		return pmf_why_errno(r, "cannot tell which device has the address %#llx",
				     (unsigned long long)range.start);
	run.topology = t;
	return report(ctx, &run, &p, fn, userdata);
}

int pmf_direct_assess_range(struct pmemfail *ctx, const char *device, struct pmf_range range,
			    bool deep, pmemfail_progress_fn progress, void *userdata,
			    struct pmf_failure **ret)
{
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = NULL;
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;
	_cleanup_(pieces_done) struct pieces p = { 0 };
	struct pmf_event ev = { .kind = PMF_KIND_POISON, .source = PMF_SOURCE_REQUEST };
	struct pmf_run run = { .hold_fd = -1, .policy = &ctx->policy };
	int r;

	r = pmf_act(ctx, &run.sys);
	if (r >= 0)
		r = pmf_read_all(run.sys, &t);
	if (r >= 0)
		r = find_pieces(t, device, range, &p);
	if (r < 0)
		return r;
	if (p.n > 1)
		return pmf_why(-ENOTUNIQ, "those bytes of %.128s lie on more than one pmem "
			       "device; assess a shorter range", device);
	run.topology = t;
	ev.device_id = p.v[0].device->id;
	ev.device_name = p.v[0].device->name;
	ev.range = p.v[0].ranges.v[0];
	ev.time_us = run.sys->ops->now_realtime_us(run.sys);
	r = pmf_failure_from_event(&ev, &f);
	if (r >= 0)
		r = pmf_ranges_add_all(&f->ranges, &p.v[0].ranges);
	if (r >= 0)
		r = pmf_assess_poison(&run, f, deep, progress, userdata);
	if (r != 0)	/* progress may have stopped it with any value of its own */
		return pmf_why_errno(r, "cannot find out who owns that part of %.128s", device);
	*ret = TAKE_PTR(f);
	return 0;
}
