/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Work that may wait, in threads, so that the main loop never does. A lane is what
 * may wait for the same thing: one that hangs holds up its own kind only.
 */
#ifndef DAEMON_BUS_WORK_H
#define DAEMON_BUS_WORK_H

#include <stdbool.h>

#include <systemd/sd-event.h>

enum work_lane {
	WORK_DEVICES,	/* sysfs: waits as long as a device is held */
	WORK_RECORD,	/* SQLite: a slow disk */
	WORK_ACT,	/* what jobs do */
	WORK_LANES,
};

struct work;

struct work_item {
	struct work_item *next;
	void (*run)(struct work_item *i);	/* in a thread */
	void (*done)(struct work_item *i);	/* in the main loop; frees it */
	bool canceled;				/* never run: the daemon ends */
};

int work_new(sd_event *event, struct work **ret);
/* What was not begun is canceled; waits for the rest of WORK_ACT without limit, for
 * the others a moment. */
struct work *work_free(struct work *w);

/* -EBUSY: too much waits in that lane already; i is still the caller's. */
int work_add(struct work *w, enum work_lane lane, struct work_item *i);

#endif
