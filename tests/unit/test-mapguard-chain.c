// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guard for applications: what it is not for goes to the handler from before, as
 * that was promised; and notices.
 */
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>

#include "mapguard-tools.h"

static unsigned char *memory;
static struct pmemfail_guard *guard;
static sigjmp_buf out;
static volatile int calls, was_blocked, usr1_blocked, uc_blocked;
static void *volatile seen_addr;
static struct sigaction replaced;

static void guarded(void)
{
	memory = memory_new(3);
	memory_lose(memory, 1);
	NEED(!pmemfail_guard_new(memory, 3 * PAGE, 0, NULL, NULL, &guard));
}

static void touch_bad(void)
{
	(void)*(volatile unsigned char *)(memory + PAGE + 77);
}

static int touch(void *p)
{
	return *(volatile unsigned char *)p;
}

static void handle_with(void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = fn, .sa_flags = flags };

	(void)sigaddset(&sa.sa_mask, SIGUSR1);
	NEED(!sigaction(SIGBUS, &sa, NULL));
}

static void child_default_access(void)
{
	sigbus_default();
	guarded();
	touch_bad();
}

static void child_default_unguarded(void)
{
	unsigned char *bad = memory_new(1);

	sigbus_default();
	guarded();
	memory_lose(bad, 0);
	(void)pmemfail_guard_run(guard, touch, bad, NULL);
}

static void child_default_kill(void)
{
	sigbus_default();
	guarded();
	(void)raise(SIGBUS);
}

static void child_freed(void)
{
	sigbus_default();
	guarded();
	guard = pmemfail_guard_free(guard);
	touch_bad();
}

TEST(without_a_handler_one_dies_as_before)
{
	CHECK_EQ(in_child(child_default_access), SIGBUS);
	CHECK_EQ(in_child(child_default_unguarded), SIGBUS);
	CHECK_EQ(in_child(child_default_kill), SIGBUS);
	CHECK_EQ(in_child(child_freed), SIGBUS);
}

static void child_ignored_access(void)
{
	(void)signal(SIGBUS, SIG_IGN);
	guarded();
	touch_bad();
}

static void child_ignored_kill(void)
{
	(void)signal(SIGBUS, SIG_IGN);
	guarded();
	(void)raise(SIGBUS);
	sigbus_self(BUS_MCEERR_AO, &child_ignored_kill, 12);
	NEED(pmemfail_guard_run(guard, touch, memory + PAGE, NULL) == -EIO);
}

/* Another process of the user's may send any siginfo_t, with any address, as long as its
 * code says that it was sent (kernel/signal.c do_rt_sigqueueinfo()). */
static void child_sent(void)
{
	sigbus_default();
	guarded();
	sigbus_self(SI_QUEUE, memory + PAGE, 0);
}

static int be_sent(void *p)
{
	sigbus_self(SI_QUEUE, p, 0);
	return 0;
}

static void child_sent_while_ignored(void)
{
	(void)signal(SIGBUS, SIG_IGN);
	guarded();
	NEED(pmemfail_guard_run(guard, be_sent, memory, NULL) == 0);
	NEED(pmemfail_guard_count(guard, PMEMFAIL_GUARD_TOLD) == 0);
	NEED(pmemfail_guard_count(guard, PMEMFAIL_GUARD_FAILED) == 0);
}

TEST(what_is_sent_is_not_believed)
{
	CHECK_EQ(in_child(child_sent), SIGBUS);
	CHECK_EQ(in_child(child_sent_while_ignored), ALIVE);
}

TEST(what_can_be_ignored_is)
{
	CHECK_EQ(in_child(child_ignored_access), SIGBUS);
	CHECK_EQ(in_child(child_ignored_kill), ALIVE);
}

static void plain_handler(int sig)
{
	calls += sig == SIGBUS;
	siglongjmp(out, 1);
}

CHILD_TEST(a_plain_handler_is_called)
{
	(void)signal(SIGBUS, plain_handler);
	guarded();
	if (!sigsetjmp(out, 1))
		touch_bad();
	NEED(calls == 1);
	NEED(pmemfail_guard_run(guard, touch, memory + PAGE, NULL) == -EIO);
	NEED(calls == 1);
}

static bool is_blocked(int sig)
{
	sigset_t now;

	NEED(!pthread_sigmask(SIG_BLOCK, NULL, &now));
	return sigismember(&now, sig);
}

