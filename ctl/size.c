/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Offsets, lengths and addresses from the command line; see size.h. Verbs call this.
 *
 * Strict, because a range that was meant otherwise takes memory away from programs:
 * no sign, no blank, no fraction, no octal (which strtoull() would read from a
 * leading zero), no decimal "KB", and "b" and "s" mean blocks and sectors elsewhere.
 */
#include "size.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int hex_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Powers of two: "", "K", "Ki", "KiB"; -1 for what is none. */
static int shift_from_suffix(const char *s)
{
	static const char units[] = "KMGTPE";
	const char *u;

	if (!*s)
		return 0;
	u = *s >= 'a' && *s <= 'z' ? strchr(units, *s - 'a' + 'A') : strchr(units, *s);
	if (!u || (s[1] && strcasecmp(s + 1, "i") != 0 && strcasecmp(s + 1, "ib") != 0))
		return -1;
	return 10 * (int)(u - units + 1);
}

const char *size_from_string(const char *s, uint64_t *ret)
{
	int hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X'), shift;
	unsigned long long n;
	char *end;

	if (!*s)
		return "is empty";
	if (*s == '-')
		return "is negative";
	if (*s < '0' || *s > '9' || (hex && !hex_digit(s[2])))
		return "is no number";
	if (!hex && s[0] == '0' && s[1] >= '0' && s[1] <= '9')
		return "begins with 0: octal is not taken, hexadecimal begins with 0x";
	errno = 0;
	n = strtoull(s, &end, hex ? 16 : 10);
	if (errno == ERANGE)
		return "is too large";
	shift = shift_from_suffix(end);
	if (shift < 0)
		return "is no number of bytes: give digits, or hexadecimal with 0x, and"
		       " perhaps one of K, M, G, T, P, E";
	if (n > UINT64_MAX >> shift)
		return "is too large";
	*ret = (uint64_t)n << shift;
	return NULL;
}

const char *size_range_from_strings(const char *const args[2], uint64_t *ret_start,
				    uint64_t *ret_length, int *ret_arg)
{
	uint64_t v[2];

	for (*ret_arg = 0; *ret_arg < 2; ++*ret_arg) {
		const char *wrong = size_from_string(args[*ret_arg], &v[*ret_arg]);

		if (wrong)
			return wrong;
	}
	*ret_arg = 1;
	if (v[1] == 0)
		return "is an empty range";
	if (v[0] > UINT64_MAX - v[1])
		return "reaches past the end of all numbers";
	*ret_start = v[0];
	*ret_length = v[1];
	return NULL;
}
