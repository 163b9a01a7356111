/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bad ranges of one device: which are known, and which are news that waits.
 * Bookkeeping for intake.c alone.
 *
 * Memory follows the distinct damage: at most max ranges wait, and at most max are
 * known, beyond what the caller itself says is known. Where that would be more, the
 * nearest are joined with what lies between them, which so becomes news, too: a
 * range is widened, never dropped.
 */
#ifndef PMF_DAMAGE_H
#define PMF_DAMAGE_H

#include "model/range.h"

struct pmf_damage {
	struct pmf_ranges known;
	struct pmf_ranges waiting;	/* news, and what is known between it */
	struct pmf_ranges fresh;	/* the same: few, so that adding one moves little */
};

/* *ret_news: some of r is not known. On error nothing has changed. */
int pmf_damage_add(struct pmf_damage *d, struct pmf_range r, size_t max, bool *ret_news);

/* All that waits and is not known becomes known and is given: possibly nothing, at
 * most twice max ranges. On error nothing is lost. */
int pmf_damage_take(struct pmf_damage *d, size_t max, struct pmf_ranges *ret);

void pmf_damage_done(struct pmf_damage *d);

#endif
