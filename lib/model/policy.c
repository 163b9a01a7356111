// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The one table of settings. Pure: lib/config.c reads files and calls this.
 */
#include "base/str.h"
#include "model/policy-value.h"

#define SEC 1000000ULL

#define OFFSET(field)	offsetof(struct pmf_policy, field)
#define HAS(field)	offsetof(struct pmf_fs_override, has_##field)

static const char *const signals[] = {
	[PMF_SIGNAL_NONE] = "none", [PMF_SIGNAL_ALL] = "all", [PMF_SIGNAL_POLICY] = "policy",
	NULL,
};

static const char *const metadata[] = {
	[PMF_METADATA_SHUTDOWN] = "shutdown", [PMF_METADATA_REMOUNT_RO] = "remount-ro",
	[PMF_METADATA_REPORT] = "report", NULL,
};

static const struct pmf_setting settings[] = {
	{ "HoldTimeoutSec", PMF_VALUE_TIME, OFFSET(hold_timeout_us),
	  .least = SEC, .most = 600 * SEC,	/* PMEMFAIL_HOLD_MAX_MS: no more is taken */
	  .value = "30",
	  .what = "The longest time that the kernel lets an unbind wait for pmemfaild." },
	{ "FreezeTimeoutSec", PMF_VALUE_TIME, OFFSET(freeze_timeout_us),
	  .least = SEC / 10, .most = 60 * SEC, .value = "5",
	  .what = "The longest time to wait for a filesystem to freeze and to keep it frozen; "
		  "after it, handling goes on unfrozen." },
	{ "InhibitDelayMaxSec", PMF_VALUE_TIME, OFFSET(inhibit_us),
	  .most = 300 * SEC, .value = "5",
	  .what = "The longest time that programs may delay a removal, to write what is dirty "
		  "and let go of it; at most half of HoldTimeoutSec." },
	{ "SettleTimeoutSec", PMF_VALUE_TIME, OFFSET(settle_timeout_us),
	  .most = 600 * SEC, .value = "10",
	  .what = "The longest time to wait for pinned pages to be let go before a device is "
		  "removed." },
	{ "Freeze", PMF_VALUE_BOOL, OFFSET(fs.freeze), HAS(freeze), .value = "yes",
	  .what = "Whether to freeze a filesystem while it is handled. Without it the "
		  "guarantees are the same, but writers see errors sooner." },
	{ "Signal", PMF_VALUE_WORD, OFFSET(fs.signal), HAS(signal), .words = signals,
	  .value = "all",
	  .what = "Which of the processes that map poisoned data get a SIGBUS: all of them, by "
		  "their own policy (PR_MCE_KILL), or none." },
	{ "Metadata", PMF_VALUE_WORD, OFFSET(fs.metadata), HAS(metadata), .words = metadata,
	  .value = "shutdown",
	  .what = "What to do about a filesystem whose metadata or log is poisoned: shutdown, "
		  "remount-ro, or report." },
	{ "MarkBad", PMF_VALUE_BOOL, OFFSET(fs.mark_bad), HAS(mark_bad), .value = "yes",
	  .what = "Whether to write poison that was reported, but that the kernel does not "
		  "list, into its list of bad blocks, so that it refuses it from then on." },
	{ "RescanIntervalSec", PMF_VALUE_TIME, OFFSET(rescan_us),
	  .least = 5 * SEC, .most = 86400 * SEC, .infinite = true, .value = "60",
	  .what = "How often to read the lists of bad blocks again while any poison is not "
		  "cleared." },
	{ "HooksDirectory", PMF_VALUE_PATH, OFFSET(hooks_dir),
	  .value = "/etc/pmemfail/hooks.d",
	  .what = "Where the programs are that are run for each failure that was handled." },
	{ "HookTimeoutSec", PMF_VALUE_TIME, OFFSET(hook_timeout_us),
	  .least = SEC, .most = 3600 * SEC, .value = "60",
	  .what = "The longest time that a hook may run before it is killed." },
	{ "KeepDays", PMF_VALUE_DAYS, OFFSET(keep_us), .most = 36500, .value = "365",
	  .what = "How many days a failure that is over is kept; 0: for ever." },
	{ "KeepMax", PMF_VALUE_NUMBER, OFFSET(keep_max), .most = 100000000, .value = "10000",
	  .what = "How many failures are kept, after which the oldest that are over go; 0: any "
		  "number." },
	{ "Unmount", PMF_VALUE_BOOL, OFFSET(unmount), .value = "no",
	  .what = "Whether to unmount the filesystems of a removed device. Otherwise that is "
		  "left to systemd or the administrator." },
	{ "StateDirectory", PMF_VALUE_PATH, OFFSET(state_dir), .value = "/var/lib/pmemfail",
	  .what = "Where failures are recorded for good." },
	{ "RuntimeDirectory", PMF_VALUE_PATH, OFFSET(run_dir), .value = "/run/pmemfail",
	  .what = "Where frozen filesystems and locks are noted until the next boot. Must be "
		  "on a tmpfs." },
};

