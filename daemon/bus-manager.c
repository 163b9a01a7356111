/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * org.pmemfail1.Manager: the vtable, and what needs no file of its own.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bus-job.h"

#define PATH		"/org/pmemfail1"
#define INTERFACE	"org.pmemfail1.Manager"

/* --- methods --------------------------------------------------------------- */

static int append_device(sd_bus_message *m, const struct bus_device *d)
{
	return sd_bus_message_append(m, "(sssstbo)", pmemfail_device_id(d->d),
				     bus_or_empty(pmemfail_device_name(d->d)),
				     bus_or_empty(pmemfail_device_node(d->d)),
				     bus_or_empty(pmemfail_device_mode(d->d)),
				     pmemfail_device_size(d->d), (int)d->protected, d->path);
}

static int list_devices(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;
	sd_bus_message *reply = NULL;
	int r;

	(void)error;
	r = sd_bus_message_new_method_return(m, &reply);
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "(sssstbo)");
	for (size_t i = 0; r >= 0 && i < b->n_devices; i++)
		r = append_device(reply, &b->devices[i]);
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	if (r >= 0)
		r = sd_bus_send(NULL, reply, NULL);
	sd_bus_message_unref(reply);
	return r < 0 ? r : 1;
}

static int get_failure(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;
	char path[64];
	uint64_t id;
	int r = sd_bus_message_read(m, "t", &id);

	if (r < 0)
		return r;
	if (!bus_failure_by_id(b, id))
		return bus_fail(error, -ENOENT, "there is no such failure; ListFailures lists"
				" them");
	bus_failure_path(id, path);
	return sd_bus_reply_method_return(m, "o", path);
}

static int describe_failure(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	uint64_t id;
	int r = sd_bus_message_read(m, "t", &id);

	return r < 0 ? r : bus_describe(userdata, m, id, error);
}

static void may_reload(struct bus_caller *c, sd_bus_message *m, void *userdata, int error)
{
	struct bus *b = bus_caller_bus(c);
	int r;

	(void)userdata;
	if (error < 0) {
		bus_deny(m, error);
		return;
	}
	r = b->ops->reload(b->userdata);
	if (r < 0)
		bus_fail_later(m, r, NULL);
	else
		(void)sd_bus_reply_method_return(m, NULL);
}

static int reload(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return bus_authorize(userdata, m, "reload", may_reload, NULL, error);
}

/* --- properties ------------------------------------------------------------ */

static int get_version(sd_bus *bus, const char *path, const char *interface,
		       const char *property, sd_bus_message *reply, void *userdata,
		       sd_bus_error *error)
{
	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)userdata;
	(void)error;
	return sd_bus_message_append(reply, "s", pmemfail_version());
}

static int get_module(sd_bus *bus, const char *path, const char *interface,
		      const char *property, sd_bus_message *reply, void *userdata,
		      sd_bus_error *error)
{
	struct bus *b = userdata;
	uint32_t abi = 0;
	int r = b->lib ? pmemfail_module(b->lib, &abi) : -ENODEV;

	(void)bus;
	(void)path;
	(void)interface;
	(void)error;
	if (strcmp(property, "ModuleABI") == 0)
		return sd_bus_message_append(reply, "u", r < 0 ? 0 : abi);
	return sd_bus_message_append(reply, "b", r >= 0);
}

