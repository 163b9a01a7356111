/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Many failures as JSON in one answer, without their sites: for who would else ask for
 * each. An answer is as long as the main loop can send in a moment; who wants the rest
 * asks again, with Before. Reading the record may wait for a disk, so a thread does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus-describe.h"

#define MAX_TEXT	(1U << 20)

struct descriptions {
	struct bus_description d;	/* its call keeps the filter's words */
	struct bus_filter by;
	uint32_t n;
	size_t size, cap;		/* of d.json */
};

/* --- in a thread ----------------------------------------------------------- */

static int append(struct descriptions *all, const char *text)
{
	size_t n = strlen(text);

	if (all->size + n + 1 > all->cap) {
		size_t cap = (all->size + n + 1) * 2;
		char *v = realloc(all->d.json, cap);

		if (!v)
			return -ENOMEM;
		all->d.json = v;
		all->cap = cap;
	}
	memcpy(all->d.json + all->size, text, n + 1);
	all->size += n;
	return 0;
}

static bool passes(const struct bus_filter *by, const struct pmemfail_failure *f)
{
	const struct bus_filtered row = {
		.id = pmemfail_failure_id(f), .state = pmemfail_failure_state(f),
		.kind = pmemfail_failure_kind(f),
		.device_id = pmemfail_failure_device_id(f),
		.device_name = pmemfail_failure_device_name(f),
		.updated_us = pmemfail_failure_updated_us(f),
	};

	return bus_filter_passes(by, &row);
}

/* Ends the reading when the answer is long enough; the first one always fits. */
static int add(const struct pmemfail_failure *f, void *userdata)
{
	struct descriptions *all = userdata;
	char *text = NULL;

	if (!passes(&all->by, f))
		return 0;
	all->d.error = pmemfail_failure_to_json_for(f, bus_caller_uid(all->d.caller), &text);
	if (all->d.error >= 0 && all->n > 0 && all->size + strlen(text) > MAX_TEXT) {
		free(text);
		return 1;
	}
	if (all->d.error >= 0 && all->n > 0)
		all->d.error = append(all, ",");
	if (all->d.error >= 0)
		all->d.error = append(all, text);
	free(text);
	return all->d.error < 0 || ++all->n >= all->by.limit;
}

static void describe(struct work_item *i)
{
	struct descriptions *all = (struct descriptions *)i;
	int r = append(all, "[");

	if (r >= 0 && all->by.limit > 0)
		r = pmemfail_list_failures_before(all->d.lib, all->by.number, all->by.before,
						  add, all);
	if (r < 0)
		(void)snprintf(all->d.why, sizeof(all->d.why), "%s", pmemfail_why());
	if (r >= 0)
		r = all->d.error;
	if (r >= 0)
		r = append(all, "]");
	all->d.error = r;
}

/* --- in the main loop ------------------------------------------------------ */

int bus_describe_failures(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct descriptions *all = calloc(1, sizeof(*all));
	struct bus *b = userdata;
	int r = all ? bus_filter_read(m, &all->by, error) : -ENOMEM;

	if (r >= 0 && !b->lib)
		r = bus_fail(error, -EBUSY, "pmemfaild is not ready");
	if (r < 0) {
		free(all);
		return r;
	}
	all->d.is_long = true;
	return bus_description_begin(&all->d, b, m, describe, error);
}
