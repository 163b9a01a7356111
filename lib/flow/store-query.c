// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Asking the record: what poison is open, what has changed, what is too old to be
 * kept. See store.h.
 */
#include "flow/store-internal.h"

int pmf_store_foreach_open(struct pmf_store *s, const char *device_id, pmf_store_fn fn,
			   void *userdata)
{
	_cleanup_stmt_ sqlite3_stmt *st = NULL;
	int r;

	r = pmf_sql_prepare(s->db, "SELECT id, doc FROM failure WHERE kind = 'poison'"
			    " AND state != 'cleared' AND (?1 IS NULL OR device_id = ?1)"
			    " ORDER BY id", &st);
	if (r == 0)
		r = pmf_sql_errno(s->db, sqlite3_bind_text(st, 1, device_id, -1,
							   SQLITE_TRANSIENT));
	if (r < 0)
		return r;
	return pmf_store_each_head(st, fn, userdata);
}

/* --- changes --------------------------------------------------------------- */

/* A record of version 1, which only a writer brings up to date, has none. */
static int has_changes(struct pmf_store *s)
{
	int64_t version;
	int r = pmf_sql_number(s->db, "PRAGMA user_version", &version);

	return r < 0 ? r : version >= 2;
}

static int first_after(struct pmf_store *s, uint64_t after, uint64_t *ret_id,
		       uint64_t *ret_change)
{
	_cleanup_stmt_ sqlite3_stmt *st = NULL;
	int r;

	r = pmf_sql_prepare(s->db, "SELECT id, change FROM failure WHERE change > ?1"
			    " ORDER BY change LIMIT 1", &st);
	if (r == 0)
		r = pmf_sql_bind_u64(st, 1, after);
	if (r == 0)
		r = pmf_sql_step(st);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	*ret_id = (uint64_t)sqlite3_column_int64(st, 0);
	*ret_change = (uint64_t)sqlite3_column_int64(st, 1);
	return 0;
}

int pmf_store_next_change(struct pmf_store *s, uint64_t after, struct pmf_failure **ret,
			  uint64_t *ret_change)
{
	uint64_t id, change;
	int r;

	r = has_changes(s);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	do {
		r = first_after(s, after, &id, &change);
		if (r < 0)
			return r;
		/* Written anew between the two: then it has a later number, too, and
		 * comes once more. Damaged or gone: the next. */
		after = change;
		r = pmf_store_get(s, id, ret);
	} while (r == -EBADMSG || r == -ENOENT);
	if (r == 0)
		*ret_change = change;
	return r;
}

int pmf_store_last_change(struct pmf_store *s, uint64_t *ret)
{
	int64_t last = 0;
	int r;

	r = has_changes(s);
	if (r > 0)
		r = pmf_sql_number(s->db, "SELECT change FROM counter", &last);
	if (r < 0)
		return r;
	*ret = (uint64_t)last;
	return 0;
}

/* --- retention ------------------------------------------------------------- */

#define OVER "(kind = 'remove' AND state NOT IN ('handling', 'pending')" \
	     " OR kind = 'poison' AND state = 'cleared')"

static int delete(struct pmf_store *s, const char *sql, uint64_t argument, uint64_t *n)
{
	_cleanup_stmt_ sqlite3_stmt *st = NULL;
	int r;

	r = pmf_sql_prepare(s->db, sql, &st);
	if (r == 0)
		r = pmf_sql_bind_u64(st, 1, argument);
	if (r == 0)
		r = pmf_sql_step(st);
	if (r == 0)
		*n += (uint64_t)sqlite3_changes(s->db);
	return r;
}

/* 2020. A clock that says less was never set: an age by it is no age. */
#define CLOCK_IS_SET "1577836800000000"

/* Something on record is newer than now: the clock was or is wrong, so who knows how old
 * the others are. They are judged when it has caught up. */
static bool may_judge_age(struct pmf_store *s, uint64_t now_us)
{
	int64_t newest = 0;

	return pmf_sql_number(s->db, "SELECT coalesce(max(max(created_us), max(updated_us)), 0)"
			      " FROM failure", &newest) == 0 && (uint64_t)newest <= now_us;
}

int pmf_store_expire(struct pmf_store *s, uint64_t now_us, uint64_t keep_us,
		     uint64_t keep_max, uint64_t *ret_n)
{
	uint64_t n = 0;
	int r = 0;

	/* One statement is a transaction of its own; cases go with their failures. */
	if (keep_us < now_us && may_judge_age(s, now_us))
		r = delete(s, "DELETE FROM failure WHERE updated_us < ?1 AND updated_us >= "
			   CLOCK_IS_SET " AND " OVER, now_us - keep_us, &n);
	if (r == 0)
		r = delete(s, "DELETE FROM failure WHERE id IN (SELECT id FROM failure"
			   " WHERE " OVER " ORDER BY updated_us, id"
			   " LIMIT max(0, (SELECT count(*) FROM failure) - ?1))",
			   keep_max, &n);
	if (r == 0)
		*ret_n = n;
	return r;
}
