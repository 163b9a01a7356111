// SPDX-License-Identifier: LGPL-2.1-or-later
/* What hooks have answered, into what is on record. See store.h. */
#include "base/str.h"
#include "flow/store-internal.h"

/* One whose id nobody knows yet: no two of a device are of one microsecond. */
static int find_id(sqlite3 *db, const struct pmf_failure *f, uint64_t *ret)
{
	_cleanup_free_ char *device = NULL;
	_cleanup_stmt_ sqlite3_stmt *st = NULL;
	int r;

	r = pmf_str_to_utf8(f->device_id, strlen(f->device_id), &device);
	if (r == 0)
		r = pmf_sql_prepare(db, "SELECT id FROM failure WHERE device_id = ?1"
				    " AND created_us = ?2 AND kind = ?3", &st);
	if (r == 0)
		r = pmf_sql_bind_text(st, 1, device);
	if (r == 0)
		r = pmf_sql_bind_u64(st, 2, f->created_us);
	if (r == 0)
		r = pmf_sql_bind_text(st, 3, pmf_kind_to_string(f->kind));
	if (r == 0)
		r = pmf_sql_step(st);
	if (r > 0)
		*ret = (uint64_t)sqlite3_column_int64(st, 0);
	return r < 0 ? r : 0;
}

/* *ret: f, or what is on record of it, if that is not older than what the hooks were
 * told: else its end has never been recorded. */
static int choose(sqlite3 *db, const struct pmf_failure *f, uint64_t id,
		  struct pmf_failure **ret)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *now = NULL, *told = NULL;
	int r = pmf_failure_copy(f, &told);

	if (r == 0 && id != 0)
		r = pmf_store_get_rows(db, id, &now);
	if (r < 0 && r != -EBADMSG)
		return r;
	if (!now || now->updated_us < f->updated_us) {
		told->id = id;
		*ret = TAKE_PTR(told);
		return 0;
	}
	pmf_failure_drop_hooks(now);
	now->hooks = TAKE_PTR(told->hooks);
	now->n_hooks = told->n_hooks;
	told->n_hooks = 0;
	*ret = TAKE_PTR(now);
	return 0;
}

int pmf_store_answer(struct pmf_store *s, const struct pmf_failure *f,
		     struct pmf_failure **ret)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *what = NULL;
	uint64_t id = f->id;
	int r;

	r = pmf_sql_run(s->db, "BEGIN IMMEDIATE");
	if (r < 0)
		return r;
	if (id == 0)
		r = find_id(s->db, f, &id);
	if (r == 0)
		r = choose(s->db, f, id, &what);
	if (r == 0)
		r = pmf_store_put_rows(s->db, what, &id);
	r = pmf_sql_end(s->db, r);
	if (r < 0)
		return r;
	what->id = id;
	*ret = TAKE_PTR(what);
	return 0;
}
