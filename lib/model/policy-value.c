// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Text to values of settings. Pure. See policy-value.h.
 */
#include <stdarg.h>

#include "base/str.h"
#include "model/policy-value.h"

#define SEC	1000000ULL
#define DAY	(86400 * SEC)

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

bool pmf_path_is_plain(const char *s)
{
	size_t n = strlen(s);

	return streq(s, "/") ||
	       (path_is_usable(s) && s[n - 1] != '/' && !strstr(s, "//") &&
		!strstr(s, "/./") && (n < 2 || !streq(s + n - 2, "/.")));
}

void pmf_explain(char *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (why)
		(void)vsnprintf(why, 160, fmt, ap);
	va_end(ap);
}

static int set_time(const struct pmf_setting *s, uint64_t *field, const char *value,
		    const char *shown, char *why)
{
	uint64_t us;

	if (pmf_time_from_string(value, &us) < 0) {
		pmf_explain(why, "%s=%s is not a time such as 30, 500ms or 2min.", s->key,
			    shown);
		return -EINVAL;
	}
	if ((us < s->least || us > s->most) && !(s->infinite && us == UINT64_MAX)) {
		pmf_explain(why, "%s=%s is out of range: allowed is %llums to %llus%s.",
			    s->key, shown, (unsigned long long)(s->least / (SEC / 1000)),
			    (unsigned long long)(s->most / SEC),
			    s->infinite ? ", or infinity" : "");
		return -EINVAL;
	}
	*field = us;
	return 0;
}

static int set_number(const struct pmf_setting *s, uint64_t *field, const char *value,
		      const char *shown, char *why)
{
	uint64_t n;

	if (pmf_u64_from_string(value, &n) < 0 || n < s->least || n > s->most) {
		pmf_explain(why, "%s=%s is not a whole number from %llu to %llu.", s->key,
			    shown, (unsigned long long)s->least,
			    (unsigned long long)s->most);
		return -EINVAL;
	}
	*field = s->type == PMF_VALUE_DAYS ? n * DAY : n;
	return 0;
}

static int set_word(const struct pmf_setting *s, void *field, const char *value,
		    const char *shown, char *why)
{
	char all[64] = "";
	size_t n = 0;

	static_assert(sizeof(enum pmf_signal) == sizeof(unsigned int) &&
		      sizeof(enum pmf_metadata) == sizeof(unsigned int), "enums as numbers");
	for (unsigned int i = 0; s->words[i]; i++) {
		if (streq(s->words[i], value)) {
			memcpy(field, &i, sizeof(i));
			return 0;
		}
		n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", i ? ", " : "",
				      s->words[i]);
		assert(n < sizeof(all));
	}
	pmf_explain(why, "%s=%s is none of: %s.", s->key, shown, all);
	return -EINVAL;
}

static int set_path(const struct pmf_setting *s, char *field, const char *value,
		    const char *shown, char *why)
{
	if (!path_is_usable(value)) {
		pmf_explain(why, "%s=%s is not an absolute path without \"..\" in it.",
			    s->key, shown);
		return -EINVAL;
	}
	if (strlen(value) >= PMF_PATH_SIZE) {
		pmf_explain(why, "%s=%s is too long: at most %zu bytes are allowed.", s->key,
			    shown, PMF_PATH_SIZE - 1);
		return -EINVAL;
	}
	memcpy(field, value, strlen(value) + 1);
	return 0;
}

int pmf_value_set(const struct pmf_setting *s, void *field, const char *value,
		  char why[160])
{
	char shown[48];

	(void)pmf_str_escape_to(shown, sizeof(shown), value);
	switch (s->type) {
	case PMF_VALUE_TIME:
		return set_time(s, field, value, shown, why);
	case PMF_VALUE_DAYS:
	case PMF_VALUE_NUMBER:
		return set_number(s, field, value, shown, why);
	case PMF_VALUE_WORD:
		return set_word(s, field, value, shown, why);
	case PMF_VALUE_PATH:
		return set_path(s, field, value, shown, why);
	case PMF_VALUE_BOOL:
		break;
	}
	if (bool_from_string(value, field) == 0)
		return 0;
	pmf_explain(why, "%s=%s is neither yes nor no.", s->key, shown);
	return -EINVAL;
}
