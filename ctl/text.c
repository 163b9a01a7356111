/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text that is safe and fits; see text.h.
 *
 * Why: a process may call itself "\033]0;..." and a path may end in a right-to-left
 * override; printed as they are, they would steer the admin's terminal or lie to
 * the admin's eyes. Any file of ctl/ may call this.
 */
#include "text.h"

#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

void *text_alloc(void *p)
{
	if (!p) {
		fputs("pmemfailctl: out of memory.\n", stderr);
		exit(1);
	}
	return p;
}

/*
 * Characters that print, but that deceive: what reorders, hides or joins, or is as
 * good as blank. Some of these count as printable in the C library's tables.
 */
static bool deceives(uint32_t c)
{
	static const struct { uint32_t first, last; } bad[] = {
		{ 0x00ad, 0x00ad },			/* soft hyphen */
		{ 0x034f, 0x034f },			/* grapheme joiner */
		{ 0x061c, 0x061c },			/* Arabic letter mark */
		{ 0x115f, 0x1160 },			/* Hangul fillers */
		{ 0x180b, 0x180f },			/* Mongolian selectors, separator */
		{ 0x200b, 0x200f },			/* zero width, direction marks */
		{ 0x2028, 0x202e },			/* separators, embeddings, overrides */
		{ 0x2060, 0x206f },			/* joiners, isolates */
		{ 0x3164, 0x3164 },			/* Hangul filler */
		{ 0xe000, 0xf8ff },			/* private use */
		{ 0xfe00, 0xfe0f },			/* variation selectors */
		{ 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 },
		{ 0xfff9, 0xfffb },			/* annotations */
		{ 0xe0000, 0x10ffff },			/* tags, private planes */
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (c >= bad[i].first && c <= bad[i].last)
			return true;
	return false;
}

char *text_escape(const char *s)
{
	size_t left = strlen(s);
	char *out = text_alloc(malloc(left * 4 + 1)), *o = out;
	mbstate_t state = {};

	while (left > 0) {
		wchar_t c;
		size_t n = mbrtowc(&c, s, left, &state);
		bool valid = n != (size_t)-1 && n != (size_t)-2 && n != 0;

		if (!valid) {
			memset(&state, 0, sizeof(state));
			n = 1;
		}
		if (valid && c == L'\\') {
			*o++ = '\\';
			*o++ = '\\';
		} else if (valid && wcwidth(c) >= 0 && !deceives((uint32_t)c)) {
			memcpy(o, s, n);
			o += n;
		} else {
			for (size_t i = 0; i < n; i++)
				o += sprintf(o, "\\x%02x", (unsigned char)s[i]);
		}
		s += n;
		left -= n;
	}
	*o = '\0';
	return out;
}

/* Bytes of the character at s, which is UTF-8 of more than one; *ret: which it is. */
static size_t decode(const char *s, uint32_t *ret)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
	uint32_t c = u[0] & (0xffU >> (n + 1));

	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80) {
			*ret = 0xfffd;	/* broken: json-c does not look */
			return 1;
		}
		c = c << 6 | (u[i] & 0x3f);
	}
	*ret = c;
	return n;
}

/* What is not ASCII, and DEL, json-c writes only inside of strings, as it is. */
char *text_json(const char *s)
{
	char *out = text_alloc(malloc(strlen(s) * 6 + 1)), *o = out;
	uint32_t c;
	size_t n;

	for (; *s; s += n) {
		c = (unsigned char)*s;
		n = c < 0x80 ? 1 : decode(s, &c);
		if (c < 0x7f || (n > 1 && c >= 0xa0 && !deceives(c)))
			o = mempcpy(o, s, n);
		else if (c < 0x10000)
			o += sprintf(o, "\\u%04x", c);
		else	/* as two surrogates */
			o += sprintf(o, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10),
				     0xdc00 + (c & 0x3ff));
	}
	*o = '\0';
	return out;
}

/* Bytes and columns of the first character of s, which is not at its end. */
static size_t step(const char *s, size_t *ret_columns)
{
	wchar_t c;
	mbstate_t state = {};
	size_t n = mbrtowc(&c, s, strlen(s), &state);
	int columns;

	if (n == 0 || n == (size_t)-1 || n == (size_t)-2) {
		*ret_columns = 1;
		return 1;
	}
	columns = wcwidth(c);
	*ret_columns = columns < 0 ? 1 : (size_t)columns;
	return n;
}

