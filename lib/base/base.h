/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The few macros that every file uses: cleanup, ownership, sizes.
 * Any layer may include this; it knows nothing but libc.
 */
#ifndef PMF_BASE_H
#define PMF_BASE_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(f)		__attribute__((cleanup(f)))
#define _printf_(a, b)		__attribute__((format(printf, a, b)))
#define _public_		__attribute__((visibility("default")))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)		((a) < (b) ? (a) : (b))
#define MAX(a, b)		((a) > (b) ? (a) : (b))

/* Hand a value over to someone else: what stays behind is empty. */
#define TAKE(x, empty)		({ __typeof__(x) taken_ = (x); (x) = (empty); taken_; })
#define TAKE_PTR(p)		TAKE(p, NULL)
#define TAKE_FD(fd)		TAKE(fd, -1)

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* NULL-safe: two absent strings are equal. */
static inline bool streq_ptr(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

/* strdup() that passes NULL through; false only on ENOMEM. */
static inline bool strdup_to(char **ret, const char *s)
{
	char *d = s ? strdup(s) : NULL;

	if (s && !d)
		return false;
	free(*ret);
	*ret = d;
	return true;
}

static inline void freep(void *p)
{
	free(*(void **)p);
}
#define _cleanup_free_ _cleanup_(freep)

static inline int safe_close(int fd)
{
	if (fd >= 0) {
		int saved = errno;

		(void)close(fd);	/* nothing was written that close could lose */
		errno = saved;
	}
	return -1;
}

static inline void closep(int *fd)
{
	safe_close(*fd);
}
#define _cleanup_close_ _cleanup_(closep)

/*
 * Grow array *v of elements of the given size to hold at least need elements.
 * -ENOMEM leaves everything as it was.
 */
int pmf_grow(void *v, size_t *cap, size_t need, size_t size);

#endif
