/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Poison that is on record against what the kernel holds for bad now. Pure.
 */
#ifndef PMF_RECONCILE_H
#define PMF_RECONCILE_H

#include "model/failure.h"

/* What a device's lists said, and in which binding of it. */
struct pmf_lists {
	struct pmf_ranges bad;
	bool full;		/* there may be more */
	char *binding;		/* BOOT-ID/DISKSEQ; NULL: not known */
};
void pmf_lists_done(struct pmf_lists *l);
int pmf_lists_copy(const struct pmf_lists *l, struct pmf_lists *ret);

enum pmf_reconciled {
	PMF_RECONCILED_SAME,
	PMF_RECONCILED_CLEARED,	/* none of what was listed is any more: f is CLEARED now */
	PMF_RECONCILED_LISTED,	/* more of it is listed: f->listed says what */
	PMF_RECONCILED_UNMARKED,	/* we wrote it into the list of another binding */
};

/* Compare, and change f as said. What is partly gone stays. -ENOMEM. */
int pmf_reconcile(struct pmf_failure *f, const struct pmf_lists *lists,
		  enum pmf_reconciled *ret);

/*
 * Would handling it again perhaps find something new? Not when every byte of it has
 * an owner that was dealt with.
 */
bool pmf_poison_is_open(const struct pmf_failure *f);

/* Did a handling bring nothing that b, from before it, does not say? */
bool pmf_poison_is_same(const struct pmf_failure *a, const struct pmf_failure *b);

#endif
