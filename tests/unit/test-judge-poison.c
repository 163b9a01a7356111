// SPDX-License-Identifier: GPL-2.0-only
/*
 * What poison came to, by its targets: each verdict alone, which outranks which, and
 * that the reason names what it is about.
 */
#include "model/failure.h"
#include "test.h"

static char *text(const char *s)
{
	return (char *)(uintptr_t)s;	/* never written to */
}

#define DONE		{ .state = PMF_STEP_DONE }
#define FAILED		{ .state = PMF_STEP_FAILED, .error = -EIO }
#define UNSUPPORTED	{ .state = PMF_STEP_UNSUPPORTED, .error = -EOPNOTSUPP }

static const struct pmf_step done = DONE, failed = FAILED, unsupported = UNSUPPORTED;

static struct pmf_target target(enum pmf_target_kind kind, enum pmf_action action,
				struct pmf_step step)
{
	return (struct pmf_target){ .kind = kind, .action = action, .step = step,
				    .ino = kind == PMF_TARGET_FILE ? 131 : 0 };
}

static struct pmf_case a_case(struct pmf_target *t, size_t n)
{
	return (struct pmf_case){
		.site = { .kind = PMF_SITE_FILESYSTEM, .name = text("pmem0p1"),
			  .fstype = text("xfs"), .mountpoint = text("/mnt") },
		.outcome = { .open = done, .resolve = done, .freeze = done, .thaw = done },
		.targets = t, .n_targets = n,
	};
}

static int judge(struct pmf_case *cases, size_t n, char **ret_reason)
{
	struct pmf_failure f = { .kind = PMF_KIND_POISON, .device_name = text("pmem0"),
				 .cases = cases, .n_cases = n, .reason = *ret_reason };

	if (pmf_failure_judge_poison(&f) < 0)
		return -1;
	*ret_reason = f.reason;
	return (int)f.state;
}

static bool has(const char *why, const char *words)
{
	return why && strncmp(why, "Poison of pmem0: ", 17) == 0 && strstr(why, words);
}

/* One target at one site, and what must be said: NULL is no reason at all. */
static const struct {
	enum pmf_target_kind kind;
	enum pmf_action action;
	struct pmf_step step;
	enum pmf_state state;
	const char *words;
} one[] = {
	{ PMF_TARGET_FILE, PMF_ACTION_REVOKE, DONE, PMF_STATE_HANDLED, NULL },
	{ PMF_TARGET_METADATA, PMF_ACTION_SHUTDOWN, DONE, PMF_STATE_HANDLED, NULL },
	{ PMF_TARGET_LOG, PMF_ACTION_REMOUNT_RO, DONE, PMF_STATE_HANDLED, NULL },
	{ PMF_TARGET_FILE, PMF_ACTION_REVOKE, FAILED, PMF_STATE_FAILED,
	  "xfs on pmem0p1, mounted at /mnt: the data of inode 131 could not be taken from "
	  "the processes that map it (Input/output error)." },
	{ PMF_TARGET_FILE, PMF_ACTION_REVOKE, { .state = PMF_STEP_SKIPPED },
	  PMF_STATE_FAILED, "(an earlier step ended the handling)" },
	{ PMF_TARGET_METADATA, PMF_ACTION_SHUTDOWN, FAILED, PMF_STATE_FAILED,
	  "it could not be shut down (Input/output error)." },
	{ PMF_TARGET_METADATA, PMF_ACTION_REMOUNT_RO, FAILED, PMF_STATE_FAILED,
	  "it could not be made read-only (Input/output error)." },
	{ PMF_TARGET_FILE, PMF_ACTION_REVOKE, UNSUPPORTED, PMF_STATE_UNSUPPORTED,
	  "the data of inode 131 could not be taken" },
	{ PMF_TARGET_FILE, PMF_ACTION_REVOKE, { .state = PMF_STEP_FAILED, .error = -ENODEV },
	  PMF_STATE_UNSUPPORTED, "module is not loaded" },
	{ PMF_TARGET_METADATA, PMF_ACTION_SHUTDOWN, UNSUPPORTED, PMF_STATE_UNSUPPORTED,
	  "it could not be shut down" },
	{ PMF_TARGET_UNKNOWN, PMF_ACTION_REPORT, { 0 }, PMF_STATE_HANDLED,
	  "xfs on pmem0p1, mounted at /mnt: what lies in some of the bad range is not known" },
	{ PMF_TARGET_METADATA, PMF_ACTION_REPORT, { 0 }, PMF_STATE_HANDLED,
	  "/mnt: metadata is hit, which is only reported" },
	{ PMF_TARGET_FREE, PMF_ACTION_NONE, { 0 }, PMF_STATE_PENDING,
	  "only free space of xfs on pmem0p1, mounted at /mnt is hit" },
};

