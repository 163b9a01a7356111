/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libpmemfail: a guard for programs that map persistent memory.
 *
 * A header of its own, since who includes it is another: pmemfail.h is for those who
 * administer a machine, this is for the applications on it, any user's, which need
 * nothing of pmemfail.h, no root, no daemon and no module. (pmemfaild's guard process,
 * which thaws what a dead daemon left frozen, is something else.)
 *
 * In one page:
 *	Memory that is bad or gone is met as SIGBUS, and that ends a program. One that
 *	registers its mapping here gets an error instead:
 *
 *		pmemfail_guard_new(map, size, 0, NULL, NULL, &guard);
 *		r = pmemfail_guard_read(guard, buffer, map + at, n, &bad);
 *		if (r == -EIO)	... what is at map + bad cannot be read
 *
 *	pmemfail_guard_run() does the same for any function. PMEMFAIL_GUARD_ZERO puts a
 *	private page of zeroes in the place of what is lost, so that code which knows
 *	nothing of this goes on.
 *
 *	There are two kinds of SIGBUS. An access that failed (BUS_ADRERR: the file was
 *	cut, the device is gone; BUS_MCEERR_AR: a machine check) belongs to the
 *	instruction that met it. A notice (BUS_MCEERR_AO), as pmemfail sends one for
 *	each failure, says that something was lost, while the thread that gets it was
 *	doing anything at all: so it breaks off nothing; it is counted and kept, see
 *	pmemfail_guard_get(), and an access fails when there is one.
 *
 * Conventions
 *	As in pmemfail.h, but that pmemfail_why() knows nothing of these calls, and
 *	that *ret_offset is set exactly when -EIO comes from here. Offsets and lengths
 *	are bytes from the start of the guarded range.
 *
 * The signal
 *	The first pmemfail_guard_new() installs a handler of SIGBUS, which stays. What it
 *	is not for goes to the one that was there: SIG_DFL ends the process as without
 *	it, with the same siginfo_t; SIG_IGN ignores what can be ignored, not an access
 *	that failed; a function is called with its own mask, SA_NODEFER, SA_RESETHAND
 *	and SA_SIGINFO as promised to it, on an alternate stack if there is one. Whoever
 *	installs a handler later must call the one that it replaced. Keep SIGBUS
 *	unblocked: the kernel ends a thread that blocks it and whose access fails. A
 *	system call that is given such memory fails with EFAULT and is no SIGBUS.
 *
 * Threads
 *	Everything may be called from any thread at any time, except: a guard is freed
 *	once, when no other call that names it is under way. A section belongs to the
 *	thread that runs it, and accesses of others do not end it.
 *
 * Signal handlers
 *	pmemfail_guard_count(), _get(), _read(), _write() and _run() may be called from
 *	any, pmemfail_guard_new() and _free() from none.
 *
 * fork
 *	The child has the same guards, over the same addresses, with counts that go on
 *	from the parent's, and frees its own copy or not. fork() within a section: both
 *	are in it. (MADV_DONTFORK memory is not there in the child, nor guarded.)
 */
#ifndef PMEMFAIL_GUARD_H
#define PMEMFAIL_GUARD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A guarded range of addresses. */
struct pmemfail_guard;

/* Flags of pmemfail_guard_new(). */
enum {
	/*
	 * An access that fails outside of a section for this range is made good: the
	 * page becomes a private one of zeroes, readable and writable, whose changes
	 * reach no file, and the access goes on with that. As little is replaced as the
	 * kernel lets: a page, where the mapping consists of huge ones (device DAX)
	 * one of those, and more only if si_addr_lsb says so and that did not help. Who
	 * maps something else there registers it anew.
	 */
	PMEMFAIL_GUARD_ZERO = 1 << 0,
	/* ... which is readable only, as the mapping is. */
	PMEMFAIL_GUARD_READONLY = 1 << 1,
};

