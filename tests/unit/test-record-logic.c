// SPDX-License-Identifier: GPL-2.0-only
/* The record's thread: what it keeps, what it tells, and that nothing it was promised
 * is lost. */
#include <fcntl.h>
#include <pthread.h>

#include "flow/record.h"
#include "store-tools.h"
#include "test.h"

static char id[] = "bus/uuid", name[] = "pmem0";

struct bench {
	char dir[200];
	struct pmf_record *record;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int saved, unsaved, again;
	uint64_t id;
};

static void note(struct pmf_record_note *n, void *userdata)
{
	struct bench *b = userdata;

	pthread_mutex_lock(&b->lock);
	b->saved += n->news == PMF_RECORD_SAVED;
	b->unsaved += n->news == PMF_RECORD_UNSAVED;
	b->again += n->again;
	if (n->news == PMF_RECORD_SAVED)
		b->id = n->failure->id;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
	pmf_record_note_free(n);
}

static bool wait_for(struct bench *b, const unsigned int *what, unsigned int n)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	pthread_mutex_lock(&b->lock);
	while (*what < n && r == 0)
		r = pthread_cond_timedwait(&b->changed, &b->lock, &until);
	pthread_mutex_unlock(&b->lock);
	return r == 0;
}

static void start(struct bench *b)
{
	static unsigned int n;

	*b = (struct bench){ .lock = PTHREAD_MUTEX_INITIALIZER,
			     .changed = PTHREAD_COND_INITIALIZER };
	(void)snprintf(b->dir, sizeof(b->dir), "%s/record%u", test_dir(), ++n);
}

static void stop(struct bench *b)
{
	b->record = pmf_record_stop(b->record);
}
#define BENCH(b) _cleanup_(stop) struct bench b; start(&(b))

static void begin(struct bench *b)
{
	CHECK_EQ(pmf_record_start(b->dir, NULL, 0, note, b, &b->record), 0);
}

static struct pmf_failure *failure(enum pmf_state state, uint64_t updated_us)
{
	struct pmf_event e = { .kind = PMF_KIND_POISON, .source = PMF_SOURCE_BADBLOCKS,
			       .device_id = id, .device_name = name, .range = { 0, 4096 },
			       .time_us = 1000 };
	struct pmf_failure *f;

	if (pmf_failure_from_event(&e, &f) < 0)
		abort();
	f->state = state;
	f->updated_us = updated_us;
	return f;
}

static struct pmf_failure *answered(enum pmf_state state, uint64_t updated_us)
{
	struct pmf_failure *f = failure(state, updated_us);

	f->hooks = calloc(1, sizeof(*f->hooks));
	if (!f->hooks || !strdup_to(&f->hooks->name, "50-mail"))
		abort();
	f->n_hooks = 1;
	return f;
}

/* Stops it; is there one failure, of this state, with the answers or without? */
static const char *holds(struct bench *b, enum pmf_state state, size_t hooks)
{
	_cleanup_store_ s = NULL;
	_cleanup_failure_ f = NULL;
	uint64_t change;

	stop(b);
	if (pmf_store_open(b->dir, false, &s, NULL) < 0 ||
	    pmf_store_next_change(s, 0, &f, &change) < 0)
		return "nothing";
	if (f->state != state)
		return "another state";
	if (f->n_hooks != hooks)
		return "other answers";
	f = pmf_failure_free(f);
	return pmf_store_next_change(s, change, &f, &change) == -ENOENT ? NULL : "two";
}

static void answer(struct bench *b, uint64_t token, struct pmf_failure *f)
{
	struct pmf_record_item *room = pmf_record_room();

	CHECK(room);
	pmf_record_answer(b->record, room, token, f);
}

