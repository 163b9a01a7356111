/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How well devices are protected; see device.h. Verbs call this.
 */
#include "device.h"

#include <string.h>

const char *device_name(const struct pmemfail_device *d)
{
	const char *name = pmemfail_device_name(d);

	if (!name)
		name = pmemfail_device_namespace(d);
	return name ? name : pmemfail_device_id(d);
}

static bool is_called(const struct pmemfail_device *d, const char *name)
{
	const char *names[] = { pmemfail_device_namespace(d), pmemfail_device_id(d) };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i] && strcmp(names[i], name) == 0)
			return true;
	return false;
}

bool device_is_unbound(struct pmemfail *lib, const char *name)
{
	struct pmemfail_devices *l = NULL;
	bool unbound = false;

	if (pmemfail_list_devices(lib, &l) < 0)
		return false;
	for (size_t i = 0; i < pmemfail_devices_count(l); i++) {
		const struct pmemfail_device *d = pmemfail_devices_get(l, i);

		unbound |= !pmemfail_device_name(d) && is_called(d, name);
	}
	pmemfail_devices_free(l);
	return unbound;
}

enum pmemfail_severity device_machine_severity(const struct pmemfail_diagnosis *d)
{
	enum pmemfail_severity worst = PMEMFAIL_OK;
	const char *about, *code, *what, *advice;

	for (size_t i = 0;; i++) {
		int r = pmemfail_diagnosis_get(d, i, &about, &code, &what, &advice);

		if (r < 0)
			return worst;
		if (!about && (enum pmemfail_severity)r > worst)
			worst = (enum pmemfail_severity)r;
	}
}

enum pmemfail_severity device_severity(const struct pmemfail_diagnosis *d,
				       const struct pmemfail_device *dev)
{
	enum pmemfail_severity machine = device_machine_severity(d);
	enum pmemfail_severity own = pmemfail_diagnosis_worst(d, device_name(dev));

	return own > machine ? own : machine;
}

struct device_count device_count(const struct pmemfail_diagnosis *d,
				 const struct pmemfail_devices *l)
{
	struct device_count n = {};

	for (size_t i = 0; i < pmemfail_devices_count(l); i++) {
		const struct pmemfail_device *dev = pmemfail_devices_get(l, i);
		enum pmemfail_severity s = device_severity(d, dev);

		if (!pmemfail_device_name(dev))
			continue;
		n.bound++;
		n.protected += s < PMEMFAIL_WARNING;
		n.partly += s == PMEMFAIL_WARNING;
	}
	return n;
}

const char *device_protection(const struct pmemfail_diagnosis *d,
			      const struct pmemfail_device *dev)
{
	enum pmemfail_severity s = device_severity(d, dev);

	if (!pmemfail_device_name(dev))
		return NULL;
	return s < PMEMFAIL_WARNING ? "protected" : s == PMEMFAIL_WARNING ? "partly" : "no";
}

const char *severity_word(enum pmemfail_severity s)
{
	switch (s) {
	case PMEMFAIL_OK:
		return "ok";
	case PMEMFAIL_NOTE:
		return "note";
	case PMEMFAIL_WARNING:
		return "warning";
	case PMEMFAIL_PROBLEM:
		break;
	}
	return "problem";
}

enum text_colour severity_colour(enum pmemfail_severity s)
{
	switch (s) {
	case PMEMFAIL_OK:
		return TEXT_GOOD;
	case PMEMFAIL_NOTE:
		return TEXT_PLAIN;
	case PMEMFAIL_WARNING:
		return TEXT_WARN;
	case PMEMFAIL_PROBLEM:
		break;
	}
	return TEXT_BAD;
}
