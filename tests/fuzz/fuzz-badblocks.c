// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists of bad blocks: a device that lies about them, or a kernel that cuts them. What
 * is written as the kernel writes it must come back as exactly those bytes; what is not
 * must be refused; no byte may be bad that no line names.
 */
#include "fuzz.h"
#include "sys/parse.h"

#define SECTOR	512u

/* What the kernel would print of a set of sectors; returns its length. */
static size_t print_list(const struct pmf_ranges *set, char *to, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n && n < size; i++)
		n += (size_t)snprintf(to + n, size - n, "%llu %llu\n",
				      (unsigned long long)set->v[i].start / SECTOR,
				      (unsigned long long)(set->v[i].end - set->v[i].start) /
				      SECTOR);
	return n;
}

static void same_again(const struct pmf_ranges *set)
{
	struct pmf_ranges again = { 0 };
	static char text[1 << 16];
	size_t n = print_list(set, text, sizeof(text));
	bool full;

	if (n >= sizeof(text))
		return;
	CHECK(pmf_parse_badblocks(text, n, 1 << 20, &again, &full) == 0 && !full);
	CHECK(again.n == set->n);
	for (size_t i = 0; i < set->n; i++)
		CHECK(again.v[i].start == set->v[i].start && again.v[i].end == set->v[i].end);
	pmf_ranges_done(&again);
}

static void clip_to_device(const struct pmf_ranges *region, struct fuzz *f)
{
	uint64_t region_spa = fuzz_edge(f), spa = fuzz_edge(f), size = fuzz_edge(f);
	struct pmf_ranges bytes = { 0 };

	CHECK(pmf_badblocks_of_region(region, region_spa, spa, size, &bytes) == 0);
	fuzz_check_ranges(&bytes, size);
	for (size_t i = 0; i < bytes.n; i++) {
		/* the way back: each byte is one of the region's */
		uint64_t at = spa + bytes.v[i].start - region_spa;
		struct pmf_range r = { at, at + (bytes.v[i].end - bytes.v[i].start) };

		CHECK(spa + bytes.v[i].start >= region_spa);
		CHECK(pmf_ranges_cover(region, r));
	}
	CHECK(pmf_ranges_bytes(&bytes) <= pmf_ranges_bytes(region));
	pmf_ranges_done(&bytes);
}

static void write_pieces(struct fuzz *f)
{
	struct pmf_range r = { fuzz_edge(f), fuzz_edge(f) }, wide, rest;
	uint64_t size = fuzz_edge(f), sector, at;
	unsigned int count, n = 0;

	if (pmf_badblocks_widen(r, size, &wide) < 0)
		return;
	CHECK(wide.start % SECTOR == 0 && wide.end % SECTOR == 0);
	CHECK(wide.start <= r.start && r.start - wide.start < SECTOR);
	CHECK(wide.end >= r.end && wide.end - r.end < SECTOR);
	rest = wide;
	for (at = wide.start; n < 100 && pmf_badblocks_piece(&rest, &sector, &count); n++) {
		CHECK(sector * SECTOR == at && count > 0 && count <= 512);
		at += (uint64_t)count * SECTOR;
	}
	CHECK(n == 100 || at == wide.end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { data, size };
	struct pmf_ranges set = { 0 };
	size_t page = 64u << (fuzz_u8(&f) % 8), n;
	struct fuzz numbers = f;
	_cleanup_free_ char *text = NULL;
	bool full;

	text = fuzz_bytes(&f, &n);
	if (pmf_parse_badblocks(text, n, page, &set, &full) == 0) {
		fuzz_check_ranges(&set, UINT64_MAX);
		CHECK(full || n < page - 1);
		for (size_t i = 0; i < set.n; i++)
			CHECK(set.v[i].start % SECTOR == 0 && set.v[i].end % SECTOR == 0);
		same_again(&set);
		clip_to_device(&set, &numbers);
	} else {
		CHECK(set.n == 0 && !set.v);
	}
	write_pieces(&numbers);
	pmf_ranges_done(&set);
	return 0;
}