TEST(answers_find_what_was_recorded_meanwhile)
{
	BENCH(b);
	int fd = open(b.dir, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	close(fd);
	begin(&b);
	CHECK_EQ(pmf_record_put(b.record, 1, failure(PMF_STATE_HANDLED, 2000), true), 0);
	CHECK(wait_for(&b, &b.unsaved, 1));
	CHECK_EQ(unlink(b.dir), 0);
	pmf_record_keep(b.record, UINT64_MAX, UINT64_MAX);
	CHECK(wait_for(&b, &b.saved, 1));
	CHECK_EQ(b.again, 1);
	answer(&b, 1, answered(PMF_STATE_HANDLED, 2000));
	CHECK_STR(holds(&b, PMF_STATE_HANDLED, 1), NULL);
	CHECK_EQ(b.again, 1);
	CHECK_EQ(b.id, 1);
}

/* The end could not be written, nor its answers: they are one version then. */
TEST(answers_to_what_is_not_recorded_yet)
{
	BENCH(b);

	begin(&b);
	CHECK_EQ(pmf_record_put(b.record, 1, failure(PMF_STATE_HANDLING, 2000), false), 0);
	CHECK(wait_for(&b, &b.saved, 1));
	CHECK(sql(b.dir, "CREATE TRIGGER no BEFORE UPDATE ON failure BEGIN"
			 " SELECT RAISE(ABORT, 'no'); END"));
	CHECK_EQ(pmf_record_put(b.record, 1, failure(PMF_STATE_HANDLED, 2000), true), 0);
	CHECK(wait_for(&b, &b.unsaved, 1));
	answer(&b, 1, answered(PMF_STATE_HANDLED, 2000));
	CHECK(pmf_record_is_behind(b.record, id));
	CHECK(wait_for(&b, &b.unsaved, 2));	/* from now on it waits */
	CHECK(sql(b.dir, "DROP TRIGGER no"));
	CHECK_STR(holds(&b, PMF_STATE_HANDLED, 1), NULL);
}

/* They come while the end is being written, and that fails. */
TEST(answers_to_what_is_being_written)
{
	_cleanup_free_ char *path = NULL;
	sqlite3 *other = NULL;
	BENCH(b);

	begin(&b);
	CHECK_EQ(pmf_record_put(b.record, 1, failure(PMF_STATE_HANDLING, 2000), false), 0);
	CHECK(wait_for(&b, &b.saved, 1));
	path = file_in(b.dir);
	CHECK_EQ(sqlite3_open(path, &other), SQLITE_OK);
	CHECK_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	CHECK_EQ(pmf_record_put(b.record, 1, failure(PMF_STATE_HANDLED, 2000), true), 0);
	usleep(100000);		/* rather less than it waits for the other: it has begun */
	answer(&b, 1, answered(PMF_STATE_HANDLED, 2000));
	CHECK(wait_for(&b, &b.unsaved, 1));
	CHECK_EQ(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	CHECK_STR(holds(&b, PMF_STATE_HANDLED, 1), NULL);
}

/* Its end was never written (too many waited): what the row says is older. */
TEST(answers_bring_an_end_that_was_dropped)
{
	BENCH(b);

	begin(&b);
	CHECK_EQ(pmf_record_put(b.record, 1, failure(PMF_STATE_HANDLING, 1500), false), 0);
	CHECK(wait_for(&b, &b.saved, 1));
	answer(&b, 2, answered(PMF_STATE_HANDLED, 2000));
	CHECK_STR(holds(&b, PMF_STATE_HANDLED, 1), NULL);
}

TEST(answers_keep_what_is_newer)
{
	BENCH(b);

	begin(&b);
	CHECK_EQ(pmf_record_put(b.record, 1, failure(PMF_STATE_CLEARED, 3000), true), 0);
	CHECK(wait_for(&b, &b.saved, 1));
	answer(&b, 2, answered(PMF_STATE_HANDLED, 2000));
	CHECK_STR(holds(&b, PMF_STATE_CLEARED, 1), NULL);
}

TEST(answers_to_what_was_deleted_are_none)
{
	BENCH(b);
	struct pmf_failure *f = answered(PMF_STATE_HANDLED, 2000);

	begin(&b);
	f->id = 7;
	answer(&b, 1, f);
	CHECK(wait_for(&b, &b.saved, 1));
	CHECK_STR(holds(&b, PMF_STATE_HANDLED, 1), "nothing");
}

/* As when the file was damaged and put aside, and a new one begun. */
TEST(what_is_gone_from_the_store_is_recorded_anew)
{
	BENCH(b);
	struct pmf_failure *f = failure(PMF_STATE_HANDLED, 2000);

	begin(&b);
	f->id = 7;
	CHECK_EQ(pmf_record_put(b.record, 1, f, true), 0);
	CHECK(wait_for(&b, &b.saved, 1));
	CHECK_EQ(b.id, 1);
	CHECK_STR(holds(&b, PMF_STATE_HANDLED, 0), NULL);
}

/* Whoever has room loses nothing, whatever memory there is. */
TEST(with_room_a_put_cannot_fail)
{
	BENCH(b);
	struct pmf_record_item *room = pmf_record_room();
	struct pmf_failure *f = failure(PMF_STATE_HANDLED, 2000);
	struct pmf_failure *lost = failure(PMF_STATE_HANDLED, 2000);

	CHECK(room);
	begin(&b);
	CHECK_EQ(pmf_record_put(b.record, 1, failure(PMF_STATE_HANDLING, 1500), true), 0);
	CHECK(wait_for(&b, &b.saved, 1));	/* from now on it is idle */
	test_alloc_fail(1);
	CHECK_EQ(pmf_record_put(b.record, 2, lost, true), -ENOMEM);
	CHECK(test_alloc_failed());
	f->id = b.id;
	test_alloc_fail(1);
	pmf_record_put_into(b.record, room, 3, f, true);
	test_alloc_fail(0);
	pmf_record_keep(b.record, UINT64_MAX, UINT64_MAX);
	CHECK(wait_for(&b, &b.saved, 2));
	CHECK_STR(holds(&b, PMF_STATE_HANDLED, 0), NULL);
}
