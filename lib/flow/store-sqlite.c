// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * SQLite behind negative errno, and the schema. See store-internal.h.
 */
#include "flow/store-internal.h"

#define APPLICATION_ID 0x504d4631	/* "PMF1": tells our file from any other */

/*
 * The document holds all; the columns beside it are what is searched. A
 * failure's id is never given out twice: hence AUTOINCREMENT.
 */
static const char tables[] =
	"CREATE TABLE failure ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" state TEXT NOT NULL,"
	" kind TEXT NOT NULL,"
	" device_id TEXT NOT NULL,"
	" created_us INTEGER NOT NULL,"
	" updated_us INTEGER NOT NULL,"
	" doc TEXT NOT NULL);"
	"CREATE INDEX failure_state ON failure (state);"
	"CREATE INDEX failure_device ON failure (device_id);"
	"CREATE TABLE failure_case ("
	" failure INTEGER NOT NULL REFERENCES failure (id) ON DELETE CASCADE,"
	" n INTEGER NOT NULL,"
	" doc TEXT NOT NULL,"
	" PRIMARY KEY (failure, n)) WITHOUT ROWID;";

/*
 * Since version 2: the number that the counter had when the row was last written.
 * It only grows, also over rows that are deleted, so that whoever remembers the
 * last one he saw misses nothing.
 */
static const char changes[] =
	"ALTER TABLE failure ADD COLUMN change INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX failure_change ON failure (change);"
	"CREATE TABLE counter (change INTEGER NOT NULL);";

int pmf_sql_errno(sqlite3 *db, int rc)
{
	int sys;

	switch (rc & 0xff) {
	case SQLITE_OK: case SQLITE_ROW: case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_BUSY: case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT: case SQLITE_NOTADB:
	case SQLITE_ERROR:	/* our statements are right: then the tables are not */
	case SQLITE_SCHEMA: case SQLITE_CONSTRAINT: case SQLITE_MISMATCH:
		return -EBADMSG;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_PERM: case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_TOOBIG:
		return -E2BIG;
	case SQLITE_CANTOPEN: case SQLITE_IOERR:
		sys = db ? sqlite3_system_errno(db) : 0;
		return sys > 0 ? -sys : -EIO;
	default:
		return -EIO;
	}
}

int pmf_sql_run(sqlite3 *db, const char *sql)
{
	return pmf_sql_errno(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int pmf_sql_end(sqlite3 *db, int r)
{
	if (r >= 0)
		r = pmf_sql_run(db, "COMMIT");
	/* Some errors (disk full) have rolled it back already; that one counts. */
	if (r < 0 && !sqlite3_get_autocommit(db))
		(void)pmf_sql_run(db, "ROLLBACK");
	return r;
}

int pmf_sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret)
{
	return pmf_sql_errno(db, sqlite3_prepare_v2(db, sql, -1, ret, NULL));
}

int pmf_sql_bind_text(sqlite3_stmt *st, int i, const char *text)
{
	return pmf_sql_errno(NULL, sqlite3_bind_text(st, i, text, -1, SQLITE_TRANSIENT));
}

int pmf_sql_bind_u64(sqlite3_stmt *st, int i, uint64_t v)
{
	return pmf_sql_errno(NULL, sqlite3_bind_int64(st, i, (int64_t)MIN(v, (uint64_t)INT64_MAX)));
}

int pmf_sql_step(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	return rc == SQLITE_ROW ? 1 : pmf_sql_errno(sqlite3_db_handle(st), rc);
}

int pmf_sql_number(sqlite3 *db, const char *sql, int64_t *ret)
{
	_cleanup_stmt_ sqlite3_stmt *st = NULL;
	int r;

	r = pmf_sql_prepare(db, sql, &st);
	if (r < 0)
		return r;
	r = pmf_sql_step(st);
	if (r < 0)
		return r;
	if (r == 0)
		return -EBADMSG;
	*ret = sqlite3_column_int64(st, 0);
	return 0;
}

/* Takes the whole file once; failures are few, and it runs once per start. */
static int quick_check(sqlite3 *db)
{
	_cleanup_stmt_ sqlite3_stmt *st = NULL;
	const char *s;
	int r;

	r = pmf_sql_prepare(db, "PRAGMA quick_check(1)", &st);
	if (r < 0)
		return r;
	r = pmf_sql_step(st);
	if (r < 0)
		return r;
	s = r ? (const char *)sqlite3_column_text(st, 0) : NULL;
	if (!s)
		return -ENOMEM;
	return streq(s, "ok") ? 0 : -EBADMSG;
}

static int add_changes(sqlite3 *db, int64_t first)
{
	char sql[128];
	int r;

	r = pmf_sql_run(db, changes);
	if (r < 0)
		return r;
	(void)snprintf(sql, sizeof(sql), "INSERT INTO counter (change) VALUES (%lld);"
		       "PRAGMA user_version = %d;", (long long)first, PMF_STORE_VERSION);
	return pmf_sql_run(db, sql);
}

static int make_tables(sqlite3 *db, int64_t first_id)
{
	char sql[256];
	int r;

	r = pmf_sql_run(db, tables);
	if (r < 0)
		return r;
	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO sqlite_sequence (name, seq) VALUES ('failure', %lld);"
		       "PRAGMA application_id = %d;", (long long)first_id - 1, APPLICATION_ID);
	r = pmf_sql_run(db, sql);
	/* As with ids: beyond what counting in the file before it can have reached. */
	return r < 0 ? r : add_changes(db, (first_id - 1) * 1000000);
}

