// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guard for applications: sections, copies, offsets, what is refused.
 */
#include <sys/mman.h>

#include "mapguard-tools.h"

static unsigned char *memory;
static struct pmemfail_guard *guard;

static void guarded(size_t pages, size_t bad)
{
	memory = memory_new(pages);
	memory_lose(memory, bad);
	NEED(!pmemfail_guard_new(memory, pages * PAGE, 0, NULL, NULL, &guard));
}

static int touch(void *p)
{
	return *(volatile unsigned char *)p;
}

CHILD_TEST(what_is_there_is_read)
{
	unsigned char b[3 * PAGE];

	guarded(4, 3);
	NEED(!pmemfail_guard_read(guard, b, memory + 10, sizeof(b) - 10, NULL));
	NEED(!memcmp(b, memory + 10, sizeof(b) - 10));
	NEED(!pmemfail_guard_read(guard, b, memory + 4 * PAGE, 0, NULL));
	NEED(!pmemfail_guard_read(guard, NULL, memory, 0, NULL));
	NEED(!pmemfail_guard_count(guard, PMEMFAIL_GUARD_FAILED));
}

CHILD_TEST(a_read_says_where_it_ended)
{
	unsigned char b[4 * PAGE];
	uint64_t at = 7;

	guarded(4, 2);
	memset(b, 0xee, sizeof(b));
	NEED(pmemfail_guard_read(guard, b, memory + 100, 4 * PAGE - 100, &at) == -EIO);
	NEED(at == 2 * PAGE);
	NEED(!memcmp(b, memory + 100, 2 * PAGE - 100));
	for (size_t i = 2 * PAGE - 100; i < sizeof(b); i++)
		NEED(b[i] == 0xee);
	/* it begins within the page */
	NEED(pmemfail_guard_read(guard, b, memory + 2 * PAGE + 33, 5, &at) == -EIO);
	NEED(at == 2 * PAGE + 33);
	/* one byte of it */
	NEED(pmemfail_guard_read(guard, b, memory + 2 * PAGE - 7, 8, &at) == -EIO);
	NEED(at == 2 * PAGE);
	NEED(pmemfail_guard_read(guard, b, memory + 2 * PAGE, 1, NULL) == -EIO);
	at = 7;
	NEED(!pmemfail_guard_read(guard, b, memory + 2 * PAGE - 8, 8, &at));
	NEED(at == 7);
	NEED(pmemfail_guard_count(guard, PMEMFAIL_GUARD_FAILED) == 4);
	NEED(pmemfail_guard_get(guard, 0, NULL, NULL) == -ENOENT);
}

CHILD_TEST(a_write_says_where_it_ended)
{
	unsigned char b[2 * PAGE];
	uint64_t at;

	guarded(4, 2);
	memset(b, 0xab, sizeof(b));
	NEED(pmemfail_guard_write(guard, memory + PAGE + 9, b, sizeof(b), &at) == -EIO);
	NEED(at == 2 * PAGE);
	NEED(memory[PAGE + 8] == 2 && memory[3 * PAGE] == 4);
	NEED(!memcmp(memory + PAGE + 9, b, PAGE - 9));
	NEED(!pmemfail_guard_write(guard, memory + 3 * PAGE, b, PAGE, NULL));
	NEED(memory[4 * PAGE - 1] == 0xab);
}

static int return_eio(void *p)
{
	(void)p;
	return -EIO;
}

CHILD_TEST(a_section_returns_what_its_function_does)
{
	uint64_t at = 7;

	guarded(3, 1);
	NEED(pmemfail_guard_run(guard, touch, memory + 2 * PAGE, &at) == 3);
	NEED(pmemfail_guard_run(guard, return_eio, NULL, &at) == -EIO);
	NEED(at == 7);
	NEED(pmemfail_guard_run(guard, touch, memory + PAGE + 123, &at) == -EIO);
	NEED(at == PAGE + 123);
	NEED(pmemfail_guard_run(guard, touch, memory + PAGE, NULL) == -EIO);
}

