/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The settings of pmemfail.conf as values, with the one table that names,
 * limits and documents them. Pure: reading files is lib/config.c.
 */
#ifndef PMF_POLICY_H
#define PMF_POLICY_H

#include "base/base.h"

enum pmf_signal { PMF_SIGNAL_NONE, PMF_SIGNAL_ALL, PMF_SIGNAL_POLICY, PMF_SIGNAL_EVERY };

struct pmf_policy {
	uint64_t hold_timeout_us;	/* HoldTimeoutSec=30 */
	uint64_t freeze_timeout_us;	/* FreezeTimeoutSec=5: then go on unfrozen */
	uint64_t settle_timeout_us;	/* SettleTimeoutSec=10: waiting for pins to go */
	bool freeze;			/* Freeze=yes */
	bool unmount;			/* Unmount=no: after a removal */
	char state_dir[128];		/* StateDirectory=/var/lib/pmemfail */
	char run_dir[128];		/* RuntimeDirectory=/run/pmemfail */
};

void pmf_policy_defaults(struct pmf_policy *p);

/*
 * Set one by its name in the file. -ENOENT: no such setting; -EINVAL: bad value.
 * On error ret_why (may be NULL) gets a sentence naming the value and what is
 * allowed, and *p is untouched.
 */
int pmf_policy_set(struct pmf_policy *p, const char *key, const char *value,
		   char ret_why[160]);

/* The i-th setting, for tools and manuals; -ENOENT past the end. */
int pmf_policy_describe(size_t i, const char **ret_key, const char **ret_default,
			const char **ret_what);

/* "30", "500ms", "2min", "infinity" (where allowed) to microseconds. */
int pmf_time_from_string(const char *s, uint64_t *ret_us);

#endif
