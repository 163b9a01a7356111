// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a removal came to, by its cases: each way to go wrong alone, and which
 * outranks which.
 */
#include "model/failure.h"
#include "test.h"

static char *text(const char *s)
{
	return (char *)(uintptr_t)s;	/* never written to */
}

static struct pmf_case good(void)
{
	struct pmf_step done = { .state = PMF_STEP_DONE };

	return (struct pmf_case){
		.site = { .kind = PMF_SITE_FILESYSTEM, .name = text("pmem0p1"),
			  .fstype = text("xfs"), .mountpoint = text("/mnt") },
		.outcome = { .open = done, .freeze = done, .revoke = done,
			     .shutdown = done, .thaw = done },
	};
}

static int judge(struct pmf_case *cases, size_t n, char **ret_reason)
{
	struct pmf_failure f = { .device_name = text("pmem0"), .cases = cases, .n_cases = n };

	if (pmf_failure_judge_removal(&f) < 0)
		return -1;
	free(*ret_reason);
	*ret_reason = f.reason;
	return (int)f.state;
}

static const struct pmf_step step_failed = { .state = PMF_STEP_FAILED, .error = -EIO };
static const struct pmf_step unsupported = { .state = PMF_STEP_UNSUPPORTED,
					     .error = -EOPNOTSUPP };

TEST(nobody_used_it)
{
	_cleanup_free_ char *why = NULL;

	CHECK_EQ(judge(NULL, 0, &why), PMF_STATE_HANDLED);
	CHECK_STR(why, NULL);
}

TEST(all_good)
{
	_cleanup_free_ char *why = NULL;
	struct pmf_case c[] = { good(), good() };

	c[1].site.fstype = text("ext4");
	c[1].outcome.stop_dax.state = PMF_STEP_DONE;
	/* A problem noted on the way changes no verdict. */
	strcpy(c[1].outcome.problem, "cannot list who maps /mnt");
	CHECK_EQ(judge(c, 2, &why), PMF_STATE_HANDLED);
	CHECK_STR(why, NULL);
}

/* Each makes one thing of a good case bad; the reason must have the words. */
static void no_open(struct pmf_case *c) { c->outcome.open = step_failed; }
static void no_revoke(struct pmf_case *c) { c->outcome.revoke = step_failed; }
static void no_thaw(struct pmf_case *c) { c->outcome.thaw = step_failed; }
static void no_shutdown(struct pmf_case *c) { c->outcome.shutdown = step_failed; }
static void skipped(struct pmf_case *c) { c->outcome.shutdown.state = PMF_STEP_SKIPPED; }
static void left(struct pmf_case *c) { c->outcome.entries_left = 3; }
static void pinned(struct pmf_case *c) { c->outcome.pinned = 2; }
static void cannot_shutdown(struct pmf_case *c) { c->outcome.shutdown = unsupported; }
static void cannot_revoke(struct pmf_case *c) { c->outcome.revoke = unsupported; }
static void thaw_unsupported(struct pmf_case *c) { c->outcome.thaw = unsupported; }
static void ext4_without_stop(struct pmf_case *c)
{
	c->site.fstype = text("ext4");
	c->outcome.stop_dax = step_failed;
}
static void no_module(struct pmf_case *c)
{
	c->outcome.revoke = (struct pmf_step){ PMF_STEP_FAILED, -ENODEV, 0 };
}
static void holder(struct pmf_case *c)
{
	c->site.kind = PMF_SITE_HOLDER;
	c->site.holder = text("swap");
}
static void devdax_skipped(struct pmf_case *c)
{
	c->site.kind = PMF_SITE_DEVDAX;
	c->outcome.revoke.state = PMF_STEP_SKIPPED;
}

static const struct {
	const char *name;
	void (*spoil)(struct pmf_case *c);
	enum pmf_state state;
	const char *word;
} bad[] = {
	{ "open", no_open, PMF_STATE_FAILED, "opened" },
	{ "revoke", no_revoke, PMF_STATE_FAILED, "Input/output error" },
	{ "thaw", no_thaw, PMF_STATE_FAILED, "frozen" },
	{ "thaw unsupported", thaw_unsupported, PMF_STATE_FAILED, "frozen" },
	{ "ext4 without stop", ext4_without_stop, PMF_STATE_FAILED, "mapped again" },
	{ "shutdown", no_shutdown, PMF_STATE_FAILED, "shut down" },
	{ "skipped", skipped, PMF_STATE_FAILED, "not shut down" },
	{ "left", left, PMF_STATE_FAILED, "3 DAX entries" },
	{ "pinned", pinned, PMF_STATE_FAILED, "2 files" },
	{ "no module", no_module, PMF_STATE_FAILED, "module" },
	{ "devdax", devdax_skipped, PMF_STATE_FAILED, "device-DAX" },
	{ "cannot shut down", cannot_shutdown, PMF_STATE_UNSUPPORTED, "no call" },
	{ "cannot revoke", cannot_revoke, PMF_STATE_UNSUPPORTED, "cannot be taken" },
	{ "holder", holder, PMF_STATE_UNSUPPORTED, "swap on pmem0p1" },
};

