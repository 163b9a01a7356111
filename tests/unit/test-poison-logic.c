// SPDX-License-Identifier: GPL-2.0-only
/*
 * The logic of poison, on a machine that is not real (fake-sys.h): every call fails
 * in turn, and so does every allocation; then all is handled again, which must mend
 * what can be mended and tell nobody twice. What kernels do is not tested here.
 */
#include <dirent.h>

#include "fake-errors.h"
#include "poison-machine.h"
#include "test.h"

static size_t open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* It was said not to know what is metadata, or a log. */
static bool was_blind(const struct fake *f)
{
	static const char *const eyes[] = { "owners", "known_space", "journal" };

	for (size_t i = 0; i < ARRAY_SIZE(eyes); i++)
		if (streq(f->failed_op, eyes[i]) || (f->fail_op && streq(f->fail_op, eyes[i])))
			return true;
	return false;
}

/* Is it true that every user of bad memory was relieved of it? */
static const char *untrue(const struct bench *b)
{
	const struct fake *f = &b->f;
	const char *why = NULL;

	for (size_t i = 0; i < f->n_extents && !why; i++)
		why = left_undone(f, &f->extents[i], was_blind(f));
	return why;
}

static const char *complaint(const struct bench *b, int r, bool any_memory)
{
	const struct fake *f = &b->f;
	bool no_thaw = f->fail_op && streq(f->fail_op, "thaw");

	if (f->broken[0])
		return f->broken;
	if (fake_allocs_frozen() > 0)
		return "memory was asked for while it was frozen";
	if (r < 0 && r != -ENOMEM)
		return "no truth was told";
	if (f->prepared != f->freed)
		return "a freeze was forgotten";
	for (size_t i = 0; i < f->n_fs; i++) {
		if (f->fs[i].foreign_freeze && !f->fs[i].frozen)
			return "somebody else's freeze was undone";
		if (!no_thaw && !f->fs[i].foreign_freeze && f->fs[i].frozen)
			return "still frozen";
		if (!no_thaw && f->fs[i].freezes != f->fs[i].thaws)
			return "freezes are not thaws";
	}
	for (size_t i = 0; i < f->n_extents; i++)
		if (f->extents[i].revoked > 1 && any_memory && !b->moving)
			return "revoked twice";
	if (r < 0)
		return NULL;
	if (b->failure->state == PMF_STATE_HANDLED && untrue(b))
		return untrue(b);
	if (b->failure->state == PMF_STATE_FAILED && streq(f->failed_op, "shutdown") &&
	    f->fail_nth == 0 && f->fail_error == -EOPNOTSUPP && !b->moving)
		return "failed, it says, where nothing can be done";
	if (b->failure->state != PMF_STATE_HANDLED && !b->failure->reason)
		return "no reason";
	return b->failure->state == PMF_STATE_HANDLING ? "no end" : NULL;
}

static bool handle(const struct scenario *sc, struct bench *b, bool any_memory, int *ret_r)
{
	size_t fds = open_fds();
	const char *why;
	int r;

	test_alloc_watch = fake_watch_alloc;
	r = pmf_handle_poison(&b->run, b->failure);
	test_alloc_watch = NULL;
	test_alloc_fail(0);
	why = complaint(b, r, any_memory);
	if (!why && open_fds() != fds)
		why = "a fd leaked";
	if (why)
		test_say("%s [failed: %s%s with %s]: %s; %s %s", sc->name, b->f.failed_op,
			 b->f.fail_op ?: "", strerrorname_np(-b->f.fail_error), why,
			 pmf_state_to_string(b->failure->state), b->failure->reason ?: "");
	*ret_r = r;
	return !why;
}

static bool any_down(const struct fake *f)
{
	for (size_t i = 0; i < f->n_fs; i++)
		if (f->fs[i].down)
			return true;
	return false;
}

/* After what went wrong: once more mends it, and a third time there is no news. */
static bool mend(const struct scenario *sc, struct bench *b, bool any_memory)
{
	int r, third;
	bool ok;

	b->f.fail_nth = 0;
	b->f.fail_op = NULL;
	b->f.moves = 0;
	ok = handle(sc, b, any_memory, &r);
	/* What is shut down cannot be mended: no file of it can be opened any more. */
	if (ok && b->failure->state != sc->want &&
	    !(any_down(&b->f) && b->failure->state >= PMF_STATE_FAILED)) {
		test_say("%s [failed: %s]: not mended: %s, %s", sc->name, b->f.failed_op,
			 pmf_state_to_string(b->failure->state), b->failure->reason ?: "");
		return false;
	}
	ok = ok && handle(sc, b, any_memory, &third);
	if (ok && third != 0) {
		test_say("%s [failed: %s]: news of nothing: %d", sc->name, b->f.failed_op,
			 third);
		return false;
	}
	return ok;
}

