// SPDX-License-Identifier: GPL-2.0-only
/* The record when all is well: what is put comes back, in order, ids never repeat. */
#include <sys/stat.h>

#include "store-tools.h"
#include "test.h"

TEST(put_get_reopen)
{
	_cleanup_failure_ f = sample_failure();
	_cleanup_failure_ back = NULL;
	_cleanup_free_ char *path = NULL;
	_cleanup_store_ s = NULL;
	const char *dir = test_dir();
	struct stat st;

	path = file_in(dir);
	CHECK_EQ(pmf_store_open(dir, true, &s, NULL), 0);
	CHECK_EQ(stat(path, &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0600);
	CHECK_EQ(pmf_store_put(s, f), 0);
	CHECK_EQ(f->id, 1);
	s = pmf_store_close(s);
	CHECK_EQ(pmf_store_open(dir, false, &s, NULL), 0);
	CHECK_EQ(pmf_store_get(s, 1, &back), 0);
	CHECK_STR(failure_difference(f, back), NULL);
	CHECK_EQ(pmf_store_get(s, 2, &back), -ENOENT);
	CHECK_EQ(pmf_store_put(s, f), -EROFS);
}

TEST(update_replaces_cases)
{
	_cleanup_failure_ f = sample_failure();
	_cleanup_failure_ back = NULL;
	_cleanup_store_ s = NULL;

	CHECK_EQ(pmf_store_open(test_dir(), true, &s, NULL), 0);
	CHECK_EQ(pmf_store_put(s, f), 0);
	f->state = PMF_STATE_HANDLED;
	pmf_case_done(&f->cases[--f->n_cases]);
	CHECK_EQ(pmf_store_put(s, f), 0);
	CHECK_EQ(f->id, 1);
	CHECK_EQ(pmf_store_get(s, 1, &back), 0);
	CHECK_STR(failure_difference(f, back), NULL);
	f->id = 77;
	CHECK_EQ(pmf_store_put(s, f), -ENOENT);
}

struct listed {
	uint64_t ids[64];
	size_t n, stop_at;
};

static int list(const struct pmf_failure *f, void *userdata)
{
	struct listed *l = userdata;

	if (f->n_cases)
		return -EINVAL;
	l->ids[l->n++] = f->id;
	return l->n == l->stop_at ? 5 : 0;
}

TEST(foreach_newest_first_by_state)
{
	_cleanup_failure_ f = sample_failure();
	_cleanup_store_ s = NULL;
	struct listed l = {};
	const char *dir = test_dir();
	unsigned int i;

	CHECK_EQ(pmf_store_open(dir, true, &s, NULL), 0);
	for (i = 0; i < 5; i++) {
		f->id = 0;
		f->state = i % 2 ? PMF_STATE_PENDING : PMF_STATE_FAILED;
		CHECK_EQ(pmf_store_put(s, f), 0);
	}
	CHECK_EQ(pmf_store_foreach(s, -1, list, &l), 0);
	CHECK(l.n == 5 && l.ids[0] == 5 && l.ids[4] == 1);
	l = (struct listed){};
	CHECK_EQ(pmf_store_foreach(s, PMF_STATE_PENDING, list, &l), 0);
	CHECK(l.n == 2 && l.ids[0] == 4 && l.ids[1] == 2);
	l = (struct listed){ .stop_at = 2 };
	CHECK_EQ(pmf_store_foreach(s, -1, list, &l), 5);
	CHECK_EQ(l.n, 2);
	CHECK(sql(dir, "UPDATE failure SET doc = '{\"schema\":1' WHERE id = 3"));
	l = (struct listed){};
	CHECK_EQ(pmf_store_foreach(s, -1, list, &l), -EBADMSG);
	CHECK_EQ(l.n, 4);	/* one bad record hides no other */
}

TEST(nothing_of_a_row_is_passed_over)
{
	static const char *const damage[] = {
		"UPDATE failure SET doc = doc || ' x'",
		"UPDATE failure SET doc = doc || '{}'",
		"UPDATE failure SET doc = doc || char(0) || 'x'",
		"UPDATE failure_case SET doc = doc || char(0)",
	};
	_cleanup_failure_ f = sample_failure();
	_cleanup_store_ s = NULL;
	const char *dir = test_dir();

	CHECK_EQ(pmf_store_open(dir, true, &s, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(damage); i++) {
		_cleanup_failure_ back = NULL;

		CHECK_EQ(pmf_store_put(s, f), 0);
		CHECK_EQ(pmf_store_get(s, f->id, &back), 0);
		back = pmf_failure_free(back);
		CHECK(sql(dir, damage[i]));
		CHECK_EQ(pmf_store_get(s, f->id, &back), -EBADMSG);
	}
}

TEST(ids_never_repeat)
{
	_cleanup_failure_ f = sample_failure();
	_cleanup_store_ s = NULL;
	const char *dir = test_dir();

	CHECK_EQ(pmf_store_open(dir, true, &s, NULL), 0);
	CHECK_EQ(pmf_store_put(s, f), 0);
	CHECK(sql(dir, "PRAGMA foreign_keys = ON; DELETE FROM failure"));
	f->id = 0;
	CHECK_EQ(pmf_store_put(s, f), 0);
	CHECK_EQ(f->id, 2);
}
