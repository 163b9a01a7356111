/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Answers that are JSON from the record. Reading it may wait for a disk, so a thread does;
 * and what of it the asking user may see depends on who that is.
 */
#ifndef DAEMON_BUS_DESCRIBE_H
#define DAEMON_BUS_DESCRIBE_H

#include "bus-internal.h"

/* First in what a call needs, which is one malloc'd piece. */
struct bus_description {
	struct work_item item;
	struct bus_caller *caller;
	sd_bus_message *call;
	struct pmemfail *lib;
	bool is_long;			/* counted as such, see bus_caller_begin_long() */
	/* by the thread */
	char *json;
	int error;
	char why[256];			/* "": as the error says */
};

/* Answer m by what read leaves in d, in a thread. Owns d from now on, also on error. */
int bus_description_begin(struct bus_description *d, struct bus *b, sd_bus_message *m,
			  void (*read)(struct work_item *item), sd_bus_error *error);

#endif
