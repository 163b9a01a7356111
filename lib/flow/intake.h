/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events in, failures out: what is news, and what tells the same thing again.
 * Pure bookkeeping on the main thread; the engine feeds it.
 *
 * Several sources see one removal: the hold first, then three uevents. Each
 * device has one open entry that is closed when the device is bound again, so
 * that its next removal is a new one. Poison of a device is gathered into one
 * set of ranges until it is taken: memory follows the distinct damage, not the
 * number of events. A set that would outgrow its bound is made coarser; no range
 * is ever dropped.
 */
#ifndef PMF_INTAKE_H
#define PMF_INTAKE_H

#include "model/failure.h"

enum pmf_intake_verdict {
	PMF_INTAKE_NEW,		/* a failure to be taken with pmf_intake_next() */
	PMF_INTAKE_MERGED,	/* added to one that waits to be taken */
	PMF_INTAKE_REPEAT,	/* known already: nothing to do */
};

struct pmf_intake;

/* max_ranges: per device, at least 1. */
int pmf_intake_new(size_t max_ranges, struct pmf_intake **ret);
struct pmf_intake *pmf_intake_free(struct pmf_intake *in);

/* A hold is never a repeat unless it is that very hold: somebody waits for it.
 * On error nothing has changed, and the event must be handled some other way. */
int pmf_intake_add(struct pmf_intake *in, const struct pmf_event *e,
		   enum pmf_intake_verdict *ret);
/* The next failure: removals first, else the oldest. -EAGAIN: none. */
int pmf_intake_next(struct pmf_intake *in, struct pmf_failure **ret);

/* A device (by id or name) is bound, so what was known of its removal is past. */
void pmf_intake_bound(struct pmf_intake *in, const char *device);
/* How many devices it remembers. */
size_t pmf_intake_devices(const struct pmf_intake *in);

#endif
