/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The settings of pmemfail.conf as values, with the one table that names,
 * limits and documents them. Pure: reading files is lib/config.c.
 */
#ifndef PMF_POLICY_H
#define PMF_POLICY_H

#include "base/base.h"

enum pmf_signal { PMF_SIGNAL_NONE, PMF_SIGNAL_ALL, PMF_SIGNAL_POLICY, PMF_SIGNAL_EVERY };

/* What bad metadata or a bad log means for its filesystem. */
enum pmf_metadata { PMF_METADATA_SHUTDOWN, PMF_METADATA_REMOUNT_RO, PMF_METADATA_REPORT };

/* What may differ from one filesystem to the next. */
struct pmf_fs_policy {
	bool freeze;			/* Freeze=yes */
	enum pmf_signal signal;		/* Signal=all, policy or none; poison only */
	enum pmf_metadata metadata;	/* Metadata=shutdown, remount-ro or report */
	bool mark_bad;			/* MarkBad=yes: reported ranges go into badblocks */
};

/* Settings of one [Filesystem NAME] section: those with a bit set override. */
struct pmf_fs_override {
	char *name;			/* mount point, or node such as /dev/pmem0p1 */
	struct pmf_fs_policy policy;
	bool has_freeze, has_signal, has_metadata, has_mark_bad;
};

struct pmf_policy {
	uint64_t hold_timeout_us;	/* HoldTimeoutSec=30 */
	uint64_t freeze_timeout_us;	/* FreezeTimeoutSec=5: then go on unfrozen */
	uint64_t inhibit_us;		/* InhibitDelayMaxSec=5 */
	uint64_t settle_timeout_us;	/* SettleTimeoutSec=10: waiting for pins to go */
	struct pmf_fs_policy fs;	/* unless overridden */
	struct pmf_fs_override *overrides;
	size_t n_overrides;
	uint64_t rescan_us;		/* RescanIntervalSec=60: while poison is open */
	uint64_t keep_us;		/* KeepDays=365; 0: for ever */
	uint64_t keep_max;		/* KeepMax=10000 failures; 0: no bound */
	uint64_t hook_timeout_us;	/* HookTimeoutSec=60 */
	char hooks_dir[128];		/* HooksDirectory=/etc/pmemfail/hooks.d */
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

/* The same in section [Filesystem fs]. Only what struct pmf_fs_policy has: -EINVAL for
 * another setting, and for fs that is no plain absolute path. -ENOMEM. */
int pmf_policy_set_fs(struct pmf_policy *p, const char *fs, const char *key,
		      const char *value, char ret_why[160]);
/* In force for a filesystem: what is set for exactly this mount point, else for this
 * node, else for all, each setting by itself. Either may be NULL. Allocates nothing. */
struct pmf_fs_policy pmf_policy_for(const struct pmf_policy *p, const char *mountpoint,
				    const char *node);
/* A policy owns its overrides: *ret need not be initialised, and is untouched on
 * error. done leaves the other settings as they are. */
int pmf_policy_copy(const struct pmf_policy *p, struct pmf_policy *ret);
void pmf_policy_done(struct pmf_policy *p);

/* Do they fit together? -EINVAL with a sentence in why. delay_set: InhibitDelayMaxSec=
 * is not the default, which gives way. */
int pmf_policy_check(const struct pmf_policy *p, bool delay_set, char why[160]);

/* The i-th setting, for tools and manuals; -ENOENT past the end. */
int pmf_policy_describe(size_t i, const char **ret_key, const char **ret_default,
			const char **ret_what);

/* "30", "500ms", "2min", "infinity" (where allowed) to microseconds. */
int pmf_time_from_string(const char *s, uint64_t *ret_us);

#endif