/* What can become of a guarded range. */
enum pmemfail_guard_kind {
	PMEMFAIL_GUARD_TOLD,		/* a notice came */
	PMEMFAIL_GUARD_FAILED,		/* an access failed and ended a section */
	PMEMFAIL_GUARD_REPLACED,	/* memory was replaced by zeroes */
};

/*
 * Called for a notice and for what was replaced, after it was counted, in the signal
 * handler of whichever thread got the SIGBUS: async-signal-safe calls only, but not
 * fork(); it must return, and of this library it may call _count() and _get().
 * Length 1 says that the extent is not known. Not called any more once
 * pmemfail_guard_free() has returned.
 */
typedef void (*pmemfail_guard_fn)(enum pmemfail_guard_kind kind, uint64_t offset,
				  uint64_t length, void *userdata);

/*
 * Guard [address, address + length), page-aligned at its start, rounded up at its end:
 * best a whole mapping, and each of persistent memory, for a notice names the first
 * address that was lost, and if that is not guarded it goes to the handler from before.
 * The memory stays the caller's. fn may be NULL. -EINVAL; -EEXIST: overlaps another
 * guard; -ENOMEM, -EAGAIN: no memory. Takes time with the number of guards.
 */
int pmemfail_guard_new(void *address, size_t length, unsigned int flags,
		       pmemfail_guard_fn fn, void *userdata, struct pmemfail_guard **ret);
/*
 * Waits until no thread's handler is at work for this guard, so that nothing is
 * replaced in that range any more and it can be unmapped or reused. What was replaced
 * stays so. A section of another thread that is still open on it is guarded no more: an
 * access that fails there goes to the handler from before. Returns NULL; accepts NULL.
 */
struct pmemfail_guard *pmemfail_guard_free(struct pmemfail_guard *g);

/*
 * A section: call fn(arg) and return what it returns; or -EIO as soon as an access of
 * this thread to the guarded range fails, with *ret_offset (NULL: not wanted) where the
 * kernel saw it: that byte, or with a machine check perhaps the start of its page.
 *
 * fn is left in the middle then, as by longjmp(): what it holds (locks, memory) it holds
 * for good, signals it blocked stay blocked, C++ destructors do not run. So it should
 * do little but read and write. -EIO of fn itself leaves *ret_offset alone.
 *
 * Sections nest. One that fails is the innermost that is for the range that was hit;
 * those inside it end with it. fn may leave by pthread_exit(), by being cancelled, and
 * by a C++ exception; not by longjmp(). The cost is a setjmp(); no system call.
 */
int pmemfail_guard_run(struct pmemfail_guard *g, int (*fn)(void *arg), void *arg,
		       uint64_t *ret_offset);

/*
 * Copy n bytes out of the guarded range, and into it. -EIO: not all of it. *ret_offset
 * is the first byte that could not be: those before it have been copied, of those after
 * it none, unless they share a page with it. -ERANGE: not within the range. They do not
 * flush: what is written is durable as with any other store (msync(), CLWB).
 */
int pmemfail_guard_read(struct pmemfail_guard *g, void *dst, const void *src, size_t n,
			uint64_t *ret_offset);
int pmemfail_guard_write(struct pmemfail_guard *g, void *dst, const void *src, size_t n,
			 uint64_t *ret_offset);

/*
 * How often, since pmemfail_guard_new(). Notices can be fewer than failures: a SIGBUS
 * that comes while another waits is dropped by the kernel.
 */
uint64_t pmemfail_guard_count(const struct pmemfail_guard *g,
			      enum pmemfail_guard_kind kind);
/*
 * The i-th notice or replacement, oldest first: returns its kind. Up to 128 are kept,
 * later ones counted only. A notice names the first address that was lost, and its
 * length is that of the page there, or 1 if not known: more may be lost after it, as
 * with the removal of a device. -ENOENT past the end.
 */
int pmemfail_guard_get(const struct pmemfail_guard *g, size_t i, uint64_t *ret_offset,
		       uint64_t *ret_length);

#ifdef __cplusplus
}
#endif

#endif
