/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which failures a client wants to hear of: the argument of ListFailures and of
 * DescribeFailures.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus-internal.h"

/* *seen: the filters read so far, each a bit. The call is kept until it is answered,
 * so it must not be any length. */
static int read_option(sd_bus_message *m, const char *key, struct bus_filter *f,
		       unsigned int *seen)
{
	const struct { const char *key, *type; void *to; } all[] = {
		{ "State", "s", &f->state }, { "Kind", "s", &f->kind },
		{ "Device", "s", &f->device }, { "Since", "t", &f->since },
		{ "Before", "t", &f->before }, { "Limit", "u", &f->limit },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strcmp(key, all[i].key) != 0)
			continue;
		if (*seen & 1U << i)
			return -EEXIST;
		*seen |= 1U << i;
		return sd_bus_message_read(m, "v", all[i].type, all[i].to);
	}
	return -ENOENT;
}

static int read_options(sd_bus_message *m, struct bus_filter *f, sd_bus_error *error)
{
	unsigned int seen = 0;
	char why[96];
	const char *key;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &key);
		if (r >= 0)
			r = read_option(m, key, f, &seen);
		if (r < 0) {
			(void)snprintf(why, sizeof(why), r == -ENOENT ?
				       "there is no filter %.40s" : r == -EEXIST ?
				       "the filter %.40s is there twice" :
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
