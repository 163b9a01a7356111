// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocations that fail on demand, by the linker's --wrap: only calls made by our
 * own objects come here. Why: every out-of-memory path must leave its outputs
 * alone and leak nothing (AddressSanitizer sees to the latter).
 */
#include <stdarg.h>
#include <stdatomic.h>

#include "test.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
int __real_vasprintf(char **ret, const char *fmt, va_list ap);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
int __wrap_asprintf(char **ret, const char *fmt, ...) _printf_(2, 3);
int __wrap_vasprintf(char **ret, const char *fmt, va_list ap);

static atomic_int countdown;	/* the one that takes it from 1 to 0 fails */
static atomic_bool did_fail;

void test_alloc_fail(unsigned int nth)
{
	if (nth > 0)
		did_fail = false;
	countdown = (int)nth;
}

bool test_alloc_failed(void)
{
	return did_fail;
}

void (*test_alloc_watch)(void);

static bool fails(void)
{
	if (test_alloc_watch)
		test_alloc_watch();
	if (countdown <= 0 || atomic_fetch_sub(&countdown, 1) != 1)
		return false;
	did_fail = true;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

int __wrap_vasprintf(char **ret, const char *fmt, va_list ap)
{
	return fails() ? -1 : __real_vasprintf(ret, fmt, ap);
}

int __wrap_asprintf(char **ret, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = __wrap_vasprintf(ret, fmt, ap);
	va_end(ap);
	return n;
}
