// SPDX-License-Identifier: GPL-2.0-only
/* Settings: what is taken, what is refused, and that a refusal changes nothing. */
#include "model/policy.h"
#include "test.h"

TEST(defaults_are_what_the_header_says)
{
	struct pmf_policy p;

	pmf_policy_defaults(&p);
	CHECK_EQ(p.hold_timeout_us, 30000000);
	CHECK_EQ(p.freeze_timeout_us, 5000000);
	CHECK_EQ(p.settle_timeout_us, 10000000);
	CHECK(p.fs.freeze && !p.unmount);
	CHECK_STR(p.state_dir, "/var/lib/pmemfail");
	CHECK_STR(p.run_dir, "/run/pmemfail");
	CHECK_EQ(p.fs.signal, PMF_SIGNAL_ALL);
	CHECK_EQ(p.fs.metadata, PMF_METADATA_SHUTDOWN);
	CHECK(p.fs.mark_bad);
	CHECK_EQ(p.rescan_us, 60000000);
	CHECK_EQ(p.keep_us, 365 * 86400000000);
	CHECK_EQ(p.keep_max, 10000);
	CHECK_EQ(p.hook_timeout_us, 60000000);
	CHECK_STR(p.hooks_dir, "/etc/pmemfail/hooks.d");
	CHECK_EQ(p.n_overrides, 0);
}

TEST(every_setting_is_described_and_takes_its_default)
{
	const char *key, *value, *what;
	struct pmf_policy p, d;
	char why[160];
	size_t i;

	pmf_policy_defaults(&p);
	pmf_policy_defaults(&d);
	for (i = 0; pmf_policy_describe(i, &key, &value, &what) == 0; i++) {
		CHECK(strlen(what) > 20);
		CHECK_EQ(pmf_policy_set(&p, key, value, why), 0);
	}
	CHECK_EQ(i, 16);
	CHECK_EQ(pmf_policy_describe(i, &key, &value, &what), -ENOENT);
	CHECK(memcmp(&p, &d, sizeof(p)) == 0);
}

TEST(a_delay_leaves_half_of_the_hold_to_the_rescue)
{
	struct pmf_policy p;
	char why[160] = "";

	pmf_policy_defaults(&p);
	CHECK_EQ(pmf_policy_set(&p, "HoldTimeoutSec", "4", why), 0);
	CHECK_EQ(pmf_policy_check(&p, false, why), 0);	/* the default gives way */
	CHECK_EQ(pmf_policy_set(&p, "InhibitDelayMaxSec", "2001ms", why), 0);
	CHECK_EQ(pmf_policy_check(&p, true, why), -EINVAL);
	CHECK(strstr(why, "HoldTimeoutSec") != NULL);
	CHECK_EQ(pmf_policy_set(&p, "InhibitDelayMaxSec", "2", why), 0);
	CHECK_EQ(pmf_policy_check(&p, true, why), 0);
}