TEST(each_verdict_alone)
{
	for (size_t i = 0; i < ARRAY_SIZE(one); i++) {
		_cleanup_free_ char *why = NULL;
		struct pmf_target t = target(one[i].kind, one[i].action, one[i].step);
		struct pmf_case c = a_case(&t, 1);

		test_say("%zu", i);
		CHECK_EQ(judge(&c, 1, &why), one[i].state);
		CHECK(one[i].words ? has(why, one[i].words) : !why);
	}
}

static int weight(enum pmf_state s)
{
	return s == PMF_STATE_FAILED ? 3 : s == PMF_STATE_UNSUPPORTED ? 2 :
	       s == PMF_STATE_HANDLED;
}

/* At one site or at two: the worse decides, and unless one only waits, both are told. */
TEST(the_worse_decides)
{
	for (size_t i = 0; i < ARRAY_SIZE(one) * ARRAY_SIZE(one) * 2; i++) {
		size_t a = i / 2 % ARRAY_SIZE(one), b = i / 2 / ARRAY_SIZE(one);
		_cleanup_free_ char *why = NULL;
		enum pmf_state worse = weight(one[a].state) > weight(one[b].state) ?
			one[a].state : one[b].state;
		struct pmf_target t[] = {
			target(one[a].kind, one[a].action, one[a].step),
			target(one[b].kind, one[b].action, one[b].step),
		};
		struct pmf_case c[] = { a_case(&t[0], 2 - i % 2), a_case(&t[1], 1) };

		/* Of several alike one is named. */
		if (t[0].action == t[1].action && i % 2 == 0)
			continue;
		CHECK_EQ(judge(c, 1 + i % 2, &why), worse);
		if (one[a].words && one[a].state != PMF_STATE_PENDING)
			CHECK(has(why, one[a].words));
		if (one[b].words && one[b].state != PMF_STATE_PENDING)
			CHECK(has(why, one[b].words));
		if (worse != PMF_STATE_PENDING)
			CHECK(!why || !strstr(why, "free space"));
	}
}

TEST(nothing_there)
{
	_cleanup_free_ char *why = strdup("an earlier reason");
	struct pmf_case c = a_case(NULL, 0);

	CHECK_EQ(judge(NULL, 0, &why), PMF_STATE_PENDING);
	CHECK(has(why, "nothing is mounted there"));
	CHECK_EQ(judge(&c, 1, &why), PMF_STATE_PENDING);
	CHECK(has(why, "only free space"));
}

TEST(many_alike_are_told_once)
{
	_cleanup_free_ char *why = NULL;
	struct pmf_target t[100];
	struct pmf_case c = a_case(t, ARRAY_SIZE(t));

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		t[i] = target(PMF_TARGET_FILE, PMF_ACTION_REVOKE, failed);
	t[0].path = text("/mnt/a");
	CHECK_EQ(judge(&c, 1, &why), PMF_STATE_FAILED);
	CHECK(has(why, "the data of inode 131, and 99 more like it, could not be taken"));
	CHECK(!strstr(why, "/mnt/a"));		/* everybody reads it */
	CHECK(strlen(why) < 250);
}

TEST(what_ends_a_site_early)
{
	_cleanup_free_ char *why = NULL;
	struct pmf_case c = a_case(NULL, 0);

	c.outcome.open = failed;
	c.outcome.resolve.state = PMF_STEP_SKIPPED;
	CHECK_EQ(judge(&c, 1, &why), PMF_STATE_FAILED);
	CHECK(has(why, "could not be opened (Input/output error)"));
	c.outcome.open = unsupported;
	CHECK_EQ(judge(&c, 1, &why), PMF_STATE_UNSUPPORTED);
	CHECK(has(why, "could not be opened"));
	c = a_case(NULL, 0);
	c.outcome.resolve = failed;
	CHECK_EQ(judge(&c, 1, &why), PMF_STATE_FAILED);
	CHECK(has(why, "what lies there could not be found out (Input/output error)"));
	c.outcome.resolve = unsupported;
	CHECK_EQ(judge(&c, 1, &why), PMF_STATE_UNSUPPORTED);
}