TEST(each_way_to_go_wrong_names_itself)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_free_ char *why = NULL;
		struct pmf_case c[] = { good(), good() };

		bad[i].spoil(&c[i % 2]);
		test_say("%s", bad[i].name);
		CHECK_EQ(judge(c, 2, &why), bad[i].state);
		CHECK(why && strstr(why, bad[i].word) && strstr(why, "pmem0p1") &&
		      strncmp(why, "Removal of pmem0: ", 18) == 0);
	}
}

TEST(failed_outranks_unsupported_and_both_are_told)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		for (j = 0; j < ARRAY_SIZE(bad); j++) {
			_cleanup_free_ char *why = NULL;
			struct pmf_case c[] = { good(), good() };
			bool any = bad[i].state == PMF_STATE_FAILED ||
				   bad[j].state == PMF_STATE_FAILED;

			bad[i].spoil(&c[0]);
			bad[j].spoil(&c[1]);
			CHECK_EQ(judge(c, 2, &why),
				 any ? PMF_STATE_FAILED : PMF_STATE_UNSUPPORTED);
			CHECK(strstr(why, bad[i].word) && strstr(why, bad[j].word));
		}
}

TEST(unmounted_is_good_unless_still_frozen)
{
	_cleanup_free_ char *why = NULL;
	struct pmf_case c = good();

	no_module(&c);
	c.outcome.unmount.state = PMF_STEP_DONE;
	CHECK_EQ(judge(&c, 1, &why), PMF_STATE_HANDLED);
	no_thaw(&c);
	CHECK_EQ(judge(&c, 1, &why), PMF_STATE_FAILED);
}

TEST(an_ended_hold_is_a_failure)
{
	struct pmf_failure f = { .device_name = text("pmem0"), .hold_ended = true };

	CHECK_EQ(pmf_failure_judge_removal(&f), 0);
	CHECK_EQ(f.state, PMF_STATE_FAILED);
	CHECK(strstr(f.reason, "stopped waiting"));
	free(f.reason);
}

TEST(names_from_users_are_escaped)
{
	_cleanup_free_ char *why = NULL;
	struct pmf_case c = good();

	c.site.mountpoint = text("/mnt/\033[2J\nok");
	no_shutdown(&c);
	CHECK_EQ(judge(&c, 1, &why), PMF_STATE_FAILED);
	CHECK(!strchr(why, '\033') && !strchr(why, '\n') && strstr(why, "\\x1b[2J\\nok"));
}

TEST(an_earlier_reason_is_replaced)
{
	struct pmf_failure f = { .device_name = text("pmem0"), .reason = strdup("old") };

	CHECK_EQ(pmf_failure_judge_removal(&f), 0);
	CHECK_STR(f.reason, NULL);
}

TEST(states_follow_the_design)
{
	CHECK(pmf_state_may_become(PMF_STATE_PENDING, PMF_STATE_HANDLING));
	CHECK(pmf_state_may_become(PMF_STATE_HANDLING, PMF_STATE_PENDING));
	CHECK(pmf_state_may_become(PMF_STATE_HANDLED, PMF_STATE_CLEARED));
	CHECK(pmf_state_may_become(PMF_STATE_HANDLED, PMF_STATE_HANDLED));
	CHECK(pmf_state_may_become(PMF_STATE_HANDLED, PMF_STATE_HANDLING));	/* replay */
	CHECK(pmf_state_may_become(PMF_STATE_HANDLING, PMF_STATE_HANDLED));
	CHECK(pmf_state_may_become(PMF_STATE_PENDING, PMF_STATE_CLEARED));
	CHECK(pmf_state_may_become(PMF_STATE_FAILED, PMF_STATE_CLEARED));
	CHECK(pmf_state_may_become(PMF_STATE_UNSUPPORTED, PMF_STATE_CLEARED));
	CHECK(pmf_state_may_become(PMF_STATE_FAILED, PMF_STATE_HANDLING));
	CHECK(pmf_state_may_become(PMF_STATE_UNSUPPORTED, PMF_STATE_HANDLING));
	CHECK(!pmf_state_may_become(PMF_STATE_PENDING, PMF_STATE_HANDLED));
	CHECK(!pmf_state_may_become(PMF_STATE_CLEARED, PMF_STATE_HANDLING));
	CHECK(!pmf_state_may_become(PMF_STATE_HANDLED, PMF_STATE_FAILED));
}