TEST(good_values)
{
	struct pmf_policy p;
	char why[160];

	pmf_policy_defaults(&p);
	CHECK_EQ(pmf_policy_set(&p, "HoldTimeoutSec", "2min", why), 0);
	CHECK_EQ(p.hold_timeout_us, 120000000);
	CHECK_EQ(pmf_policy_set(&p, "FreezeTimeoutSec", "500ms", NULL), 0);
	CHECK_EQ(p.freeze_timeout_us, 500000);
	CHECK_EQ(pmf_policy_set(&p, "SettleTimeoutSec", "0", why), 0);
	CHECK_EQ(p.settle_timeout_us, 0);
	CHECK_EQ(pmf_policy_set(&p, "Freeze", "Off", why), 0);
	CHECK_EQ(pmf_policy_set(&p, "Unmount", "true", why), 0);
	CHECK(!p.fs.freeze && p.unmount);
	CHECK_EQ(pmf_policy_set(&p, "StateDirectory", "/srv/..pmem", why), 0);
	CHECK_STR(p.state_dir, "/srv/..pmem");
	CHECK_EQ(pmf_policy_set(&p, "Signal", "policy", why), 0);
	CHECK_EQ(p.fs.signal, PMF_SIGNAL_POLICY);
	CHECK_EQ(pmf_policy_set(&p, "Signal", "none", why), 0);
	CHECK_EQ(p.fs.signal, PMF_SIGNAL_NONE);
	CHECK_EQ(pmf_policy_set(&p, "Signal", "all", why), 0);
	CHECK_EQ(p.fs.signal, PMF_SIGNAL_ALL);
	CHECK_EQ(pmf_policy_set(&p, "Metadata", "remount-ro", why), 0);
	CHECK_EQ(p.fs.metadata, PMF_METADATA_REMOUNT_RO);
	CHECK_EQ(pmf_policy_set(&p, "Metadata", "report", why), 0);
	CHECK_EQ(p.fs.metadata, PMF_METADATA_REPORT);
	CHECK_EQ(pmf_policy_set(&p, "MarkBad", "no", why), 0);
	CHECK(!p.fs.mark_bad);
	CHECK_EQ(pmf_policy_set(&p, "RescanIntervalSec", "infinity", why), 0);
	CHECK(p.rescan_us == UINT64_MAX);
	CHECK_EQ(pmf_policy_set(&p, "RescanIntervalSec", "5", why), 0);
	CHECK_EQ(p.rescan_us, 5000000);
	CHECK_EQ(pmf_policy_set(&p, "KeepDays", "1", why), 0);
	CHECK_EQ(p.keep_us, 86400000000);
	CHECK_EQ(pmf_policy_set(&p, "KeepDays", "0", why), 0);
	CHECK_EQ(p.keep_us, 0);
	CHECK_EQ(pmf_policy_set(&p, "KeepMax", "0", why), 0);
	CHECK_EQ(p.keep_max, 0);
	CHECK_EQ(pmf_policy_set(&p, "HookTimeoutSec", "1h", why), 0);
	CHECK_EQ(p.hook_timeout_us, 3600000000);
	CHECK_EQ(pmf_policy_set(&p, "HooksDirectory", "/srv/hooks", why), 0);
	CHECK_STR(p.hooks_dir, "/srv/hooks");
}

TEST(bad_values_change_nothing_and_say_why)
{
	static const struct { const char *key, *value; int err; } bad[] = {
		{ "HoldTimeoutSec", "", -EINVAL }, { "HoldTimeoutSec", "soon", -EINVAL },
		{ "HoldTimeoutSec", "-1", -EINVAL }, { "HoldTimeoutSec", "0", -EINVAL },
		{ "HoldTimeoutSec", "601", -EINVAL }, { "HoldTimeoutSec", "infinity", -EINVAL },
		{ "HoldTimeoutSec", "30 parsecs", -EINVAL },
		{ "HoldTimeoutSec", "99999999999999999999", -EINVAL },
		{ "FreezeTimeoutSec", "99ms", -EINVAL },
		{ "Freeze", "maybe", -EINVAL }, { "Freeze", "", -EINVAL },
		{ "StateDirectory", "var/lib", -EINVAL }, { "StateDirectory", "/", -EINVAL },
		{ "StateDirectory", "//", -EINVAL }, { "StateDirectory", "", -EINVAL },
		{ "StateDirectory", "/var/../etc", -EINVAL },
		{ "StateDirectory", "/var/lib/..", -EINVAL },
		{ "StateDirectory", "/var/\n", -EINVAL },
		{ "Signal", "every", -EINVAL }, { "Signal", "", -EINVAL },
		{ "Signal", "All", -EINVAL }, { "Metadata", "remount", -EINVAL },
		{ "MarkBad", "2", -EINVAL },
		{ "RescanIntervalSec", "4", -EINVAL }, { "RescanIntervalSec", "25h", -EINVAL },
		{ "HookTimeoutSec", "infinity", -EINVAL }, { "HookTimeoutSec", "0", -EINVAL },
		{ "HookTimeoutSec", "3601", -EINVAL },
		{ "KeepDays", "1h", -EINVAL }, { "KeepDays", "36501", -EINVAL },
		{ "KeepDays", "infinity", -EINVAL }, { "KeepDays", "-1", -EINVAL },
		{ "KeepMax", "", -EINVAL }, { "KeepMax", "100000001", -EINVAL },
		{ "HooksDirectory", "hooks.d", -EINVAL },
		{ "holdtimeoutsec", "30", -ENOENT }, { "Colour", "red", -ENOENT },
	};
	struct pmf_policy p, d;
	char why[160], longest[200];
	size_t i;

	pmf_policy_defaults(&p);
	pmf_policy_defaults(&d);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		why[0] = '\0';
		test_say("%s=%s", bad[i].key, bad[i].value);
		CHECK_EQ(pmf_policy_set(&p, bad[i].key, bad[i].value, why), bad[i].err);
		CHECK(strstr(why, bad[i].key) && why[strlen(why) - 1] == '.');
		CHECK_EQ(pmf_policy_set(&p, bad[i].key, bad[i].value, NULL), bad[i].err);
	}
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(p.state_dir)] = '\0';
	CHECK_EQ(pmf_policy_set(&p, "StateDirectory", longest, why), -EINVAL);
	CHECK(memcmp(&p, &d, sizeof(p)) == 0);
	longest[sizeof(p.state_dir) - 1] = '\0';
	CHECK_EQ(pmf_policy_set(&p, "StateDirectory", longest, why), 0);
}