static unsigned char *other;
static struct pmemfail_guard *other_guard;
static unsigned int after_inner;
static int inner_result;
static uint64_t inner_at;

static int run_inner(void *p)
{
	inner_result = pmemfail_guard_run(other_guard, touch, p, &inner_at);
	after_inner++;
	return 17;
}

CHILD_TEST(the_innermost_section_for_the_range_fails)
{
	uint64_t at = 7;

	guarded(3, 1);
	other = memory_new(3);
	memory_lose(other, 2);
	NEED(!pmemfail_guard_new(other, 3 * PAGE, 0, NULL, NULL, &other_guard));
	/* the inner one's: the outer one goes on */
	NEED(pmemfail_guard_run(guard, run_inner, other + 2 * PAGE + 5, &at) == 17);
	NEED(inner_result == -EIO && inner_at == 2 * PAGE + 5 && after_inner == 1);
	NEED(at == 7);
	/* the outer one's: the inner one ends with it */
	NEED(pmemfail_guard_run(guard, run_inner, memory + PAGE + 6, &at) == -EIO);
	NEED(at == PAGE + 6 && after_inner == 1);
	/* and is not there any more */
	NEED(pmemfail_guard_run(guard, run_inner, other + 2 * PAGE + 5, &at) == 17);
	NEED(inner_result == -EIO && after_inner == 2);
	/* twice the same range */
	other_guard = guard;
	NEED(pmemfail_guard_run(guard, run_inner, memory + PAGE + 8, NULL) == 17);
	NEED(inner_result == -EIO && inner_at == PAGE + 8);
}

CHILD_TEST(it_works_again_and_again)
{
	sigset_t before, after;

	guarded(2, 1);
	NEED(!sigemptyset(&before) && !sigaddset(&before, SIGUSR2));
	NEED(!sigprocmask(SIG_SETMASK, &before, NULL));
	for (int i = 0; i < 100; i++) {
		errno = 1234;
		NEED(pmemfail_guard_run(guard, touch, memory + PAGE, NULL) == -EIO);
		NEED(errno == 1234);
	}
	NEED(!sigprocmask(SIG_BLOCK, NULL, &after));
	for (int i = 1; i < NSIG; i++)
		NEED(sigismember(&before, i) == sigismember(&after, i));
	NEED(pmemfail_guard_count(guard, PMEMFAIL_GUARD_FAILED) == 100);
}

static void on_alternate_stack(int flags)
{
	static char room[64 << 10];
	stack_t stack = { .ss_sp = room, .ss_size = sizeof(room), .ss_flags = flags }, now;

	NEED(!sigaltstack(&stack, NULL));
	guarded(2, 1);
	for (int i = 0; i < 3; i++)
		NEED(pmemfail_guard_run(guard, touch, memory + PAGE, NULL) == -EIO);
	NEED(!sigaltstack(NULL, &now));
	NEED(now.ss_sp == room && now.ss_flags == flags);
	for (size_t i = 0; i < sizeof(room); i++)
		if (room[i])
			return;
	NEED(!"used");
}

CHILD_TEST(the_alternate_stack_is_used)
{
	on_alternate_stack(0);
}

CHILD_TEST(the_alternate_stack_is_armed_again)
{
	on_alternate_stack((int)(1U << 31));	/* SS_AUTODISARM */
}

