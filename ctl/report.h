/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One failure, or the assessment of one, told to people: the same words in
 * assess, show and prepare-remove.
 */
#ifndef CTL_REPORT_H
#define CTL_REPORT_H

#include "ctl.h"
#include "text.h"

/* What to call the device of a failure. */
const char *report_device(const struct pmemfail_failure *f);
enum text_colour report_state_colour(enum pmemfail_state s);

struct report_totals {
	size_t filesystems, others;	/* others: device-DAX nodes and holders */
	size_t holders;			/* swap, md, crypt: out of pmemfail's reach */
	size_t processes;		/* distinct */
	uint64_t files, told;
	uint64_t frozen_ns;		/* the longest */
};
struct report_totals report_totals(const struct pmemfail_failure *f);

/* Sites with the processes on them. steps: also how long each step took. */
void report_sites(const struct ctl *c, const struct pmemfail_failure *f, bool steps);

/* {"schema": 1, KEY: the failure} on stdout. Returns CTL_OK. */
int report_json(const struct pmemfail_failure *f, const char *key);

#endif
