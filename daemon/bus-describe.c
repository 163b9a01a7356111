/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A failure as JSON. Reading it may wait for a disk, so a thread does; and what of it
 * the asking user may see depends on who that is.
 */
#include <errno.h>
#include <stdio.h>

#include "bus-internal.h"

struct description {
	struct work_item item;
	struct bus_caller *caller;
	sd_bus_message *call;
	struct pmemfail *lib;
	uint64_t id;
	char *json;
	int error;
	char why[256];
};

static void describe(struct work_item *i)
{
	struct description *d = (struct description *)i;
	struct pmemfail_failure *f = NULL;

	d->error = pmemfail_get_failure(d->lib, d->id, &f);
	if (d->error >= 0)
		d->error = pmemfail_failure_to_json_for(f, bus_caller_uid(d->caller), &d->json);
	if (d->error < 0)
		(void)snprintf(d->why, sizeof(d->why), "%s", pmemfail_why());
	pmemfail_failure_free(f);
}

static void described(struct work_item *i)
{
	struct description *d = (struct description *)i;

	if (i->canceled)
		bus_fail_later(d->call, -EBUSY, "pmemfaild ends");
	else if (d->error < 0)
		bus_fail_later(d->call, d->error, d->why);
	else
		bus_reply_text(d->call, d->json);
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

int bus_describe(struct bus *b, sd_bus_message *m, uint64_t id, sd_bus_error *error)
{
	struct description *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->item.run = describe;
	d->item.done = described;
	d->id = id;
	r = bus_caller_begin(b, m, &d->caller, error);
	if (r < 0) {
		free(d);
		return r;
	}
	d->call = sd_bus_message_ref(m);
	d->lib = pmemfail_ref(b->lib);
	bus_caller_identify(d->caller, m, known, d);
	return 1;
}
