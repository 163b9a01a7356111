/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of the record share: what waits to be written, and the store as the
 * record's thread has it: opened when needed, closed when it fails, compared with
 * what a predecessor left once it opens for the first time. Only record*.c include this.
 */
#ifndef PMF_RECORD_INTERNAL_H
#define PMF_RECORD_INTERNAL_H

#include "flow/record.h"
#include "flow/store.h"

/* --- record-items.c: what waits to be written, or for its end; oldest first --- */

struct pmf_record_item {
	struct pmf_record_item *next;
	uint64_t token;
	uint64_t id;			/* in the store; 0: not there yet */
	struct pmf_failure *unsaved;	/* newest version; NULL: nothing to write */
	const struct pmf_failure *writing;	/* version that is being written now */
	bool final;
	bool answers;			/* of unsaved, only these are news */
	bool told;			/* that this version is not saved */
	bool told_any;			/* that some version was not */
};

struct pmf_record_items {
	struct pmf_record_item *first, **tail;
	size_t n;
};
void pmf_record_items_init(struct pmf_record_items *items);
void pmf_record_items_done(struct pmf_record_items *items);
struct pmf_record_item *pmf_record_items_find(struct pmf_record_items *items, uint64_t token);
/* The oldest that is to be written; NULL: none. */
struct pmf_record_item *pmf_record_items_unsaved(struct pmf_record_items *items);
/* The token's item: room (taken then, else left) if there was none. *ret_dropped: that
 * one is too many now, and the caller's; NULL: none. */
struct pmf_record_item *pmf_record_items_get(struct pmf_record_items *items,
					     uint64_t token,
					     struct pmf_record_item **room,
					     struct pmf_record_item **ret_dropped);
void pmf_record_items_remove(struct pmf_record_items *items, struct pmf_record_item *x);
/* Is a last version of the device's poison among them? */
bool pmf_record_items_have_end(const struct pmf_record_items *items, const char *device_id);

/* --- record-store.c --- */

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
/* Only the hooks' answers. *ret: what is recorded then; NULL: it was deleted. */
int pmf_store_slot_answer(struct pmf_store_slot *s, const struct pmf_failure *f,
			  struct pmf_failure **ret);
/* Of the open store: delete what is over and need not be kept any more. */
int pmf_store_slot_expire(struct pmf_store_slot *s, uint64_t keep_us, uint64_t keep_max);
/* After error (negative), or 0. Returns the error as a sentence, malloc'd; NULL for
 * 0 and without memory. */
char *pmf_store_slot_close(struct pmf_store_slot *s, int error);
void pmf_store_slot_done(struct pmf_store_slot *s);

#endif
