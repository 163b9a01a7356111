// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The durable record of failures. A failure counts as recorded when put has
 * returned 0: it is synced then. lib/ and daemon-side flow may call.
 */
#include <limits.h>
#include <time.h>

#include "base/file.h"
#include "base/str.h"
#include "flow/json-get.h"
#include "flow/json.h"
#include "flow/store-internal.h"

static void jsonp(struct json_object **o)
{
	json_object_put(*o);
}
#define _cleanup_json_ _cleanup_(jsonp)

struct pmf_store *pmf_store_close(struct pmf_store *s)
{
	if (!s)
		return NULL;
	pmf_sql_closep(&s->db);
	free(s);
	return NULL;
}

/* What was there is moved away, and a fresh one begun. */
static int begin_anew(int dir_fd, const char *path, sqlite3 **ret, char **ret_kept)
{
	_cleanup_free_ char *name = NULL, *kept = NULL;
	time_t now = time(NULL);
	int r;

	r = pmf_store_file_keep_aside(dir_fd, &name);
	if (r == 0)
		r = pmf_format(&kept, "%.*s%s", (int)(strlen(path) - strlen(PMF_STORE_FILE)),
			       path, name);
	if (r == 0)
		r = pmf_store_file_create(dir_fd);
	if (r == 0)
		/*
		 * Ids are never given out twice, and which were is lost. Seconds
		 * since 1970 are beyond any that counting from 1 has reached.
		 */
		r = pmf_sql_open(path, true, now > 0 ? now : 1, ret);
	/* Also after an error: the move has happened. */
	if (kept && ret_kept)
		*ret_kept = TAKE_PTR(kept);
	return r;
}

int pmf_store_open(const char *dir, bool writable, struct pmf_store **ret, char **ret_kept)
{
	_cleanup_free_ char *real = NULL, *path = NULL;
	_cleanup_close_ int dir_fd = -1;
	_cleanup_db_ sqlite3 *db = NULL;
	struct pmf_store *s;
	int r;

	if (ret_kept)
		*ret_kept = NULL;
	r = pmf_open_dir(dir, writable, 0700, &dir_fd);
	if (r < 0)
		return r;
	/* SQLITE_OPEN_NOFOLLOW refuses a symlink anywhere in the path. */
	real = realpath(dir, NULL);
	if (!real)
		return -errno;
	r = pmf_format(&path, "%s/" PMF_STORE_FILE, real);
	if (r < 0)
		return r;
	if (writable) {
		r = pmf_store_lock(dir_fd);
		if (r == 0)
			r = pmf_store_file_create(dir_fd);
		if (r < 0)
			return r;
	}
	r = pmf_sql_open(path, writable, 1, &db);
	if (!writable && r == -EROFS) {
		/*
		 * A writer died in a commit: its journal must be played back before
		 * anybody reads, and a read-only handle may not. Be a writer for that.
		 */
		r = pmf_sql_open(path, true, 1, &db);
		pmf_sql_closep(&db);
		db = NULL;
		if (r == 0)
			r = pmf_sql_open(path, false, 1, &db);
	}
	if (writable && (r == -EBADMSG || r == -EPROTONOSUPPORT))
		r = begin_anew(dir_fd, path, &db, ret_kept);
	if (r < 0)
		return r;
	s = malloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->db = TAKE_PTR(db);
	*ret = s;
	return 0;
}

static int bind_doc(sqlite3_stmt *st, int i, struct json_object *o)
{
	const char *text = o ? json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN) : NULL;

	return text ? pmf_sql_bind_text(st, i, text) : -ENOMEM;
}

