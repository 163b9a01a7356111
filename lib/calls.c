// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The calls that a context answers one way or the other: what the caller gave is
 * checked here, once, then they go the context's way; see ops.h. Public.
 */
#include "ops.h"

#include "notice.h"

const struct pmf_ops pmf_direct_ops = {
	.list_devices = pmf_direct_list_devices,
	.device_badblocks = pmf_direct_device_badblocks,
	.list_failures = pmf_direct_list_failures,
	.get_failure = pmf_direct_get_failure,
	.assess = pmf_direct_assess,
	.assess_range = pmf_direct_assess_range,
	.prepare_remove = pmf_direct_prepare_remove,
	.report = pmf_direct_report,
	.report_spa = pmf_direct_report_spa,
	.replay = pmf_direct_replay,
	.diagnose = pmf_direct_diagnose,
	.frozen = pmf_direct_frozen,
	.event_counters = pmf_direct_event_counters,
	.monitor = pmf_direct_monitor,
};

/* --- reading --------------------------------------------------------------- */

_public_ int pmemfail_list_devices(struct pmemfail *ctx, struct pmemfail_devices **ret)
{
	if (!ctx || !ret)
		return pmf_why(-EINVAL, "pmemfail_list_devices() needs a context and a place "
			       "for the list");
	return ctx->ops->list_devices(ctx, ret);
}

_public_ int pmemfail_device_badblocks(struct pmemfail *ctx, const struct pmemfail_device *d,
				       pmemfail_range_fn fn, void *userdata, bool *ret_full)
{
	_cleanup_(pmf_ranges_done) struct pmf_ranges bad = { 0 };
	bool full = false;
	int r;

	if (!ctx || !d || !fn)
		return pmf_why(-EINVAL, "pmemfail_device_badblocks() needs a context, a device "
			       "and a function");
	r = ctx->ops->device_badblocks(ctx, (const struct pmf_device *)d, &bad, &full);
	if (r < 0)
		return r;
	if (ret_full)
		*ret_full = full;
	for (size_t i = 0; i < bad.n; i++) {
		r = fn(bad.v[i].start, bad.v[i].end, userdata);
		if (r != 0)
			return r;
	}
	return 0;
}

_public_ int pmemfail_list_failures(struct pmemfail *ctx, int state, pmemfail_failure_fn fn,
				    void *userdata)
{
	return pmemfail_list_failures_before(ctx, state, UINT64_MAX, fn, userdata);
}

_public_ int pmemfail_list_failures_before(struct pmemfail *ctx, int state, uint64_t before,
					   pmemfail_failure_fn fn, void *userdata)
{
	if (!ctx || !fn || state >= (int)PMF_STATE_N)
		return pmf_why(-EINVAL, "listing failures needs a context, a state or -1, and "
			       "a function");
	return ctx->ops->list_failures(ctx, state < 0 ? -1 : state, before, fn, userdata);
}

static int give(int r, struct pmf_failure *f, struct pmemfail_failure **ret)
{
	if (r == 0)
		*ret = pmf_failure_to_public(f);
	return r;
}

_public_ int pmemfail_get_failure(struct pmemfail *ctx, uint64_t id,
				  struct pmemfail_failure **ret)
{
	struct pmf_failure *f = NULL;
	int r;

	if (!ctx || !ret)
		return pmf_why(-EINVAL, "pmemfail_get_failure() needs a context and a place "
			       "for the failure");
	r = ctx->ops->get_failure(ctx, id, &f);
	return give(r, f, ret);
}

_public_ int pmemfail_diagnose(struct pmemfail *ctx, struct pmemfail_diagnosis **ret)
{
	if (!ctx || !ret)
		return pmf_why(-EINVAL, "pmemfail_diagnose() needs a context and a place for "
			       "the diagnosis");
	return ctx->ops->diagnose(ctx, ret);
}

