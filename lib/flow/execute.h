/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps at one site. Each records in the case's outcome what it did, so that
 * none returns anything: whatever fails, the steps after it still have work to do.
 */
#ifndef PMF_EXECUTE_H
#define PMF_EXECUTE_H

#include "flow/execution.h"

/* What a site passes, for who looks on; one that is left out is passed with the next. */
enum pmf_stage {
	PMF_STAGE_LOOKED = 1,
	PMF_STAGE_FROZEN,
	PMF_STAGE_REVOKED,
	PMF_STAGE_SHUT_DOWN,
	PMF_STAGE_THAWED,
	PMF_STAGE_SETTLED,
	PMF_STAGE_ALL,		/* unmounted */
};
/* It is there. An atomic store at most: may be called frozen. */
void pmf_execute_reach(struct pmf_execution *x, enum pmf_stage stage);

/* Open the site and find out who maps it, while reading /proc cannot hang yet. */
void pmf_execute_begin(struct pmf_execution *x, const struct pmf_run *run,
		       struct pmf_case *c, int attempt);
/* Freeze, revoke, shut down, revoke again, thaw. */
void pmf_execute_removal(struct pmf_execution *x);
/* Make it final: no DAX below, no entry left, no page pinned. When every
 * filesystem of the device is shut down, not before. */
void pmf_execute_settle(struct pmf_execution *x, bool stop_dax);
void pmf_execute_unmount(struct pmf_execution *x);

#endif
