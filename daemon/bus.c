/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The connection to the system bus and our name on it; see bus.h.
 *
 * pmemfaild starts long before the bus does, and must outlive it. sd-bus watches for
 * the socket to appear, and a connection that is lost is made anew by the same way:
 * at once, or, when it did not last, after a pause that doubles.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "bus-job.h"

#define NAME		"org.pmemfail1"
#define ADDRESS		"unix:path=/run/dbus/system_bus_socket"
#define SEC		1000000ULL
#define LASTED_US	(10 * SEC)	/* a connection of this age was a good one */
#define MIN_PAUSE_US	(SEC / 10)
#define MAX_PAUSE_US	(30 * SEC)
#define LATE_US		(10 * SEC)	/* then the name is ours, whatever is unknown */

static int connect_bus(struct bus *b);

static uint64_t now_us(struct bus *b)
{
	uint64_t t = 0;

	(void)sd_event_now(b->event, CLOCK_MONOTONIC, &t);
	return t;
}

/* --- the name -------------------------------------------------------------- */

#define IN_QUEUE	2	/* of the bus's answers to RequestName, as its specification says */

static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	uint32_t answer = 0;

	(void)userdata;
	(void)error;
	if (sd_bus_message_is_method_error(m, NULL))
		log_say(LOG_WARNING, MESSAGE_PROBLEM, "cannot be " NAME " on the bus: %s",
			sd_bus_message_get_error(m)->message);
	else if (sd_bus_message_read(m, "u", &answer) > 0 && answer == IN_QUEUE)
		log_say(LOG_WARNING, MESSAGE_PROBLEM,
			"somebody else is " NAME " on the bus; waiting for it to go");
	return 0;
}

/*
 * Not before there is something to tell: who sees the name may ask at once. In the queue
 * for it, since the bus may not have seen yet that a pmemfaild before this one is dead.
 */
void bus_claim_name(struct bus *b)
{
	int r;

	if (!b->bus || b->asked_name || !b->connected ||
	    (!b->is_late && !(b->listed && b->failures_read)))
		return;
	r = sd_bus_request_name_async(b->bus, NULL, NAME, SD_BUS_NAME_QUEUE, on_name, b);
	b->asked_name = r >= 0;
	if (r < 0)
		log_say(LOG_WARNING, MESSAGE_PROBLEM, "cannot ask for " NAME ": %s",
			strerror(-r));
}

static int on_late(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct bus *b = userdata;

	(void)s;
	(void)usec;
	b->is_late = true;
	bus_claim_name(b);
	return 0;
}

static int on_connected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;

	(void)m;
	(void)error;
	b->connected = true;
	b->started_us = now_us(b);
	bus_claim_name(b);
	return 0;
}

/* --- losing and regaining it ----------------------------------------------- */

static void disconnect(struct bus *b)
{
	if (!b->bus)
		return;
	bus_callers_disconnected(b);
	bus_checks_disconnected(b);
	bus_jobs_disconnected(b);
	(void)sd_bus_detach_event(b->bus);
	b->bus = sd_bus_close_unref(b->bus);
	b->connected = b->asked_name = false;
}

static void connect_later(struct bus *b);

static int on_retry(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct bus *b = userdata;

	(void)s;
	(void)usec;
	b->retry = sd_event_source_disable_unref(b->retry);
	disconnect(b);
	if (connect_bus(b) < 0)
		connect_later(b);
	return 0;
}

/* Not from within the old connection's callbacks, and not in a circle. */
static void connect_later(struct bus *b)
{
	bool lasted = b->connected && now_us(b) - b->started_us >= LASTED_US;
	uint64_t pause = lasted ? 0 : b->pause_us;

	if (b->retry)
		return;
	b->pause_us = lasted || !pause ? MIN_PAUSE_US : pause * 2;
	if (b->pause_us > MAX_PAUSE_US)
		b->pause_us = MAX_PAUSE_US;
	if (sd_event_add_time_relative(b->event, &b->retry, CLOCK_MONOTONIC, pause, 0, on_retry,
				       b) < 0)
		log_say(LOG_WARNING, MESSAGE_PROBLEM, "the bus is given up: out of memory");
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;

	(void)m;
	(void)error;
	if (b->connected)
		log_say(LOG_INFO, NULL, "the bus is gone; waiting for it to come back");
	connect_later(b);
	return 0;
}

static int add_objects(struct bus *b)
{
	int r = sd_bus_add_object_manager(b->bus, NULL, "/org/pmemfail1");

	if (r >= 0)
		r = bus_manager_add(b);
	if (r >= 0)
		r = bus_device_add(b);
	if (r >= 0)
		r = bus_failure_add(b);
	if (r >= 0)
		r = bus_job_add(b);
	if (r >= 0)
		r = bus_log_add(b);
	if (r >= 0)
		r = bus_heavy_add(b);
	return r;
}

