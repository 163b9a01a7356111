// SPDX-License-Identifier: GPL-2.0-only
/* Hooks and the record: each end is told once, whatever becomes of the record, and the
 * answers change nothing but themselves. */
#include <fcntl.h>

#include "flow/store.h"
#include "poison-bench.h"
#include "test.h"

static void start(struct bench *b)
{
	begin();
	b->f.hook = "50-mail";
	strcpy(b->ctx->policy.hooks_dir, "/nonexistent");
	fake_holds_add(&b->f, 0);
}

/* A file in its place: nothing can be recorded. */
static void take_away(struct bench *b)
{
	int fd = open(b->state, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	close(fd);
}

static void bring_back(struct bench *b)
{
	CHECK_EQ(unlink(b->state), 0);
	pmf_record_keep(b->e->record, UINT64_MAX, UINT64_MAX);	/* so it tries at once */
}

/* Until n failures are recorded. */
static bool run_to_record(struct bench *b, unsigned int n)
{
	for (int i = 0; i < 1000; i++) {
		if (pmemfail_engine_dispatch(b->e) < 0)
			return false;
		take_notices(b);
		if (recorded(b, -1) == n)
			return true;
		usleep(2000);
	}
	return false;
}

TEST(once_though_the_record_comes_back_meanwhile)
{
	BENCH(b);

	start(&b);
	take_away(&b);
	b.f.hook_stuck = true;
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	event(&b, 0, PAGE);
	CHECK(run_until(&b, &b.f.hooking, 1));
	bring_back(&b);
	CHECK(run_to_record(&b, 1));
	fake_holds_set(&b.f, &b.f.hook_stuck, false);
	CHECK(settle(&b));
	CHECK_EQ(b.f.hook_runs, 1);
	CHECK_EQ(recorded(&b, -1), 1);
	CHECK_EQ(b.last->id, 1);
	CHECK_EQ(b.last->n_hooks, 2);
	CHECK_EQ(b.last->n_cases, 1);
	CHECK_EQ(b.e->poisoned[0]->lock_fd, -1);
}

/* A removal, too. */
TEST(once_for_a_removal)
{
	BENCH(b);

	start(&b);
	take_away(&b);
	b.f.hook_stuck = true;
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	fake_holds_unbind(&b.f, 0, 3, false);
	CHECK(run_until(&b, &b.f.hooking, 1));
	bring_back(&b);
	CHECK(run_to_record(&b, 1));
	fake_holds_set(&b.f, &b.f.hook_stuck, false);
	CHECK(settle(&b));
	CHECK_EQ(b.f.hook_runs, 1);
	CHECK_EQ(recorded(&b, -1), 1);
	CHECK_EQ(b.last->n_hooks, 2);
}

/* Somebody else records something of it while the hooks run. */
TEST(answers_leave_a_later_version_as_it_is)
{
	_cleanup_(pmf_store_closep) struct pmf_store *store = NULL;
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL, *now = NULL;
	BENCH(b);

	start(&b);
	b.f.hook_stuck = true;
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	event(&b, 0, PAGE);
	CHECK(run_until(&b, &b.f.hooking, 1));
	CHECK_EQ(pmf_store_open(b.state, false, &store, NULL), 0);
	CHECK_EQ(pmf_store_get(store, 1, &f), 0);
	store = pmf_store_close(store);
	f->state = PMF_STATE_CLEARED;
	f->updated_us++;
	/* by the record's thread, for the store has one writer: as from another job */
	CHECK_EQ(pmf_record_put(b.e->record, 77, TAKE_PTR(f), true), 0);
	fake_holds_set(&b.f, &b.f.hook_stuck, false);
	CHECK(settle(&b));
	CHECK_EQ(pmf_store_open(b.state, false, &store, NULL), 0);
	CHECK_EQ(pmf_store_get(store, 1, &now), 0);
	CHECK_EQ(now->state, PMF_STATE_CLEARED);
	CHECK_EQ(now->n_hooks, 2);
	CHECK_EQ(recorded(&b, -1), 1);
}
