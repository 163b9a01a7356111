/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many sites at once, a thread for each. */
#ifndef PMF_CREW_H
#define PMF_CREW_H

#include "base/base.h"

/* Call step with each i below n, from as many threads as can be had and are useful,
 * this one among them. Returns when all are done. */
void pmf_crew(size_t n, void (*step)(size_t i, void *userdata), void *userdata);

#endif
