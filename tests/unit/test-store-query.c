// SPDX-License-Identifier: GPL-2.0-only
/* Asking the record: open poison, changes, and what is kept how long. */
#include <sqlite3.h>

#include "store-tools.h"
#include "test.h"

#define DAY 86400000000ULL
#define YEAR_2020 1577836800000000ULL

/* A failure as the sample, but of this kind, state and age. */
static uint64_t put(struct pmf_store *s, enum pmf_kind kind, enum pmf_state state,
		    const char *device, uint64_t updated_us)
{
	_cleanup_failure_ f = sample_failure();

	if (!f || !strdup_to(&f->device_id, device))
		abort();
	f->kind = kind;
	f->state = state;
	f->updated_us = updated_us;
	return pmf_store_put(s, f) == 0 ? f->id : 0;
}

struct seen {
	uint64_t ids[64];
	size_t n;
};

static int see(const struct pmf_failure *f, void *userdata)
{
	struct seen *l = userdata;

	l->ids[l->n++] = f->n_cases == 0 && f->listed.n == 1 ? f->id : 0;
	return 0;
}

TEST(open_poison_is_what_is_not_cleared)
{
	_cleanup_store_ s = NULL;
	struct seen l = { 0 };

	CHECK_EQ(pmf_store_open(test_dir(), true, &s, NULL), 0);
	for (int state = 0; state < PMF_STATE_N; state++)
		CHECK(put(s, PMF_KIND_POISON, (enum pmf_state)state, "a", 1));
	for (int state = 0; state < PMF_STATE_N; state++)
		CHECK(put(s, PMF_KIND_REMOVE, (enum pmf_state)state, "a", 1));
	CHECK_EQ(put(s, PMF_KIND_POISON, PMF_STATE_FAILED, "b", 1), 13);
	CHECK_EQ(pmf_store_foreach_open(s, NULL, see, &l), 0);
	CHECK_EQ(l.n, 6);
	for (size_t i = 0; i < 5; i++)	/* the fourth, cleared, is missing */
		CHECK_EQ(l.ids[i], i < 3 ? i + 1 : i + 2);
	CHECK_EQ(l.ids[5], 13);
	l.n = 0;
	CHECK_EQ(pmf_store_foreach_open(s, "b", see, &l), 0);
	CHECK(l.n == 1 && l.ids[0] == 13);
	l.n = 0;
	CHECK_EQ(pmf_store_foreach_open(s, "c", see, &l), 0);
	CHECK_EQ(l.n, 0);
}

static uint64_t work;		/* steps of SQLite's machine */

int __real_sqlite3_finalize(sqlite3_stmt *st);
int __wrap_sqlite3_finalize(sqlite3_stmt *st);

int __wrap_sqlite3_finalize(sqlite3_stmt *st)
{
	if (st)
		work += (uint64_t)sqlite3_stmt_status(st, SQLITE_STMTSTATUS_VM_STEP, 0);
	return __real_sqlite3_finalize(st);
}

struct listed {
	uint64_t last;
	size_t n, part;
};

static int list(const struct pmf_failure *f, void *userdata)
{
	struct listed *l = userdata;

	if (f->id >= l->last)
		return -EBADMSG;
	l->last = f->id;
	return ++l->n % l->part == 0;
}

/* What it costs to list those of one state, or all, in such parts. */
static uint64_t list_in_parts(struct pmf_store *s, int state, size_t part, size_t *ret_n)
{
	struct listed l = { .last = UINT64_MAX, .part = part };
	int r = 1;

	work = 0;
	while (r > 0)
		r = pmf_store_foreach_before(s, state, l.last, list, &l);
	*ret_n = r < 0 ? 0 : l.n;
	return work;
}

/* Whatever came before is not read again: a long record would cost its square. */
TEST(parts_cost_no_more_than_the_whole)
{
	static const int states[] = { -1, PMF_STATE_HANDLED };
	_cleanup_store_ s = NULL;
	uint64_t whole;
	size_t n;

	CHECK_EQ(pmf_store_open(test_dir(), true, &s, NULL), 0);
	for (size_t i = 0; i < 100; i++)
		CHECK(put(s, PMF_KIND_POISON, i % 2 ? PMF_STATE_HANDLED : PMF_STATE_CLEARED, "a", 1));
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		whole = list_in_parts(s, states[i], SIZE_MAX, &n);
		CHECK_EQ(n, i == 0 ? 100 : 50);
		CHECK(whole > n);
		CHECK(list_in_parts(s, states[i], 10, &n) < 2 * whole);
		CHECK_EQ(n, i == 0 ? 100 : 50);
	}
	CHECK_EQ(pmf_store_foreach_before(s, -1, 0, list, &(struct listed){ .last = 1 }), 0);
}

