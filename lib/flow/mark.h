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
 * The caller has the device's lock, which whoever removes it holds: the lists are in
 * sysfs.
 */
bool pmf_mark(const struct pmf_run *run, struct pmf_failure *f, struct pmf_case *cases,
	      size_t n);

/* The same for whoever does not handle f otherwise: takes the lock, and finds the sites
 * whose policy counts. False when it is being removed, too. */
bool pmf_mark_again(const struct pmf_run *run, struct pmf_failure *f);

#endif
