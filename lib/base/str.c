// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Making untrusted text printable, and reading numbers strictly.
 */
#include <stdarg.h>

#include "base/str.h"

int pmf_utf8_decode(const char *s, size_t n, uint32_t *ret_cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *u = (const unsigned char *)s;
	uint32_t cp;
	int len, i;

	if (n == 0)
		return -EINVAL;
	if (u[0] < 0x80) {
		*ret_cp = u[0];
		return 1;
	}
	if ((u[0] & 0xe0) == 0xc0) {
		len = 2;
		cp = u[0] & 0x1f;
	} else if ((u[0] & 0xf0) == 0xe0) {
		len = 3;
		cp = u[0] & 0x0f;
	} else if ((u[0] & 0xf8) == 0xf0) {
		len = 4;
		cp = u[0] & 0x07;
	} else {
		return -EINVAL;
	}
	if ((size_t)len > n)
		return -EINVAL;
	for (i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return -EINVAL;
		cp = cp << 6 | (u[i] & 0x3f);
	}
	if (cp < least[len] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return -EINVAL;
	*ret_cp = cp;
	return len;
}

/* Characters that move, hide or reorder what a reader sees. */
static bool deceives(uint32_t cp)
{
	static const struct { uint32_t first, last; } bad[] = {
		{ 0x0000, 0x001f }, { 0x007f, 0x009f },	/* C0, DEL, C1 */
		{ 0x00ad, 0x00ad },			/* soft hyphen */
		{ 0x034f, 0x034f },			/* grapheme joiner */
		{ 0x061c, 0x061c },			/* Arabic letter mark */
		{ 0x115f, 0x1160 },			/* Hangul fillers */
		{ 0x180b, 0x180f },			/* Mongolian selectors, separator */
		{ 0x200b, 0x200f },			/* zero width, LRM, RLM */
		{ 0x2028, 0x202e },			/* separators, bidi overrides */
		{ 0x2060, 0x206f },			/* invisible operators, isolates */
		{ 0x3164, 0x3164 },
		{ 0xfe00, 0xfe0f },			/* variation selectors */
		{ 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 },
		{ 0xfff9, 0xfffb },
		{ 0xe0000, 0xe0fff },			/* tags */
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		if (cp >= bad[i].first && cp <= bad[i].last)
			return true;
	return (cp & 0xfffe) == 0xfffe;			/* noncharacters */
}

/*
 * Write the printable form of the character at s to out (room for 11); *ret_used
 * says how many bytes of s it stands for. Returns its length.
 */
static size_t escape_one(const char *s, size_t n, char out[static 11], size_t *ret_used)
{
	static const char plain[] = "\a\b\t\n\v\f\r\\", named[] = "abtnvfr\\";
	const char *p;
	uint32_t cp;
	int len;

	len = pmf_utf8_decode(s, n, &cp);
	if (len < 0) {
		*ret_used = 1;
		return (size_t)snprintf(out, 11, "\\x%02x", (unsigned char)*s);
	}
	*ret_used = (size_t)len;
	p = cp && cp < 0x80 ? strchr(plain, (int)cp) : NULL;
	if (p)
		return (size_t)snprintf(out, 11, "\\%c", named[p - plain]);
	if (!deceives(cp)) {
		memcpy(out, s, (size_t)len);
		return (size_t)len;
	}
	return (size_t)snprintf(out, 11, cp < 0x80 ? "\\x%02x" :
				cp < 0x10000 ? "\\u%04x" : "\\U%08x", cp);
}

int pmf_str_escape_n(const char *s, size_t n, char **ret)
{
	_cleanup_free_ char *out = NULL;
	size_t cap = 0, used = 0, step;
	char one[11];
	int r;

	r = pmf_grow(&out, &cap, n + 1, 1);
	if (r < 0)
		return r;
	while (n > 0) {
		size_t len = escape_one(s, n, one, &step);

		r = pmf_grow(&out, &cap, used + len + 1, 1);
		if (r < 0)
			return r;
		memcpy(out + used, one, len);
		used += len;
		s += step;
		n -= step;
	}
	out[used] = '\0';
	*ret = TAKE_PTR(out);
	return 0;
}

char *pmf_str_escape_to(char *buf, size_t size, const char *s)
{
	size_t n = strlen(s), used = 0, step;
	char one[11];

	assert(size > 0);
	while (n > 0) {
		size_t len = escape_one(s, n, one, &step);

		if (len >= size - used)
			break;
		memcpy(buf + used, one, len);
		used += len;
		s += step;
		n -= step;
	}
	buf[used] = '\0';
	return buf;
}

int pmf_str_to_utf8(const char *s, size_t n, char **ret)
{
	static const char replacement[] = "\xef\xbf\xbd";
	char *out, *o;
	uint32_t cp;

	if (n > SIZE_MAX / 3 - 1)
		return -ENOMEM;
	o = out = malloc(n * 3 + 1);	/* every byte may become three */
	if (!out)
		return -ENOMEM;
	while (n > 0) {
		int len = pmf_utf8_decode(s, n, &cp);

		if (len < 0) {
			o = mempcpy(o, replacement, 3);
			len = 1;
		} else {
			o = mempcpy(o, s, (size_t)len);
		}
		s += len;
		n -= (size_t)len;
	}
	*o = '\0';
	*ret = out;
	return 0;
}

int pmf_u64_from_string(const char *s, uint64_t *ret)
{
	unsigned int base = 10, digit;
	uint64_t v = 0;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	}
	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		if (*s >= '0' && *s <= '9')
			digit = (unsigned int)(*s - '0');
		else if (base == 16 && *s >= 'a' && *s <= 'f')
			digit = (unsigned int)(*s - 'a') + 10;
		else if (base == 16 && *s >= 'A' && *s <= 'F')
			digit = (unsigned int)(*s - 'A') + 10;
		else
			return -EINVAL;
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, digit, &v))
			return -ERANGE;
	}
	*ret = v;
	return 0;
}

int pmf_format(char **ret, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	free(*ret);
	*ret = s;
	return 0;
}
