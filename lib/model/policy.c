// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The one table of settings. Pure: lib/config.c reads files and calls this.
 */
#include <stdarg.h>

#include "base/str.h"
#include "model/policy.h"

#define SEC 1000000ULL

enum type { TYPE_TIME, TYPE_BOOL, TYPE_PATH };

static const struct setting {
	const char *key;
	enum type type;
	size_t offset;		/* in struct pmf_policy */
	uint64_t least, most;	/* TYPE_TIME, us */
	const char *value;	/* default, as in the file */
	const char *what;
} settings[] = {
	{ "HoldTimeoutSec", TYPE_TIME, offsetof(struct pmf_policy, hold_timeout_us),
	  SEC, 600 * SEC,	/* PMEMFAIL_HOLD_MAX_MS: the module takes no more */
	  "30", "The longest time that the kernel lets an unbind wait for pmemfaild." },
	{ "FreezeTimeoutSec", TYPE_TIME, offsetof(struct pmf_policy, freeze_timeout_us),
	  SEC / 10, 60 * SEC,
	  "5", "The longest time to wait for a filesystem to freeze and to keep it frozen; "
	       "after it, handling goes on unfrozen." },
	{ "SettleTimeoutSec", TYPE_TIME, offsetof(struct pmf_policy, settle_timeout_us),
	  0, 600 * SEC,
	  "10", "The longest time to wait for pinned pages to be let go before a device is "
		"removed." },
	{ "Freeze", TYPE_BOOL, offsetof(struct pmf_policy, fs.freeze), 0, 0,
	  "yes", "Whether to freeze a filesystem while it is handled. Without it the "
		 "guarantees are the same, but writers see errors sooner." },
	{ "Unmount", TYPE_BOOL, offsetof(struct pmf_policy, unmount), 0, 0,
	  "no", "Whether to unmount the filesystems of a removed device. Otherwise that is "
		"left to systemd or the administrator." },
	{ "StateDirectory", TYPE_PATH, offsetof(struct pmf_policy, state_dir), 0, 0,
	  "/var/lib/pmemfail", "Where failures are recorded for good." },
	{ "RuntimeDirectory", TYPE_PATH, offsetof(struct pmf_policy, run_dir), 0, 0,
	  "/run/pmemfail", "Where frozen filesystems and locks are noted until the next "
			   "boot. Must be on a tmpfs." },
};

static const struct { const char *suffix; uint64_t us; } units[] = {
	{ "", SEC }, { "s", SEC }, { "sec", SEC }, { "ms", SEC / 1000 }, { "us", 1 },
	{ "min", 60 * SEC }, { "m", 60 * SEC }, { "h", 3600 * SEC },
};

int pmf_time_from_string(const char *s, uint64_t *ret_us)
{
	uint64_t number = 0, us;
	const char *p = s;
	size_t i;

	if (streq(s, "infinity")) {
		*ret_us = UINT64_MAX;
		return 0;
	}
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*p - '0'), &number))
			return -ERANGE;
	if (p == s)
		return -EINVAL;
	while (*p == ' ')
		p++;
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (!streq(p, units[i].suffix))
			continue;
		if (__builtin_mul_overflow(number, units[i].us, &us) || us == UINT64_MAX)
			return -ERANGE;
		*ret_us = us;
		return 0;
	}
	return -EINVAL;
}

static int bool_from_string(const char *s, bool *ret)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(yes); i++) {
		if (strcasecmp(s, yes[i]) == 0) {
			*ret = true;
			return 0;
		}
		if (strcasecmp(s, no[i]) == 0) {
			*ret = false;
			return 0;
		}
	}
	return -EINVAL;
}

/* Absolute, no ".." in it, not the root, printable. */
static bool path_is_usable(const char *s)
{
	const char *p = s;
	size_t n;

	if (*s != '/' || s[strspn(s, "/")] == '\0')
		return false;
	for (; *p; p += n) {
		p += strspn(p, "/");
		n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.')
			return false;
	}
	for (p = s; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	return true;
}

static const char *explain(char *why, const char *fmt, ...) _printf_(2, 3);
static const char *explain(char *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (why)
		(void)vsnprintf(why, 160, fmt, ap);	/* cut when too long */
	va_end(ap);
	return why;
}

static int set_time(uint64_t *field, const struct setting *s, const char *value,
		    const char *shown, char *why)
{
	uint64_t us;

	if (pmf_time_from_string(value, &us) < 0) {
		(void)explain(why, "%s=%s is not a time such as 30, 500ms or 2min.",
			      s->key, shown);
		return -EINVAL;
	}
	if (us < s->least || us > s->most) {
		(void)explain(why, "%s=%s is out of range: allowed is %llums to %llus.",
			      s->key, shown, (unsigned long long)(s->least / (SEC / 1000)),
			      (unsigned long long)(s->most / SEC));
		return -EINVAL;
	}
	*field = us;
	return 0;
}

static int set_path(char *field, size_t size, const struct setting *s, const char *value,
		    const char *shown, char *why)
{
	if (!path_is_usable(value)) {
		(void)explain(why, "%s=%s is not an absolute path without \"..\" in it.",
			      s->key, shown);
		return -EINVAL;
	}
	if (strlen(value) >= size) {
		(void)explain(why, "%s=%s is too long: at most %zu bytes are allowed.",
			      s->key, shown, size - 1);
		return -EINVAL;
	}
	memcpy(field, value, strlen(value) + 1);
	return 0;
}

int pmf_policy_set(struct pmf_policy *p, const char *key, const char *value,
		   char ret_why[160])
{
	char shown[48], *field;
	size_t i;

	(void)pmf_str_escape_to(shown, sizeof(shown), value);
	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct setting *s = &settings[i];

		if (!streq(s->key, key))
			continue;
		field = (char *)p + s->offset;
		switch (s->type) {
		case TYPE_TIME:
			return set_time((uint64_t *)(void *)field, s, value, shown, ret_why);
		case TYPE_PATH:
			return set_path(field, sizeof(p->state_dir), s, value, shown, ret_why);
		case TYPE_BOOL:
			if (bool_from_string(value, (bool *)(void *)field) == 0)
				return 0;
			(void)explain(ret_why, "%s=%s is neither yes nor no.", key, shown);
			return -EINVAL;
		}
	}
	(void)pmf_str_escape_to(shown, sizeof(shown), key);
	(void)explain(ret_why, "There is no setting %s.", shown);
	return -ENOENT;
}

void pmf_policy_defaults(struct pmf_policy *p)
{
	size_t i;

	static_assert(sizeof(p->state_dir) == sizeof(p->run_dir), "one size for paths");
	*p = (struct pmf_policy){};
	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		char why[160];
		int r = pmf_policy_set(p, settings[i].key, settings[i].value, why);

		assert(r == 0);
		(void)r;
	}
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