static int get_protected(sd_bus *bus, const char *path, const char *interface,
			 const char *property, sd_bus_message *reply, void *userdata,
			 sd_bus_error *error)
{
	struct bus *b = userdata;
	int r = sd_bus_message_open_container(reply, 'a', "s");

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	for (size_t i = 0; r >= 0 && i < b->n_protected; i++)
		r = sd_bus_message_append(reply, "s", b->protected_ids[i]);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_delay(sd_bus *bus, const char *path, const char *interface,
		     const char *property, sd_bus_message *reply, void *userdata,
		     sd_bus_error *error)
{
	struct bus *b = userdata;

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	return sd_bus_message_append(reply, "t",
				     b->engine ? pmemfail_engine_delay_us(b->engine) : 0);
}

static int append_frozen(const char *name, void *userdata)
{
	return sd_bus_message_append(userdata, "s", name);
}

static int get_frozen(sd_bus *bus, const char *path, const char *interface,
		      const char *property, sd_bus_message *reply, void *userdata,
		      sd_bus_error *error)
{
	struct bus *b = userdata;
	int r = sd_bus_message_open_container(reply, 'a', "s");

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	/* a few names on a tmpfs: waits for nothing */
	if (r >= 0 && b->lib)
		(void)pmemfail_frozen(b->lib, append_frozen, reply);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* What pmemfaild was told since the boot; left out while that is not known. */
static int append_events(sd_bus_message *m, struct pmemfail *lib)
{
	uint64_t events, merges;

	/* a few bytes of a tmpfs: waits for nothing */
	if (!lib || pmemfail_event_counters(lib, &events, &merges) < 0)
		return 0;
	return sd_bus_message_append(m, "{st}{st}", "events", events, "merges", merges);
}

static int append_failures(sd_bus_message *m, const struct bus *b)
{
	uint64_t told = 0, n[PMEMFAIL_UNSUPPORTED + 1] = { 0 };
	int r;

	for (size_t i = 0; i < b->n_failures; i++) {
		n[b->failures[i]->state]++;
		told += b->failures[i]->told;
	}
	r = sd_bus_message_append(m, "{st}{st}", "failures", (uint64_t)b->n_failures, "told",
				  told);
	for (int s = 0; r >= 0 && s <= PMEMFAIL_UNSUPPORTED; s++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "failures_%s",
			       pmemfail_state_name((enum pmemfail_state)s));
		r = sd_bus_message_append(m, "{st}", name, n[s]);
	}
	return r;
}

static int get_counters(sd_bus *bus, const char *path, const char *interface,
			const char *property, sd_bus_message *reply, void *userdata,
			sd_bus_error *error)
{
	struct bus *b = userdata;
	int r = sd_bus_message_open_container(reply, 'a', "{st}");

	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)error;
	if (r >= 0)
		r = sd_bus_message_append(reply, "{st}{st}", "devices",
					  (uint64_t)b->n_devices, "protected_devices",
					  (uint64_t)b->n_protected);
	if (r >= 0)
		r = append_failures(reply, b);
	if (r >= 0)
		r = append_events(reply, b->lib);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

#define CHANGES	SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define ANYBODY	SD_BUS_VTABLE_UNPRIVILEGED

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("ListDevices", SD_BUS_NO_ARGS,
				SD_BUS_RESULT("a(sssstbo)", devices), list_devices, ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("ListFailures", SD_BUS_ARGS("a{sv}", filter),
				SD_BUS_RESULT("a(tssstto)", failures), bus_list_failures,
				ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("GetFailure", SD_BUS_ARGS("t", id),
				SD_BUS_RESULT("o", failure), get_failure, ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("DescribeFailure", SD_BUS_ARGS("t", id),
				SD_BUS_RESULT("s", json), describe_failure, ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("DescribeFailures", SD_BUS_ARGS("a{sv}", filter),
				SD_BUS_RESULT("s", json), bus_describe_failures, ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("Assess", SD_BUS_ARGS("s", device, "a(tt)", ranges, "a{sv}",
						     options),
				SD_BUS_RESULT("o", job), bus_job_call, ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("Report", SD_BUS_ARGS("s", device, "a(tt)", ranges, "a{sv}",
						     options),
				SD_BUS_RESULT("o", job), bus_job_call, ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("PrepareRemove", SD_BUS_ARGS("s", device, "a{sv}", options),
				SD_BUS_RESULT("o", job), bus_job_call, ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("Replay", SD_BUS_ARGS("s", device), SD_BUS_RESULT("o", job),
				bus_job_call, ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, reload, ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("Inhibit",
				SD_BUS_ARGS("s", what, "s", who, "s", why, "s", mode),
				SD_BUS_RESULT("h", fd), bus_inhibit, ANYBODY),
	SD_BUS_METHOD_WITH_ARGS("ListInhibitors", SD_BUS_NO_ARGS,
				SD_BUS_RESULT("a(ssssuu)", inhibitors), bus_list_inhibitors,
				ANYBODY),
	SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("ModuleLoaded", "b", get_module, 0, CHANGES),
	SD_BUS_PROPERTY("ModuleABI", "u", get_module, 0, CHANGES),
	SD_BUS_PROPERTY("ProtectedDevices", "as", get_protected, 0, CHANGES),
	SD_BUS_PROPERTY("FrozenFilesystems", "as", get_frozen, 0, 0),
	SD_BUS_PROPERTY("Counters", "a{st}", get_counters, 0, CHANGES),
	SD_BUS_PROPERTY("InhibitDelayMaxUSec", "t", get_delay, 0, CHANGES),
	SD_BUS_SIGNAL_WITH_ARGS("FailureAdded", SD_BUS_ARGS("t", id, "o", failure), 0),
	SD_BUS_SIGNAL_WITH_ARGS("FailureChanged",
				SD_BUS_ARGS("t", id, "o", failure, "s", state), 0),
	SD_BUS_SIGNAL_WITH_ARGS("PrepareForRemoval", SD_BUS_ARGS("s", device, "b", active), 0),
	SD_BUS_SIGNAL_WITH_ARGS("DeviceProtectionChanged",
				SD_BUS_ARGS("s", device, "b", protected), 0),
	SD_BUS_SIGNAL_WITH_ARGS("JobNew", SD_BUS_ARGS("t", id, "o", job), 0),
	SD_BUS_SIGNAL_WITH_ARGS("JobRemoved", SD_BUS_ARGS("t", id, "o", job, "s", result), 0),
	SD_BUS_VTABLE_END
};

int bus_manager_add(struct bus *b)
{
	return sd_bus_add_object_vtable(b->bus, NULL, PATH, INTERFACE, vtable, b);
}

/* --- signals --------------------------------------------------------------- */

int bus_emit(struct bus *b, const char *member, const char *types, ...)
{
	sd_bus_message *m = NULL;
	va_list ap;
	int r;

	if (!bus_has_room(b))
		return 0;	/* nobody reads, and memory is bounded */
	r = sd_bus_message_new_signal(b->bus, &m, PATH, INTERFACE, member);
	va_start(ap, types);
	if (r >= 0)
		r = sd_bus_message_appendv(m, types, ap);
	va_end(ap);
	if (r >= 0)
		r = sd_bus_send(b->bus, m, NULL);
	sd_bus_message_unref(m);
	return r;
}

static const char *const properties[] = {
	"ModuleLoaded", "ModuleABI", "ProtectedDevices", "Counters",
	"InhibitDelayMaxUSec",
};
#define N_PROPERTIES (sizeof(properties) / sizeof(properties[0]))

static int tell_changed(sd_event_source *s, void *userdata)
{
	struct bus *b = userdata;
	char *names[N_PROPERTIES + 1] = { NULL };
	size_t n = 0;

	(void)s;
	for (size_t i = 0; i < N_PROPERTIES; i++)
		if (b->changed & 1U << i)
			names[n++] = (char *)properties[i];
	b->changed = 0;
	if (n > 0 && bus_has_room(b))
		(void)sd_bus_emit_properties_changed_strv(b->bus, PATH, INTERFACE, names);
	return 0;
}

void bus_manager_changed(struct bus *b, const char *property)
{
	for (size_t i = 0; i < N_PROPERTIES; i++)
		if (strcmp(properties[i], property) == 0)
			b->changed |= 1U << i;
	if (b->tell_changed)
		(void)sd_event_source_set_enabled(b->tell_changed, SD_EVENT_ONESHOT);
	else if (sd_event_add_defer(b->event, &b->tell_changed, tell_changed, b) >= 0)
		(void)sd_event_source_set_priority(b->tell_changed, SD_EVENT_PRIORITY_IDLE);
}

void bus_manager_done(struct bus *b)
{
	b->tell_changed = sd_event_source_disable_unref(b->tell_changed);
}
