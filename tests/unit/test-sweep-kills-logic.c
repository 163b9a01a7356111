// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that dies after each of its calls in turn, in each scenario; then a pmemfaild
 * is started as it would be. What was frozen must be thawed, nothing told twice, nothing
 * forgotten, and what is on record true. Whatever outlives a process is done by such a
 * call, so dying before one is dying after the one before it.
 */
#include <sys/wait.h>

#include "sweep-cases.h"
#include "test.h"

#if defined(__SANITIZE_ADDRESS__)
#define ONE_IN	8	/* as many as there is time for */
#else
#define ONE_IN	1
#endif

static unsigned int bad;

/* False: it ended before it came to that call. */
static bool die_at(const struct sweep_case *c, unsigned int nth)
{
	struct world *w = sweep_begin(c);
	struct fake *f = &w->b.f;
	const char *why = NULL;
	int status;
	bool died;

	f->die_nth = nth;
	status = world_do(w, c->act);
	died = WIFEXITED(status) && WEXITSTATUS(status) == FAKE_DEATH;
	f->forgetful = !c->fdstore;
	if (died)
		fake_after_death(f, c->fdstore);
	else if (status != 0)
		why = "it did not end as it should";
	f->die_nth = 0;
	if (!why && world_do(w, world_successor) != 0)
		why = "the daemon after it did not end as it should";
	why = why ?: sweep_complaint(c, w, true, true);
	if (why) {
		bad++;
		test_say("%s, dead after call %u (%s): %s", c->name, nth, f->failed_op, why);
	}
	world_end(w);
	return died;
}

static void sweep(const char *name)
{
	unsigned int runs = 0;

	bad = 0;
	for (size_t i = 0; i < n_sweep_cases; i++) {
		bool died = true;

		if (strncmp(sweep_cases[i].name, name, strlen(name)) != 0)
			continue;
		for (unsigned int n = 1; died && n < 1000; n++)
			if (test_below(ONE_IN) == 0) {
				died = die_at(&sweep_cases[i], n);
				runs++;
			}
	}
	test_say("%u runs", runs);
	CHECK(runs > 30 / ONE_IN);
	CHECK_EQ(bad, 0);
}

TEST(dead_in_a_removal)
{
	sweep("remove");
}

TEST(dead_in_prepare_remove)
{
	sweep("prepare-remove");
}

TEST(dead_in_poison)
{
	sweep("poison");
}

TEST(dead_in_a_replay)
{
	sweep("replay");
}

TEST(dead_in_a_report)
{
	sweep("report");
}