CHILD_TEST(what_is_wrong_is_refused)
{
	struct pmemfail_guard *g = NULL;
	unsigned char b[1];

	guarded(4, 3);
	NEED(pmemfail_guard_new(NULL, PAGE, 0, NULL, NULL, &g) == -EINVAL);
	NEED(pmemfail_guard_new(memory, 0, 0, NULL, NULL, &g) == -EINVAL);
	NEED(pmemfail_guard_new(memory + 1, PAGE, 0, NULL, NULL, &g) == -EINVAL);
	NEED(pmemfail_guard_new(memory, SIZE_MAX - 10, 0, NULL, NULL, &g) == -EINVAL);
	NEED(pmemfail_guard_new(memory, PAGE, 4, NULL, NULL, &g) == -EINVAL);
	NEED(pmemfail_guard_new(memory, PAGE, PMEMFAIL_GUARD_READONLY, NULL, NULL, &g) ==
	     -EINVAL);
	NEED(pmemfail_guard_new(memory, PAGE, 0, NULL, NULL, NULL) == -EINVAL);
	NEED(pmemfail_guard_run(NULL, touch, memory, NULL) == -EINVAL);
	NEED(pmemfail_guard_run(guard, NULL, memory, NULL) == -EINVAL);
	NEED(pmemfail_guard_read(NULL, b, memory, 1, NULL) == -EINVAL);
	NEED(pmemfail_guard_read(guard, NULL, memory, 1, NULL) == -EINVAL);
	NEED(pmemfail_guard_read(guard, b, NULL, 1, NULL) == -EINVAL);
	NEED(pmemfail_guard_read(guard, b, memory - 1, 1, NULL) == -ERANGE);
	NEED(pmemfail_guard_read(guard, b, memory + 4 * PAGE, 1, NULL) == -ERANGE);
	NEED(pmemfail_guard_read(guard, b, memory + 1, 4 * PAGE, NULL) == -ERANGE);
	NEED(pmemfail_guard_write(guard, memory + 1, b, SIZE_MAX, NULL) == -ERANGE);
	NEED(pmemfail_guard_count(guard, (enum pmemfail_guard_kind)3) == 0);
	NEED(pmemfail_guard_get(NULL, 0, NULL, NULL) == -EINVAL);
	NEED(!pmemfail_guard_free(NULL) && !g);
}

CHILD_TEST(ranges_may_not_overlap)
{
	struct pmemfail_guard *g;

	memory = memory_new(8);
	/* the end is rounded up */
	NEED(!pmemfail_guard_new(memory + 2 * PAGE, PAGE + 1, 0, NULL, NULL, &guard));
	NEED(pmemfail_guard_new(memory + 3 * PAGE, PAGE, 0, NULL, NULL, &g) == -EEXIST);
	NEED(pmemfail_guard_new(memory + PAGE, 2 * PAGE, 0, NULL, NULL, &g) == -EEXIST);
	NEED(pmemfail_guard_new(memory, 8 * PAGE, 0, NULL, NULL, &g) == -EEXIST);
	NEED(pmemfail_guard_new(memory + 2 * PAGE, PAGE, 0, NULL, NULL, &g) == -EEXIST);
	NEED(!pmemfail_guard_new(memory + 4 * PAGE, PAGE, 0, NULL, NULL, &g));
	NEED(!pmemfail_guard_new(memory, 2 * PAGE, 0, NULL, NULL, &g));
	NEED(!pmemfail_guard_free(guard));
	NEED(!pmemfail_guard_new(memory + 2 * PAGE, 2 * PAGE, 0, NULL, NULL, &g));
}

CHILD_TEST(the_right_one_of_many_is_found)
{
	struct pmemfail_guard *g[200] = { NULL };
	uint64_t at;

	memory = memory_new(2 * ARRAY_SIZE(g));
	for (size_t i = 0; i < ARRAY_SIZE(g); i++) {
		/* in an order that is neither up nor down */
		size_t k = i * 71 % ARRAY_SIZE(g);

		memory_lose(memory, 2 * k + 1);
		NEED(!pmemfail_guard_new(memory + 2 * k * PAGE, 2 * PAGE, 0, NULL, NULL,
					 &g[k]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(g); i++) {
		size_t k = i * 37 % ARRAY_SIZE(g);

		NEED(pmemfail_guard_run(g[k], touch, memory + (2 * k + 1) * PAGE + k, &at) ==
		     -EIO);
		NEED(at == PAGE + k);
		NEED(pmemfail_guard_count(g[k], PMEMFAIL_GUARD_FAILED) == 1);
		g[k] = pmemfail_guard_free(g[k]);
	}
}
