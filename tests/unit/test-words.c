// SPDX-License-Identifier: GPL-2.0-only
/* The words: records on disk and JSON carry them, so they may never change. */
#include "model/failure.h"
#include "test.h"

#define WORDS(noun, type, n, ...)						\
TEST(noun##_words)								\
{										\
	static const char *const words[] = { __VA_ARGS__ };			\
	enum type v;								\
										\
	CHECK_EQ(ARRAY_SIZE(words), n);						\
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {			\
		CHECK_STR(pmf_##noun##_to_string((enum type)i), words[i]);	\
		CHECK_EQ(pmf_##noun##_from_string(words[i], &v), 0);		\
		CHECK_EQ(v, i);							\
	}									\
	CHECK_EQ(pmf_##noun##_from_string("", &v), -EINVAL);			\
	CHECK_EQ(pmf_##noun##_from_string("nonsense", &v), -EINVAL);		\
	CHECK_EQ(v, ARRAY_SIZE(words) - 1);	/* as it was */			\
}

WORDS(kind, pmf_kind, PMF_KIND_N, "remove", "poison")
WORDS(source, pmf_source, PMF_SOURCE_N, "hold", "uevent", "request", "badblocks",
      "memory-failure")
WORDS(state, pmf_state, PMF_STATE_N, "pending", "handling", "handled", "cleared", "failed",
      "unsupported")
WORDS(site_kind, pmf_site_kind, PMF_SITE_N, "filesystem", "devdax", "holder")
WORDS(site_role, pmf_site_role, PMF_ROLE_N, "data", "log", "realtime")
WORDS(target_kind, pmf_target_kind, PMF_TARGET_N, "file", "directory", "xattr", "metadata",
      "log", "free", "unknown")
WORDS(action, pmf_action, PMF_ACTION_N, "none", "revoke", "shutdown", "remount-ro", "report")
WORDS(step_state, pmf_step_state, PMF_STEP_N, "skipped", "done", "failed", "unsupported")