static int put_head(sqlite3 *db, const struct pmf_failure *f, uint64_t *ret_id)
{
	_cleanup_json_ struct json_object *doc = pmf_json_from_failure_head(f);
	_cleanup_free_ char *device = NULL;
	_cleanup_stmt_ sqlite3_stmt *st = NULL;
	int r;

	r = pmf_str_to_utf8(f->device_id, strlen(f->device_id), &device);
	if (r < 0)
		return r;
	r = pmf_sql_run(db, "UPDATE counter SET change = change + 1");
	if (r < 0)
		return r;
	r = pmf_sql_prepare(db, f->id == 0 ?
			    "INSERT INTO failure (state, kind, device_id, created_us,"
			    " updated_us, doc, change) VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
			    " (SELECT change FROM counter))" :
			    "UPDATE failure SET state = ?1, kind = ?2, device_id = ?3,"
			    " created_us = ?4, updated_us = ?5, doc = ?6,"
			    " change = (SELECT change FROM counter) WHERE id = ?7", &st);
	if (r < 0)
		return r;
	if ((r = pmf_sql_bind_text(st, 1, pmf_state_to_string(f->state))) < 0 ||
	    (r = pmf_sql_bind_text(st, 2, pmf_kind_to_string(f->kind))) < 0 ||
	    (r = pmf_sql_bind_text(st, 3, device)) < 0 ||
	    (r = pmf_sql_bind_u64(st, 4, f->created_us)) < 0 ||
	    (r = pmf_sql_bind_u64(st, 5, f->updated_us)) < 0 ||
	    (r = bind_doc(st, 6, doc)) < 0 ||
	    (f->id != 0 && (r = pmf_sql_bind_u64(st, 7, f->id)) < 0))
		return r;
	r = pmf_sql_step(st);
	if (r < 0)
		return r;
	if (sqlite3_changes(db) != 1)
		return -ENOENT;
	*ret_id = f->id ?: (uint64_t)sqlite3_last_insert_rowid(db);
	return 0;
}

static int put_cases(sqlite3 *db, const struct pmf_failure *f, uint64_t id)
{
	_cleanup_stmt_ sqlite3_stmt *old = NULL, *st = NULL;
	size_t i;
	int r;

	r = pmf_sql_prepare(db, "DELETE FROM failure_case WHERE failure = ?1", &old);
	if (r == 0)
		r = pmf_sql_bind_u64(old, 1, id);
	if (r == 0)
		r = pmf_sql_step(old);
	if (r == 0)
		r = pmf_sql_prepare(db, "INSERT INTO failure_case (failure, n, doc)"
				    " VALUES (?1, ?2, ?3)", &st);
	for (i = 0; r == 0 && i < f->n_cases; i++) {
		_cleanup_json_ struct json_object *doc = pmf_json_from_case(&f->cases[i]);

		if ((r = pmf_sql_bind_u64(st, 1, id)) < 0 || (r = pmf_sql_bind_u64(st, 2, i)) < 0 ||
		    (r = bind_doc(st, 3, doc)) < 0)
			return r;
		r = pmf_sql_step(st);
		(void)sqlite3_reset(st);	/* repeats the step's error */
	}
	return r;
}

int pmf_store_put_rows(sqlite3 *db, const struct pmf_failure *f, uint64_t *ret_id)
{
	int r = put_head(db, f, ret_id);

	return r < 0 ? r : put_cases(db, f, *ret_id);
}

int pmf_store_put(struct pmf_store *s, struct pmf_failure *f)
{
	uint64_t id;
	int r;

	assert(f->device_id);
	r = pmf_sql_run(s->db, "BEGIN IMMEDIATE");
	if (r < 0)
		return r;
	r = pmf_store_put_rows(s->db, f, &id);
	r = pmf_sql_end(s->db, r);
	if (r >= 0)
		f->id = id;
	return r;
}

static int parse_column(sqlite3_stmt *st, int column, struct json_object **ret)
{
	const char *text = (const char *)sqlite3_column_text(st, column);
	int r;

	if (!text)
		return sqlite3_errcode(sqlite3_db_handle(st)) == SQLITE_NOMEM ?
			-ENOMEM : -EBADMSG;
	/* Nothing of it is passed over: not what is behind its end, nor behind a NUL byte. */
	if (strlen(text) != (size_t)sqlite3_column_bytes(st, column))
		return -EBADMSG;
	r = pmf_json_parse(text, ret);
	return r == -EMSGSIZE ? -EBADMSG : r;
}