TEST(logic_without_failures)
{
	for (size_t i = 0; i < n_scenarios; i++) {
		struct bench b;
		enum pmf_state state;
		bool ok, mended;
		int r;

		bench_start(&scenarios[i], &b);
		ok = handle(&scenarios[i], &b, true, &r);
		state = b.failure->state;
		test_say("%s: %s: %s", scenarios[i].name, pmf_state_to_string(state),
			 b.failure->reason ?: "");
		mended = mend(&scenarios[i], &b, true);
		bench_stop(&b);
		CHECK(ok);
		CHECK_EQ(r, 1);
		if (!streq(scenarios[i].name, "moves always"))
			CHECK_EQ(state, scenarios[i].want);
		CHECK(mended);
	}
}

/* Free space waits; whoever gets it is relieved of it, and nobody else. */
TEST(logic_free_space_that_a_file_gets)
{
	struct pmf_extent *e;
	struct bench b;

	for (size_t i = 0; i < n_scenarios; i++)
		if (streq(scenarios[i].name, "only free"))
			bench_start(&scenarios[i], &b);
	CHECK_EQ(pmf_handle_poison(&b.run, b.failure), 1);
	CHECK_EQ(b.failure->state, PMF_STATE_PENDING);
	CHECK_EQ(pmf_handle_poison(&b.run, b.failure), 0);
	b.f.n_extents = 2;
	e = &b.f.extents[0].e;
	*e = (struct pmf_extent){ .kind = PMF_TARGET_FILE, .ino = 12, .at = { 0, 700 },
				  .offset = 4096 };
	b.f.extents[1] = b.f.extents[0];
	b.f.extents[1].e = (struct pmf_extent){ .kind = PMF_TARGET_FREE, .at = { 700, 1000 } };
	CHECK_EQ(pmf_handle_poison(&b.run, b.failure), 1);
	CHECK_EQ(b.failure->state, PMF_STATE_HANDLED);
	CHECK_EQ(b.f.extents[0].revoked, 1);
	CHECK_EQ(b.f.procs[0].told, 1);
	CHECK_EQ(b.f.procs[1].told, 1);
	CHECK_EQ(b.f.procs[2].told, 0);
	CHECK_EQ(b.failure->n_cases, 1);
	CHECK_EQ(b.failure->cases[0].n_targets, 2);
	CHECK_EQ(b.failure->cases[0].targets[0].kind, PMF_TARGET_FILE);
	CHECK_EQ(b.failure->cases[0].targets[0].ino, 12);
	CHECK_EQ(b.failure->cases[0].targets[0].range.start, 4096);
	/* the rest waits on, and takes nobody with it when it is had */
	CHECK_EQ(pmf_handle_poison(&b.run, b.failure), 0);
	b.f.extents[1].e.kind = PMF_TARGET_FILE;
	b.f.extents[1].e.ino = 13;
	CHECK_EQ(pmf_handle_poison(&b.run, b.failure), 1);
	CHECK_EQ(b.f.extents[0].revoked, 1);
	CHECK_EQ(b.f.procs[0].told, 1);
	CHECK_EQ(b.f.procs[2].told, 1);
	CHECK_STR(b.f.broken[0] ? b.f.broken : NULL, NULL);
	bench_stop(&b);
}

/* Each look reads it from the device, so one for all ranges of a failure; and what lies
 * between these is none of its business. */
TEST(logic_the_journal_is_looked_up_once)
{
	const struct pmf_range between = { 1640, 1660 };
	const struct pmf_ranges hole = { .v = (struct pmf_range[]){ between }, .n = 1 };
	unsigned int bytes = 0;
	struct bench b;
	size_t i = 0;
	bool ok;
	int r;

	while (!streq(scenarios[i].name, "journal"))
		i++;
	bench_start(&scenarios[i], &b);
	CHECK(pmf_ranges_subtract(&b.failure->ranges, &hole) >= 0);
	ok = handle(&scenarios[i], &b, true, &r);
	for (size_t k = 0; k < b.failure->cases[0].n_targets; k++) {
		const struct pmf_target *t = &b.failure->cases[0].targets[k];

		bytes += t->kind == PMF_TARGET_LOG ? (unsigned int)(t->at.end - t->at.start) : 0;
	}
	r = (int)b.f.journal_reads;
	bench_stop(&b);
	CHECK(ok);
	CHECK_EQ(bytes, 100 - 20);
	CHECK_EQ(r, 1);
}

