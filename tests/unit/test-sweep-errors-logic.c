// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each call fails in turn, with an error that it can give (fake-errors.c), in each
 * scenario, from the event to what is on record; then a pmemfaild that is started anew
 * must mend what can be mended. With PMF_TEST_ALL=1 each with each of its errors, which
 * takes a minute; of the handling alone that is done each time, in test-handle-logic.c and
 * test-poison-logic.c.
 */
#include "fake-errors.h"
#include "sweep-cases.h"
#include "test.h"

#if defined(__SANITIZE_ADDRESS__)
#define ONE_IN	8
#else
#define ONE_IN	2	/* by chance, so that some checks come to all */
#endif

static unsigned int bad, runs;

/* Whoever comes after has a look, too, where there may be something left to do. */
static const char *after(const struct sweep_case *c, struct world *w, unsigned int kth)
{
	if (kth > 0 && sweep_is_over(w))
		return NULL;
	if (world_do(w, world_successor) != 0)
		return "the daemon after it did not end as it should";
	return sweep_complaint(c, w, true, false);
}

/* Which call it was; "": there are not so many. */
static const char *fail_at(const struct sweep_case *c, unsigned int nth, unsigned int kth)
{
	static char op[sizeof(((struct fake *)NULL)->failed_op)];
	struct world *w = sweep_begin(c);
	struct fake *f = &w->b.f;
	const char *why = NULL;

	f->fail_nth = nth;
	f->fail_kth = kth;
	f->fail_by_table = true;
	if (world_do(w, c->act) != 0)
		why = "it did not end as it should";
	(void)snprintf(op, sizeof(op), "%s", f->failed_op);
	f->fail_nth = 0;
	if (op[0] && !f->no_such_error) {
		why = why ?: sweep_complaint(c, w, false, false);
		why = why ?: after(c, w, kth);
	}
	if (why) {
		bad++;
		test_say("%s, call %u (%s) gives %s: %s", c->name, nth, op,
			 strerrorname_np(-f->fail_error), why);
	}
	world_end(w);
	runs++;
	return op;
}

/* With several threads it need not be the same call each time, but it mostly is. */
static bool fail_each_way(const struct sweep_case *c, unsigned int nth)
{
	const char *op = "";

	for (unsigned int k = 0; k < FAKE_ERRORS; k++) {
		if (k > 0 && fake_error_of(op, k) == 0)
			break;
		op = fail_at(c, nth, k);
		if (!op[0])
			return false;
	}
	return true;
}

/* Everything, or as much as there is time for: of each call one error by chance. */
static bool fail_some_way(const struct sweep_case *c, unsigned int nth)
{
	if (getenv("PMF_TEST_ALL"))
		return fail_each_way(c, nth);
	return test_below(ONE_IN) > 0 ||
	       fail_at(c, nth, (unsigned int)test_below(FAKE_ERRORS))[0];
}

static void sweep(const char *name)
{
	bad = runs = 0;
	for (size_t i = 0; i < n_sweep_cases; i++) {
		bool more = sweep_cases[i].fdstore &&	/* else it is another's twin */
			    strncmp(sweep_cases[i].name, name, strlen(name)) == 0;

		for (unsigned int n = 1; more && n < 1000; n++)
			more = fail_some_way(&sweep_cases[i], n);
	}
	test_say("%u runs", runs);
	CHECK(runs > 30 / ONE_IN);
	CHECK_EQ(bad, 0);
}

TEST(errors_in_a_removal)
{
	sweep("remove");
}

TEST(errors_in_prepare_remove)
{
	sweep("prepare-remove");
}

TEST(errors_in_poison)
{
	sweep("poison");
}

TEST(errors_in_a_replay)
{
	sweep("replay");
}

TEST(errors_in_a_report)
{
	sweep("report");
}