_public_ int pmemfail_frozen(struct pmemfail *ctx, pmemfail_name_fn fn, void *userdata)
{
	if (!ctx || !fn)
		return pmf_why(-EINVAL, "pmemfail_frozen() needs a context and a function");
	return ctx->ops->frozen(ctx, fn, userdata);
}

_public_ int pmemfail_event_counters(struct pmemfail *ctx, uint64_t *ret_events,
				     uint64_t *ret_merges)
{
	if (!ctx || !ret_events || !ret_merges)
		return pmf_why(-EINVAL, "pmemfail_event_counters() needs a context and outputs");
	return ctx->ops->event_counters(ctx, ret_events, ret_merges);
}

/* --- acting ---------------------------------------------------------------- */

static int check_range(uint64_t start, uint64_t length, struct pmf_range *ret)
{
	int r = pmf_range_from_length(start, length, ret);

	if (r == -EINVAL)
		return pmf_why(r, "a length of 0 names no bytes");
	return r < 0 ? pmf_why(r, "offset and length together are too large") : 0;
}

_public_ int pmemfail_assess(struct pmemfail *ctx, const char *device,
			     struct pmemfail_failure **ret)
{
	struct pmf_failure *f = NULL;
	int r;

	if (!ctx || !device || !ret)
		return pmf_why(-EINVAL, "pmemfail_assess() needs a context, a device and a "
			       "place for the answer");
	r = ctx->ops->assess(ctx, device, &f);
	return give(r, f, ret);
}

_public_ int pmemfail_assess_range(struct pmemfail *ctx, const char *device, uint64_t offset,
				   uint64_t length, bool deep, pmemfail_progress_fn progress,
				   void *userdata, struct pmemfail_failure **ret)
{
	struct pmf_failure *f = NULL;
	struct pmf_range range;
	int r;

	if (!ctx || !device || !ret)
		return pmf_why(-EINVAL, "pmemfail_assess_range() needs a context, a device and "
			       "a place for the answer");
	r = check_range(offset, length, &range);
	if (r < 0)
		return r;
	r = ctx->ops->assess_range(ctx, device, range, deep, progress, userdata, &f);
	return give(r, f, ret);
}

_public_ int pmemfail_prepare_remove(struct pmemfail *ctx, const char *device,
				     struct pmemfail_failure **ret)
{
	return pmemfail_prepare_remove_with_progress(ctx, device, NULL, ret);
}

_public_ int pmemfail_prepare_remove_with_progress(struct pmemfail *ctx, const char *device,
						   struct pmemfail_progress *p,
						   struct pmemfail_failure **ret)
{
	struct pmf_failure *f = NULL;
	int r;

	if (!ctx || !device || !ret)
		return pmf_why(-EINVAL, "pmemfail_prepare_remove() needs a context, a device "
			       "and a place for the answer");
	r = ctx->ops->prepare_remove(ctx, device, (struct pmf_progress *)p, &f);
	return give(r, f, ret);
}

_public_ int pmemfail_report(struct pmemfail *ctx, const char *device, uint64_t offset,
			     uint64_t length, pmemfail_failure_fn fn, void *userdata)
{
	struct pmf_range range;
	int r;

	if (!ctx || !device || !fn)
		return pmf_why(-EINVAL, "pmemfail_report() needs a context, a device and a "
			       "function");
	r = check_range(offset, length, &range);
	return r < 0 ? r : ctx->ops->report(ctx, device, range, fn, userdata);
}

_public_ int pmemfail_report_spa(struct pmemfail *ctx, uint64_t address, uint64_t length,
				 pmemfail_failure_fn fn, void *userdata)
{
	struct pmf_range range;
	int r;

	if (!ctx || !fn)
		return pmf_why(-EINVAL, "pmemfail_report_spa() needs a context and a function");
	r = check_range(address, length, &range);
	return r < 0 ? r : ctx->ops->report_spa(ctx, range, fn, userdata);
}

