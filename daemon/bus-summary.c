/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the bus keeps in memory of a failure: all that its properties tell, and so
 * neither sites nor processes.
 */
#include <stdlib.h>
#include <string.h>

#include "bus-internal.h"

#define MAX_RANGES	256	/* that are kept of a failure; Describe tells all */

struct bus_failure *bus_summary_free(struct bus_failure *f)
{
	if (f) {
		free(f->reason);
		free(f->device_id);
		free(f->device_name);
		free(f->ranges);
		free(f);
	}
	return NULL;
}

/* For the bus: valid UTF-8, and not longer than anybody reads. Reasons may name mount
 * points, whose bytes are anybody's. */
static char *clean_copy(const char *s)
{
	char *copy = strndup(s ? s : "", 1024);

	bus_clean(copy);
	return copy;
}

struct bus_failure *bus_summary_new(struct bus *b, const struct pmemfail_failure *f)
{
	struct bus_failure *c = calloc(1, sizeof(*c));
	size_t n = pmemfail_failure_ranges(f);

	if (!c)
		return NULL;
	n = n < MAX_RANGES ? n : MAX_RANGES;
	c->bus = b;
	c->id = pmemfail_failure_id(f);
	c->kind = pmemfail_failure_kind(f);
	c->source = pmemfail_failure_source(f);
	c->state = pmemfail_failure_state(f);
	c->created_us = pmemfail_failure_created_us(f);
	c->updated_us = pmemfail_failure_updated_us(f);
	c->told = pmemfail_failure_told(f);
	c->reason = clean_copy(pmemfail_failure_reason(f));
	c->device_id = clean_copy(pmemfail_failure_device_id(f));
	c->device_name = clean_copy(pmemfail_failure_device_name(f));
	c->ranges = calloc(n + 1, sizeof(*c->ranges));
	if (!c->reason || !c->device_id || !c->device_name || !c->ranges)
		return bus_summary_free(c);
	while (c->n_ranges < n && pmemfail_failure_range(f, c->n_ranges,
							  &c->ranges[c->n_ranges].start,
							  &c->ranges[c->n_ranges].end) >= 0)
		c->n_ranges++;
	return c;
}
