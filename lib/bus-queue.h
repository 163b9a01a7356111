/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a monitor has to tell, in order: failures by their ids, each once, and notices of
 * devices. bus-monitor.c only.
 */
#ifndef PMF_BUS_QUEUE_H
#define PMF_BUS_QUEUE_H

#include "notice.h"

struct pmf_bus_item {
	uint64_t id;			/* 0: */
	struct pmemfail_notice *notice;
};

/* Zero-initialise. */
struct pmf_bus_queue {
	struct pmf_bus_item *v;		/* n of them from first on */
	size_t first, n, cap;
};

void pmf_bus_queue_done(struct pmf_bus_queue *q);
/* A negative errno: there was no room, and what was in it may be lost: the list of
 * failures has to tell. */
int pmf_bus_queue_failure(struct pmf_bus_queue *q, uint64_t id);
int pmf_bus_queue_notice(struct pmf_bus_queue *q, enum pmemfail_notice_kind kind,
			 const char *device, bool on);
/* The first of at least one. */
struct pmf_bus_item pmf_bus_queue_take(struct pmf_bus_queue *q);

#endif
