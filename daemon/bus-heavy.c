/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Questions whose answers are made in the main loop and take it some milliseconds: who
 * asks them without pause is refused, so that others do not wait. Each client may ask
 * some at once, and then so many in a second. Where the bus does not take what it is
 * sent, nobody gets a long answer.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "bus-internal.h"

#define SEC		1000000ULL
#define AT_ONCE		128
#define EACH_US		(SEC / 4)
#define MAX_ASKERS	64	/* that are remembered: the last ones */

struct bus_asker {
	char name[32];		/* unique names are short */
	uint64_t free_us;	/* when all that it asked is forgotten */
};

static const struct { const char *interface, *member; } heavy[] = {
	{ "org.freedesktop.DBus.ObjectManager", "GetManagedObjects" },
	{ "org.freedesktop.DBus.Introspectable", "Introspect" },
	{ "org.pmemfail1.Manager", "ListFailures" },
	{ "org.pmemfail1.Manager", "DescribeFailures" },
};

static bool is_heavy(sd_bus_message *m)
{
	for (size_t i = 0; i < sizeof(heavy) / sizeof(heavy[0]); i++)
		if (sd_bus_message_is_method_call(m, heavy[i].interface, heavy[i].member))
			return true;
	return false;
}

/* Its place, or that of whom we may forget first. */
static struct bus_asker *asker(struct bus *b, const char *name)
{
	struct bus_asker *oldest = b->askers;

	for (size_t i = 0; i < MAX_ASKERS; i++) {
		struct bus_asker *a = &b->askers[i];

		if (strncmp(a->name, name, sizeof(a->name) - 1) == 0)
			return a;
		if (a->free_us < oldest->free_us)
			oldest = a;
	}
	*oldest = (struct bus_asker){ 0 };
	(void)strncpy(oldest->name, name, sizeof(oldest->name) - 1);
	return oldest;
}

static bool may_ask(struct bus *b, const char *name)
{
	struct bus_asker *a = asker(b, name);
	uint64_t now = 0;

	(void)sd_event_now(b->event, CLOCK_MONOTONIC, &now);
	if (a->free_us < now)
		a->free_us = now;
	if (a->free_us + EACH_US > now + AT_ONCE * EACH_US)
		return false;
	a->free_us += EACH_US;
	return true;
}

static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;

	if (!is_heavy(m))
		return 0;
	if (!bus_takes_much(b->bus))
		return bus_fail(error, -EBUSY, "the bus does not take what is sent to it");
	if (!may_ask(b, bus_or_empty(sd_bus_message_get_sender(m))))
		return bus_fail(error, -EBUSY, "you ask for too much; wait for a second");
	return 0;
}

int bus_heavy_add(struct bus *b)
{
	if (!b->askers)
		b->askers = calloc(MAX_ASKERS, sizeof(*b->askers));
	return b->askers ? sd_bus_add_filter(b->bus, NULL, on_call, b) : -ENOMEM;
}

void bus_heavy_done(struct bus *b)
{
	free(b->askers);
	b->askers = NULL;
}
