/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One site being handled, and what every handling does with one: open it, freeze
 * it, thaw it, note how each step went. execute.c (removal) and poison.c build
 * on it.
 */
#ifndef PMF_EXECUTION_H
#define PMF_EXECUTION_H

#include "flow/handle.h"

struct pmf_execution {
	const struct pmf_run *run;
	struct pmf_case *c;
	int attempt;			/* the failure's; -1: no module */
	int fd;				/* of the site; -1: could not be opened */
	int guard;			/* an attempt that ends with us, and thaws then; -1 */
	struct pmf_freeze *freeze;
	uint64_t frozen_since;
	unsigned int stage;		/* how many have been passed; execute.h */
};

uint64_t pmf_execution_now(const struct pmf_execution *x);
/* Note how a step went: result and duration. */
void pmf_execution_record(const struct pmf_execution *x, struct pmf_step *step,
			  uint64_t begin, int r);
/* The first problem is the cause of those after it: keep it. Never while frozen. */
void pmf_execution_problem(struct pmf_execution *x, const char *format, ...) _printf_(2, 3);
/* What people call the site. */
const char *pmf_execution_label(const struct pmf_site *s);
struct pmf_fs_policy pmf_execution_policy(const struct pmf_execution *x);

/* Open the site. False: nothing can be done there, and the outcome says why. */
bool pmf_execution_begin(struct pmf_execution *x, const struct pmf_run *run,
			 struct pmf_case *c, int attempt);
/* Freeze, if the policy and the site allow it. The outcome tells whether it is
 * frozen; whatever it tells, thaw must follow. */
void pmf_execution_freeze(struct pmf_execution *x);
/*
 * From here on the filesystem may be written again, if it was frozen at all.
 * anyones: also when the freeze failed with EBUSY, because somebody else has frozen
 * it: on a vanishing device it must not stay frozen for anybody.
 */
void pmf_execution_thaw(struct pmf_execution *x, bool anyones);
/* Add up what a revoke told and took. May be called frozen. */
void pmf_execution_count(struct pmf_execution *x, const struct pmf_revoke_result *res);
/* Once more, when a thaw failed. */
void pmf_execution_thaw_again(struct pmf_execution *x);
/* What steps that failed mean: a thaw in place of any other problem. Thawed. */
void pmf_execution_explain(struct pmf_execution *x);
void pmf_execution_end(struct pmf_execution *x);

#endif