/* A replay that could not even open it: what was done before does not hide that. */
TEST(an_earlier_success_hides_nothing)
{
	_cleanup_free_ char *why = NULL;
	struct pmf_target t = target(PMF_TARGET_FILE, PMF_ACTION_REVOKE, done);
	struct pmf_case c = a_case(&t, 1);

	c.outcome.open = failed;
	CHECK_EQ(judge(&c, 1, &why), PMF_STATE_FAILED);
}

TEST(still_frozen_outranks_all)
{
	for (size_t i = 0; i < ARRAY_SIZE(one); i++) {
		_cleanup_free_ char *why = NULL;
		struct pmf_target t = target(one[i].kind, one[i].action, one[i].step);
		struct pmf_case c[] = { a_case(&t, 1), a_case(&t, 1) };

		c[1].outcome.thaw = i % 2 ? failed : unsupported;
		CHECK_EQ(judge(c, 2, &why), PMF_STATE_FAILED);
		CHECK(has(why, "pmem0: xfs on pmem0p1, mounted at /mnt: it could not be "
			  "thawed and may still be frozen"));
	}
}

TEST(other_sites)
{
	_cleanup_free_ char *why = NULL;
	struct pmf_target t = target(PMF_TARGET_FILE, PMF_ACTION_REVOKE, failed);
	struct pmf_case c = a_case(&t, 1);

	t.ino = 0;
	c.site.kind = PMF_SITE_DEVDAX;
	c.site.name = text("dax0.0");
	CHECK_EQ(judge(&c, 1, &why), PMF_STATE_FAILED);
	CHECK(has(why, "device-DAX node dax0.0: its memory could not be taken"));
	t.step = done;
	CHECK_EQ(judge(&c, 1, &why), PMF_STATE_HANDLED);
	c.site.kind = PMF_SITE_HOLDER;
	c.site.holder = text("swap");
	t.action = PMF_ACTION_REPORT;
	CHECK_EQ(judge(&c, 1, &why), PMF_STATE_UNSUPPORTED);
	CHECK(has(why, "swap on dax0.0: data cannot be followed"));
	c.n_targets = 0;
	CHECK_EQ(judge(&c, 1, &why), PMF_STATE_UNSUPPORTED);
}

TEST(a_log_device_says_so)
{
	_cleanup_free_ char *why = NULL;
	struct pmf_target t = target(PMF_TARGET_UNKNOWN, PMF_ACTION_SHUTDOWN, done);
	struct pmf_case c = a_case(&t, 1);

	c.site.role = PMF_ROLE_LOG;
	CHECK_EQ(judge(&c, 1, &why), PMF_STATE_HANDLED);
	t.kind = PMF_TARGET_METADATA;
	t.action = PMF_ACTION_REPORT;
	CHECK_EQ(judge(&c, 1, &why), PMF_STATE_HANDLED);
	CHECK(has(why, "the log is hit"));
}

TEST(pinned_pages_are_told)
{
	_cleanup_free_ char *why = NULL;
	struct pmf_target t = target(PMF_TARGET_FILE, PMF_ACTION_REVOKE, done);
	struct pmf_case c = a_case(&t, 1);

	t.pinned = 3;
	CHECK_EQ(judge(&c, 1, &why), PMF_STATE_HANDLED);
	CHECK(has(why, "3 pages of it were pinned"));
}

TEST(names_from_users_are_escaped)
{
	_cleanup_free_ char *why = NULL;
	struct pmf_target t = target(PMF_TARGET_FILE, PMF_ACTION_REVOKE, failed);
	struct pmf_case c = a_case(&t, 1);

	c.site.mountpoint = text("/m\033[2J\nPoison of nothing");
	CHECK_EQ(judge(&c, 1, &why), PMF_STATE_FAILED);
	CHECK(!strchr(why, '\033') && !strchr(why, '\n'));
	CHECK(has(why, "/m\\x1b[2J\\nPoison"));
}
