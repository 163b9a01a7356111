// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Acting on one device at once, in the caller's own thread: the dry run, making a
 * device safe to remove, thawing what a dead process left. Public; works beside a
 * running daemon.
 */
#include "context.h"
#include "flow/store.h"
#include "ops.h"
#include "poison.h"
#include "sys/rundir.h"

/* The failure that stands for a request about the device so called. */
static int failure_for(struct pmf_sys *sys, const struct pmf_topology *t, const char *name,
		       struct pmf_failure **ret)
{
	struct pmf_event e = {
		.kind = PMF_KIND_REMOVE, .source = PMF_SOURCE_REQUEST,
		.range = PMF_RANGE_ALL, .time_us = sys->ops->now_realtime_us(sys),
	};
	const struct pmf_device *d;
	int r;

	r = pmf_find_device(t, name, &d);
	if (r < 0)
		return r;
	if (!d->devno)
		return pmf_why(-ENODEV, "%s is not bound to a driver, so nothing uses it and "
			       "it can be removed as it is", d->ns ?: d->id);
	e.device_id = d->id;	/* borrowed: from_event copies */
	e.device_name = d->name;
	r = pmf_failure_from_event(&e, ret);
	return r < 0 ? pmf_why_errno(r, "cannot work on %s", d->name ?: d->id) : 0;
}

int pmf_direct_assess(struct pmemfail *ctx, const char *device, struct pmf_failure **ret)
{
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = NULL;
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;
	struct pmf_run run = { .hold_fd = -1 };
	int r;

	r = pmf_act(ctx, &run.sys);
	if (r >= 0)
		r = pmf_read_all(run.sys, &t);
	if (r >= 0)
		r = failure_for(run.sys, t, device, &f);
	if (r < 0)
		return r;
	run.policy = &ctx->policy;
	run.topology = t;
	r = pmf_assess_removal(&run, f);
	if (r < 0)
		return pmf_why_errno(r, "cannot find out what uses %.128s", device);
	*ret = TAKE_PTR(f);
	return 0;
}

void pmf_act_record(struct pmemfail *ctx, struct pmf_store **store, struct pmf_failure *f)
{
	int r = 0;

	if (!*store)
		r = pmf_store_open(ctx->policy.state_dir, true, store, NULL);
	if (r >= 0)
		r = pmf_store_put(*store, f);
	if (r < 0) {
		(void)pmf_why_errno(r, "what was done could not be recorded in %s",
				    ctx->policy.state_dir);
		pmf_log(ctx, "%s", pmemfail_why());
	} else if (f->kind == PMF_KIND_POISON && f->state != PMF_STATE_HANDLING) {
		/* see pmf_run.resumes */
		ctx->sys->ops->attempt_finish(ctx->sys, f->id);
	}
}

void pmf_act_hooks(struct pmemfail *ctx, struct pmf_store **store, struct pmf_failure *f)
{
	if (pmf_hooks_run(ctx->sys, &ctx->policy, f) < 0)
		pmf_log(ctx, "hooks were not run: out of memory");
	else if (f->n_hooks > 0)
		pmf_act_record(ctx, store, f);
}

int pmf_direct_prepare_remove(struct pmemfail *ctx, const char *device,
			      struct pmf_progress *progress, struct pmf_failure **ret)
{
	_cleanup_(pmf_store_closep) struct pmf_store *store = NULL;
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = NULL;
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;
	struct pmf_run run = { .hold_fd = -1, .unmount = true, .progress = progress };
	int r;

	r = pmf_act(ctx, &run.sys);
	if (r >= 0)
		r = pmf_read_all(run.sys, &t);
	if (r >= 0)
		r = failure_for(run.sys, t, device, &f);
	if (r < 0)
		return r;
	run.policy = &ctx->policy;
	run.topology = t;
	f->state = PMF_STATE_HANDLING;
	pmf_act_record(ctx, &store, f);
	/* It takes the device's lock itself, and waits for a handling under way. */
	atomic_fetch_add(&ctx->quiet, 1);
	r = pmf_handle_removal(&run, f);
	atomic_fetch_sub(&ctx->quiet, 1);
	if (r < 0) {
		f->state = PMF_STATE_FAILED;
		(void)strdup_to(&f->reason, "out of memory in the middle of handling");
		pmf_act_record(ctx, &store, f);
		return pmf_why_errno(r, "cannot make %.128s safe to remove", device);
	}
	pmf_act_record(ctx, &store, f);
	pmf_act_hooks(ctx, &store, f);
	pmf_progress_pass(progress, PMF_REMOVAL_AFTER);
	*ret = TAKE_PTR(f);
	return 0;
}

_public_ int pmemfail_thaw_leftovers(struct pmemfail *ctx)
{
	struct pmf_sys *sys;
	unsigned int n = 0;
	int r;

	if (!ctx)
		return pmf_why(-EINVAL, "pmemfail_thaw_leftovers() needs a context");
	r = pmf_act(ctx, &sys);
	if (r < 0)
		return r;
	r = sys->ops->thaw_leftovers(sys, &n);
	return r < 0 ? pmf_why_errno(r, "cannot thaw what was left frozen") : (int)n;
}

int pmf_direct_frozen(struct pmemfail *ctx, pmemfail_name_fn fn, void *userdata)
{
	int r = pmf_rundir_frozen(ctx->policy.run_dir, fn, userdata);

	return r < 0 ? pmf_why_errno(r, "cannot read what is frozen from %s",
				     ctx->policy.run_dir) : r;
}

_public_ int pmemfail_module(struct pmemfail *ctx, uint32_t *ret_abi)
{
	struct pmf_sys *sys;
	uint64_t features = 0;
	uint32_t abi = 0;
	int r;

	if (!ctx || !ret_abi)
		return pmf_why(-EINVAL, "pmemfail_module() needs a context and a place for the "
			       "version");
	r = pmf_act(ctx, &sys);
	if (r < 0)
		return r;
	r = sys->ops->module_probe(sys, &abi, &features);
	if (r < 0)
		return pmf_why_errno(r, "cannot ask the kernel module");
	*ret_abi = abi;
	return 0;
}
