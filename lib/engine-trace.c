// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Memory failures that the trace tells: to bad ranges, and until these are on disk kept
 * by the trace, for a successor. Whose a page is, only the topology knows: nothing is
 * read before there is one.
 */
#include "engine.h"

static int bad_page(const struct pmf_device *d, struct pmf_range r, bool meta, void *userdata)
{
	if (meta)
		pmf_engine_bad_info(userdata, d);
	else
		pmf_engine_bad(userdata, d, r, PMF_SOURCE_MEMORY_FAILURE);
	return 0;
}

void pmf_engine_read_trace(struct pmemfail_engine *e)
{
	struct pmf_range spa;
	int r;

	/* A storm is worked off in parts: holds go first again after each. But nobody
	 * wakes us for what the trace has already. */
	for (unsigned int i = 0; i < 4096 || pmf_trace_has(e->trace); i++) {
		r = pmf_trace_read(e->trace, &spa);
		if (r == -ENOBUFS)
			pmf_engine_look(e, NULL, false);
		else if (r < 0)
			return;
		else
			(void)pmf_topology_spa(e->topology, spa, bad_page, e);
	}
}

/* --- what is kept ---------------------------------------------------------- */

struct question {
	struct pmemfail_engine *engine;
	bool open;
};

static int see_owner(const struct pmf_device *d, struct pmf_range r, bool meta, void *userdata)
{
	struct question *q = userdata;
	const struct pmf_poisoned *p = pmf_poisoned_of(q->engine, d->id);

	if (!p)
		q->open = true;
	else if (meta)
		q->open |= !p->info_saved;
	else
		q->open |= !pmf_ranges_cover(&p->saved, r);
	return q->open;
}

/* Of all whose it is, is it on disk? What is nobody's may be of a device that is not
 * known yet. */
static bool is_saved(struct pmf_range spa, void *userdata)
{
	struct question q = { .engine = userdata };

	return pmf_topology_spa(q.engine->topology, spa, see_owner, &q) >= 0 && !q.open;
}

void pmf_engine_trace_settle(struct pmemfail_engine *e)
{
	if (e->reading_trace)
		pmf_trace_settle(e->trace, is_saved, e);
}

void pmf_poisoned_saved(struct pmf_poisoned *p, const struct pmf_failure *f)
{
	if (f->ranges.n == 0)
		p->info_told = p->info_saved = true;
	/* without memory it is kept for longer than need be */
	(void)pmf_ranges_add_all(&p->saved, &f->ranges);
}

void pmf_engine_trace_saved(struct pmemfail_engine *e, const struct pmf_failure *f)
{
	struct pmf_poisoned *p;

	/* What was cleared is news when it goes bad again. */
	if (f->kind != PMF_KIND_POISON || f->state == PMF_STATE_CLEARED)
		return;
	p = pmf_poisoned_of(e, f->device_id);
	if (!p)
		return;
	pmf_poisoned_saved(p, f);
	pmf_engine_trace_settle(e);
}

static int bad_again(const struct pmf_device *d, struct pmf_range r, bool meta, void *userdata)
{
	const struct pmf_poisoned *p = pmf_poisoned_of(userdata, d->id);

	/* Already with what waits to be written: the same event is not counted twice. */
	if (!meta && p && pmf_ranges_cover(&p->known, r))
		return 0;
	return bad_page(d, r, meta, userdata);
}

static int see_any(const struct pmf_device *d, struct pmf_range r, bool meta, void *userdata)
{
	(void)d;
	(void)r;
	(void)meta;
	(void)userdata;
	return 1;
}

struct change {
	struct pmemfail_engine *engine;
	const struct pmf_topology *old;
};

static bool is_nobodys(struct pmf_range spa, void *userdata)
{
	struct change *c = userdata;

	if (pmf_topology_spa(c->engine->topology, spa, bad_again, c->engine) != -ENODEV)
		return false;
	/* Of a device that went just now it is not on disk yet, perhaps. */
	return pmf_topology_spa(c->old, spa, see_any, NULL) == -ENODEV;
}

void pmf_engine_trace_again(struct pmemfail_engine *e, const struct pmf_topology *old)
{
	struct change c = { .engine = e, .old = old ?: e->topology };

	if (e->reading_trace)
		pmf_trace_settle(e->trace, is_nobodys, &c);
}
