/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Saying honestly what became of a removal that was not handled to its end: one
 * that nobody held, and one whose handler died. Called on the engine's job threads.
 */
#ifndef PMF_AFTERMATH_H
#define PMF_AFTERMATH_H

#include "sys/sys.h"

/*
 * The device of f was unbound and nobody held it, because of why (a clause). t: as
 * it was before. Fills cases, state and reason. Returns 1 when something used the
 * device, 0 when nothing did, so that there is no failure to record.
 */
int pmf_judge_unheld(struct pmf_sys *sys, const struct pmf_topology *t, const char *why,
		     struct pmf_failure *f);

/*
 * Whoever handled f died. t: as it is now. Sets state and reason: handled only when
 * it can be seen that nothing of the device is in use any more. -EBUSY: somebody is
 * handling that device, perhaps this very failure: leave it alone.
 */
int pmf_judge_leftover(struct pmf_sys *sys, const struct pmf_topology *t,
		       struct pmf_failure *f);

#endif
