/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text that others wrote: process names, paths, labels. Before it goes to a
 * terminal, a log or a JSON document it passes through here, since an
 * unprivileged user chooses every byte of it. Any layer may call.
 */
#ifndef PMF_STR_H
#define PMF_STR_H

#include "base/base.h"

/*
 * Decode one UTF-8 character. Returns its length in bytes (1 to 4), -EINVAL when
 * s does not begin with a well-formed one (overlong, surrogate, cut short).
 */
int pmf_utf8_decode(const char *s, size_t n, uint32_t *ret_cp);

/*
 * Make n bytes safe to print on one line: control characters, line separators,
 * bidirectional overrides, invisible characters and the backslash itself become
 * escapes (\n, \x1b, \u202e), invalid bytes \xNN. Printable UTF-8 stays.
 */
int pmf_str_escape_n(const char *s, size_t n, char **ret);
static inline int pmf_str_escape(const char *s, char **ret)
{
	return pmf_str_escape_n(s, strlen(s), ret);
}

/*
 * The same into a buffer of the given size (> 0), always terminated, cut at a
 * whole character. Returns buf, so that it can stand in an argument list.
 */
char *pmf_str_escape_to(char *buf, size_t size, const char *s);

/* A copy that is valid UTF-8: each invalid byte becomes U+FFFD. */
int pmf_str_to_utf8(const char *s, size_t n, char **ret);

/*
 * A whole unsigned number, decimal or with 0x hexadecimal: no sign, no space,
 * nothing behind. -EINVAL; -ERANGE when it does not fit.
 */
int pmf_u64_from_string(const char *s, uint64_t *ret);

/*
 * asprintf() with the result as an output. Frees what *ret was, afterwards: the old
 * text may be an argument.
 */
int pmf_format(char **ret, const char *fmt, ...) _printf_(2, 3);

#endif
