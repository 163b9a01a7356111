/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The record's own thread: it alone writes the store, so that a slow, full or
 * lost disk never delays a rescue. The engine and its handlers hand failures
 * over; what became of them comes back as notes.
 *
 * A failure is known here by its token, which the engine chooses. Of a token only
 * the newest version is kept. What cannot be written is kept in memory, up to a
 * bound, and tried again later and whenever something new comes.
 */
#ifndef PMF_RECORD_H
#define PMF_RECORD_H

#include "model/failure.h"

#define PMF_RECORD_MAX 256	/* failures that wait to be written */

enum pmf_record_news {
	PMF_RECORD_SAVED,	/* failure, with its id, is on disk */
	PMF_RECORD_UNSAVED,	/* failure could not be written; text says why */
	PMF_RECORD_UNFINISHED,	/* a predecessor began this one and never ended it */
	PMF_RECORD_DROPPED,	/* token: too many waited; forgotten here */
	PMF_RECORD_KNOWN,	/* token, a leftover: was recorded to its end already */
	PMF_RECORD_READY,	/* opened and compared: from now on it can be read */
	PMF_RECORD_PROBLEM,	/* the store cannot be written, or a damaged one was put
				 * aside; text says it. Once for each time it begins */
};

/* Whoever gets one owns it. */
struct pmf_record_note {
	enum pmf_record_news news;
	uint64_t token;		/* 0: none */
	bool added;		/* the first about it: with an id (saved), without (not) */
	bool final;
	bool again;		/* saved, after it was told of as unsaved */
	struct pmf_failure *failure;
	char *text;
};
struct pmf_record_note *pmf_record_note_free(struct pmf_record_note *n);

/* Takes the note. Called on any thread with a lock held: it may only queue. */
typedef void (*pmf_record_fn)(struct pmf_record_note *n, void *userdata);

/* What a predecessor left in RuntimeDirectory, by token. */
struct pmf_leftover {
	uint64_t token;
	struct pmf_failure *failure;
	bool known;		/* of the record: it was recorded to its end */
};

struct pmf_record;

/*
 * Opens the store in its thread. leftovers (taken, also on failure) and the
 * store's own unfinished removals are compared once it is open, and come back as
 * UNFINISHED or KNOWN. Poison is not: it is open until it is cleared, and whoever
 * reconciles reads that from the store.
 */
int pmf_record_start(const char *dir, struct pmf_leftover *leftovers, size_t n,
		     pmf_record_fn fn, void *userdata, struct pmf_record **ret);

/* How long what is over is kept, from now on: see pmf_store_expire(). */
void pmf_record_keep(struct pmf_record *r, uint64_t keep_us, uint64_t keep_max);

/* Takes f, also on failure (-ENOMEM). Returns at once. final: no newer version
 * will come; the token is then forgotten when it is written. */
int pmf_record_put(struct pmf_record *r, uint64_t token, struct pmf_failure *f, bool final);

/*
 * Room for one version: whoever has it before he acts can put what came of it, whatever
 * memory there is then. NULL: no memory. Of no use to anybody but the calls below, each
 * of which takes it.
 */
struct pmf_record_item;
struct pmf_record_item *pmf_record_room(void);
struct pmf_record_item *pmf_record_room_free(struct pmf_record_item *room);
/* As above, but cannot fail. */
void pmf_record_put_into(struct pmf_record *r, struct pmf_record_item *room, uint64_t token,
			 struct pmf_failure *f, bool final);
/* What hooks have answered to a last version: of f only they are news, for others may have
 * recorded a later version meanwhile. See pmf_store_answer(). Takes f; cannot fail. */
void pmf_record_answer(struct pmf_record *r, struct pmf_record_item *room, uint64_t token,
		       struct pmf_failure *f);

/*
 * Whether the last version of a failure of poison of the device is not on disk yet:
 * what the store says of it is then too old to act on. Its note comes once it is.
 */
bool pmf_record_is_behind(struct pmf_record *r, const char *device_id);

/* Writes what waits, once, and ends the thread. Always NULL. */
struct pmf_record *pmf_record_stop(struct pmf_record *r);

#endif
