/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Poison at one site, from opening it to its outcome. */
#ifndef PMF_POISON_H
#define PMF_POISON_H

#include "flow/resolve.h"

/*
 * Find the targets of c's site, act on them, and fill c's targets, victims and
 * outcome. before: the same site in an earlier handling, or NULL: what was done then
 * is not done again and not in c. -ENOMEM: c says what was done up to then.
 */
int pmf_poison_site(const struct pmf_run *run, struct pmf_case *c,
		    const struct pmf_case *before, int attempt);
/* The dry run: targets with actions, victims; nothing is done. */
int pmf_poison_look(const struct pmf_run *run, struct pmf_case *c, int attempt,
		    const struct pmf_resolve_how *how);

#endif
