/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a monitor told of each failure last, by id. bus-monitor.c only. */
#ifndef PMF_BUS_KNOWN_H
#define PMF_BUS_KNOWN_H

#include "bus.h"

/* Zero-initialise. */
struct pmf_bus_known {
	struct pmf_bus_row *v;	/* by id, lowest first */
	size_t n, cap;
};

void pmf_bus_known_done(struct pmf_bus_known *k);
/* 1: it was not there; 0: it was; -ENOMEM. */
int pmf_bus_known_set(struct pmf_bus_known *k, const struct pmf_bus_row *row);
/* Is it there, and as it is now? */
bool pmf_bus_known_same(const struct pmf_bus_known *k, const struct pmf_bus_row *row);
/* Forget those that are not among rows, which are put in order by id. */
void pmf_bus_known_keep(struct pmf_bus_known *k, struct pmf_bus_row *rows, size_t n);

#endif
