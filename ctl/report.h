/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One failure, or the assessment of one, told to people: the same words in
 * assess, show, report, replay and prepare-remove.
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
	uint64_t files, told, targets;	/* targets: poison only */
	uint64_t frozen_ns;		/* the longest */
};
struct report_totals report_totals(const struct pmemfail_failure *f);

/* The failure as a whole: what, where, since when, how far it is. */
void report_head(const struct ctl *c, const struct pmemfail_failure *f);
/* Sites with the processes on them. steps: also how long each step took. */
void report_sites(const struct ctl *c, const struct pmemfail_failure *f, bool steps);

/* Everything: head, sites with their steps, hooks. */
void report_whole(const struct ctl *c, const struct pmemfail_failure *f);

/* --- report-poison.c: ranges, targets and hooks --- */

bool report_is_poison(const struct pmemfail_failure *f);
uint64_t report_bytes(const struct pmemfail_failure *f);	/* of its ranges */
void report_ranges(const struct ctl *c, const struct pmemfail_failure *f);
void report_targets(const struct ctl *c, const struct pmemfail_site *s);
void report_hooks(const struct ctl *c, const struct pmemfail_failure *f);
#define REPORT_WORDS_MAX 256
/* What became of an action, what of a hook. Each writes into buf and returns it. */
const char *report_action(char buf[static REPORT_WORDS_MAX], const char *action, int result);
const char *report_hook_result(char buf[static REPORT_WORDS_MAX], int status, bool timed_out,
			       const char *why);

/* --- JSON --- */

/* The failure as an object, without "schema". */
struct json_object *report_to_json(const struct pmemfail_failure *f);
/* {"schema": 1, KEY: the failure} on stdout. Returns CTL_OK. */
int report_json(const struct pmemfail_failure *f, const char *key);

#endif
