/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The unit tests' harness: cases register themselves, run in turn, and are told
 * as TAP, one line each. A failed CHECK ends its case only. No framework, so that
 * nothing stands between a failing line and a debugger.
 */
#ifndef PMF_TEST_H
#define PMF_TEST_H

#include "base/base.h"

struct test_case {
	const char *name;
	void (*fn)(void);
	struct test_case *next;
};

void test_register(struct test_case *c);
/* Note a failure or a skip of the running case; the first of each counts. */
void test_failed(const char *file, int line, const char *fmt, ...) _printf_(3, 4);
void test_skipped(const char *fmt, ...) _printf_(1, 2);
/* A line of TAP comment. */
void test_say(const char *fmt, ...) _printf_(1, 2);

#define TEST(ident)							\
	static void test_##ident(void);					\
	__attribute__((constructor)) static void register_##ident(void)	\
	{								\
		static struct test_case c = { #ident, test_##ident, NULL };	\
									\
		test_register(&c);					\
	}								\
	static void test_##ident(void)

#define CHECK(cond)							\
	do {								\
		if (!(cond)) {						\
			test_failed(__FILE__, __LINE__, "%s", #cond);	\
			return;						\
		}							\
	} while (0)

#define CHECK_EQ(a, b)							\
	do {								\
		long long a_ = (long long)(a), b_ = (long long)(b);	\
									\
		if (a_ != b_) {						\
			test_failed(__FILE__, __LINE__, "%s is %lld, not %s (%lld)",	\
				    #a, a_, #b, b_);			\
			return;						\
		}							\
	} while (0)

#define CHECK_STR(a, b)							\
	do {								\
		const char *as_ = (a), *bs_ = (b);			\
									\
		if (!streq_ptr(as_, bs_)) {				\
			test_failed(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"",	\
				    #a, as_ ?: "(null)", bs_ ?: "(null)");	\
			return;						\
		}							\
	} while (0)

#define SKIP(...)							\
	do {								\
		test_skipped(__VA_ARGS__);				\
		return;							\
	} while (0)

/* Random numbers that can be had again: PMF_TEST_SEED, else the clock; told. */
uint64_t test_random(void);
static inline uint64_t test_below(uint64_t n)
{
	return test_random() % n;
}

/* A fresh directory, removed with all in it when the program ends. */
const char *test_dir(void);

/*
 * Make the nth allocation of the code under test fail (1: the next); 0: none.
 * Works in programs linked with test-alloc.c. _failed: has it, since the last nth?
 */
void test_alloc_fail(unsigned int nth);
bool test_alloc_failed(void);
/* Called at each allocation, unless NULL. */
extern void (*test_alloc_watch)(void);

#endif
