/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of the store share: a database handle with errno for answers,
 * and the files it lives in. Only lib/flow/store*.c may include this.
 */
#ifndef PMF_STORE_INTERNAL_H
#define PMF_STORE_INTERNAL_H

#include <sqlite3.h>

#include "flow/store.h"

#define PMF_STORE_FILE		"failures.db"
#define PMF_STORE_VERSION	2	/* 1: without changes */

struct pmf_store {
	sqlite3 *db;
};

/* --- store.c --- */

/* Columns: id, document. The column is the id: the document was made before it. */
int pmf_store_load_head(sqlite3_stmt *st, struct pmf_failure **ret);
/* fn for each row of that kind, as pmf_store_foreach(): one bad record hides no other. */
int pmf_store_each_head(sqlite3_stmt *st, pmf_store_fn fn, void *userdata);

/* One failure's rows, inside the caller's transaction. */
int pmf_store_put_rows(sqlite3 *db, const struct pmf_failure *f, uint64_t *ret_id);
int pmf_store_get_rows(sqlite3 *db, uint64_t id, struct pmf_failure **ret);

/* --- store-sqlite.c: every call answers 0 or negative errno --- */

static inline void pmf_sql_finalizep(sqlite3_stmt **st)
{
	(void)sqlite3_finalize(*st);	/* repeats the error of the last step */
}
#define _cleanup_stmt_ _cleanup_(pmf_sql_finalizep)

static inline void pmf_sql_closep(sqlite3 **db)
{
	(void)sqlite3_close(*db);	/* all statements are finalized by then */
}
#define _cleanup_db_ _cleanup_(pmf_sql_closep)

int pmf_sql_errno(sqlite3 *db, int rc);
int pmf_sql_run(sqlite3 *db, const char *sql);
int pmf_sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret);
/* Commit, or undo after an error r, which is then returned. */
int pmf_sql_end(sqlite3 *db, int r);
/* SQLite copies the text: the caller's may go. */
int pmf_sql_bind_text(sqlite3_stmt *st, int i, const char *text);
/* Only for order and search: the document holds the exact value. */
int pmf_sql_bind_u64(sqlite3_stmt *st, int i, uint64_t v);
/* 1: a row, 0: done. */
int pmf_sql_step(sqlite3_stmt *st);
/* The one number that a query answers. */
int pmf_sql_number(sqlite3 *db, const char *sql, int64_t *ret);

/*
 * Open the file and see that it is sound and ours; make the tables in an empty
 * one when writable, with ids from first_id on. -EBADMSG: corrupt or something
 * else. -EPROTONOSUPPORT: of a later version. -ENOENT: read-only and empty.
 */
int pmf_sql_open(const char *path, bool writable, int64_t first_id, sqlite3 **ret);

/* --- store-file.c --- */

/*
 * One opener at a time, across processes, for as long as the fd is open: nobody
 * else then moves the files away meanwhile. -EBUSY.
 */
int pmf_store_lock(int dir_fd);
/* Make the empty file, 0600, when there is none. */
int pmf_store_file_create(int dir_fd);
/* Move database and journal to NAME.corrupt-TIME. *ret_name: malloc'd, no path. */
int pmf_store_file_keep_aside(int dir_fd, char **ret_name);

#endif
