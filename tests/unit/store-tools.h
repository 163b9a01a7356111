/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of the store share. */
#ifndef PMF_STORE_TOOLS_H
#define PMF_STORE_TOOLS_H

#include <sqlite3.h>

#include "base/str.h"
#include "flow/store.h"
#include "sample.h"

static inline void closep_store(struct pmf_store **s)
{
	*s = pmf_store_close(*s);
}
#define _cleanup_store_ _cleanup_(closep_store) struct pmf_store *
#define _cleanup_failure_ _cleanup_(pmf_failure_freep) struct pmf_failure *

static inline char *file_in(const char *dir)
{
	char *path = NULL;

	if (pmf_format(&path, "%s/failures.db", dir) < 0)
		abort();
	return path;
}

/* Run SQL on the file behind the store's back. */
static inline bool sql(const char *dir, const char *text)
{
	_cleanup_free_ char *path = file_in(dir);
	sqlite3 *db = NULL;
	bool ok;

	ok = sqlite3_open(path, &db) == SQLITE_OK &&
	     sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK;
	sqlite3_close(db);
	return ok;
}

#endif
