// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows of the record that a damaged disk, or another program, has changed. A row that
 * cannot be a failure is said to be damaged and hides no other; the sound one beside it
 * is read whole each time, and can be written.
 */
#include <sqlite3.h>

#include "flow/json-get.h"
#include "fuzz.h"

#include "../unit/store-tools.h"

static struct pmf_store *store;
static sqlite3 *behind;			/* another handle of the same file */
static uint64_t sound, damaged;

static void run(const char *text)
{
	CHECK(sqlite3_exec(behind, text, NULL, NULL, NULL) == SQLITE_OK);
}

static uint64_t add_sample(void)
{
	_cleanup_failure_ f = sample_failure();

	CHECK(f && pmf_store_put(store, f) == 0 && f->id != 0);
	return f->id;
}

static void begin(void)
{
	_cleanup_free_ char *path = file_in(fuzz_dir());

	CHECK(pmf_store_open(fuzz_dir(), true, &store, NULL) == 0);
	CHECK(sqlite3_open(path, &behind) == SQLITE_OK);
	/* nobody pulls the plug here */
	run("PRAGMA synchronous = OFF");
	damaged = add_sample();
	sound = add_sample();
}

static void change(const char *sql, const char *text, size_t n)
{
	sqlite3_stmt *st;

	CHECK(sqlite3_prepare_v2(behind, sql, -1, &st, NULL) == SQLITE_OK);
	CHECK(sqlite3_bind_text(st, 1, text, (int)n, SQLITE_STATIC) == SQLITE_OK);
	CHECK(sqlite3_bind_int64(st, 2, (int64_t)damaged) == SQLITE_OK);
	(void)sqlite3_step(st);		/* a constraint may refuse it */
	CHECK(sqlite3_finalize(st) == SQLITE_OK);
}

static int saw_sound(const struct pmf_failure *f, void *userdata)
{
	CHECK(f->id == sound || f->id == damaged);
	CHECK(f->device_id && f->state < PMF_STATE_N && f->n_cases == 0);
	*(bool *)userdata |= f->id == sound;
	return 0;
}

static void check_sound(void)
{
	_cleanup_failure_ want = sample_failure();
	_cleanup_failure_ got = NULL;
	bool seen = false;
	int r;

	CHECK(want && pmf_store_get(store, sound, &got) == 0);
	want->id = sound;
	CHECK(!failure_difference(want, got));
	r = pmf_store_foreach(store, -1, saw_sound, &seen);
	CHECK((r == 0 || r == -EBADMSG) && seen);
	r = pmf_store_foreach_open(store, NULL, saw_sound, &seen);
	CHECK(r == 0 || r == -EBADMSG);
}

/* All of it is one document. */
static bool is_json(const char *text, size_t n)
{
	_cleanup_free_ char *ended = calloc(n + 1, 1);
	struct json_object *o = NULL;
	int r;

	CHECK(ended);
	if (n > 0)
		memcpy(ended, text, n);
	r = strlen(ended) == n ? pmf_json_parse(ended, &o) : -EBADMSG;
	json_object_put(o);
	return r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const changes[] = {
		"UPDATE failure SET doc = ?1 WHERE id = ?2",
		"UPDATE failure_case SET doc = ?1 WHERE failure = ?2 AND n = 0",
		"UPDATE failure SET state = ?1 WHERE id = ?2",
		"UPDATE failure SET doc = CAST(?1 AS BLOB) WHERE id = ?2",
	};
	struct fuzz f = { data, size };
	uint8_t which = fuzz_u8(&f) % ARRAY_SIZE(changes);
	size_t n;
	_cleanup_free_ char *text = fuzz_bytes(&f, &n);
	_cleanup_failure_ got = NULL;
	_cleanup_failure_ fresh = sample_failure();
	int r;

	if (!store)
		begin();
	change(changes[which], text, n);
	r = pmf_store_get(store, damaged, &got);
	CHECK(r == 0 ? got && got->id == damaged : r == -EBADMSG && !got);
	CHECK(r < 0 || which == 2 || is_json(text, n));
	check_sound();
	/* and what is written over the damage is sound again */
	CHECK(fresh);
	fresh->id = damaged;
	CHECK(pmf_store_put(store, fresh) == 0);
	got = pmf_failure_free(got);
	CHECK(pmf_store_get(store, damaged, &got) == 0 && !failure_difference(fresh, got));
	return 0;
}
