/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How well devices are protected, as far as the diagnosis knows: one rule for
 * status, devices and doctor, so that they never disagree.
 */
#ifndef CTL_DEVICE_H
#define CTL_DEVICE_H

#include <pmemfail/pmemfail.h>

#include "text.h"

/* What people call it: its node's name, or the namespace's when it is not bound. */
const char *device_name(const struct pmemfail_device *d);

/* Is this the name, ID or namespace of a device that no driver is bound to? Then
 * there is nothing to assess or to prepare, which is not an unknown name. */
bool device_is_unbound(struct pmemfail *lib, const char *name);

/* Worst finding about the machine as a whole. */
enum pmemfail_severity device_machine_severity(const struct pmemfail_diagnosis *d);
/* Worst finding that bears on this device: about itself or about the machine. */
enum pmemfail_severity device_severity(const struct pmemfail_diagnosis *d,
				       const struct pmemfail_device *dev);
struct device_count {
	unsigned int bound, protected, partly;	/* partly: warnings only */
};
struct device_count device_count(const struct pmemfail_diagnosis *d,
				 const struct pmemfail_devices *l);

/* "protected", "partly", "no"; NULL for one that is not bound: nothing to lose. */
const char *device_protection(const struct pmemfail_diagnosis *d,
			      const struct pmemfail_device *dev);

const char *severity_word(enum pmemfail_severity s);	/* ok, note, warning, problem */
enum text_colour severity_colour(enum pmemfail_severity s);

#endif
