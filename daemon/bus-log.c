/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * org.freedesktop.LogControl1: what is logged, and where to. Setting needs leave, and
 * that may take its time, so calls of Set come here before sd-bus answers them itself.
 */
#include <errno.h>
#include <string.h>

#include "bus-internal.h"

#define PATH		"/org/freedesktop/LogControl1"
#define INTERFACE	"org.freedesktop.LogControl1"

static const char *const levels[] = {
	"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
};

static int get(sd_bus *bus, const char *path, const char *interface, const char *property,
	       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const char *value = "pmemfaild";

	(void)bus;
	(void)path;
	(void)interface;
	(void)userdata;
	(void)error;
	if (strcmp(property, "LogLevel") == 0)
		value = levels[log_level()];
	else if (strcmp(property, "LogTarget") == 0)
		value = log_target_name();
	return sd_bus_message_append(reply, "s", value);
}

/* Never called: on_call() takes them all. */
static int refuse(sd_bus *bus, const char *path, const char *interface, const char *property,
		  sd_bus_message *value, void *userdata, sd_bus_error *error)
{
	(void)bus;
	(void)path;
	(void)interface;
	(void)property;
	(void)value;
	(void)userdata;
	return bus_fail(error, -EPERM, "this is not permitted");
}

static int set(const char *property, const char *value)
{
	if (strcmp(property, "LogTarget") == 0)
		return log_set_target(value);
	if (strcmp(property, "LogLevel") != 0)
		return -EINVAL;
	for (int i = 0; i < (int)(sizeof(levels) / sizeof(levels[0])); i++)
		if (strcmp(levels[i], value) == 0) {
			log_set_level(i);
			return 0;
		}
	return -EINVAL;
}

static void may_set(struct bus_caller *c, sd_bus_message *m, void *userdata, int error)
{
	const char *interface, *property, *value;
	int r;

	(void)c;
	(void)userdata;
	if (error < 0) {
		bus_deny(m, error);
		return;
	}
	r = sd_bus_message_rewind(m, true);
	if (r >= 0)
		r = sd_bus_message_read(m, "ssv", &interface, &property, "s", &value);
	if (r >= 0)
		r = strcmp(interface, INTERFACE) == 0 ? set(property, value) : -EINVAL;
	if (r < 0)
		bus_fail_later(m, -EINVAL, "there is no such property to set, or it takes no"
			       " such value");
	else
		(void)sd_bus_reply_method_return(m, NULL);
}

/* Whole, before anybody is asked for a password: the call is kept meanwhile. */
static int check(sd_bus_message *m, sd_bus_error *error)
{
	const char *interface, *property, *value;

	if (sd_bus_message_read(m, "ssv", &interface, &property, "s", &value) < 0)
		return bus_fail(error, -EINVAL, "a string is set here");
	if (strlen(interface) > BUS_MAX_STRING || strlen(property) > BUS_MAX_STRING)
		return bus_fail(error, -EINVAL, "there is no such property to set");
	return bus_check_string(value, "the value", false, error);
}

static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	int r;

	if (!sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Properties", "Set") ||
	    strcmp(bus_or_empty(sd_bus_message_get_path(m)), PATH) != 0)
		return 0;
	r = check(m, error);
	return r < 0 ? r : bus_authorize(userdata, m, "set-log", may_set, NULL, error);
}

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_WRITABLE_PROPERTY("LogLevel", "s", get, refuse, 0, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_WRITABLE_PROPERTY("LogTarget", "s", get, refuse, 0, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_PROPERTY("SyslogIdentifier", "s", get, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_VTABLE_END
};

int bus_log_add(struct bus *b)
{
	int r = sd_bus_add_object_vtable(b->bus, NULL, PATH, INTERFACE, vtable, b);

	return r < 0 ? r : sd_bus_add_filter(b->bus, NULL, on_call, b);
}
