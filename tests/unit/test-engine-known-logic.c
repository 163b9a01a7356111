// SPDX-License-Identifier: GPL-2.0-only
/* What is on record already: after a restart, beside others who record, and when it cannot
 * all be read. */
#include <sys/timerfd.h>

#include "flow/store.h"
#include "poison-bench.h"
#include "test.h"

static atomic_int fail_get;	/* the nth call from now on; 0: none */
static int get_error;

int __wrap_pmf_store_get(struct pmf_store *s, uint64_t id, struct pmf_failure **ret);
int __real_pmf_store_get(struct pmf_store *s, uint64_t id, struct pmf_failure **ret);
int __wrap_pmf_store_get(struct pmf_store *s, uint64_t id, struct pmf_failure **ret)
{
	if (atomic_load(&fail_get) > 0 && atomic_fetch_sub(&fail_get, 1) == 1)
		return get_error;
	return __real_pmf_store_get(s, id, ret);
}

/* [0, PAGE) of pmem0 is on record, and the engine has begun anew and seen nothing yet. */
static void restart(struct bench *b)
{
	begin();
	fake_holds_add(&b->f, 0);
	CHECK_EQ(pmemfail_engine_new(b->ctx, &b->e), 0);
	event(b, 0, PAGE);
	CHECK(settle(b));
	CHECK_EQ(recorded(b, PMF_STATE_HANDLED), 1);
	b->e = pmemfail_engine_free(b->e);
	b->added = b->changed = 0;
	CHECK_EQ(pmemfail_engine_new(b->ctx, &b->e), 0);
}

TEST(known_before_anything_is_news)
{
	BENCH(b);

	restart(&b);
	event(&b, 0, PAGE);
	CHECK(settle(&b));
	CHECK_EQ(recorded(&b, -1), 1);
	CHECK_EQ(world.twice, 0);
	CHECK_EQ(b.added, 0);
}

TEST(known_though_the_lists_cannot_be_read)
{
	BENCH(b);
	struct itimerspec t;

	restart(&b);
	b.f.bad_error = -EIO;
	event(&b, 0, 2 * PAGE);
	CHECK(settle(&b));
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 2);
	CHECK_EQ(world.twice, 0);
	CHECK_EQ(b.last->ranges.v[0].start, PAGE);
	CHECK(b.e->poisoned[0]->unreadable);
	CHECK_EQ(timerfd_gettime(b.e->rescan_fd, &t), 0);
	CHECK(t.it_value.tv_sec > 0);
}

/* What came when nothing had been read yet: on record for the successor, but only what
 * is news. */
TEST(events_outlive_an_early_end)
{
	BENCH(b);

	restart(&b);
	event(&b, 0, 2 * PAGE);
	b.e = pmemfail_engine_free(b.e);
	CHECK_EQ(world.calls, 1);
	CHECK_EQ(recorded(&b, -1), 2);
	CHECK_EQ(recorded(&b, PMF_STATE_PENDING), 1);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 2);
	CHECK_EQ(world.twice, 0);
	CHECK_EQ(pmf_ranges_bytes(&world.told), 2 * PAGE);
}

/* A page of the namespace's own, too, and its record outlives restarts. */
TEST(a_bad_page_of_its_own_is_recorded_once)
{
	BENCH(b);

	restart(&b);
	pmf_engine_bad_info(b.e, &b.e->topology->devices[0]);
	b.e = pmemfail_engine_free(b.e);
	CHECK_EQ(recorded(&b, PMF_STATE_UNSUPPORTED), 1);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
		pmf_engine_bad_info(b.e, &b.e->topology->devices[0]);
		if (i == 0)
			CHECK(settle(&b));
		b.e = pmemfail_engine_free(b.e);
		CHECK_EQ(recorded(&b, PMF_STATE_UNSUPPORTED), 1);
	}
}

/* Whoever reports records first and marks then: a list from before that says nothing. */
TEST(not_cleared_by_a_list_that_is_older)
{
	BENCH(b);

	begin();
	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	set_bad(&b, 0, 0, PAGE);
	pmf_engine_look(b.e, NULL, false);
	CHECK(settle(&b));
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
	CHECK_EQ(b.e->n_poisoned, 1);
	pmf_ranges_done(&b.e->poisoned[0]->lists.bad);	/* as read before all that */
	b.e->poisoned[0]->reconcile = true;
	CHECK(settle(&b));
	CHECK_EQ(recorded(&b, PMF_STATE_CLEARED), 0);
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
	/* and by one that is not */
	set_bad(&b, 0, 0, 0);
	b.e->poisoned[0]->reconcile = true;
	pmf_ranges_done(&b.e->poisoned[0]->lists.bad);
	CHECK(settle(&b));
	CHECK_EQ(recorded(&b, PMF_STATE_CLEARED), 1);
}

/* Three that nobody had, now somebody has them: one cannot be read at first. It keeps
 * the others from nothing, and is not forgotten. */
static void one_of_three(struct bench *b, int error)
{
	const struct itimerspec now = { .it_value.tv_nsec = 1 };
	struct itimerspec t;
	unsigned int calls;

	begin();
	world.nobody = true;
	fake_holds_add(&b->f, 0);
	CHECK_EQ(pmemfail_engine_new(b->ctx, &b->e), 0);
	for (unsigned int i = 0; i < 3; i++) {
		event(b, 2 * i * PAGE, (2 * i + 1) * PAGE);
		CHECK(settle(b));
	}
	CHECK_EQ(recorded(b, PMF_STATE_PENDING), 3);
	CHECK_EQ(b->e->poisoned[0]->n_open, 3);
	world.nobody = false;
	calls = world.calls;
	get_error = error;
	atomic_store(&fail_get, 2);
	b->e->poisoned[0]->replay = true;
	do {	/* no longer: reading the lists counts them by itself */
		CHECK(pmemfail_engine_dispatch(b->e) >= 0);
		usleep(5000);
	} while (b->e->poisoned[0]->working);
	CHECK_EQ(world.calls, calls + 2);
	CHECK_EQ(atomic_load(&fail_get), 0);
	CHECK_EQ(b->e->poisoned[0]->n_open, 3);
	CHECK_EQ(timerfd_gettime(b->e->rescan_fd, &t), 0);
	CHECK(t.it_value.tv_sec > 0);
	CHECK(settle(b));
	CHECK_EQ(recorded(b, PMF_STATE_HANDLED), 2);
	CHECK_EQ(recorded(b, PMF_STATE_PENDING), 1);
	CHECK_EQ(timerfd_settime(b->e->rescan_fd, 0, &now, NULL), 0);
	CHECK(settle(b));
	CHECK_EQ(recorded(b, PMF_STATE_HANDLED), 3);
	CHECK_EQ(world.twice, 0);
}

TEST(one_that_cannot_be_read_keeps_no_other)
{
	BENCH(b);

	one_of_three(&b, -EIO);
}

TEST(one_without_memory_keeps_no_other)
{
	BENCH(b);

	one_of_three(&b, -ENOMEM);
}

TEST(one_that_is_damaged_keeps_no_other)
{
	BENCH(b);

	one_of_three(&b, -EBADMSG);
}
