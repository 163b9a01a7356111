/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One failure, handled more than once: what was done stays, what is new is added. */
#ifndef PMF_REPLAY_H
#define PMF_REPLAY_H

#include "model/failure.h"

/* The case of the same site in what was recorded before; NULL. */
const struct pmf_case *pmf_replay_before(const struct pmf_failure *f,
					 const struct pmf_site *site);
/*
 * Take the cases of a new handling into f; what is left in them is for done. Sites
 * that are there no more stay in the record. 1: something new came of it; 0: f is as
 * it was. On -ENOMEM f tells the truth, but not all of it.
 */
int pmf_replay_merge(struct pmf_failure *f, struct pmf_case *cases, size_t n);

#endif
