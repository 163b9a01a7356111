/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How far a handling is, counted by the threads that do it and read by any other.
 *
 * Two counters and nothing else, because most of a handling's steps lie between freeze
 * and thaw, where nothing may be allocated, logged or waited for: what looks on comes
 * and looks, nobody is called.
 */
#ifndef PMF_PROGRESS_H
#define PMF_PROGRESS_H

#include <stdatomic.h>
#include <stdint.h>

struct pmf_progress {
	_Atomic uint64_t done, total;	/* total 0: not known yet */
};

/* All take NULL: nobody looks on. */

/* There are n more to be done than was known. */
static inline void pmf_progress_expect(struct pmf_progress *p, uint64_t n)
{
	if (p)
		atomic_fetch_add(&p->total, n);
}

/* Where `before` were expected there are `now`. At once: who looks sees one or the other. */
static inline void pmf_progress_correct(struct pmf_progress *p, uint64_t before, uint64_t now)
{
	if (p)
		atomic_fetch_add(&p->total, now - before);	/* wraps when it gets less */
}

/* n of them are done. Frozen, too. */
static inline void pmf_progress_pass(struct pmf_progress *p, uint64_t n)
{
	if (p && n > 0)
		atomic_fetch_add(&p->done, n);
}

/* Another counts. */
static inline void pmf_progress_set(struct pmf_progress *p, uint64_t done, uint64_t total)
{
	if (p) {
		atomic_store(&p->total, total);
		atomic_store(&p->done, done);
	}
}

#endif
