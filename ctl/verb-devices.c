/* SPDX-License-Identifier: GPL-2.0-only */
/* pmemfailctl devices: every pmem namespace, and how well it is protected. */
#include <stdlib.h>

#include "ctl.h"
#include "device.h"
#include "table.h"

static void print_json(const struct pmemfail_devices *l, const struct pmemfail_diagnosis *d)
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

int ctl_devices(struct ctl *c, char **args)
{
	struct pmemfail_devices *l = NULL;
	struct pmemfail_diagnosis *d = NULL;
	int r;

	(void)args;
	r = pmemfail_list_devices(c->lib, &l);
	if (r < 0)
		return ctl_error_library(r, "list the pmem devices");
	if (c->quiet && !c->json) {
		for (size_t i = 0; i < pmemfail_devices_count(l); i++) {
			char *safe = text_escape(device_name(pmemfail_devices_get(l, i)));

			puts(safe);
			free(safe);
		}
		pmemfail_devices_free(l);
		return CTL_OK;
	}
	r = pmemfail_diagnose(c->lib, &d);
	if (r < 0) {
		pmemfail_devices_free(l);
		return ctl_error_library(r, "find out how the devices are protected");
	}
	if (c->json)
		print_json(l, d);
	else if (pmemfail_devices_count(l) == 0)
		ctl_say(c, "There is no pmem device on this machine.");
	else
		print_table(c, l, d);
	pmemfail_diagnosis_free(d);
	pmemfail_devices_free(l);
	return CTL_OK;
}
