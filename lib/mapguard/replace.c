// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Pages of zeroes in the place of what is lost. In the signal handler, so by system
 * calls and atomic operations only.
 *
 * Each unit of the range has two bits: somebody replaces it, and it has been replaced.
 * Two threads that meet the same page at once may not both replace it: the second would
 * wipe what the first has written there since. The one that comes late lets its access
 * be tried again.
 */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "mapguard/mapguard.h"

#define CLAIMED		1
#define REPLACED	2
#define UNITS_PER_BYTE	4
#define UNIT_BITS	2
#define TIMES_MAX	4

/* The last access of this thread that failed though its unit had been replaced, and
 * how often it did. */
static _Thread_local struct {
	uint64_t guard_id;
	uintptr_t address;
	unsigned int times;
} again _early_tls_;

int pmf_mapguard_replace_init(struct pmemfail_guard *g)
{
	size_t page = pmf_mapguard_page();
	void *p;

	if (!(g->flags & PMEMFAIL_GUARD_ZERO))
		return 0;
	g->pages_size = (g->end - g->start) / page / UNITS_PER_BYTE + 1;
	/* 64 KiB for 1 GiB, if all of it should be lost: memory only where it is */
	p = mmap(NULL, g->pages_size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	g->pages = p;
	atomic_store(&g->unit, page);
	return 0;
}

void pmf_mapguard_replace_done(struct pmemfail_guard *g)
{
	if (g->pages)
		(void)munmap((void *)g->pages, g->pages_size);	/* whole, so it cannot fail */
}

static unsigned char bits_set(struct pmemfail_guard *g, uintptr_t at, unsigned char bits)
{
	size_t n = (at - g->start) / pmf_mapguard_page();
	unsigned int shift = n % UNITS_PER_BYTE * UNIT_BITS;
	unsigned char old = atomic_fetch_or(&g->pages[n / UNITS_PER_BYTE],
					    (unsigned char)(bits << shift));

	return old >> shift & (CLAIMED | REPLACED);
}

static void bits_clear(struct pmemfail_guard *g, uintptr_t at)
{
	size_t n = (at - g->start) / pmf_mapguard_page();
	unsigned int shift = n % UNITS_PER_BYTE * UNIT_BITS;

	atomic_fetch_and(&g->pages[n / UNITS_PER_BYTE],
			 (unsigned char)~((CLAIMED | REPLACED) << shift));
}

/* Past libc: sanitizers and others wrap its mmap(), for calls from anywhere else. */
static int map_zeroes(const struct pmemfail_guard *g, uintptr_t at, size_t size)
{
	long prot = g->flags & PMEMFAIL_GUARD_READONLY ? PROT_READ : PROT_READ | PROT_WRITE;
	long r = syscall(SYS_mmap, at, size, prot,
			 (long)(MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS), -1L, 0L);

	return r == -1 ? -errno : 0;
}

/*
 * The kernel splits a mapping of huge pages, as hugetlbfs and device DAX have it, between
 * them only (mm/mmap.c __split_vma(), may_split(): -EINVAL). Up to 6.1 mmap_region()
 * makes -ENOMEM of that, which is also what it says when memory is short, and then no
 * good neighbour may be replaced. madvise() would split for a hint, and says which.
 */
static bool is_huge(uintptr_t at, size_t unit, int error)
{
	return error == -EINVAL ||
	       (error == -ENOMEM &&
		syscall(SYS_madvise, at, unit, (long)MADV_RANDOM) < 0 && errno == EINVAL);
}

static bool unit_grow(struct pmemfail_guard *g, size_t from)
{
	size_t to = from < (2UL << 20) ? 2UL << 20 : 1UL << 30;

	if (from >= to)
		return false;
	(void)atomic_compare_exchange_strong(&g->unit, &from, to);
	return true;
}

static int replace_unit(struct pmemfail_guard *g, uintptr_t at, size_t unit)
{
	int r = map_zeroes(g, at, unit);

	if (r < 0) {
		bits_clear(g, at);
		return r;
	}
	(void)bits_set(g, at, REPLACED);
	pmf_mapguard_note(g, PMEMFAIL_GUARD_REPLACED, at - g->start, unit);
	return 0;
}

/* As much as the kernel said. */
static int replace_more(struct pmemfail_guard *g, uintptr_t at, size_t unit, unsigned int lsb)
{
	size_t size = lsb < 31 && 1UL << lsb > unit ? 1UL << lsb : unit;
	uintptr_t start = MAX(at & ~(size - 1), g->start);
	uintptr_t end = MIN((at & ~(size - 1)) + size, g->end);
	int r = map_zeroes(g, start, end - start);

	if (r < 0)
		return r;
	for (uintptr_t p = start; p < end; p += unit)
		(void)bits_set(g, p, CLAIMED | REPLACED);
	pmf_mapguard_note(g, PMEMFAIL_GUARD_REPLACED, start - g->start, end - start);
	return 0;
}

/* Another thread is at it. Its access will fail again, or not. */
static void wait_a_little(void)
{
	static const struct timespec pause = { .tv_nsec = 100000 };

	(void)syscall(SYS_nanosleep, &pause, NULL);	/* cut short: no harm */
}

/*
 * It has been replaced, which may have been by another thread since this access failed,
 * so it is tried again as it is. When it fails all the same, more is replaced; when that
 * does not help either, the kernel does not say what would.
 */
static int replace_again(struct pmemfail_guard *g, uintptr_t address, size_t unit,
			 unsigned int lsb)
{
	bool same = again.guard_id == g->id && again.address == address;

	again.guard_id = g->id;
	again.address = address;
	again.times = same ? again.times + 1 : 1;
	if (again.times > TIMES_MAX)
		return -EIO;
	return same ? replace_more(g, address & ~(unit - 1), unit, lsb) : 0;
}

int pmf_mapguard_replace(struct pmemfail_guard *g, uintptr_t address, unsigned int lsb)
{
	for (;;) {
		size_t unit = atomic_load(&g->unit);
		uintptr_t at = address & ~(unit - 1);
		unsigned char had;
		int r;

		if (at < g->start || unit > g->end - at)
			return -ENXIO;
		had = bits_set(g, at, CLAIMED);
		if (had & REPLACED)
			return replace_again(g, address, unit, lsb);
		if (had) {
			wait_a_little();
			return 0;
		}
		r = replace_unit(g, at, unit);
		if (r >= 0 || !is_huge(at, unit, r) || !unit_grow(g, unit))
			return r;
	}
}