TEST(times)
{
	uint64_t us = 7;

	CHECK_EQ(pmf_time_from_string("infinity", &us), 0);
	CHECK(us == UINT64_MAX);
	CHECK_EQ(pmf_time_from_string("1 h", &us), 0);
	CHECK_EQ(us, 3600000000);
	CHECK_EQ(pmf_time_from_string("250us", &us), 0);
	CHECK_EQ(us, 250);
	CHECK_EQ(pmf_time_from_string(" 1", &us), -EINVAL);
	CHECK_EQ(pmf_time_from_string("1s ", &us), -EINVAL);
	CHECK_EQ(pmf_time_from_string("s", &us), -EINVAL);
	CHECK_EQ(pmf_time_from_string("18446744073709551615us", &us), -ERANGE);
	CHECK_EQ(pmf_time_from_string("18446744073709551616us", &us), -ERANGE);
	CHECK_EQ(pmf_time_from_string("18446744073710s", &us), -ERANGE);
	CHECK_EQ(us, 250);
}

/* --- for one filesystem ---------------------------------------------------- */

static void policyp(struct pmf_policy *p)
{
	pmf_policy_done(p);
}
#define _cleanup_policy_ _cleanup_(policyp)

TEST(what_is_set_for_a_filesystem_is_for_it_alone)
{
	_cleanup_policy_ struct pmf_policy p;
	struct pmf_fs_policy fs;
	char why[160];

	pmf_policy_defaults(&p);
	CHECK_EQ(pmf_policy_set_fs(&p, "/mnt/a", "Metadata", "report", why), 0);
	CHECK_EQ(pmf_policy_set_fs(&p, "/mnt/a", "Freeze", "no", why), 0);
	CHECK_EQ(pmf_policy_set_fs(&p, "/dev/pmem0p1", "Signal", "none", why), 0);
	CHECK_EQ(pmf_policy_set_fs(&p, "/dev/pmem0p1", "MarkBad", "no", why), 0);
	CHECK_EQ(pmf_policy_set_fs(&p, "/", "Signal", "policy", why), 0);
	CHECK_EQ(p.n_overrides, 3);
	fs = pmf_policy_for(&p, "/mnt/a", "/dev/pmem1");
	CHECK(!fs.freeze && fs.metadata == PMF_METADATA_REPORT);
	CHECK(fs.mark_bad && fs.signal == PMF_SIGNAL_ALL);
	fs = pmf_policy_for(&p, NULL, "/dev/pmem0p1");
	CHECK(fs.freeze && fs.metadata == PMF_METADATA_SHUTDOWN);
	CHECK(!fs.mark_bad && fs.signal == PMF_SIGNAL_NONE);
	fs = pmf_policy_for(&p, "/", NULL);
	CHECK_EQ(fs.signal, PMF_SIGNAL_POLICY);
	/* Both by name: each setting by itself. */
	fs = pmf_policy_for(&p, "/mnt/a", "/dev/pmem0p1");
	CHECK(!fs.freeze && fs.metadata == PMF_METADATA_REPORT && !fs.mark_bad &&
	      fs.signal == PMF_SIGNAL_NONE);
	/* What is set for all afterwards goes for what they leave open. */
	CHECK_EQ(pmf_policy_set(&p, "Signal", "policy", why), 0);
	CHECK_EQ(pmf_policy_for(&p, "/mnt/a", NULL).signal, PMF_SIGNAL_POLICY);
	CHECK_EQ(pmf_policy_for(&p, NULL, "/dev/pmem0p1").signal, PMF_SIGNAL_NONE);
	/* Near is not the same. */
	CHECK(pmf_policy_for(&p, "/mnt/a/b", "/dev/pmem0p11").freeze);
	CHECK(pmf_policy_for(&p, "/mnt", "/dev/pmem0").mark_bad);
	CHECK(pmf_policy_for(&p, NULL, NULL).freeze);
}

