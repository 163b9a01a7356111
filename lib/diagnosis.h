/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Findings, and what they are found from. Only lib/diagnos*.c and tests include
 * this: diagnosis.c keeps findings, diagnose.c judges the machine,
 * diagnose-device.c one device.
 */
#ifndef PMF_DIAGNOSIS_H
#define PMF_DIAGNOSIS_H

#include "context.h"
#include "sys/facts.h"

/* All that is judged. Borrowed. */
struct pmf_checkup {
	struct pmf_sys *sys;
	const struct pmf_policy *policy;
	const struct pmf_topology *topology;
	struct pmf_facts facts;
	int module;		/* what module_probe said */
	uint32_t abi;
	uint64_t features;
};

/* NULL on ENOMEM. */
struct pmemfail_diagnosis *pmf_diagnosis_new(void);
int pmf_diagnose(const struct pmf_checkup *c, struct pmemfail_diagnosis **ret);

/* about (may be NULL) is copied; code is a literal; what and advice (NULL: nothing
 * to do) are formats' results, taken also on error. */
int pmf_diagnosis_add(struct pmemfail_diagnosis *d, const char *about,
		      enum pmemfail_severity severity, const char *code, char *what,
		      char *advice);
/* The same with the sentence as a format. */
int pmf_find(struct pmemfail_diagnosis *d, const char *about,
	     enum pmemfail_severity severity, const char *code, const char *advice,
	     const char *fmt, ...) _printf_(6, 7);

int pmf_diagnose_device(struct pmemfail_diagnosis *d, const struct pmf_checkup *c,
			const struct pmf_device *dev);

#endif