/* It was handled, and the process died before the end of it was on record. */
static bool dies_unrecorded(size_t i, bool finished, unsigned int *ret_told)
{
	struct pmf_failure *before;
	struct bench b;
	int r;
	bool ok;

	bench_start(&scenarios[i], &b);
	b.run.resumes = true;
	b.failure->id = 7;
	if (pmf_failure_copy(b.failure, &before) < 0)
		abort();
	ok = handle(&scenarios[i], &b, true, &r);
	if (finished)
		b.f.sys.ops->attempt_finish(&b.f.sys, 7);
	pmf_failure_free(b.failure);
	b.failure = before;
	for (size_t k = 0; k < b.f.n_extents; k++)
		b.f.extents[k].revoked = 0;
	ok = handle(&scenarios[i], &b, true, &r) && ok;
	*ret_told = 0;
	for (size_t k = 0; k < b.f.n_procs; k++)
		*ret_told = MAX(*ret_told, b.f.procs[k].told);
	for (size_t k = 0; k < b.failure->n_cases && !finished; k++)
		for (size_t v = 0; v < b.failure->cases[k].n_victims; v++)
			ok &= b.failure->cases[k].victims[v].told;
	bench_stop(&b);
	return ok;
}

TEST(logic_whoever_comes_after_tells_nobody_again)
{
	unsigned int told;

	/* "xfs", "ext4" */
	for (size_t i = 1; i < 3; i++) {
		CHECK(dies_unrecorded(i, false, &told));
		CHECK_EQ(told, 1);
		/* of what is over nothing is kept, which the machine calls broken */
		(void)dies_unrecorded(i, true, &told);
		CHECK_EQ(told, 2);
	}
}

TEST(logic_every_call_fails_once)
{
	unsigned int runs = 0, bad = 0, nth;

	for (size_t i = 0; i < n_scenarios; i++)
		for (unsigned int k = 0; k < FAKE_ERRORS; k++)
			for (nth = 1; nth < 500; nth++) {
				struct bench b;
				bool over;
				int r;

				bench_start(&scenarios[i], &b);
				b.f.fail_nth = nth;
				b.f.fail_by_table = true;
				b.f.fail_kth = k;
				bad += !handle(&scenarios[i], &b, true, &r) ||
				       !mend(&scenarios[i], &b, r >= 0);
				over = !b.f.failed_op[0];
				runs++;
				bench_stop(&b);
				if (over)
					break;
			}
	test_say("%u runs", runs);
	CHECK(runs > 3000);
	CHECK_EQ(bad, 0);
}

TEST(logic_every_kind_of_call_fails_always)
{
	static const int errors[] = { -EIO, -EOPNOTSUPP, -EBUSY, -ENODEV, -EBADF, -EMFILE };
	unsigned int bad = 0;

	for (size_t op = 0; fake_op(op); op++)
		for (size_t i = 0; i < n_scenarios; i++)
			for (size_t k = 0; k < ARRAY_SIZE(errors); k++) {
				struct bench b;
				int r;

				bench_start(&scenarios[i], &b);
				b.f.fail_op = fake_op(op);
				b.f.fail_error = errors[k];
				bad += !handle(&scenarios[i], &b, true, &r);
				bench_stop(&b);
			}
	CHECK_EQ(bad, 0);
}

TEST(logic_every_allocation_fails_once)
{
	unsigned int runs = 0, bad = 0, nth;

	for (size_t i = 0; i < n_scenarios; i++)
		for (nth = 1; nth < 400; nth++) {
			struct bench b;
			bool over;
			int r;

			bench_start(&scenarios[i], &b);
			b.f.must_mark = false;	/* there may be no memory for it, */
			b.f.forgetful = true;	/* nor to remember what was done */
			test_alloc_fail(nth);
			bad += !handle(&scenarios[i], &b, true, &r);
			over = !test_alloc_failed();
			bad += !mend(&scenarios[i], &b, false);
			runs++;
			bench_stop(&b);
			if (over)
				break;
		}
	test_say("%u runs", runs);
	CHECK(runs > 300);
	CHECK_EQ(bad, 0);
}
