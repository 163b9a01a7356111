// SPDX-License-Identifier: GPL-2.0-only
/* See sweep-cases.h. */
#include <limits.h>

#include "flow/store.h"
#include "ops.h"
#include "poison-machine.h"
#include "sweep-cases.h"
#include "test.h"

static const struct pmf_range bad = { 0, 2500 };

static int count(const struct pmemfail_failure *f, void *userdata)
{
	(void)f;
	(void)userdata;
	return 0;
}

static void prepare_remove(struct world *w, struct pmemfail *ctx)
{
	struct pmf_failure *f = NULL;

	(void)w;
	(void)pmf_direct_prepare_remove(ctx, "pmem0", NULL, &f);
	pmf_failure_free(f);
}

static void report(struct world *w, struct pmemfail *ctx)
{
	(void)w;
	(void)pmf_direct_report(ctx, "pmem0", bad, count, NULL);
}

static void replay(struct world *w, struct pmemfail *ctx)
{
	(void)w;
	(void)pmf_direct_replay(ctx, NULL, NULL, count, NULL);
}

static void unbind(struct world *w)
{
	w->hold = true;
}

/* It came before anything was mounted. */
static void is_pending(struct world *w)
{
	struct pmf_event e = { .kind = PMF_KIND_POISON, .source = PMF_SOURCE_BADBLOCKS,
			       .device_id = w->b.topology.devices[0].id,
			       .device_name = w->b.topology.devices[0].name, .range = bad };
	struct pmf_failure *f;
	struct pmf_store *s;

	if (pmf_failure_from_event(&e, &f) < 0 || !strdup_to(&f->reason, "waits") ||
	    pmf_ranges_copy(&f->ranges, &f->listed) < 0 ||
	    pmf_store_open(w->state, true, &s, NULL) < 0 || pmf_store_put(s, f) < 0)
		abort();
	pmf_store_close(s);
	pmf_failure_free(f);
	w->b.f.recorded = true;
}

/* What pmemfaild does in its own process survives it; pmemfailctl --direct has no systemd
 * to keep its attempt, so that whoever goes on with its failure may tell once more. */
const struct sweep_case sweep_cases[] = {
	{ "remove", NULL, unbind, world_daemon_unbind, true },
	{ "prepare-remove", NULL, NULL, prepare_remove, true },
	{ "poison", "both", NULL, world_daemon, true },
	{ "poison, quota", "quota", NULL, world_daemon, true },
	{ "replay", "both", is_pending, replay, true },
	{ "report", "reported", NULL, report, true },
	{ "report, no systemd", "reported", NULL, report, false },
};
const size_t n_sweep_cases = ARRAY_SIZE(sweep_cases);

struct world *sweep_begin(const struct sweep_case *c)
{
	struct world *w = world_begin(c->machine);

	if (c->prepare)
		c->prepare(w);
	return w;
}

/* --- what must be true ------------------------------------------------------ */

static const char *frozen_or_twice(const struct sweep_case *c, const struct fake *f, bool killed)
{
	unsigned int most = killed ? c->fdstore ? 1 : 2 : UINT_MAX;

	if (f->broken[0])
		return f->broken;
	if (f->prepared != f->freed)
		return "a freeze was forgotten";
	for (size_t i = 0; i < f->n_fs; i++) {
		if (f->fs[i].frozen && !f->fs[i].foreign_freeze)
			return "still frozen";
		if (f->fs[i].freezes != f->fs[i].thaws)
			return "freezes are not thaws";
	}
	for (size_t i = 0; i < f->n_procs; i++)
		if (f->procs[i].told > (c->machine ? most : 1))
			return "told twice";
	return NULL;
}

/* Did it do anything that must not be forgotten? */
static bool did_act(const struct fake *f)
{
	bool did = f->marks > 0;

	for (size_t i = 0; i < f->n_procs; i++)
		did |= f->procs[i].told > 0;
	for (size_t i = 0; i < f->n_fs; i++)
		did |= f->fs[i].freezes > 0 || f->fs[i].down;
	return did;
}

/* The record itself could not be written, or could not be looked at. */
static bool record_failed(const struct fake *f)
{
	return strncmp(f->failed_op, "store_", 6) == 0 ||
	       strncmp(f->failed_op, "note_", 5) == 0;
}

static const char *of_one(const struct pmf_failure *f, bool final)
{
	if (final && f->state == PMF_STATE_HANDLING)
		return "no end";
	if (f->state != PMF_STATE_HANDLED && f->state != PMF_STATE_HANDLING && !f->reason)
		return "no reason";
	return NULL;
}

static const char *of_removal(const struct world *w, const struct records *r, bool final)
{
	const struct fake *f = &w->b.f;

	if (r->n == 0 && did_act(f))
		return "a record is lost";
	if (r->n > 1)
		return "on record twice";
	if (r->n == 0)
		return NULL;
	if (r->v[0]->state == PMF_STATE_HANDLED && !fake_is_safe(f))
		return "handled, it says, but an unbind now would do harm";
	return of_one(r->v[0], final);
}

static const char *of_poison(const struct world *w, const struct records *r, bool final)
{
	_cleanup_(pmf_ranges_done) struct pmf_ranges known = { 0 };
	const struct fake *f = &w->b.f;
	bool handled = true, down = false;
	const char *why = NULL;

	for (size_t i = 0; i < r->n && !why; i++) {
		why = of_one(r->v[i], final);
		handled &= r->v[i]->state == PMF_STATE_HANDLED;
		if (r->v[i]->state == PMF_STATE_CLEARED)
			why = "cleared, it says, though it is bad";
		if (pmf_ranges_add_all(&known, &r->v[i]->ranges) < 0)
			abort();
	}
	for (size_t i = 0; i < f->n_fs; i++)
		down |= f->fs[i].down;
	if (why)
		return why;
	if (!pmf_ranges_cover(&known, bad))
		return r->n > 0 || did_act(f) || (final && f->n_bad > 0) ? "a record is lost" : NULL;
	if (r->n > 1)
		return "on record twice";
	for (size_t i = 0; i < f->n_extents && handled && final; i++)
		why = why ?: left_undone(f, &f->extents[i], false);
	/* of what is shut down no file can be opened any more */
	return why ?: final && !handled && !down ? "not mended" : NULL;
}

bool sweep_is_over(struct world *w)
{
	struct records r;
	bool over = world_records(w, &r) >= 0 && r.n == 1 &&
		    r.v[0]->state == PMF_STATE_HANDLED;

	records_done(&r);
	return over;
}

const char *sweep_complaint(const struct sweep_case *c, struct world *w, bool final,
			    bool killed)
{
	static char text[300];
	const char *why = frozen_or_twice(c, &w->b.f, killed);
	struct records r;

	if (why)
		return why;
	if (world_records(w, &r) < 0)
		why = "the record cannot be read";
	else if (!final && record_failed(&w->b.f))
		why = NULL;
	else
		why = c->machine ? of_poison(w, &r, final) : of_removal(w, &r, final);
	if (why)
		(void)snprintf(text, sizeof(text), "%s; %zu on record, %s: %s", why, r.n,
			       r.n > 0 ? pmf_state_to_string(r.v[0]->state) : "none",
			       r.n > 0 && r.v[0]->reason ? r.v[0]->reason : "");
	records_done(&r);
	return why ? text : NULL;
}
