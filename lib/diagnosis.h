/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Findings, and what they are found from. Only lib/diagnos*.c and tests include
 * this: diagnosis.c keeps findings, diagnose.c judges the machine,
 * diagnose-device.c one device, diagnose-poison.c what concerns poison.
 */
#ifndef PMF_DIAGNOSIS_H
#define PMF_DIAGNOSIS_H

#include "context.h"
#include "sys/facts.h"

/* What the kernel holds for bad on one device. */
struct pmf_bad {
	struct pmf_ranges ranges;
	bool full;		/* the list is: there may be more */
	int error;		/* 0, or why that is unknown */
};

/* All that is judged. Borrowed, but for what pmf_checkup_poison() filled. */
struct pmf_checkup {
	struct pmf_sys *sys;
	const struct pmf_policy *policy;
	const struct pmf_topology *topology;
	struct pmf_facts facts;
	int module;		/* what module_probe said */
	uint32_t abi;
	uint64_t features;
	/* --- by pmf_checkup_poison() --- */
	struct pmf_bad *bad;		/* one for each device of topology; NULL: none read */
	struct pmf_failure **open;	/* poison on record that is not cleared */
	size_t n_open;
	int record_error;		/* 0, or why the record cannot be read */
	struct pmf_hook_result *hooks;	/* refused ones have a status */
	size_t n_hooks;
	int hooks_error;		/* 0, or why they cannot be listed */
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

int pmf_checkup_poison(struct pmf_checkup *c);
void pmf_checkup_poison_done(struct pmf_checkup *c);

/* Poison: what concerns the machine, one device, one filesystem (called where). */
int pmf_diagnose_poison(struct pmemfail_diagnosis *d, const struct pmf_checkup *c);
int pmf_diagnose_poison_device(struct pmemfail_diagnosis *d, const struct pmf_checkup *c,
			       const struct pmf_device *dev, const char *about);
int pmf_diagnose_owners(struct pmemfail_diagnosis *d, const struct pmf_checkup *c,
			const char *about, const struct pmf_site *s, const char *where);

int pmf_diagnose_device(struct pmemfail_diagnosis *d, const struct pmf_checkup *c,
			const struct pmf_device *dev);

#endif
