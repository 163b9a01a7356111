/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which failures a client wants to hear of: the argument of ListFailures and of
 * DescribeFailures.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus-internal.h"

static int read_option(sd_bus_message *m, const char *key, struct bus_filter *f)
{
	if (strcmp(key, "State") == 0)
		return sd_bus_message_read(m, "v", "s", &f->state);
	if (strcmp(key, "Kind") == 0)
		return sd_bus_message_read(m, "v", "s", &f->kind);
	if (strcmp(key, "Device") == 0)
		return sd_bus_message_read(m, "v", "s", &f->device);
	if (strcmp(key, "Since") == 0)
		return sd_bus_message_read(m, "v", "t", &f->since);
	if (strcmp(key, "Before") == 0)
		return sd_bus_message_read(m, "v", "t", &f->before);
	if (strcmp(key, "Limit") == 0)
		return sd_bus_message_read(m, "v", "u", &f->limit);
	return -ENOENT;
}

static int read_options(sd_bus_message *m, struct bus_filter *f, sd_bus_error *error)
{
	char why[96];
	const char *key;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &key);
		if (r >= 0)
			r = read_option(m, key, f);
		if (r < 0) {
			(void)snprintf(why, sizeof(why), r == -ENOENT ?
				       "there is no filter %.40s" :
				       "the filter %.40s has another type", key);
			return bus_fail(error, -EINVAL, why);
		}
		r = sd_bus_message_exit_container(m);
	}
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r;
}

/* -1: none is called so. */
static int number_of(const char *state)
{
	const char *name;

	for (int s = 0; (name = pmemfail_state_name((enum pmemfail_state)s)); s++)
		if (strcmp(name, state) == 0)
			return s;
	return -1;
}

int bus_filter_read(sd_bus_message *m, struct bus_filter *ret, sd_bus_error *error)
{
	struct bus_filter f = { .before = UINT64_MAX, .limit = UINT32_MAX, .number = -1 };
	int r = read_options(m, &f, error);

	if (r < 0)
		return r;
	if (f.state) {
		f.number = number_of(f.state);
		if (f.number < 0)
			return bus_fail(error, -EINVAL, "there is no such state");
	}
	if (f.kind && strcmp(f.kind, "remove") != 0 && strcmp(f.kind, "poison") != 0)
		return bus_fail(error, -EINVAL, "there is no such kind");
	r = f.device ? bus_check_string(f.device, "Device", false, error) : 0;
	if (r >= 0)
		*ret = f;
	return r;
}

bool bus_filter_passes(const struct bus_filter *by, const struct bus_filtered *f)
{
	return f->id < by->before && f->updated_us >= by->since &&
	       (by->number < 0 || by->number == (int)f->state) &&
	       (!by->kind || strcmp(by->kind, f->kind) == 0) &&
	       (!by->device || strcmp(by->device, bus_or_empty(f->device_id)) == 0 ||
		strcmp(by->device, bus_or_empty(f->device_name)) == 0);
}
