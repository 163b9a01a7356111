// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Lists of bad blocks as sysfs prints them, and the arithmetic between sectors of a
 * list and bytes of a device. Pure; badblocks.c calls this.
 */
#include "sys/parse.h"

#define SECTOR	512u
/* BB_MAX_LEN of include/linux/badblocks.h: what one entry can hold. */
#define ENTRY_SECTORS	512u
/* MAX_BADBLOCKS there: a page of 8-byte entries. */
#define ENTRY_SIZE	8u

/* A number at *p, not past end. It must have a digit. */
static int number(const char **p, const char *end, uint64_t *ret)
{
	const char *s = *p;
	uint64_t v = 0;

	for (; s < end && *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return -ERANGE;
	if (s == *p)
		return -EINVAL;
	*p = s;
	*ret = v;
	return 0;
}

/* "SECTOR COUNT", all of it. */
static int parse_line(const char *p, const char *end, struct pmf_range *ret)
{
	uint64_t first, count, last;
	int err;

	err = number(&p, end, &first);
	if (err < 0)
		return err;
	if (p >= end || *p++ != ' ')
		return -EINVAL;
	err = number(&p, end, &count);
	if (err < 0)
		return err;
	if (p != end || count == 0)
		return -EINVAL;
	if (__builtin_add_overflow(first, count, &last) || last > UINT64_MAX / SECTOR)
		return -ERANGE;
	*ret = (struct pmf_range){ first * SECTOR, last * SECTOR };
	return 0;
}

int pmf_parse_badblocks(const char *text, size_t n, size_t page, struct pmf_ranges *ret,
			bool *ret_full)
{
	const char *p = text, *end = text + n, *newline;
	/* sysfs_kf_seq_show() cuts at one byte less than a page: it holds fewer lines
	 * than the list has room for. */
	bool cut = n + 1 >= page;
	struct pmf_ranges list = { 0 };
	struct pmf_range r;
	size_t lines = 0;
	int err = 0;

	if (n == 1 && *text == '\n')
		n = 0;	/* disk_badblocks_show() of a disk that has no list */
	for (; n > 0 && p < end; p = newline + 1, lines++) {
		newline = memchr(p, '\n', (size_t)(end - p));
		err = parse_line(p, newline ?: end, &r);
		if (!newline && cut) {
			/* The beginning of a line. Its count is at least what is there
			 * of it; without that, what is cut says the rest. */
			if (err == 0)
				err = pmf_ranges_add(&list, r);
			else if (err == -EINVAL)
				err = 0;
			break;
		}
		if (!newline && err == 0)
			err = -EINVAL;
		if (err == 0)
			err = pmf_ranges_add(&list, r);
		if (err < 0)
			break;
	}
	if (err < 0) {
		pmf_ranges_done(&list);
		return err;
	}
	pmf_ranges_done(ret);
	*ret = list;
	*ret_full = cut || lines >= page / ENTRY_SIZE;
	return 0;
}

int pmf_badblocks_of_region(const struct pmf_ranges *region, uint64_t region_spa,
			    uint64_t spa, uint64_t size, struct pmf_ranges *to)
{
	struct pmf_range device = { spa, spa + size }, r;
	int err;

	if (region_spa == UINT64_MAX || spa == UINT64_MAX || size > UINT64_MAX - spa)
		return 0;
	for (size_t i = 0; i < region->n; i++) {
		r = region->v[i];
		if (r.start > UINT64_MAX - region_spa)
			break;
		r.start += region_spa;
		r.end = r.end > UINT64_MAX - region_spa ? UINT64_MAX : r.end + region_spa;
		r = pmf_range_clip(r, device);
		if (pmf_range_empty(r))
			continue;
		err = pmf_ranges_add(to, (struct pmf_range){ r.start - spa, r.end - spa });
		if (err < 0)
			return err;
	}
	return 0;
}

int pmf_badblocks_widen(struct pmf_range r, uint64_t size, struct pmf_range *ret)
{
	if (pmf_range_empty(r) || r.end > size || size > UINT64_MAX - SECTOR)
		return -EINVAL;
	*ret = (struct pmf_range){ r.start / SECTOR * SECTOR,
				   (r.end + SECTOR - 1) / SECTOR * SECTOR };
	return 0;
}

bool pmf_badblocks_piece(struct pmf_range *rest, uint64_t *ret_sector,
			 unsigned int *ret_count)
{
	uint64_t count = (rest->end - rest->start) / SECTOR;

	if (pmf_range_empty(*rest) || count == 0)
		return false;
	*ret_sector = rest->start / SECTOR;
	*ret_count = (unsigned int)MIN(count, ENTRY_SECTORS);
	rest->start += (uint64_t)*ret_count * SECTOR;
	return true;
}
