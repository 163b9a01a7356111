/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Telling the kernel which ranges are bad. */
#ifndef PMF_MARK_H
#define PMF_MARK_H

#include "flow/handle.h"

/*
 * See which of f's ranges are in the kernel's lists (f->listed), and write there those
 * that are not, if they came from elsewhere and no site's policy is against it
 * (f->marked_in). Before the revoke: from then on a fault on them fails, so that nobody
 * maps them again. True: f has changed. What fails is said in a site's problem.
 * Not during a hold of the device.
 */
bool pmf_mark(const struct pmf_run *run, struct pmf_failure *f, struct pmf_case *cases,
	      size_t n);

#endif