_public_ int pmemfail_replay(struct pmemfail *ctx, const char *device, pmemfail_failure_fn fn,
			     void *userdata)
{
	return pmemfail_replay_with_progress(ctx, device, NULL, fn, userdata);
}

_public_ int pmemfail_replay_with_progress(struct pmemfail *ctx, const char *device,
					   struct pmemfail_progress *p, pmemfail_failure_fn fn,
					   void *userdata)
{
	if (!ctx || !fn)
		return pmf_why(-EINVAL, "pmemfail_replay() needs a context and a function");
	return ctx->ops->replay(ctx, device, (struct pmf_progress *)p, fn, userdata);
}

/* --- what only pmemfaild has ----------------------------------------------- */

_public_ int pmemfail_reload(struct pmemfail *ctx)
{
	if (!ctx)
		return pmf_why(-EINVAL, "pmemfail_reload() needs a connection");
	if (!ctx->ops->reload)
		return pmf_why(-EOPNOTSUPP, "only pmemfaild has a configuration to read again: "
			       "pmemfail_connect() makes a connection to it");
	return ctx->ops->reload(ctx);
}

_public_ int pmemfail_inhibit(struct pmemfail *ctx, const char *what, const char *who,
			      const char *why)
{
	if (!ctx || !what || !who || !why)
		return pmf_why(-EINVAL, "pmemfail_inhibit() needs a connection, what, who and "
			       "why");
	if (!ctx->ops->inhibit)
		return pmf_why(-EOPNOTSUPP, "only pmemfaild can make a removal wait: "
			       "pmemfail_connect() makes a connection to it");
	return ctx->ops->inhibit(ctx, what, who, why);
}

/* --- monitor --------------------------------------------------------------- */

struct pmemfail_monitor *pmf_monitor_alloc(struct pmemfail *ctx, size_t size,
					   const struct pmf_monitor_ops *ops)
{
	struct pmemfail_monitor *m = calloc(1, size);

	if (m) {
		m->ops = ops;
		m->ctx = pmemfail_ref(ctx);
		m->fd = -1;
	}
	return m;
}

_public_ struct pmemfail_monitor *pmemfail_monitor_free(struct pmemfail_monitor *m)
{
	if (!m)
		return NULL;
	m->ops->done(m);
	safe_close(m->fd);
	pmemfail_unref(m->ctx);
	free(m);
	return NULL;
}

_public_ int pmemfail_monitor_new(struct pmemfail *ctx, struct pmemfail_monitor **ret)
{
	if (!ctx || !ret)
		return pmf_why(-EINVAL, "pmemfail_monitor_new() needs a context and a place for "
			       "the monitor");
	return ctx->ops->monitor(ctx, ret);
}

_public_ int pmemfail_monitor_get_fd(const struct pmemfail_monitor *m)
{
	return m ? m->fd : pmf_why(-EINVAL, "pmemfail_monitor_get_fd() needs a monitor");
}

_public_ int pmemfail_monitor_next_notice(struct pmemfail_monitor *m,
					  struct pmemfail_notice **ret)
{
	if (!m || !ret)
		return pmf_why(-EINVAL, "pmemfail_monitor_next_notice() needs a monitor and a "
			       "place for the notice");
	return m->ops->next(m, ret);
}

_public_ int pmemfail_monitor_next(struct pmemfail_monitor *m, struct pmemfail_failure **ret)
{
	struct pmemfail_notice *n = NULL;
	struct pmf_failure *f = NULL;
	int r;

	if (!m || !ret)
		return pmf_why(-EINVAL, "pmemfail_monitor_next() needs a monitor and a place "
			       "for the failure");
	while (!f) {
		r = m->ops->next(m, &n);
		if (r < 0)
			return r;
		f = TAKE_PTR(n->failure);
		n = pmemfail_notice_free(n);
	}
	*ret = pmf_failure_to_public(f);
	return 0;
}
