/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of targets: from what a look found, and against what was done before. */
#ifndef PMF_TARGETS_H
#define PMF_TARGETS_H

#include "flow/resolve.h"

struct pmf_targets {
	struct pmf_target *v;
	size_t n, cap;
};

/*
 * What was found at a site, as targets without actions and paths, sorted by place.
 * What nobody owns of its ranges, as far as one can tell, is of the kind UNKNOWN.
 * Beyond 65536, those of one inode are merged to ranges around them; none is dropped.
 */
int pmf_targets_from(const struct pmf_site *site, const struct pmf_resolution *res,
		     struct pmf_targets *ret);
/* Take away what is in old and needs not be done again: what was done, or (tried) was
 * only tried. What is left of a target that was done in part stays. */
int pmf_targets_drop(struct pmf_targets *t, const struct pmf_target *old, size_t n_old,
		     bool tried);
/* Move those that were acted on, or (all) all, to the end of a case's. */
int pmf_targets_move(struct pmf_targets *t, struct pmf_case *c, bool all);
void pmf_targets_sort(struct pmf_target *v, size_t n);
/* Do two say the same of the same bytes? */
bool pmf_targets_equal(const struct pmf_target *a, const struct pmf_target *b);
/* Does the action do something to the site? */
bool pmf_target_acts(const struct pmf_target *t);
void pmf_targets_done(struct pmf_targets *t);

#endif
