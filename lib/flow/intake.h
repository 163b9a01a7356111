/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events in, failures out: what is news, and what tells the same thing again.
 * Pure bookkeeping on the main thread; the engine feeds it.
 *
 * Several sources see one removal: the hold first, then three uevents. Each
 * device has one open entry that is closed when the device is bound again, so
 * that its next removal is a new one.
 *
 * Of poison it knows, per device, the ranges that a failure has already: those the
 * caller says, and each that was taken from here. What an event has beyond them is
 * news, gathered into one failure until that is taken: no byte is ever given twice,
 * and memory follows the distinct damage, not the number of events. Beyond the bound
 * ranges are widened by what lies between the nearest, never dropped.
 */
#ifndef PMF_INTAKE_H
#define PMF_INTAKE_H

#include "model/failure.h"

enum pmf_intake_verdict {
	PMF_INTAKE_NEW,		/* a failure to be taken with pmf_intake_next() */
	PMF_INTAKE_MERGED,	/* not all known; joined to one that waits to be taken */
	PMF_INTAKE_REPEAT,	/* all of it is known already: nothing to do */
};

struct pmf_intake;

/* max_ranges: per device, at least 1, of what waits and of what is known. */
int pmf_intake_new(size_t max_ranges, struct pmf_intake **ret);
struct pmf_intake *pmf_intake_free(struct pmf_intake *in);

/* A hold is never a repeat unless it is that very hold: somebody waits for it.
 * On error nothing has changed, and the event must be handled some other way. */
int pmf_intake_add(struct pmf_intake *in, const struct pmf_event *e,
		   enum pmf_intake_verdict *ret);
/* The next failure: removals first, else the oldest. What poison it gives is known
 * from then on, until it is forgotten. -EAGAIN: none. -ENOMEM: nothing is lost. */
int pmf_intake_next(struct pmf_intake *in, struct pmf_failure **ret);

/*
 * Replace what is known of a device's poison by these ranges: those of all its
 * failures that are not cleared, whether recorded or still under way (what was taken
 * but is left out here is news when an event tells it again). What waits and is in
 * them is not given any more.
 */
int pmf_intake_known(struct pmf_intake *in, const char *device_id,
		     const struct pmf_ranges *known);
/* These are whole again: the next event about them is news. For a range that another
 * open failure has as well use pmf_intake_known(). 0 for a device never heard of. */
int pmf_intake_forget(struct pmf_intake *in, const char *device_id,
		      const struct pmf_ranges *gone);
/* While held, pmf_intake_next() gives no poison of the device: news gathers, to be
 * one failure afterwards. Not counted: one release ends it. Releasing cannot fail. */
int pmf_intake_hold_poison(struct pmf_intake *in, const char *device_id, bool hold);

/* A device (by id or name) is bound, so what was known of its removal is past. */
void pmf_intake_bound(struct pmf_intake *in, const char *device);
/* How many devices it remembers. */
size_t pmf_intake_devices(const struct pmf_intake *in);

#endif
