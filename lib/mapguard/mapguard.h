/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guard for applications, from the inside: what its files share. guard.h is the
 * public side and says what is promised. Not to be confused with the guard process of
 * pmemfaild (sys/guard.c), which thaws filesystems: that one is the daemon's, this one
 * runs in other people's programs, and knows nothing of the rest of the library.
 *
 *	guard.c		a guard and what became of its range
 *	table.c		which guard has that address: without locks or allocation
 *	section.c	sections, and the copying calls
 *	replace.c	pages of zeroes in the place of what is lost
 *	signal.c	the handler of SIGBUS, and the one from before
 *
 * Why no liburcu on the read side, when the rest of the library has it: the reader is a
 * signal handler in any thread of a program that is not ours, on an alternate stack at
 * times. Its flavours but -bp want each thread registered before (README.md, "Being
 * careful with signals"; not on alternate stacks either); -bp registers at the first
 * use, with a mutex and an mmap(), which would be in the handler. And its fork handlers
 * are one set for each process, which belongs to the application: who calls
 * urcu_bp_before_fork() as the second locks the same mutex twice. Two counters do here,
 * where readers are rare and done in a microsecond: see table.c.
 */
#ifndef PMF_MAPGUARD_H
#define PMF_MAPGUARD_H

#include <pmemfail/guard.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/base.h"

#define PMF_MAPGUARD_NOTES 128
#define PMF_MAPGUARD_KINDS (PMEMFAIL_GUARD_REPLACED + 1)

/* The handler must find these without calling the loader, which may allocate. */
#define _early_tls_ __attribute__((tls_model("initial-exec")))

struct pmf_mapguard_note {
	uint64_t offset, length;	/* bytes */
	atomic_int kind;		/* set last; 0: not there yet, else kind + 1 */
};

struct pmemfail_guard {
	uint64_t id;			/* never used twice, unlike its address */
	uintptr_t start, end;		/* [start, end), whole pages */
	unsigned int flags;
	pmemfail_guard_fn fn;
	void *userdata;
	_Atomic uint64_t count[PMF_MAPGUARD_KINDS];
	struct pmf_mapguard_note notes[PMF_MAPGUARD_NOTES];
	_Atomic size_t n_notes;		/* asked for, so it can be more */

	/* with PMEMFAIL_GUARD_ZERO: */
	_Atomic size_t unit;		/* bytes: the least that the kernel lets replace */
	_Atomic unsigned char *pages;	/* two bits each, see replace.c */
	size_t pages_size;		/* bytes */
};

/* One that is under way, in the frame of pmemfail_guard_run(). */
struct pmf_section {
	sigjmp_buf env;
	struct pmf_section *outer;
	uint64_t guard_id;
	volatile uint64_t offset;	/* where it failed; by the handler */
};

extern _Thread_local struct pmf_section *volatile pmf_section_innermost _early_tls_;

size_t pmf_mapguard_page(void);

/* --- guard.c: signal-safe ------------------------------------------------------ */

/* Count it, keep it and call the callback. */
void pmf_mapguard_note(struct pmemfail_guard *g, enum pmemfail_guard_kind kind,
		       uint64_t offset, uint64_t length);

/* --- table.c ------------------------------------------------------------------- */

/* Gives it its id. -EEXIST, -ENOMEM. */
int pmf_mapguard_insert(struct pmemfail_guard *g);
/* Returns when no reader has it any more. */
void pmf_mapguard_remove(struct pmemfail_guard *g);

/* Signal-safe. What is found lives until leave() with what enter() returned. */
unsigned int pmf_mapguard_enter(void);
struct pmemfail_guard *pmf_mapguard_find(uintptr_t address);
void pmf_mapguard_leave(unsigned int token);

/* --- replace.c ----------------------------------------------------------------- */

int pmf_mapguard_replace_init(struct pmemfail_guard *g);
void pmf_mapguard_replace_done(struct pmemfail_guard *g);
/*
 * Signal-safe. Zeroes where an access failed: 0 when it is worth to be tried again.
 * lsb as in si_addr_lsb, 0 when the kernel did not say.
 */
int pmf_mapguard_replace(struct pmemfail_guard *g, uintptr_t address, unsigned int lsb);

/* --- signal.c ------------------------------------------------------------------ */

/* Once for each process; by table.c, with its lock held. */
void pmf_mapguard_install(void);

#endif