TEST(changes_come_in_order_and_once)
{
	_cleanup_failure_ f = NULL;
	_cleanup_store_ s = NULL;
	_cleanup_store_ reader = NULL;
	const char *dir = test_dir();
	uint64_t at = 99;

	CHECK_EQ(pmf_store_open(dir, true, &s, NULL), 0);
	CHECK_EQ(pmf_store_open(dir, false, &reader, NULL), 0);
	CHECK_EQ(pmf_store_last_change(reader, &at), 0);
	CHECK_EQ(at, 0);
	CHECK_EQ(pmf_store_next_change(reader, 0, &f, &at), -ENOENT);
	for (int i = 0; i < 3; i++)
		CHECK(put(s, PMF_KIND_POISON, PMF_STATE_PENDING, "a", 1));
	CHECK_EQ(pmf_store_next_change(reader, 0, &f, &at), 0);
	CHECK(f->id == 1 && at == 1 && f->n_cases == 2);
	f->state = PMF_STATE_CLEARED;
	CHECK_EQ(pmf_store_put(s, f), 0);
	for (unsigned int i = 0; i < 3; i++) {
		static const uint64_t ids[] = { 2, 3, 1 };

		f = pmf_failure_free(f);
		CHECK_EQ(pmf_store_next_change(reader, at, &f, &at), 0);
		CHECK_EQ(f->id, ids[i]);
		CHECK_EQ(at, i + 2);
	}
	CHECK_EQ(f->state, PMF_STATE_CLEARED);
	f = pmf_failure_free(f);
	CHECK_EQ(pmf_store_next_change(reader, at, &f, &at), -ENOENT);
	CHECK_EQ(pmf_store_last_change(reader, &at), 0);
	CHECK_EQ(at, 4);
	/* a damaged one hides no other */
	CHECK(sql(dir, "UPDATE failure SET doc = '{' WHERE id = 2"));
	CHECK_EQ(pmf_store_next_change(reader, 1, &f, &at), 0);
	CHECK_EQ(f->id, 3);
}

/* Though the row with the highest number was deleted meanwhile. */
TEST(a_number_is_never_given_out_twice)
{
	_cleanup_failure_ f = NULL;
	_cleanup_store_ s = NULL;
	uint64_t at = 0, n = 0;

	CHECK_EQ(pmf_store_open(test_dir(), true, &s, NULL), 0);
	CHECK(put(s, PMF_KIND_REMOVE, PMF_STATE_HANDLED, "a", 1));
	CHECK_EQ(pmf_store_last_change(s, &at), 0);
	CHECK_EQ(pmf_store_expire(s, DAY, 0, 0, &n), 0);
	CHECK_EQ(n, 1);
	CHECK(put(s, PMF_KIND_REMOVE, PMF_STATE_HANDLED, "a", 1));
	CHECK_EQ(pmf_store_next_change(s, at, &f, &at), 0);
	CHECK_EQ(at, 2);
}

