/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Many failures as JSON in one answer, without their sites: for who would else ask for
 * each. An answer is as long as the main loop can send in a moment; who wants the rest
 * asks again, with Before. Reading the record may wait for a disk, so a thread does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus-internal.h"

#define MAX_TEXT	(1U << 20)

struct description {
	struct work_item item;
	struct bus_caller *caller;
	sd_bus_message *call;		/* keeps the filter's words */
	struct pmemfail *lib;
	struct bus_filter by;
	uint32_t n;
	char *json;
	size_t size, cap;
	int error;
	char why[256];
};

/* --- in a thread ----------------------------------------------------------- */

static int append(struct description *d, const char *text)
{
	size_t n = strlen(text);

	if (d->size + n + 1 > d->cap) {
		size_t cap = (d->size + n + 1) * 2;
		char *v = realloc(d->json, cap);

		if (!v)
			return -ENOMEM;
		d->json = v;
		d->cap = cap;
	}
	memcpy(d->json + d->size, text, n + 1);
	d->size += n;
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
	struct description *d = userdata;
	char *text = NULL;

	if (!passes(&d->by, f))
		return 0;
	d->error = pmemfail_failure_to_json_for(f, bus_caller_uid(d->caller), &text);
	if (d->error >= 0 && d->n > 0 && d->size + strlen(text) > MAX_TEXT) {
		free(text);
		return 1;
	}
	if (d->error >= 0 && d->n > 0)
		d->error = append(d, ",");
	if (d->error >= 0)
		d->error = append(d, text);
	free(text);
	return d->error < 0 || ++d->n >= d->by.limit;
}

static void describe(struct work_item *i)
{
	struct description *d = (struct description *)i;
	int r = append(d, "[");

	if (r >= 0 && d->by.limit > 0)
		r = pmemfail_list_failures(d->lib, d->by.number, add, d);
	if (r < 0)
		(void)snprintf(d->why, sizeof(d->why), "%s", pmemfail_why());
	if (r >= 0)
		r = d->error;
	if (r >= 0)
		r = append(d, "]");
	d->error = r;
}

/* --- in the main loop ------------------------------------------------------ */

static void described(struct work_item *i)
{
	struct description *d = (struct description *)i;

	if (i->canceled)
		bus_fail_later(d->call, -EBUSY, "pmemfaild ends");
	else if (d->error < 0)
		bus_fail_later(d->call, d->error, *d->why ? d->why : strerror(-d->error));
	else
		bus_reply_text(d->call, d->json);
	bus_caller_end_long(d->caller);
	bus_caller_done(d->caller);
	sd_bus_message_unref(d->call);
	pmemfail_unref(d->lib);
	free(d->json);
	free(d);
}

static void known(struct bus_caller *c, sd_bus_message *m, void *userdata, int error)
{
	struct description *d = userdata;
	int r = error;

	(void)m;
	if (r >= 0)
		r = work_add(bus_caller_bus(c)->work, WORK_RECORD, &d->item);
	if (r < 0) {
		(void)snprintf(d->why, sizeof(d->why), "too much is being asked at once");
		d->error = r;
		described(&d->item);
	}
}

int bus_describe_failures(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct description *d = calloc(1, sizeof(*d));
	struct bus *b = userdata;
	int r = d ? bus_filter_read(m, &d->by, error) : -ENOMEM;

	if (r >= 0 && !b->lib)
		r = bus_fail(error, -EBUSY, "pmemfaild is not ready");
	if (r >= 0)
		r = bus_caller_begin(b, m, &d->caller, error);
	if (r >= 0)
		r = bus_caller_begin_long(d->caller, error);
	if (r < 0) {
		if (d)
			bus_caller_done(d->caller);
		free(d);
		return r;
	}
	d->item.run = describe;
	d->item.done = described;
	d->call = sd_bus_message_ref(m);
	d->lib = pmemfail_ref(b->lib);
	bus_caller_identify(d->caller, m, known, d);
	return 1;
}
