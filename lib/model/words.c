// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The words of failure.h as text and back, and which states may follow which.
 * Pure; any layer from the model up may call.
 */
#include "model/failure.h"

static const char *const kinds[PMF_KIND_N] = {
	[PMF_KIND_REMOVE] = "remove",
	[PMF_KIND_POISON] = "poison",
};

static const char *const sources[PMF_SOURCE_N] = {
	[PMF_SOURCE_HOLD] = "hold",
	[PMF_SOURCE_UEVENT] = "uevent",
	[PMF_SOURCE_REQUEST] = "request",
	[PMF_SOURCE_BADBLOCKS] = "badblocks",
	[PMF_SOURCE_MEMORY_FAILURE] = "memory-failure",
};

static const char *const states[PMF_STATE_N] = {
	[PMF_STATE_PENDING] = "pending",
	[PMF_STATE_HANDLING] = "handling",
	[PMF_STATE_HANDLED] = "handled",
	[PMF_STATE_CLEARED] = "cleared",
	[PMF_STATE_FAILED] = "failed",
	[PMF_STATE_UNSUPPORTED] = "unsupported",
};

static const char *const site_kinds[PMF_SITE_N] = {
	[PMF_SITE_FILESYSTEM] = "filesystem",
	[PMF_SITE_DEVDAX] = "devdax",
	[PMF_SITE_HOLDER] = "holder",
};

static const char *const target_kinds[PMF_TARGET_N] = {
	[PMF_TARGET_FILE] = "file",
	[PMF_TARGET_DIRECTORY] = "directory",
	[PMF_TARGET_XATTR] = "xattr",
	[PMF_TARGET_METADATA] = "metadata",
	[PMF_TARGET_LOG] = "log",
	[PMF_TARGET_FREE] = "free",
	[PMF_TARGET_UNKNOWN] = "unknown",
};

static const char *const step_states[PMF_STEP_N] = {
	[PMF_STEP_SKIPPED] = "skipped",
	[PMF_STEP_DONE] = "done",
	[PMF_STEP_FAILED] = "failed",
	[PMF_STEP_UNSUPPORTED] = "unsupported",
};

static const char *const actions[PMF_ACTION_N] = {
	[PMF_ACTION_NONE] = "none",
	[PMF_ACTION_REVOKE] = "revoke",
	[PMF_ACTION_SHUTDOWN] = "shutdown",
	[PMF_ACTION_REMOUNT_RO] = "remount-ro",
	[PMF_ACTION_REPORT] = "report",
};

static const char *const site_roles[PMF_ROLE_N] = {
	[PMF_ROLE_DATA] = "data",
	[PMF_ROLE_LOG] = "log",
	[PMF_ROLE_REALTIME] = "realtime",
};

static const char *word(const char *const *words, size_t n, unsigned int i)
{
	assert(i < n);
	(void)n;	/* without assertions */
	return words[i];
}

/* Index of the word, or -EINVAL. */
static int find(const char *const *words, size_t n, const char *s)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (streq(words[i], s))
			return (int)i;
	return -EINVAL;
}

#define DEFINE_TO_STRING(noun, type, words)			\
const char *pmf_##noun##_to_string(enum type v)			\
{								\
	return word(words, ARRAY_SIZE(words), (unsigned int)v);	\
}

#define DEFINE_FROM_STRING(noun, type, words)			\
int pmf_##noun##_from_string(const char *s, enum type *ret)	\
{								\
	int i = find(words, ARRAY_SIZE(words), s);		\
								\
	if (i < 0)						\
		return i;					\
	*ret = (enum type)i;					\
	return 0;						\
}

DEFINE_TO_STRING(kind, pmf_kind, kinds)
DEFINE_TO_STRING(source, pmf_source, sources)
DEFINE_TO_STRING(state, pmf_state, states)
DEFINE_TO_STRING(site_kind, pmf_site_kind, site_kinds)
DEFINE_TO_STRING(target_kind, pmf_target_kind, target_kinds)
DEFINE_TO_STRING(step_state, pmf_step_state, step_states)
DEFINE_TO_STRING(action, pmf_action, actions)
DEFINE_TO_STRING(site_role, pmf_site_role, site_roles)
DEFINE_FROM_STRING(kind, pmf_kind, kinds)
DEFINE_FROM_STRING(source, pmf_source, sources)
DEFINE_FROM_STRING(state, pmf_state, states)
DEFINE_FROM_STRING(site_kind, pmf_site_kind, site_kinds)
DEFINE_FROM_STRING(target_kind, pmf_target_kind, target_kinds)
DEFINE_FROM_STRING(step_state, pmf_step_state, step_states)
DEFINE_FROM_STRING(action, pmf_action, actions)
DEFINE_FROM_STRING(site_role, pmf_site_role, site_roles)

bool pmf_state_may_become(enum pmf_state from, enum pmf_state to)
{
#define TO(s) (1U << PMF_STATE_##s)
	static const unsigned int next[PMF_STATE_N] = {
		/* Judged without handling when the machine left no time for it. */
		[PMF_STATE_PENDING] = TO(HANDLING) | TO(CLEARED) | TO(FAILED) | TO(UNSUPPORTED),
		[PMF_STATE_HANDLING] = TO(PENDING) | TO(HANDLED) | TO(FAILED) | TO(UNSUPPORTED),
		/* Replayed when a filesystem is mounted over standing damage. */
		[PMF_STATE_HANDLED] = TO(HANDLING) | TO(CLEARED),
		[PMF_STATE_FAILED] = TO(PENDING) | TO(HANDLING) | TO(CLEARED),
		[PMF_STATE_UNSUPPORTED] = TO(PENDING) | TO(HANDLING) | TO(CLEARED),
		[PMF_STATE_CLEARED] = 0,	/* new damage is a new failure */
	};
#undef TO

	assert((unsigned int)from < PMF_STATE_N && (unsigned int)to < PMF_STATE_N);
	return from == to || (next[from] & (1U << to));
}
