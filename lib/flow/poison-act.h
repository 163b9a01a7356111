/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is done to a frozen site. Only poison.c includes it. */
#ifndef PMF_POISON_ACT_H
#define PMF_POISON_ACT_H

#include "flow/targets.h"

#define PMF_POISON_FILES 128	/* open at once, at one site */

struct pmf_poison {
	struct pmf_execution *x;
	struct pmf_resolution res;
	struct pmf_targets fresh;	/* of this look; those acted on have a step */
};

/* The open file of a target, or node; -1. */
int pmf_poison_fd(const struct pmf_poison *w, const struct pmf_target *t);
/* FROZEN. When two looks differ for good: leave what both say, and add what the second
 * says of files that are open. Room for that is reserved. */
void pmf_poison_agree(struct pmf_poison *w);
/* FROZEN. Revoke what is open; when no revoke is left to do, shut down. */
void pmf_poison_act(struct pmf_poison *w);

#endif
