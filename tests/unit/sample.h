/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A failure with every field filled, nasty text included, and a comparison of
 * all that must survive the store.
 */
#ifndef PMF_SAMPLE_H
#define PMF_SAMPLE_H

#include "model/failure.h"

/* NULL on ENOMEM. */
struct pmf_failure *sample_failure(void);
/* NULL when equal, else which field is not. */
const char *failure_difference(const struct pmf_failure *a, const struct pmf_failure *b);

#endif
