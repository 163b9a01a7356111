// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Targets to actions. See plan.h.
 */
#include "model/plan.h"

static enum pmf_action for_metadata(const struct pmf_fs_policy *p)
{
	switch (p->metadata) {
	case PMF_METADATA_SHUTDOWN:
		return PMF_ACTION_SHUTDOWN;
	case PMF_METADATA_REMOUNT_RO:
		return PMF_ACTION_REMOUNT_RO;
	case PMF_METADATA_REPORT:
		break;
	}
	return PMF_ACTION_REPORT;
}

static enum pmf_action for_target(const struct pmf_site *s, enum pmf_target_kind kind,
				  const struct pmf_fs_policy *p)
{
	if (s->kind == PMF_SITE_HOLDER)
		return PMF_ACTION_REPORT;
	/* The next write may land anywhere in a log, whatever is there now. */
	if (s->role == PMF_ROLE_LOG)
		return for_metadata(p);
	switch (kind) {
	case PMF_TARGET_FILE:
		return PMF_ACTION_REVOKE;
	case PMF_TARGET_DIRECTORY:
	case PMF_TARGET_XATTR:
	case PMF_TARGET_METADATA:
	case PMF_TARGET_LOG:
		return for_metadata(p);
	case PMF_TARGET_FREE:
		return PMF_ACTION_NONE;
	case PMF_TARGET_UNKNOWN:
	case PMF_TARGET_N:
		break;
	}
	return PMF_ACTION_REPORT;
}

void pmf_plan(struct pmf_case *c, const struct pmf_fs_policy *p)
{
	for (size_t i = 0; i < c->n_targets; i++) {
		struct pmf_target *t = &c->targets[i];

		if (t->step.state != PMF_STEP_DONE)
			t->action = for_target(&c->site, t->kind, p);
	}
}
