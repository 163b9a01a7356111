/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pmemfailctl devices: every pmem namespace, how well it is protected, and what of it
 * is bad.
 */
#include <stdlib.h>

#include "bad.h"
#include "ctl.h"
#include "device.h"
#include "table.h"

/* What is bad on each device of a list. */
struct badness {
	struct open_failures open;
	struct bad *v;
	size_t n;
};

static int badness_read(struct ctl *c, const struct pmemfail_devices *l, struct badness *ret)
{
	int r = open_failures_read(c->lib, &ret->open);

	ret->n = pmemfail_devices_count(l);
	ret->v = text_alloc(calloc(ret->n + 1, sizeof(*ret->v)));
	for (size_t i = 0; r >= 0 && i < ret->n; i++)
		r = bad_read(c->lib, pmemfail_devices_get(l, i), &ret->open, &ret->v[i]);
	return r;
}

static void badness_done(struct badness *b)
{
	for (size_t i = 0; i < b->n; i++)
		bad_done(&b->v[i]);
	free(b->v);
	open_failures_done(&b->open);
}

static void print_json(const struct pmemfail_devices *l, const struct pmemfail_diagnosis *d,
		       const struct badness *b)
{
	struct json_object *o = ctl_json_new(), *array = text_alloc(json_object_new_array());

	for (size_t i = 0; i < pmemfail_devices_count(l); i++) {
		const struct pmemfail_device *dev = pmemfail_devices_get(l, i);
		struct json_object *one;
		char *text = NULL;

		if (pmemfail_device_to_json(dev, &text) < 0)
			text_alloc(NULL);
		one = ctl_json_from_library(text);
		ctl_json_add_string(one, "protection", device_protection(d, dev));
		bad_add_json(one, &b->v[i]);
		if (json_object_array_add(array, one) < 0)
			text_alloc(NULL);
	}
	ctl_json_add(o, "devices", array);
	ctl_json_print(o);
}

static void print_table(const struct ctl *c, const struct pmemfail_devices *l,
			const struct pmemfail_diagnosis *d)
{
	static const struct table_column cols[] = {
		{ .title = "DEVICE" }, { .title = "MODE" }, { .title = "SIZE", .right = true },
		{ .title = "NAMESPACE" }, { .title = "BOUND" }, { .title = "REGION" },
		{ .title = "PROTECTION" }, { .title = "ID", .shrink = true },
	};
	struct table *t = table_new(cols, sizeof(cols) / sizeof(cols[0]));

	for (size_t i = 0; i < pmemfail_devices_count(l); i++) {
		const struct pmemfail_device *dev = pmemfail_devices_get(l, i);
		enum pmemfail_severity s = device_severity(d, dev);
		bool bound = pmemfail_device_name(dev);
		char buf[TEXT_NUMBER_MAX];

		table_cell(t, pmemfail_device_name(dev), TEXT_PLAIN);
		table_cell(t, pmemfail_device_mode(dev), TEXT_PLAIN);
		table_cell(t, bound ? text_size(buf, pmemfail_device_size(dev)) : NULL,
			   TEXT_PLAIN);
		table_cell(t, pmemfail_device_namespace(dev), TEXT_PLAIN);
		table_cell(t, pmemfail_device_bound(dev), TEXT_PLAIN);
		table_cell(t, pmemfail_device_region(dev), TEXT_PLAIN);
		table_cell(t, device_protection(d, dev), bound ? severity_colour(s) :
			   TEXT_PLAIN);
		table_cell(t, pmemfail_device_id(dev), TEXT_PLAIN);
	}
	table_print(t, stdout, 0, c->width, c->colour);
	table_free(t);
}

static void print_names(const struct pmemfail_devices *l)
{
	for (size_t i = 0; i < pmemfail_devices_count(l); i++) {
		char *safe = text_escape(device_name(pmemfail_devices_get(l, i)));

		puts(safe);
		free(safe);
	}
}

static int print_all(struct ctl *c, const struct pmemfail_devices *l)
{
	struct pmemfail_diagnosis *d = NULL;
	struct badness b = {};
	int r = ctl_diagnose(c, &d);

	if (r < 0)
		return ctl_error_library(r, "find out how the devices are protected");
	r = badness_read(c, l, &b);
	if (r < 0) {
		r = ctl_error_library(r, "find out what is bad");
	} else if (c->json) {
		print_json(l, d, &b);
	} else if (b.n == 0) {
		ctl_say(c, "There is no pmem device on this machine.");
	} else {
		print_table(c, l, d);
		for (size_t i = 0; i < b.n; i++)
			bad_print(c, pmemfail_devices_get(l, i), &b.v[i], &b.open);
	}
	badness_done(&b);
	pmemfail_diagnosis_free(d);
	return r;
}

int ctl_devices(struct ctl *c, char **args)
{
	struct pmemfail_devices *l = NULL;
	int r;

	(void)args;
	r = pmemfail_list_devices(c->lib, &l);
	if (r < 0)
		return ctl_error_library(r, "list the pmem devices");
	r = CTL_OK;
	if (c->quiet && !c->json)
		print_names(l);
	else
		r = print_all(c, l);
	pmemfail_devices_free(l);
	return r;
}