size_t text_width(const char *s)
{
	size_t width = 0, columns;

	for (; *s; width += columns)
		s += step(s, &columns);
	return width;
}

char *text_shorten(const char *s, size_t width)
{
	const char *dots = MB_CUR_MAX > 1 ? "…" : "...", *tail = s;
	size_t whole = text_width(s), gap = text_width(dots);
	size_t head_room, tail_room, columns, used = 0, head = 0;
	char *out;

	if (whole <= width)
		return text_alloc(strdup(s));
	if (width <= gap)
		return text_alloc(strndup("...", width));
	tail_room = (width - gap + 1) / 2;
	head_room = width - gap - tail_room;

	for (;;) {
		size_t n = step(s + head, &columns);

		if (used + columns > head_room)
			break;
		used += columns;
		head += n;
	}
	for (used = 0; whole - used > tail_room; used += columns)
		tail += step(tail, &columns);
	/* What has no width of its own belongs to the character that was left out. */
	while (*tail) {
		size_t n = step(tail, &columns);

		if (columns > 0)
			break;
		tail += n;
	}

	out = text_alloc(malloc(head + strlen(dots) + strlen(tail) + 1));
	memcpy(out, s, head);
	strcpy(stpcpy(out + head, dots), tail);
	return out;
}

const char *text_size(char buf[static TEXT_NUMBER_MAX], uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = (double)bytes;
	size_t u = 0;

	while (v >= 1024 && u < sizeof(units) / sizeof(units[0]) - 1) {
		v /= 1024;
		u++;
	}
	snprintf(buf, TEXT_NUMBER_MAX, u == 0 || v >= 100 ? "%.0f %s" : "%.1f %s", v,
		 units[u]);
	return buf;
}

const char *text_duration(char buf[static TEXT_NUMBER_MAX], uint64_t ns)
{
	if (ns < 1000000)
		snprintf(buf, TEXT_NUMBER_MAX, "%.0f us", (double)ns / 1e3);
	else if (ns < 1000000000)
		snprintf(buf, TEXT_NUMBER_MAX, "%.1f ms", (double)ns / 1e6);
	else
		snprintf(buf, TEXT_NUMBER_MAX, "%.1f s", (double)ns / 1e9);
	return buf;
}

const char *text_time(char buf[static TEXT_NUMBER_MAX], uint64_t realtime_us)
{
	time_t t = (time_t)(realtime_us / 1000000);
	struct tm tm;

	if (!localtime_r(&t, &tm) ||
	    strftime(buf, TEXT_NUMBER_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(buf, TEXT_NUMBER_MAX, "@%lld", (long long)t);
	return buf;
}

const char *text_count(char buf[static TEXT_NUMBER_MAX], uint64_t n, const char *one,
		       const char *many)
{
	if (n == 0)
		snprintf(buf, TEXT_NUMBER_MAX, "no %s", one);
	else
		snprintf(buf, TEXT_NUMBER_MAX, "%llu %s", (unsigned long long)n,
			 n == 1 ? one : many);
	return buf;
}

const char *text_user(char buf[static TEXT_NUMBER_MAX], uint32_t uid)
{
	static char last[TEXT_NUMBER_MAX];
	static uint32_t last_uid;
	struct passwd *pw = NULL;
	FILE *f;

	/* One failure's victims mostly belong to a few users, one after the other. */
	if (last[0] == '\0' || last_uid != uid) {
		f = fopen("/etc/passwd", "re");
		while (f && (pw = fgetpwent(f)))
			if (pw->pw_uid == uid)
				break;
		if (pw && strlen(pw->pw_name) < sizeof(last))
			snprintf(last, sizeof(last), "%s", pw->pw_name);
		else
			snprintf(last, sizeof(last), "%u", uid);
		last_uid = uid;
		if (f)
			fclose(f);
	}
	memcpy(buf, last, sizeof(last));
	return buf;
}

const char *text_colour(enum text_colour c)
{
	switch (c) {
	case TEXT_GOOD:
		return "\033[32m";
	case TEXT_WARN:
		return "\033[33m";
	case TEXT_BAD:
		return "\033[1;31m";
	case TEXT_DIM:
		return "\033[2m";
	case TEXT_BOLD:
		return "\033[1m";
	case TEXT_PLAIN:
		break;
	}
	return "";
}
