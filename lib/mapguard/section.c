// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sections: from an access that fails back to who can do something about it. Public.
 *
 * A function and no macro around sigsetjmp(): the jump stays within this file, so no
 * local variable of the caller needs volatile, no jmp_buf becomes part of the ABI, and
 * a section cannot be left open by return or break. The signal mask is not saved, which
 * would cost a system call: the handler knows what it was at the access.
 *
 * Built with -fexceptions (lib/meson.build): a section is closed too when fn is left by
 * an exception, by pthread_exit() or by being cancelled.
 */
#include "mapguard/mapguard.h"

_Thread_local struct pmf_section *volatile pmf_section_innermost _early_tls_;

/* The fences: the handler looks at this from between any two instructions. */
static void section_open(struct pmf_section *s)
{
	atomic_signal_fence(memory_order_seq_cst);
	pmf_section_innermost = s;
	atomic_signal_fence(memory_order_seq_cst);
}

/* Those inside it that were jumped over go with it. */
static void section_close(struct pmf_section *s)
{
	atomic_signal_fence(memory_order_seq_cst);
	pmf_section_innermost = s->outer;
	atomic_signal_fence(memory_order_seq_cst);
}

_public_ int pmemfail_guard_run(struct pmemfail_guard *g, int (*fn)(void *arg), void *arg,
				uint64_t *ret_offset)
{
	_cleanup_(section_close) struct pmf_section s = { .outer = pmf_section_innermost };

	if (!g || !fn)
		return -EINVAL;
	s.guard_id = g->id;
	if (sigsetjmp(s.env, 0)) {
		if (ret_offset)
			*ret_offset = s.offset;
		return -EIO;
	}
	section_open(&s);
	return fn(arg);
}

struct copy {
	unsigned char *dst;
	const unsigned char *src;
	size_t n, head;		/* bytes; head: up to the guarded side's next page */
};

/* Page by page and upwards, so that what comes before the bad one has been copied:
 * memcpy() may begin anywhere in what it is given. */
static int copy_pages(void *arg)
{
	struct copy c = *(const struct copy *)arg;
	size_t piece = MIN(c.head, c.n);

	while (c.n) {
		memcpy(c.dst, c.src, piece);
		c.dst += piece;
		c.src += piece;
		c.n -= piece;
		piece = MIN(pmf_mapguard_page(), c.n);
	}
	return 0;
}

static int copy(struct pmemfail_guard *g, void *dst, const void *src, size_t n,
		const void *guarded, uint64_t *ret_offset)
{
	uintptr_t at = (uintptr_t)guarded;
	size_t mask = pmf_mapguard_page() - 1;
	struct copy c = { dst, src, n, mask + 1 - (at & mask) };
	uint64_t offset;
	int r;

	if (!g || (n && (!dst || !src)))
		return -EINVAL;
	if (at < g->start || at > g->end || n > g->end - at)
		return -ERANGE;
	r = pmemfail_guard_run(g, copy_pages, &c, &offset);
	if (r < 0 && ret_offset)
		/* the first byte of the copy in that page, which is what was lost */
		*ret_offset = MAX(offset & ~(uint64_t)mask, at - g->start);
	return r;
}

_public_ int pmemfail_guard_read(struct pmemfail_guard *g, void *dst, const void *src,
				 size_t n, uint64_t *ret_offset)
{
	return copy(g, dst, src, n, src, ret_offset);
}

_public_ int pmemfail_guard_write(struct pmemfail_guard *g, void *dst, const void *src,
				  size_t n, uint64_t *ret_offset)
{
	return copy(g, dst, src, n, dst, ret_offset);
}
