/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The published topology: an immutable snapshot that workers read without locks
 * (liburcu) and that a thread of its own rebuilds, since reading sysfs can block
 * on a device that is being unbound.
 */
#ifndef PMF_FLOW_TOPOLOGY_H
#define PMF_FLOW_TOPOLOGY_H

#include "sys/sys.h"

struct pmf_snapshots;

/* notify_fd: an eventfd written when a new snapshot is published; borrowed. */
int pmf_snapshots_new(struct pmf_sys *sys, int notify_fd, struct pmf_snapshots **ret);
struct pmf_snapshots *pmf_snapshots_free(struct pmf_snapshots *s);

/* Ask for a rebuild of PMF_READ_* parts; returns at once, requests merge. Parts
 * that must not be read during a hold wait until the last hold is over. */
void pmf_snapshots_refresh(struct pmf_snapshots *s, unsigned int parts);
/* Wait until everything asked for so far is published, or -ETIMEDOUT. */
int pmf_snapshots_settle(struct pmf_snapshots *s, uint64_t timeout_us);
void pmf_snapshots_hold_begin(struct pmf_snapshots *s);
void pmf_snapshots_hold_end(struct pmf_snapshots *s);

/* A private copy of the current snapshot with the parts that may be read during
 * a hold (PMF_READ_STACK | PMF_READ_MOUNTS) read fresh: what a handling uses. */
int pmf_snapshots_for_hold(struct pmf_snapshots *s, struct pmf_topology **ret);
/* A private copy as it is. */
int pmf_snapshots_copy(struct pmf_snapshots *s, struct pmf_topology **ret);

#endif
