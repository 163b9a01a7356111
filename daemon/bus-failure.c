/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Failures on the bus: a copy of the record without sites, in memory, so that nobody
 * waits for a disk. bus-record.c keeps it as the record is.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bus-internal.h"

#define PREFIX		"/org/pmemfail1/failure"
#define INTERFACE	"org.pmemfail1.Failure"
/* What GetManagedObjects tells of; the others are there all the same. Its answer is
 * made in one go, during which nothing else is. */
#define MAX_SHOWN	256
/* The same for ListFailures, which tells the others when asked again, with Before. */
#define MAX_LISTED	1024

/* How many have a lower id. */
static size_t n_below(const struct bus *b, uint64_t id)
{
	size_t low = 0, high = b->n_failures;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (b->failures[mid]->id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct bus_failure *bus_failure_by_id(struct bus *b, uint64_t id)
{
	size_t i = n_below(b, id);

	return i < b->n_failures && b->failures[i]->id == id ? b->failures[i] : NULL;
}

void bus_failure_path(uint64_t id, char ret[static 64])
{
	(void)snprintf(ret, 64, PREFIX "/%" PRIu64, id);
}

/* --- org.pmemfail1.Failure ------------------------------------------------- */

static int on_find(sd_bus *bus, const char *path, const char *interface, void *userdata,
		   void **ret_found, sd_bus_error *error)
{
	struct bus *b = userdata;
	struct bus_failure *f;
	char canonical[64];
	uint64_t id;

	(void)bus;
	(void)interface;
	(void)error;
	if (strncmp(path, PREFIX "/", sizeof(PREFIX)) != 0)
		return 0;
	id = strtoull(path + sizeof(PREFIX), NULL, 10);
	bus_failure_path(id, canonical);	/* one object has one path */
	f = strcmp(path, canonical) == 0 ? bus_failure_by_id(b, id) : NULL;
	if (!f)
		return 0;
	*ret_found = f;
	return 1;
}

static int on_enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes,
			sd_bus_error *error)
{
	struct bus *b = userdata;
	size_t n = b->n_failures < MAX_SHOWN ? b->n_failures : MAX_SHOWN;
	char **v = calloc(n + 1, sizeof(*v));

	(void)bus;
	(void)prefix;
	(void)error;
	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		char path[64];

		bus_failure_path(b->failures[b->n_failures - 1 - i]->id, path);
		v[i] = strdup(path);
		if (!v[i]) {
			while (i > 0)
				free(v[--i]);
			free(v);
			return -ENOMEM;
		}
	}
	*ret_nodes = v;
	return 1;
}

static const char *text_of(const struct bus_failure *f, const char *property)
{
	if (strcmp(property, "Kind") == 0)
		return f->kind;
	if (strcmp(property, "Source") == 0)
		return f->source;
	if (strcmp(property, "State") == 0)
		return pmemfail_state_name(f->state);
	if (strcmp(property, "Reason") == 0)
		return f->reason;
	if (strcmp(property, "DeviceId") == 0)
		return f->device_id;
	return f->device_name;
}

static int get_text(sd_bus *bus, const char *path, const char *interface,
		    const char *property, sd_bus_message *reply, void *userdata,
		    sd_bus_error *error)
{
	(void)bus;
	(void)path;
	(void)interface;
	(void)error;
	return sd_bus_message_append(reply, "s", bus_or_empty(text_of(userdata, property)));
}

static int get_other(sd_bus *bus, const char *path, const char *interface,
		     const char *property, sd_bus_message *reply, void *userdata,
		     sd_bus_error *error)
{
	const struct bus_failure *f = userdata;

	(void)bus;
	(void)path;
	(void)interface;
	(void)error;
	if (strcmp(property, "Id") == 0)
		return sd_bus_message_append(reply, "t", f->id);
	if (strcmp(property, "CreatedUSec") == 0)
		return sd_bus_message_append(reply, "t", f->created_us);
	if (strcmp(property, "UpdatedUSec") == 0)
		return sd_bus_message_append(reply, "t", f->updated_us);
	return bus_append_ranges(reply, f->ranges, f->n_ranges);
}

static int on_describe(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	/* userdata is the failure: the vtable has only that */
	const struct bus_failure *f = userdata;

	return bus_describe(f->bus, m, f->id, error);
}

#define CONST	SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES	SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Id", "t", get_other, 0, CONST),
	SD_BUS_PROPERTY("Kind", "s", get_text, 0, CONST),
	SD_BUS_PROPERTY("Source", "s", get_text, 0, CONST),
	SD_BUS_PROPERTY("State", "s", get_text, 0, CHANGES),
	SD_BUS_PROPERTY("Reason", "s", get_text, 0, CHANGES),
	SD_BUS_PROPERTY("DeviceId", "s", get_text, 0, CONST),
	SD_BUS_PROPERTY("DeviceName", "s", get_text, 0, CONST),
	SD_BUS_PROPERTY("CreatedUSec", "t", get_other, 0, CONST),
	SD_BUS_PROPERTY("UpdatedUSec", "t", get_other, 0, CHANGES),
	SD_BUS_PROPERTY("Ranges", "a(tt)", get_other, 0, CHANGES),
	SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), on_describe,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END
};

int bus_failure_add(struct bus *b)
{
	int r = sd_bus_add_fallback_vtable(b->bus, NULL, PREFIX, INTERFACE, vtable, on_find, b);

	return r < 0 ? r : sd_bus_add_node_enumerator(b->bus, NULL, PREFIX, on_enumerate, b);
}

void bus_failure_tell_changed(struct bus *b, uint64_t id)
{
	char path[64];

	bus_failure_path(id, path);
	(void)sd_bus_emit_properties_changed(b->bus, path, INTERFACE, "State", "Reason",
					     "UpdatedUSec", "Ranges", NULL);
}

/* --- ListFailures ---------------------------------------------------------- */

static bool passes(const struct bus_filter *by, const struct bus_failure *f)
{
	const struct bus_filtered row = {
		.id = f->id, .state = f->state, .kind = f->kind, .device_id = f->device_id,
		.device_name = f->device_name, .updated_us = f->updated_us,
	};

	return bus_filter_passes(by, &row);
}

static int append(sd_bus_message *m, const struct bus_failure *f)
{
	char path[64];

	bus_failure_path(f->id, path);
	return sd_bus_message_append(m, "(tssstto)", f->id, f->kind,
				     pmemfail_state_name(f->state),
				     bus_or_empty(f->device_id), f->created_us, f->updated_us,
				     path);
}

int bus_list_failures(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;
	struct bus_filter by;
	sd_bus_message *reply = NULL;
	uint32_t n = 0, most;
	int r;

	r = bus_filter_read(m, &by, error);
	most = r >= 0 && by.limit < MAX_LISTED ? by.limit : MAX_LISTED;
	if (r >= 0)
		r = sd_bus_message_new_method_return(m, &reply);
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "(tssstto)");
	for (size_t i = r < 0 ? 0 : n_below(b, by.before); r >= 0 && i > 0 && n < most; i--)
		if (passes(&by, b->failures[i - 1])) {
			r = append(reply, b->failures[i - 1]);
			n++;
		}
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	if (r >= 0)
		r = sd_bus_send(NULL, reply, NULL);
	sd_bus_message_unref(reply);
	return r < 0 ? r : 1;
}
