/* SPDX-License-Identifier: GPL-2.0-only */
/* See bus-describe.h. And the shortest of these: one failure. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus-describe.h"

static void described(struct work_item *i)
{
	struct bus_description *d = (struct bus_description *)i;

	if (i->canceled)
		bus_fail_later(d->call, -EBUSY, "pmemfaild ends");
	else if (d->error < 0)
		bus_fail_later(d->call, d->error, *d->why ? d->why : strerror(-d->error));
	else
		bus_reply_text(d->call, d->json);
	if (d->is_long)
		bus_caller_end_long(d->caller);
	bus_caller_done(d->caller);
	sd_bus_message_unref(d->call);
	pmemfail_unref(d->lib);
	free(d->json);
	free(d);
}

static void known(struct bus_caller *c, sd_bus_message *m, void *userdata, int error)
{
	struct bus_description *d = userdata;
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

int bus_description_begin(struct bus_description *d, struct bus *b, sd_bus_message *m,
			  void (*read)(struct work_item *item), sd_bus_error *error)
{
	int r = bus_caller_begin(b, m, &d->caller, error);

	if (r >= 0 && d->is_long)
		r = bus_caller_begin_long(d->caller, error);
	if (r < 0) {
		bus_caller_done(d->caller);
		free(d);
		return r;
	}
	d->item.run = read;
	d->item.done = described;
	d->call = sd_bus_message_ref(m);
	d->lib = pmemfail_ref(b->lib);
	bus_caller_identify(d->caller, m, known, d);
	return 1;
}

/* --- one failure ----------------------------------------------------------- */

struct one {
	struct bus_description d;
	uint64_t id;
};

static void describe(struct work_item *i)
{
	struct one *o = (struct one *)i;
	struct bus_description *d = &o->d;
	struct pmemfail_failure *f = NULL;

	d->error = pmemfail_get_failure(d->lib, o->id, &f);
	if (d->error >= 0)
		d->error = pmemfail_failure_to_json_for(f, bus_caller_uid(d->caller), &d->json);
	if (d->error < 0)
		(void)snprintf(d->why, sizeof(d->why), "%s", pmemfail_why());
	pmemfail_failure_free(f);
}

int bus_describe(struct bus *b, sd_bus_message *m, uint64_t id, sd_bus_error *error)
{
	struct one *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->id = id;
	return bus_description_begin(&o->d, b, m, describe, error);
}
