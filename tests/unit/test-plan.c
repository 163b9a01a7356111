// SPDX-License-Identifier: GPL-2.0-only
/* Every kind of target at every kind of site under every setting. */
#include "model/plan.h"
#include "test.h"

static enum pmf_action plan(enum pmf_site_kind site, enum pmf_site_role role,
			    enum pmf_target_kind kind, enum pmf_metadata metadata)
{
	struct pmf_fs_policy p = { .freeze = true, .metadata = metadata };
	struct pmf_target t = { .kind = kind, .action = PMF_ACTION_N };
	struct pmf_case c = { .site = { .kind = site, .role = role }, .targets = &t,
			      .n_targets = 1 };

	pmf_plan(&c, &p);
	return t.action;
}

static const struct {
	enum pmf_metadata setting;
	enum pmf_action action;
} metadata[] = {
	{ PMF_METADATA_SHUTDOWN, PMF_ACTION_SHUTDOWN },
	{ PMF_METADATA_REMOUNT_RO, PMF_ACTION_REMOUNT_RO },
	{ PMF_METADATA_REPORT, PMF_ACTION_REPORT },
};

TEST(a_filesystem)
{
	static const enum pmf_target_kind needed[] = {
		PMF_TARGET_DIRECTORY, PMF_TARGET_XATTR, PMF_TARGET_METADATA, PMF_TARGET_LOG,
	};
	static const enum pmf_site_role roles[] = { PMF_ROLE_DATA, PMF_ROLE_REALTIME };

	for (size_t i = 0; i < ARRAY_SIZE(metadata) * ARRAY_SIZE(roles); i++) {
		enum pmf_site_role role = roles[i % 2];
		enum pmf_metadata m = metadata[i / 2].setting;

		CHECK_EQ(plan(PMF_SITE_FILESYSTEM, role, PMF_TARGET_FILE, m),
			 PMF_ACTION_REVOKE);
		CHECK_EQ(plan(PMF_SITE_FILESYSTEM, role, PMF_TARGET_FREE, m),
			 PMF_ACTION_NONE);
		CHECK_EQ(plan(PMF_SITE_FILESYSTEM, role, PMF_TARGET_UNKNOWN, m),
			 PMF_ACTION_REPORT);
		for (size_t k = 0; k < ARRAY_SIZE(needed); k++)
			CHECK_EQ(plan(PMF_SITE_FILESYSTEM, role, needed[k], m),
				 metadata[i / 2].action);
	}
}

TEST(a_log_device)
{
	for (size_t i = 0; i < ARRAY_SIZE(metadata); i++)
		for (int kind = 0; kind < PMF_TARGET_N; kind++)
			CHECK_EQ(plan(PMF_SITE_FILESYSTEM, PMF_ROLE_LOG,
				      (enum pmf_target_kind)kind, metadata[i].setting),
				 metadata[i].action);
}

TEST(a_device_dax_node_and_a_holder)
{
	for (size_t i = 0; i < ARRAY_SIZE(metadata); i++) {
		CHECK_EQ(plan(PMF_SITE_DEVDAX, PMF_ROLE_DATA, PMF_TARGET_FILE,
			      metadata[i].setting), PMF_ACTION_REVOKE);
		for (int kind = 0; kind < PMF_TARGET_N; kind++)
			CHECK_EQ(plan(PMF_SITE_HOLDER, PMF_ROLE_DATA,
				      (enum pmf_target_kind)kind, metadata[i].setting),
				 PMF_ACTION_REPORT);
	}
}

TEST(what_is_done_stays)
{
	struct pmf_fs_policy p = { .metadata = PMF_METADATA_REPORT };
	struct pmf_target t[] = {
		{ .kind = PMF_TARGET_METADATA, .action = PMF_ACTION_SHUTDOWN,
		  .step = { .state = PMF_STEP_DONE } },
		{ .kind = PMF_TARGET_METADATA, .action = PMF_ACTION_SHUTDOWN,
		  .step = { .state = PMF_STEP_FAILED } },
		{ .kind = PMF_TARGET_FILE },
	};
	struct pmf_case c = { .targets = t, .n_targets = ARRAY_SIZE(t) };

	pmf_plan(&c, &p);
	CHECK_EQ(t[0].action, PMF_ACTION_SHUTDOWN);
	CHECK_EQ(t[1].action, PMF_ACTION_REPORT);
	CHECK_EQ(t[2].action, PMF_ACTION_REVOKE);
}
