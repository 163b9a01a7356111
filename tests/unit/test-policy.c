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
	CHECK_EQ(i, 7);
	CHECK_EQ(pmf_policy_describe(i, &key, &value, &what), -ENOENT);
	CHECK(memcmp(&p, &d, sizeof(p)) == 0);
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