static int find_setting(const char *key, const struct pmf_setting **ret, char *why)
{
	char shown[48];

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (streq(settings[i].key, key)) {
			*ret = &settings[i];
			return 0;
		}
	pmf_explain(why, "There is no setting %s.",
		    pmf_str_escape_to(shown, sizeof(shown), key));
	return -ENOENT;
}

int pmf_policy_set(struct pmf_policy *p, const char *key, const char *value,
		   char ret_why[160])
{
	const struct pmf_setting *s = NULL;
	int r;

	r = find_setting(key, &s, ret_why);
	return r < 0 ? r : pmf_value_set(s, (char *)p + s->offset, value, ret_why);
}

void pmf_policy_defaults(struct pmf_policy *p)
{
	static_assert(sizeof(p->state_dir) == sizeof(p->run_dir) &&
		      sizeof(p->state_dir) == sizeof(p->hooks_dir), "one size for paths");
	*p = (struct pmf_policy){};
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		int r = pmf_policy_set(p, settings[i].key, settings[i].value, NULL);

		assert(r == 0);
		(void)r;
	}
}

int pmf_policy_check(const struct pmf_policy *p, bool delay_set, char why[160])
{
	if (!delay_set || p->inhibit_us <= p->hold_timeout_us / 2)
		return 0;
	pmf_explain(why, "InhibitDelayMaxSec is more than half of HoldTimeoutSec, the rest of"
		    " which the rescue needs.");
	return -EINVAL;
}

int pmf_policy_describe(size_t i, const char **ret_key, const char **ret_default,
			const char **ret_what)
{
	if (i >= ARRAY_SIZE(settings))
		return -ENOENT;
	*ret_key = settings[i].key;
	*ret_default = settings[i].value;
	*ret_what = settings[i].what;
	return 0;
}

/* --- for one filesystem ---------------------------------------------------- */

static struct pmf_fs_override *find_override(const struct pmf_policy *p, const char *name)
{
	for (size_t i = 0; name && i < p->n_overrides; i++)
		if (streq(p->overrides[i].name, name))
			return &p->overrides[i];
	return NULL;
}

static int add_override(struct pmf_policy *p, const struct pmf_fs_override *o)
{
	struct pmf_fs_override *v;

	/* Few, and read once: no need for room to grow. */
	v = realloc(p->overrides, (p->n_overrides + 1) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	p->overrides = v;
	v[p->n_overrides] = *o;
	v[p->n_overrides].name = strdup(o->name);
	if (!v[p->n_overrides].name)
		return -ENOMEM;
	p->n_overrides++;
	return 0;
}

int pmf_policy_set_fs(struct pmf_policy *p, const char *fs, const char *key,
		      const char *value, char ret_why[160])
{
	struct pmf_fs_override *old = find_override(p, fs), o = { .name = (char *)fs };
	const struct pmf_setting *s = NULL;
	char shown[64];
	int r;

	r = find_setting(key, &s, ret_why);
	if (r < 0)
		return r;
	if (!s->has) {
		pmf_explain(ret_why, "%s cannot be set for one filesystem.", s->key);
		return -EINVAL;
	}
	if (!pmf_path_is_plain(fs)) {
		pmf_explain(ret_why, "\"%s\" is neither a mount point nor the node of a "
			    "device, written as a plain absolute path.",
			    pmf_str_escape_to(shown, sizeof(shown), fs));
		return -EINVAL;
	}
	if (old)
		o = *old;
	r = pmf_value_set(s, (char *)&o.policy + s->offset - OFFSET(fs), value, ret_why);
	if (r < 0)
		return r;
	*(bool *)((char *)&o + s->has) = true;
	if (old) {
		*old = o;
		return 0;
	}
	r = add_override(p, &o);
	if (r < 0)
		pmf_explain(ret_why, "There is no memory for [Filesystem %s].",
			    pmf_str_escape_to(shown, sizeof(shown), fs));
	return r;
}

static void apply(struct pmf_fs_policy *to, const struct pmf_fs_override *o)
{
	if (!o)
		return;
	if (o->has_freeze)
		to->freeze = o->policy.freeze;
	if (o->has_signal)
		to->signal = o->policy.signal;
	if (o->has_metadata)
		to->metadata = o->policy.metadata;
	if (o->has_mark_bad)
		to->mark_bad = o->policy.mark_bad;
}

struct pmf_fs_policy pmf_policy_for(const struct pmf_policy *p, const char *mountpoint,
				    const char *node)
{
	struct pmf_fs_policy fs = p->fs;

	/* A mount point says more than the device that is mounted there. */
	apply(&fs, find_override(p, node));
	apply(&fs, find_override(p, mountpoint));
	return fs;
}

int pmf_policy_copy(const struct pmf_policy *p, struct pmf_policy *ret)
{
	struct pmf_policy c = *p;

	c.overrides = NULL;
	c.n_overrides = 0;
	for (size_t i = 0; i < p->n_overrides; i++)
		if (add_override(&c, &p->overrides[i]) < 0) {
			pmf_policy_done(&c);
			return -ENOMEM;
		}
	*ret = c;
	return 0;
}

void pmf_policy_done(struct pmf_policy *p)
{
	for (size_t i = 0; i < p->n_overrides; i++)
		free(p->overrides[i].name);
	free(p->overrides);
	p->overrides = NULL;
	p->n_overrides = 0;
}