/* Repairs what was lost, as the program's own handler may. */
static void repairing_handler(int sig, siginfo_t *si, void *context)
{
	const ucontext_t *uc = context;

	calls++;
	was_blocked = is_blocked(sig);
	usr1_blocked = is_blocked(SIGUSR1);
	uc_blocked = sigismember(&uc->uc_sigmask, SIGUSR1);
	seen_addr = si->si_addr;
	NEED(mmap((void *)((uintptr_t)si->si_addr & ~(PAGE - 1)), PAGE, PROT_READ,
		  MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

CHILD_TEST(a_handler_gets_what_it_was_promised)
{
	handle_with(repairing_handler, SA_SIGINFO);
	guarded();
	touch_bad();
	NEED(calls == 1 && seen_addr == memory + PAGE + 77);
	NEED(was_blocked && usr1_blocked && !uc_blocked);
	NEED(!is_blocked(SIGBUS) && !is_blocked(SIGUSR1));
	/* it stays */
	memory_lose(memory, 2);
	(void)touch(memory + 2 * PAGE);
	NEED(calls == 2);
}

CHILD_TEST(nodefer_lets_it_through)
{
	handle_with(repairing_handler, SA_SIGINFO | SA_NODEFER);
	guarded();
	touch_bad();
	NEED(calls == 1 && !was_blocked && usr1_blocked);
}

/* The access fails within the handler too. */
static void nested_handler(int sig, siginfo_t *si, void *context)
{
	if (!calls++) {
		memory_lose(memory, 2);
		NEED(pmemfail_guard_run(guard, touch, memory + 2 * PAGE, NULL) == -EIO);
		(void)touch(memory + 2 * PAGE);
		NEED(calls == 2);
	}
	calls--;
	repairing_handler(sig, si, context);
}

CHILD_TEST(a_handler_may_fail_in_turn)
{
	handle_with(nested_handler, SA_SIGINFO | SA_NODEFER);
	guarded();
	touch_bad();
	NEED(touch(memory + 2 * PAGE) == 0);
}

static void child_once(void)
{
	handle_with(repairing_handler, SA_SIGINFO | (int)SA_RESETHAND);
	guarded();
	touch_bad();
	NEED(calls == 1);
	memory_lose(memory, 2);
	NEED(pmemfail_guard_run(guard, touch, memory + 2 * PAGE, NULL) == -EIO);
	(void)touch(memory + 2 * PAGE);
}

TEST(resethand_is_once)
{
	CHECK_EQ(in_child(child_once), SIGBUS);
}

static void handler_on_top(int sig, siginfo_t *si, void *context)
{
	calls++;
	replaced.sa_sigaction(sig, si, context);
}

static void child_on_top(void)
{
	const struct sigaction sa = { .sa_sigaction = handler_on_top,
				      .sa_flags = SA_SIGINFO };

	sigbus_default();
	guarded();
	NEED(!sigaction(SIGBUS, &sa, &replaced));
	NEED(pmemfail_guard_run(guard, touch, memory + PAGE, NULL) == -EIO);
	NEED(pmemfail_guard_run(guard, touch, memory + PAGE, NULL) == -EIO);
	NEED(calls == 2);
	touch_bad();
}

TEST(a_handler_on_top_may_call_it)
{
	CHECK_EQ(in_child(child_on_top), SIGBUS);
}

static int told_calls;
static uint64_t told_offset, told_length;

static void on_told(enum pmemfail_guard_kind kind, uint64_t offset, uint64_t length,
		    void *userdata)
{
	NEED(kind == PMEMFAIL_GUARD_TOLD && userdata == &told_calls);
	/* it was counted and kept before */
	NEED(pmemfail_guard_count(guard, kind) == (uint64_t)++told_calls);
	told_offset = offset;
	told_length = length;
}

static int be_told(void *p)
{
	sigbus_self(BUS_MCEERR_AO, p, 12);
	return 5;
}

CHILD_TEST(a_notice_breaks_nothing_off)
{
	uint64_t at, n;

	sigbus_default();
	memory = memory_new(3);
	NEED(!pmemfail_guard_new(memory, 3 * PAGE, 0, on_told, &told_calls, &guard));
	NEED(pmemfail_guard_run(guard, be_told, memory + PAGE, NULL) == 5);
	NEED(told_calls == 1 && told_offset == PAGE && told_length == PAGE);
	/* outside of a section; of a huge page, clipped; of unknown extent */
	sigbus_self(BUS_MCEERR_AO, memory + 2 * PAGE, 30);
	NEED(told_calls == 2 && told_offset == 2 * PAGE && told_length == PAGE);
	sigbus_self(BUS_MCEERR_AO, memory + 5, 0);
	NEED(told_calls == 3 && told_offset == 5 && told_length == 1);
	NEED(pmemfail_guard_get(guard, 0, &at, &n) == PMEMFAIL_GUARD_TOLD);
	NEED(at == PAGE && n == PAGE);
	NEED(pmemfail_guard_get(guard, 2, &at, NULL) == PMEMFAIL_GUARD_TOLD && at == 5);
	NEED(pmemfail_guard_get(guard, 3, &at, &n) == -ENOENT);
	NEED(!pmemfail_guard_count(guard, PMEMFAIL_GUARD_FAILED));
	for (int i = 0; i < 200; i++)
		sigbus_self(BUS_MCEERR_AO, memory, 12);
	NEED(pmemfail_guard_count(guard, PMEMFAIL_GUARD_TOLD) == 203);
	NEED(pmemfail_guard_get(guard, 127, NULL, NULL) == PMEMFAIL_GUARD_TOLD);
	NEED(pmemfail_guard_get(guard, 128, NULL, NULL) == -ENOENT);
}

static int machine_check(void *p)
{
	sigbus_self(BUS_MCEERR_AR, p, 12);
	return 5;
}

CHILD_TEST(a_machine_check_ends_the_section)
{
	uint64_t at;

	guarded();
	NEED(pmemfail_guard_run(guard, machine_check, memory + 2 * PAGE, &at) == -EIO);
	NEED(at == 2 * PAGE);
}

static int misaligned(void *p)
{
	sigbus_self(BUS_ADRALN, p, 0);
	return 5;
}

static void counting_handler(int sig, siginfo_t *si, void *context)
{
	(void)sig;
	(void)context;
	calls++;
	seen_addr = si->si_addr;
}

CHILD_TEST(what_is_not_about_memory_is_passed_on)
{
	handle_with(counting_handler, SA_SIGINFO);
	guarded();
	NEED(pmemfail_guard_run(guard, misaligned, memory + 3, NULL) == 5);
	NEED(calls == 1 && seen_addr == memory + 3);
	(void)raise(SIGBUS);
	sigbus_self(BUS_MCEERR_AO, memory + 3 * PAGE, 12);
	NEED(calls == 3 && seen_addr == memory + 3 * PAGE);
	NEED(!pmemfail_guard_count(guard, PMEMFAIL_GUARD_TOLD));
}