TEST(the_mount_point_outweighs_the_node)
{
	_cleanup_policy_ struct pmf_policy p;

	pmf_policy_defaults(&p);
	CHECK_EQ(pmf_policy_set_fs(&p, "/mnt", "Metadata", "report", NULL), 0);
	CHECK_EQ(pmf_policy_set_fs(&p, "/dev/pmem0p1", "Metadata", "remount-ro", NULL), 0);
	CHECK_EQ(pmf_policy_set_fs(&p, "/mnt", "Freeze", "no", NULL), 0);
	CHECK_EQ(pmf_policy_set_fs(&p, "/mnt", "Freeze", "yes", NULL), 0);
	CHECK_EQ(pmf_policy_set_fs(&p, "/dev/pmem0p1", "Freeze", "no", NULL), 0);
	CHECK_EQ(p.n_overrides, 2);
	CHECK_EQ(pmf_policy_for(&p, "/mnt", "/dev/pmem0p1").metadata, PMF_METADATA_REPORT);
	CHECK(pmf_policy_for(&p, "/mnt", "/dev/pmem0p1").freeze);
}

TEST(bad_settings_of_a_filesystem_change_nothing)
{
	static const struct { const char *fs, *key, *value; int err; const char *word; } bad[] = {
		{ "/mnt", "HoldTimeoutSec", "30", -EINVAL, "HoldTimeoutSec cannot" },
		{ "/mnt", "Unmount", "yes", -EINVAL, "Unmount cannot" },
		{ "/mnt", "Colour", "red", -ENOENT, "Colour" },
		{ "/mnt", "Metadata", "none", -EINVAL, "shutdown, remount-ro, report" },
		{ "mnt", "Freeze", "no", -EINVAL, "\"mnt\"" },
		{ "", "Freeze", "no", -EINVAL, "\"\"" },
		{ "/mnt/", "Freeze", "no", -EINVAL, "\"/mnt/\"" },
		{ "/mnt//a", "Freeze", "no", -EINVAL, "\"/mnt//a\"" },
		{ "/mnt/./a", "Freeze", "no", -EINVAL, "absolute" },
		{ "/mnt/.", "Freeze", "no", -EINVAL, "absolute" },
		{ "/mnt/../a", "Freeze", "no", -EINVAL, "absolute" },
		{ "//", "Freeze", "no", -EINVAL, "absolute" },
		{ " /mnt", "Freeze", "no", -EINVAL, "absolute" },
		{ "/m\033", "Freeze", "no", -EINVAL, "\\x1b" },
	};
	_cleanup_policy_ struct pmf_policy p;
	char why[160];

	pmf_policy_defaults(&p);
	CHECK_EQ(pmf_policy_set_fs(&p, "/mnt", "Signal", "none", why), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		why[0] = '\0';
		CHECK_EQ(pmf_policy_set_fs(&p, bad[i].fs, bad[i].key, bad[i].value, why),
			 bad[i].err);
		if (!strstr(why, bad[i].word) || why[strlen(why) - 1] != '.')
			test_failed(__FILE__, __LINE__, "\"%s\" lacks \"%s\"", why,
				    bad[i].word);
		CHECK_EQ(p.n_overrides, 1);
		CHECK_EQ(pmf_policy_for(&p, "/mnt", NULL).metadata, PMF_METADATA_SHUTDOWN);
		CHECK(pmf_policy_for(&p, "/mnt", NULL).freeze);
	}
	CHECK(!p.overrides[0].has_metadata && !p.overrides[0].has_freeze);
}

TEST(a_copy_owns_its_own)
{
	_cleanup_policy_ struct pmf_policy c;
	struct pmf_policy p;

	pmf_policy_defaults(&p);
	CHECK_EQ(pmf_policy_set_fs(&p, "/mnt/a", "Freeze", "no", NULL), 0);
	CHECK_EQ(pmf_policy_set_fs(&p, "/mnt/b", "Signal", "none", NULL), 0);
	CHECK_EQ(pmf_policy_copy(&p, &c), 0);
	CHECK_EQ(pmf_policy_set_fs(&p, "/mnt/a", "Freeze", "yes", NULL), 0);
	CHECK_EQ(pmf_policy_set_fs(&p, "/mnt/c", "Freeze", "no", NULL), 0);
	pmf_policy_done(&p);
	CHECK_EQ(p.n_overrides, 0);
	CHECK(pmf_policy_for(&p, "/mnt/a", NULL).freeze);
	CHECK_EQ(p.hold_timeout_us, 30000000);
	CHECK_EQ(c.n_overrides, 2);
	CHECK(!pmf_policy_for(&c, "/mnt/a", NULL).freeze);
	CHECK_EQ(pmf_policy_for(&c, "/mnt/b", NULL).signal, PMF_SIGNAL_NONE);
}
