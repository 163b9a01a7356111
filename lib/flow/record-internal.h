/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The store as the record's thread has it: opened when needed, closed when it
 * fails, compared with what a predecessor left once it opens for the first time.
 * Only record.c and record-store.c include this.
 */
#ifndef PMF_RECORD_INTERNAL_H
#define PMF_RECORD_INTERNAL_H

#include "flow/record.h"
#include "flow/store.h"

struct pmf_store_slot {
	char *dir;
	struct pmf_store *store;	/* NULL: closed */
	bool compared;			/* with the leftovers */
	struct pmf_leftover *leftovers;
	size_t n_leftovers;
	void (*tell)(struct pmf_record_note n, void *userdata);	/* takes what is in n */
	void *userdata;
};

/* Does nothing when it is open. */
int pmf_store_slot_open(struct pmf_store_slot *s);
int pmf_store_slot_put(struct pmf_store_slot *s, struct pmf_failure *f);
/* Of the open store: delete what is over and need not be kept any more. */
int pmf_store_slot_expire(struct pmf_store_slot *s, uint64_t keep_us, uint64_t keep_max);
/* After error (negative), or 0. Returns the error as a sentence, malloc'd; NULL for
 * 0 and without memory. */
char *pmf_store_slot_close(struct pmf_store_slot *s, int error);
void pmf_store_slot_done(struct pmf_store_slot *s);

#endif
