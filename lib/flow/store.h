/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The durable record of failures: SQLite in StateDirectory. One writer at a
 * time; readers may be other processes. Not thread-safe: one thread per handle.
 */
#ifndef PMF_STORE_H
#define PMF_STORE_H

#include "model/failure.h"

struct pmf_store;

/*
 * Open, and create when writable. A corrupt file or one of a later version is
 * kept aside as NAME.corrupt-TIME and a fresh one begun: *ret_kept (may be NULL)
 * then names it, malloc'd, else is NULL; so also when the fresh one then fails.
 * Read-only, nothing is moved: -EBADMSG corrupt, -EPROTONOSUPPORT later version,
 * -ENOENT not there. -EROFS: writable wanted and not allowed. -ENOSPC, -EBUSY.
 */
int pmf_store_open(const char *dir, bool writable, struct pmf_store **ret, char **ret_kept);
struct pmf_store *pmf_store_close(struct pmf_store *s);
static inline void pmf_store_closep(struct pmf_store **s)
{
	*s = pmf_store_close(*s);
}

/* Insert (f->id == 0: sets it) or update, with its cases and victims, in one
 * transaction that is on disk when this returns 0. On failure nothing of it is.
 * -ENOENT: no failure of that id. -ENOSPC, -EROFS, -EBUSY, -EIO, -EBADMSG. */
int pmf_store_put(struct pmf_store *s, struct pmf_failure *f);
/*
 * Record what hooks have answered about f, and of everything else what is on record
 * already, unless that is older. One without an id is found by its device and creation,
 * or inserted. *ret: as it is recorded now. -ENOENT: it was deleted. Else as put.
 */
int pmf_store_answer(struct pmf_store *s, const struct pmf_failure *f,
		     struct pmf_failure **ret);
/* -ENOENT; -EBADMSG: the record is damaged. */
int pmf_store_get(struct pmf_store *s, uint64_t id, struct pmf_failure **ret);

/* Newest first; state < 0: all. fn returns non-zero to stop. Cases are not loaded.
 * -EBADMSG at the end when a damaged record had to be passed over. */
typedef int (*pmf_store_fn)(const struct pmf_failure *f, void *userdata);
int pmf_store_foreach(struct pmf_store *s, int state, pmf_store_fn fn, void *userdata);
/* The same of those with a lower id; the others are not read. */
int pmf_store_foreach_before(struct pmf_store *s, int state, uint64_t before,
			     pmf_store_fn fn, void *userdata);

/*
 * Poison that is not cleared, whatever else became of it, oldest first, without
 * cases. device_id NULL: of every device. Else as foreach.
 */
int pmf_store_foreach_open(struct pmf_store *s, const char *device_id, pmf_store_fn fn,
			   void *userdata);

/*
 * Each write of a failure gets the next number, which it keeps until it is written
 * again. What has changed since: with a number above after, lowest first, with
 * cases. -ENOENT: nothing has. *ret_change: its number, for the next call.
 */
int pmf_store_next_change(struct pmf_store *s, uint64_t after, struct pmf_failure **ret,
			  uint64_t *ret_change);
int pmf_store_last_change(struct pmf_store *s, uint64_t *ret);

/*
 * Delete what is over and older than keep_us, and the oldest of what is over as long
 * as there are more than keep_max failures. Over are removals that came to an end
 * and poison that is cleared: never a range that is still bad. Nothing is too old by a
 * clock that was wrong: of before 2020, or while a failure is newer than now. *ret_n: how
 * many.
 */
int pmf_store_expire(struct pmf_store *s, uint64_t now_us, uint64_t keep_us,
		     uint64_t keep_max, uint64_t *ret_n);

#endif
