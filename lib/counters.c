// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How many events came in and how many of them were no news. Counted where the engine
 * takes them in, on its one thread; read by anybody.
 */
#include "context.h"
#include "engine.h"
#include "ops.h"
#include "sys/rundir.h"

int pmf_engine_take_in(struct pmemfail_engine *e, const struct pmf_event *ev,
		       enum pmf_intake_verdict *ret)
{
	int r = pmf_intake_add(e->intake, ev, ret);

	if (r < 0)
		return r;
	e->counters->events++;
	e->counters->merges += *ret != PMF_INTAKE_NEW;
	return 0;
}

void pmf_engine_open_counters(struct pmemfail_engine *e)
{
	int r = pmf_rundir_map_counters(e->policy->run_dir, &e->counters);

	if (r >= 0)
		return;
	/* They protect nobody: go on, and forget them at the end. */
	e->counters = &e->own_counters;
	pmf_log(e->ctx, "events are not counted for others: %s", strerror(-r));
}

void pmf_engine_close_counters(struct pmemfail_engine *e)
{
	if (e->counters != &e->own_counters)
		pmf_rundir_unmap_counters(e->counters);
	e->counters = NULL;
}

int pmf_direct_event_counters(struct pmemfail *ctx, uint64_t *ret_events,
			      uint64_t *ret_merges)
{
	struct pmf_counters c;
	struct pmf_sys *sys;
	int r;

	r = pmf_act(ctx, &sys);
	if (r < 0)
		return r;
	r = pmf_rundir_read_counters(ctx->policy.run_dir, &c);
	if (r == -ENOENT)
		return pmf_why(r, "no pmemfaild has run since the boot");
	if (r < 0)
		return pmf_why_errno(r, "cannot read %s/counters", ctx->policy.run_dir);
	*ret_events = c.events;
	*ret_merges = c.merges;
	return 0;
}
