/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device range to sites, through partitions and device-mapper. */
#ifndef PMF_LOCATE_H
#define PMF_LOCATE_H

#include "sys/sys.h"

/*
 * Every site that ranges of the device reach, as cases with empty outcomes.
 * None is zero cases, not an error. Safe during a hold. *ret is malloc'd, each
 * with pmf_case_done.
 */
int pmf_locate(struct pmf_sys *sys, const struct pmf_topology *t, const char *device_id,
	       const struct pmf_ranges *ranges, struct pmf_case **ret, size_t *ret_n);

/* Drop all but one case of each filesystem: one that is reached by its data and its
 * log is two sites, but goes as a whole. Its data's is the one that stays. */
void pmf_cases_once(struct pmf_case *cases, size_t *n);

#endif
