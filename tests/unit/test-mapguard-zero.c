// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guard for applications: zeroes in the place of what is lost.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "mapguard/mapguard.h"
#include "mapguard-tools.h"

static unsigned char *memory;
static struct pmemfail_guard *guard;
static int calls;

static void on_replaced(enum pmemfail_guard_kind kind, uint64_t offset, uint64_t length,
			void *userdata)
{
	NEED(kind == PMEMFAIL_GUARD_REPLACED && offset == PAGE && length == PAGE);
	NEED(userdata == &calls);
	calls++;
}

static int touch(void *p)
{
	return *(volatile unsigned char *)p;
}

static void zeroing(size_t pages, size_t bad, unsigned int flags)
{
	sigbus_default();
	memory = memory_new(pages);
	memory_lose(memory, bad);
	NEED(!pmemfail_guard_new(memory, pages * PAGE, PMEMFAIL_GUARD_ZERO | flags, NULL,
				 NULL, &guard));
}

CHILD_TEST(the_page_is_zeroes_and_no_more)
{
	uint64_t at, n;

	sigbus_default();
	memory = memory_new(3);
	memory_lose(memory, 1);
	NEED(!pmemfail_guard_new(memory, 3 * PAGE, PMEMFAIL_GUARD_ZERO, on_replaced, &calls,
				 &guard));
	NEED(!touch(memory + PAGE + 99) && calls == 1);
	for (size_t i = PAGE; i < 2 * PAGE; i++)
		NEED(!memory[i]);
	NEED(memory[PAGE - 1] == 1 && memory[2 * PAGE] == 3);
	memory[PAGE] = 0x77;
	NEED(touch(memory + PAGE) == 0x77);
	NEED(pmemfail_guard_count(guard, PMEMFAIL_GUARD_REPLACED) == 1 && calls == 1);
	NEED(pmemfail_guard_get(guard, 0, &at, &n) == PMEMFAIL_GUARD_REPLACED);
	NEED(at == PAGE && n == PAGE);
	/* it stays so */
	guard = pmemfail_guard_free(guard);
	NEED(touch(memory + PAGE) == 0x77);
}

CHILD_TEST(a_first_access_may_be_a_write)
{
	zeroing(9, 8, 0);
	memory[9 * PAGE - 1] = 5;
	NEED(touch(memory + 9 * PAGE - 1) == 5 && !touch(memory + 8 * PAGE));
}

static void child_write_readonly(void)
{
	(void)signal(SIGSEGV, SIG_DFL);
	zeroing(2, 1, PMEMFAIL_GUARD_READONLY);
	NEED(!touch(memory + PAGE));
	*(volatile unsigned char *)(memory + PAGE) = 1;
}

TEST(readonly_stays_so)
{
	CHECK_EQ(in_child(child_write_readonly), SIGSEGV);
}

CHILD_TEST(a_section_comes_first)
{
	uint64_t at;

	zeroing(2, 1, 0);
	NEED(pmemfail_guard_run(guard, touch, memory + PAGE, &at) == -EIO && at == PAGE);
	NEED(!pmemfail_guard_count(guard, PMEMFAIL_GUARD_REPLACED));
	NEED(!touch(memory + PAGE));
	NEED(!pmemfail_guard_run(guard, touch, memory + PAGE, &at));
	NEED(pmemfail_guard_count(guard, PMEMFAIL_GUARD_REPLACED) == 1);
}

CHILD_TEST(a_notice_replaces_nothing)
{
	zeroing(2, 1, 0);
	sigbus_self(BUS_MCEERR_AO, memory, 12);
	NEED(!pmemfail_guard_count(guard, PMEMFAIL_GUARD_REPLACED));
	NEED(touch(memory) == 1);
}

/* As from a kernel that reports a huge page, and not by its page that is bad. */
CHILD_TEST(more_only_when_a_page_did_not_help)
{
	uint64_t at, n;

	zeroing(1500, 1499, 0);
	sigbus_self(BUS_MCEERR_AR, memory + 700 * PAGE, 21);
	NEED(pmemfail_guard_get(guard, 0, &at, &n) == PMEMFAIL_GUARD_REPLACED);
	NEED(at == 700 * PAGE && n == PAGE);
	NEED(!memory[700 * PAGE] && memory[701 * PAGE] && memory[699 * PAGE]);
	/* it may be that another thread replaced it meanwhile, so it is just tried again */
	memory[700 * PAGE] = 9;
	sigbus_self(BUS_MCEERR_AR, memory + 700 * PAGE, 21);
	NEED(pmemfail_guard_count(guard, PMEMFAIL_GUARD_REPLACED) == 1);
	NEED(memory[700 * PAGE] == 9);
	sigbus_self(BUS_MCEERR_AR, memory + 700 * PAGE, 21);
	NEED(pmemfail_guard_get(guard, 1, &at, &n) == PMEMFAIL_GUARD_REPLACED);
	NEED(n == 512 * PAGE && at <= 700 * PAGE && at + n > 700 * PAGE);
	NEED(((uintptr_t)memory + at) % (512 * PAGE) == 0);
	for (size_t i = at; i < at + n; i++)
		NEED(!memory[i]);
	NEED(memory[at + n] && memory[at - 1]);
}

/* An end to what does not help either. */
static void child_no_help(void)
{
	zeroing(3, 2, 0);
	for (int i = 0; i < 100; i++)
		sigbus_self(BUS_MCEERR_AR, memory, 12);
}

/* A mapping that can be split between huge pages only, but the guard is for less. */
static void child_cannot(void)
{
	zeroing(3, 1, 0);
	atomic_store(&guard->unit, (size_t)2 << 20);
	(void)touch(memory + PAGE);
}

TEST(what_does_not_help_ends_as_before)
{
	CHECK_EQ(in_child(child_no_help), SIGBUS);
	CHECK_EQ(in_child(child_cannot), SIGBUS);
}