static int begin_connection(struct bus *b)
{
	const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
	int r;

	r = sd_bus_set_description(b->bus, "system");
	if (r >= 0)
		r = sd_bus_set_address(b->bus, address ? address : ADDRESS);
	if (r >= 0)
		r = sd_bus_set_bus_client(b->bus, true);
	if (r >= 0)
		r = sd_bus_set_watch_bind(b->bus, true);
	if (r >= 0)
		r = sd_bus_set_connected_signal(b->bus, true);
	if (r >= 0)
		r = add_objects(b);
	if (r >= 0)
		r = sd_bus_match_signal_async(b->bus, NULL, "org.freedesktop.DBus.Local",
					      "/org/freedesktop/DBus/Local",
					      "org.freedesktop.DBus.Local", "Connected",
					      on_connected, NULL, b);
	if (r >= 0)
		r = sd_bus_match_signal_async(b->bus, NULL, "org.freedesktop.DBus.Local",
					      "/org/freedesktop/DBus/Local",
					      "org.freedesktop.DBus.Local", "Disconnected",
					      on_disconnected, NULL, b);
	if (r >= 0)
		r = sd_bus_start(b->bus);
	/* Rescues go first: the engine's fd has a higher priority. At the loop's exit sd-bus
	 * would flush what it is attached to; see bus-end.c. */
	return r < 0 ? r : sd_bus_attach_event(b->bus, b->event, SD_EVENT_PRIORITY_NORMAL);
}

static int connect_bus(struct bus *b)
{
	int r = sd_bus_new(&b->bus);

	if (r >= 0)
		r = begin_connection(b);
	if (r < 0) {
		log_say(LOG_DEBUG, NULL, "no bus: %s", strerror(-r));
		disconnect(b);
	}
	return r;
}

bool bus_has_room(struct bus *b)
{
	uint64_t n = 0;

	if (!b->bus || !b->connected)
		return false;
	return sd_bus_get_n_queued_write(b->bus, &n) < 0 || n < BUS_MAX_UNSENT;
}

bool bus_takes_much(sd_bus *bus)
{
	uint64_t n = 0;

	return sd_bus_get_n_queued_write(bus, &n) < 0 || n < BUS_MAX_UNSENT_LONG;
}

/* --- the whole ------------------------------------------------------------- */

int bus_new(sd_event *event, const struct bus_ops *ops, void *userdata, struct bus **ret)
{
	struct bus *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->event = sd_event_ref(event);
	b->ops = ops;
	b->userdata = userdata;
	r = work_new(event, &b->work);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &b->late, CLOCK_MONOTONIC, LATE_US, 0,
					       on_late, b);
	if (r >= 0)
		r = bus_end_prepare(b);
	if (r < 0) {
		bus_free(b);
		return r;
	}
	if (connect_bus(b) < 0)
		connect_later(b);
	*ret = b;
	return 0;
}

struct bus *bus_free(struct bus *b)
{
	if (!b)
		return NULL;
	bus_engine_ends(b);
	bus_jobs_cancel(b);
	b->work = work_free(b->work);
	if (b->bus && b->connected)
		bus_end_send(b);
	disconnect(b);
	bus_jobs_done(b);
	bus_inhibitors_done(b);
	bus_manager_done(b);
	bus_devices_done(b);
	bus_record_done(b);
	bus_heavy_done(b);
	sd_event_source_disable_unref(b->retry);
	sd_event_source_disable_unref(b->late);
	bus_end_done(b);
	sd_event_unref(b->event);
	free(b);
	return NULL;
}

void bus_engine_begins(struct bus *b, struct pmemfail *lib, struct pmemfail_engine *e)
{
	if (!b)
		return;
	b->lib = pmemfail_ref(lib);
	b->engine = e;
	b->generation++;
	bus_record_begins(b);
	bus_devices_look(b);
	bus_inhibitors_look(b);
	bus_manager_changed(b, "InhibitDelayMaxUSec");
}

void bus_engine_ends(struct bus *b)
{
	if (!b || !b->engine)
		return;
	while (b->n_protected > 0) {
		char *id = strdup(b->protected_ids[b->n_protected - 1]);

		if (!id)
			break;
		bus_device_protect(b, id, false);
		free(id);
	}
	bus_record_ends(b);
	bus_inhibitors_engine_ends(b);
	b->engine = NULL;
	b->lib = pmemfail_unref(b->lib);
}

void bus_engine_moved(struct bus *b)
{
	if (b && b->list_again && !b->listing)
		bus_devices_look(b);
}

void bus_notice(struct bus *b, const struct pmemfail_notice *n)
{
	const char *device = pmemfail_notice_device(n);

	if (!b)
		return;
	switch (pmemfail_notice_get_kind(n)) {
	case PMEMFAIL_DEVICES_CHANGED:
		bus_devices_look(b);
		bus_inhibitors_look(b);
		break;
	case PMEMFAIL_MODULE_CHANGED:
		bus_manager_changed(b, "ModuleLoaded");
		bus_manager_changed(b, "ModuleABI");
		break;
	case PMEMFAIL_PROTECTION_CHANGED:
		if (device)
			bus_device_protect(b, device, pmemfail_notice_on(n));
		break;
	case PMEMFAIL_REMOVAL_BEGINS:
	case PMEMFAIL_REMOVAL_ENDS:
		if (device)
			(void)bus_emit(b, "PrepareForRemoval", "sb", device,
				       (int)pmemfail_notice_on(n));
		break;
	case PMEMFAIL_REMOVAL_READY:
		bus_job_ready(b, pmemfail_notice_token(n));
		break;
	case PMEMFAIL_FAILURE_ADDED:
	case PMEMFAIL_FAILURE_CHANGED:
	case PMEMFAIL_RECORD_PROBLEM:
		/* The record itself is watched: others write it, too. */
		bus_record_written(b);
		break;
	}
}

unsigned int bus_busy(const struct bus *b)
{
	unsigned int n = 0;

	for (const struct bus_job *j = b ? b->jobs : NULL; j; j = j->next)
		n += j->state < BUS_JOB_DONE && j->kind != BUS_JOB_ASSESS;
	return n;
}
