// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The handler of SIGBUS, and the one from before.
 *
 * It allocates nothing, takes no lock, and may run in any thread at any instruction, on
 * whatever stack. What it decides on is what the kernel says: si_code tells an access
 * that failed from a notice; mm/memory-failure.c kill_proc() and arch/x86/mm/fault.c
 * do_sigbus() send the one, kernel/signal.c send_sig_mceerr() the other.
 */

/* Its siglongjmp() takes a jump from an alternate stack with SS_AUTODISARM for one
 * upwards, and ends the program. */
#undef _FORTIFY_SOURCE
#include <sys/syscall.h>
#include <ucontext.h>

#include "mapguard/mapguard.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)	/* linux/signal.h, which libc's does not go with */
#endif

enum verdict {
	NOT_OURS,
	DONE,		/* the interrupted code goes on */
	JUMP,		/* it does not: its section failed */
};

static struct sigaction previous;
static atomic_bool reset;	/* SA_RESETHAND of the previous one is used up */

static bool is_access(const siginfo_t *si)
{
	return si->si_code > 0 && si->si_code != BUS_MCEERR_AO;
}

/* One that tells of memory: not one of alignment, nor one without an address. */
static bool is_failed_access(const siginfo_t *si)
{
	return si->si_code == BUS_ADRERR || si->si_code == BUS_OBJERR ||
	       si->si_code == BUS_MCEERR_AR;
}

/* Only with a machine check has the kernel set it. */
static unsigned int lsb_of(const siginfo_t *si)
{
	bool has = si->si_code == BUS_MCEERR_AR || si->si_code == BUS_MCEERR_AO;

	return has && si->si_addr_lsb > 0 ? (unsigned int)si->si_addr_lsb : 0;
}

static void take_notice(struct pmemfail_guard *g, const siginfo_t *si)
{
	uintptr_t at = (uintptr_t)si->si_addr;
	unsigned int lsb = lsb_of(si);
	uint64_t length = 1;

	if (lsb < 31 && 1UL << lsb >= pmf_mapguard_page()) {
		uintptr_t end = (at & ~((1UL << lsb) - 1)) + (1UL << lsb);

		length = MIN(end, g->end) - at;
	}
	pmf_mapguard_note(g, PMEMFAIL_GUARD_TOLD, at - g->start, length);
}

static struct pmf_section *section_of(const struct pmemfail_guard *g)
{
	struct pmf_section *s = pmf_section_innermost;

	while (s && s->guard_id != g->id)
		s = s->outer;
	return s;
}

static enum verdict judge_for(struct pmemfail_guard *g, const siginfo_t *si,
			      struct pmf_section **ret)
{
	uintptr_t at = (uintptr_t)si->si_addr;
	struct pmf_section *s;

	if (si->si_code == BUS_MCEERR_AO) {
		take_notice(g, si);
		return DONE;
	}
	s = section_of(g);
	if (s) {
		s->offset = at - g->start;
		pmf_mapguard_note(g, PMEMFAIL_GUARD_FAILED, s->offset, 1);
		*ret = s;
		return JUMP;
	}
	if (g->flags & PMEMFAIL_GUARD_ZERO && !pmf_mapguard_replace(g, at, lsb_of(si)))
		return DONE;
	return NOT_OURS;
}

static enum verdict judge(const siginfo_t *si, struct pmf_section **ret)
{
	enum verdict verdict = NOT_OURS;
	struct pmemfail_guard *g;
	unsigned int token;

	if (si->si_code != BUS_MCEERR_AO && !is_failed_access(si))
		return NOT_OURS;
	token = pmf_mapguard_enter();
	g = pmf_mapguard_find((uintptr_t)si->si_addr);
	if (g)
		verdict = judge_for(g, si, ret);
	pmf_mapguard_leave(token);
	return verdict;
}

/* What returning from the handler would have put back: mask and alternate stack. */
__attribute__((noreturn))
static void jump(struct pmf_section *s, const ucontext_t *context)
{
	if ((unsigned int)context->uc_stack.ss_flags & SS_AUTODISARM)
		(void)sigaltstack(&context->uc_stack, NULL);	/* it was valid before */
	(void)pthread_sigmask(SIG_SETMASK, &context->uc_sigmask, NULL);
	siglongjmp(s->env, 1);
}

/*
 * Die as without a handler, of the same siginfo_t. SIGBUS is blocked here, so it comes
 * when the handler returns: at the instruction that it is about. To itself a thread may
 * send any (kernel/signal.c do_rt_tgsigqueueinfo()).
 */
static void die(int sig, siginfo_t *si)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };
	long tid = syscall(SYS_gettid);

	(void)sigaction(sig, &by_default, NULL);
	if (syscall(SYS_rt_tgsigqueueinfo, (long)getpid(), tid, (long)sig, si) < 0)
		(void)syscall(SYS_tgkill, (long)getpid(), tid, (long)sig);
}

/* The mask that the previous handler would have had; returning takes it back. */
static void mask_as_promised(int sig, const ucontext_t *context)
{
	sigset_t mask = context->uc_sigmask;

	for (int i = 1; i < NSIG; i++)
		if (sigismember(&previous.sa_mask, i) == 1)
			(void)sigaddset(&mask, i);
	if (!(previous.sa_flags & SA_NODEFER))
		(void)sigaddset(&mask, sig);
	(void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

static void pass_on(int sig, siginfo_t *si, void *context)
{
	if (previous.sa_handler == SIG_IGN && !is_access(si))
		return;
	/* as kernel/signal.c force_sig_info_to_task(): an access cannot be ignored */
	if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN ||
	    (previous.sa_flags & (int)SA_RESETHAND && atomic_exchange(&reset, true))) {
		die(sig, si);
		return;
	}
	mask_as_promised(sig, context);
	if (previous.sa_flags & SA_SIGINFO)
		previous.sa_sigaction(sig, si, context);
	else
		previous.sa_handler(sig);
}

static void on_sigbus(int sig, siginfo_t *si, void *context)
{
	struct pmf_section *s = NULL;
	int saved = errno;

	switch (judge(si, &s)) {
	case NOT_OURS:
		errno = saved;
		pass_on(sig, si, context);
		return;
	case JUMP:
		errno = saved;
		jump(s, context);
	case DONE:
		break;
	}
	errno = saved;
}

/*
 * SA_RESTART, since a notice comes at any time and must not end system calls of a
 * program that goes on. Other signals stay as they are: what is done here is short.
 */
void pmf_mapguard_install(void)
{
	struct sigaction action = {
		.sa_sigaction = on_sigbus,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART,
	};

	/* Known before it can be called. */
	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGBUS, NULL, &previous);
	(void)sigaction(SIGBUS, &action, NULL);
}