/* Are the tables there, with the columns that store.c asks for? */
static int check_tables(sqlite3 *db, int64_t version)
{
	static const char *const asks[] = {
		"SELECT id, state, kind, device_id, created_us, updated_us, doc FROM failure",
		"SELECT failure, n, doc FROM failure_case",
		"SELECT failure.change, counter.change FROM failure, counter",
	};
	size_t i, n = version < 2 ? 2 : ARRAY_SIZE(asks);
	int r;

	for (i = 0; i < n; i++) {
		_cleanup_stmt_ sqlite3_stmt *st = NULL;

		r = pmf_sql_prepare(db, asks[i], &st);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Its version; 0: empty; -EBADMSG; -EPROTONOSUPPORT. */
static int identify(sqlite3 *db)
{
	int64_t application, version, objects;
	int r;

	if ((r = pmf_sql_number(db, "PRAGMA application_id", &application)) < 0 ||
	    (r = pmf_sql_number(db, "PRAGMA user_version", &version)) < 0 ||
	    (r = pmf_sql_number(db, "SELECT count(*) FROM sqlite_master", &objects)) < 0)
		return r;
	if (application == 0 && version == 0 && objects == 0)
		return 0;
	if (application != APPLICATION_ID || version < 1)
		return -EBADMSG;
	if (version > PMF_STORE_VERSION)
		return -EPROTONOSUPPORT;
	r = check_tables(db, version);
	return r < 0 ? r : (int)version;
}

static int check_or_make(sqlite3 *db, bool writable, int64_t first_id)
{
	int r, version;

	/* One transaction: two that open an empty file do not both fill it. */
	r = pmf_sql_run(db, writable ? "BEGIN IMMEDIATE" : "BEGIN");
	if (r < 0)
		return r;
	r = version = identify(db);
	if (r == 0)
		r = writable ? make_tables(db, first_id) : -ENOENT;
	else if (r > 0)
		r = writable ? quick_check(db) : 0;
	if (r == 0 && writable && version == 1)
		r = add_changes(db, 0);
	return pmf_sql_end(db, r);
}

static int open_file(const char *path, bool writable, sqlite3 **ret)
{
	_cleanup_db_ sqlite3 *db = NULL;
	int r, rc;

	rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
			     (writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY), NULL);
	if (rc != SQLITE_OK)
		return db ? pmf_sql_errno(db, rc) : -ENOMEM;
	(void)sqlite3_extended_result_codes(db, 1);
	(void)sqlite3_busy_timeout(db, 5000);
	/* The file may be damaged or planted: it defines nothing that runs. */
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* SQLite opens a file that it may not write read-only, and says nothing. */
	if (writable && sqlite3_db_readonly(db, "main"))
		return -EROFS;
	/*
	 * The rollback journal, since a reader then needs no write access and a
	 * single file is the whole truth. EXTRA syncs the directory too, so that
	 * after a power cut the journal of a finished commit cannot come back.
	 */
	r = pmf_sql_run(db, "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;"
			"PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
			"PRAGMA synchronous = EXTRA;");
	if (r == 0 && writable)
		r = pmf_sql_run(db, "PRAGMA journal_mode = DELETE;");
	if (r < 0)
		return r;
	*ret = TAKE_PTR(db);
	return 0;
}

int pmf_sql_open(const char *path, bool writable, int64_t first_id, sqlite3 **ret)
{
	_cleanup_db_ sqlite3 *db = NULL;
	int r;

	r = open_file(path, writable, &db);
	if (r < 0)
		return r;
	r = check_or_make(db, writable, first_id);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(db);
	return 0;
}