static int sql_number(const char *dir, const char *text)
{
	_cleanup_free_ char *path = file_in(dir);
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;
	int n = -1;

	if (sqlite3_open(path, &db) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, text, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

static size_t count(struct pmf_store *s)
{
	struct seen l = { 0 };

	return pmf_store_foreach(s, -1, see, &l) == 0 ? l.n : 999;
}

TEST(what_is_over_is_kept_for_a_while)
{
	_cleanup_store_ s = NULL;
	const uint64_t now = YEAR_2020 + 2000 * DAY;
	const char *dir = test_dir();
	uint64_t n = 99;

	CHECK_EQ(pmf_store_open(dir, true, &s, NULL), 0);
	for (int state = 0; state < PMF_STATE_N; state++) {
		CHECK(put(s, PMF_KIND_POISON, (enum pmf_state)state, "a", YEAR_2020));
		CHECK(put(s, PMF_KIND_REMOVE, (enum pmf_state)state, "a", YEAR_2020));
	}
	CHECK(put(s, PMF_KIND_REMOVE, PMF_STATE_FAILED, "new", now - 9 * DAY));
	CHECK_EQ(pmf_store_expire(s, now, UINT64_MAX, UINT64_MAX, &n), 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(pmf_store_expire(s, now, 10 * DAY, 100, &n), 0);
	CHECK_EQ(n, 5);		/* 4 removals that ended, 1 cleared */
	CHECK_EQ(count(s), 8);
	CHECK_EQ(sql_number(dir, "SELECT count(*) FROM failure_case"), 8 * 2);
	CHECK_EQ(pmf_store_expire(s, now, 8 * DAY, 100, &n), 0);
	CHECK_EQ(n, 1);
}

TEST(a_wrong_clock_makes_nothing_old)
{
	_cleanup_store_ s = NULL;
	const uint64_t now = YEAR_2020 + 2000 * DAY;
	uint64_t n = 99;

	CHECK_EQ(pmf_store_open(test_dir(), true, &s, NULL), 0);
	CHECK(put(s, PMF_KIND_REMOVE, PMF_STATE_HANDLED, "unset", 5));
	CHECK(put(s, PMF_KIND_REMOVE, PMF_STATE_HANDLED, "old", YEAR_2020));
	CHECK(put(s, PMF_KIND_REMOVE, PMF_STATE_HANDLED, "newest", now));
	/* the clock went back: older by it than it was */
	CHECK_EQ(pmf_store_expire(s, now - 1, DAY, 100, &n), 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(pmf_store_expire(s, now, DAY, 100, &n), 0);
	CHECK_EQ(n, 1);
	CHECK_EQ(pmf_store_expire(s, 2 * now, DAY, 100, &n), 0);
	CHECK_EQ(n, 1);
	CHECK_EQ(count(s), 1);		/* but too many are too many */
	CHECK_EQ(pmf_store_expire(s, 2 * now, DAY, 0, &n), 0);
	CHECK_EQ(count(s), 0);
}

TEST(the_oldest_go_first_and_bad_ranges_never)
{
	_cleanup_store_ s = NULL;
	struct seen l = { 0 };
	uint64_t n = 99;

	CHECK_EQ(pmf_store_open(test_dir(), true, &s, NULL), 0);
	CHECK_EQ(put(s, PMF_KIND_REMOVE, PMF_STATE_HANDLED, "a", 30), 1);
	CHECK_EQ(put(s, PMF_KIND_REMOVE, PMF_STATE_FAILED, "a", 10), 2);
	CHECK_EQ(put(s, PMF_KIND_POISON, PMF_STATE_CLEARED, "a", 20), 3);
	CHECK_EQ(put(s, PMF_KIND_POISON, PMF_STATE_HANDLED, "a", 1), 4);
	CHECK_EQ(put(s, PMF_KIND_POISON, PMF_STATE_PENDING, "a", 1), 5);
	CHECK_EQ(pmf_store_expire(s, 100, UINT64_MAX, 5, &n), 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(pmf_store_expire(s, 100, UINT64_MAX, 3, &n), 0);
	CHECK_EQ(n, 2);
	CHECK_EQ(pmf_store_foreach(s, -1, see, &l), 0);
	CHECK(l.n == 3 && l.ids[0] == 5 && l.ids[1] == 4 && l.ids[2] == 1);
	CHECK_EQ(pmf_store_expire(s, 100, UINT64_MAX, 0, &n), 0);
	CHECK_EQ(n, 1);
	CHECK_EQ(count(s), 2);
}

/* As a record was before there were numbers of changes. */
static bool make_version_1(const char *dir)
{
	return sql(dir, "DROP INDEX failure_change; ALTER TABLE failure DROP COLUMN change;"
		   "DROP TABLE counter; PRAGMA user_version = 1");
}

TEST(a_record_of_version_1_goes_on)
{
	_cleanup_failure_ f = NULL;
	_cleanup_store_ s = NULL;
	_cleanup_free_ char *kept = NULL;
	const char *dir = test_dir();
	uint64_t at = 99;

	CHECK_EQ(pmf_store_open(dir, true, &s, NULL), 0);
	CHECK_EQ(put(s, PMF_KIND_POISON, PMF_STATE_HANDLED, "a", 1), 1);
	s = pmf_store_close(s);
	CHECK(make_version_1(dir));
	CHECK_EQ(pmf_store_open(dir, false, &s, NULL), 0);
	CHECK_EQ(count(s), 1);
	CHECK_EQ(pmf_store_last_change(s, &at), 0);
	CHECK_EQ(at, 0);
	CHECK_EQ(pmf_store_next_change(s, 0, &f, &at), -ENOENT);
	s = pmf_store_close(s);
	CHECK_EQ(pmf_store_open(dir, true, &s, &kept), 0);
	CHECK(!kept);
	CHECK_EQ(count(s), 1);
	CHECK_EQ(put(s, PMF_KIND_POISON, PMF_STATE_HANDLED, "a", 1), 2);
	CHECK_EQ(pmf_store_next_change(s, 0, &f, &at), 0);
	CHECK(f->id == 2 && at == 1);
}