int pmf_store_load_head(sqlite3_stmt *st, struct pmf_failure **ret)
{
	_cleanup_json_ struct json_object *o = NULL;
	int r;

	r = parse_column(st, 1, &o);
	if (r == 0)
		r = pmf_failure_head_from_json(o, ret);
	if (r == 0)
		(*ret)->id = (uint64_t)sqlite3_column_int64(st, 0);
	return r;
}

static int load_cases(sqlite3 *db, struct pmf_failure *f)
{
	_cleanup_stmt_ sqlite3_stmt *st = NULL;
	size_t cap = 0;
	int r;

	r = pmf_sql_prepare(db, "SELECT doc FROM failure_case WHERE failure = ?1 ORDER BY n", &st);
	if (r == 0)
		r = pmf_sql_bind_u64(st, 1, f->id);
	if (r < 0)
		return r;
	while ((r = pmf_sql_step(st)) > 0) {
		_cleanup_json_ struct json_object *o = NULL;

		r = pmf_grow(&f->cases, &cap, f->n_cases + 1, sizeof(*f->cases));
		if (r == 0)
			r = parse_column(st, 0, &o);
		if (r < 0)
			return r;
		f->cases[f->n_cases] = (struct pmf_case){};
		r = pmf_case_from_json(o, &f->cases[f->n_cases++]);
		if (r < 0)
			return r;
	}
	return r;
}

int pmf_store_get_rows(sqlite3 *db, uint64_t id, struct pmf_failure **ret)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;
	_cleanup_stmt_ sqlite3_stmt *st = NULL;
	int r;

	r = pmf_sql_prepare(db, "SELECT id, doc FROM failure WHERE id = ?1", &st);
	if (r == 0)
		r = pmf_sql_bind_u64(st, 1, id);
	if (r == 0)
		r = pmf_sql_step(st);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	r = pmf_store_load_head(st, &f);
	if (r == 0)
		r = load_cases(db, f);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(f);
	return 0;
}

int pmf_store_get(struct pmf_store *s, uint64_t id, struct pmf_failure **ret)
{
	int r;

	/* One snapshot: another process may write between head and cases. */
	r = pmf_sql_run(s->db, "SAVEPOINT get");
	if (r < 0)
		return r;
	r = pmf_store_get_rows(s->db, id, ret);
	(void)pmf_sql_run(s->db, "RELEASE get");	/* nothing was written */
	return r;
}

int pmf_store_each_head(sqlite3_stmt *st, pmf_store_fn fn, void *userdata)
{
	int r, damaged = 0;

	while ((r = pmf_sql_step(st)) > 0) {
		_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;

		r = pmf_store_load_head(st, &f);
		if (r == -EBADMSG) {	/* one bad record hides no other */
			damaged = r;
			continue;
		}
		if (r == 0)
			r = fn(f, userdata);
		if (r != 0)
			return r;
	}
	return r < 0 ? r : damaged;
}

int pmf_store_foreach_before(struct pmf_store *s, int state, uint64_t before,
			     pmf_store_fn fn, void *userdata)
{
	_cleanup_stmt_ sqlite3_stmt *st = NULL;
	int r;

	if (before == 0)
		return 0;
	r = pmf_sql_prepare(s->db, state < 0 ?
			    "SELECT id, doc FROM failure WHERE id <= ?1 ORDER BY id DESC" :
			    "SELECT id, doc FROM failure WHERE id <= ?1 AND state = ?2"
			    " ORDER BY id DESC", &st);
	if (r == 0)
		r = pmf_sql_bind_u64(st, 1, before - 1);
	if (r == 0 && state >= 0)
		r = pmf_sql_bind_text(st, 2, pmf_state_to_string((enum pmf_state)state));
	if (r < 0)
		return r;
	return pmf_store_each_head(st, fn, userdata);
}

int pmf_store_foreach(struct pmf_store *s, int state, pmf_store_fn fn, void *userdata)
{
	return pmf_store_foreach_before(s, state, UINT64_MAX, fn, userdata);
}
