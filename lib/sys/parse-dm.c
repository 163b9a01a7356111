// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Device-mapper table lines, as linear_status() and stripe_status() print them.
 * Pure; only dm.c calls this.
 */
#include <sys/sysmacros.h>

#include "sys/parse.h"

#define SECTOR_SHIFT 9

/* Skips spaces and reads a decimal number; it must end at a space, end or stop. */
static int number(const char **p, char stop, uint64_t max, uint64_t *ret)
{
	const char *s = *p;
	uint64_t v = 0;

	while (*s == ' ')
		s++;
	if (*s < '0' || *s > '9')
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v) || v > max)
			return -EINVAL;
	if (stop ? *s != stop : *s && *s != ' ')
		return -EINVAL;
	*p = stop ? s + 1 : s;
	*ret = v;
	return 0;
}

/* "259:3 2048": device and sector. */
static int leg(const char **p, dev_t *ret_below, uint64_t *ret_start)
{
	uint64_t maj, min, sector;

	/* 12 and 20 bits: MAJOR and MINOR of the kernel's dev_t */
	if (number(p, ':', 0xfff, &maj) < 0 || number(p, 0, 0xfffff, &min) < 0 ||
	    number(p, 0, UINT64_MAX >> SECTOR_SHIFT, &sector) < 0)
		return -EINVAL;
	*ret_below = makedev(maj, min);
	*ret_start = sector << SECTOR_SHIFT;
	return 0;
}

static int at_end(const char *p)
{
	while (*p == ' ')
		p++;
	return *p ? -EINVAL : 0;
}

static int linear(struct pmf_range range, const char *p, struct pmf_segment *seg)
{
	uint64_t end;
	int err;

	*seg = (struct pmf_segment){ .range = range, .stripes = 1 };
	err = leg(&p, &seg->below, &seg->start);
	if (err < 0)
		return err;
	if (__builtin_add_overflow(seg->start, range.end - range.start, &end))
		return -EINVAL;
	return at_end(p);
}

/* "2 128 259:0 0 259:1 2048": stripes, chunk, then so many legs. */
static int striped(struct pmf_range range, const char *p, uint64_t stripes,
		   uint64_t chunk, struct pmf_segment *seg)
{
	uint64_t length = range.end - range.start, i, end;
	int err;

	/* stripe_ctr() takes only whole chunks, the same number on each leg */
	if (length % stripes || length / stripes % chunk)
		return -EINVAL;
	for (i = 0; i < stripes; i++) {
		seg[i] = (struct pmf_segment){ .range = range, .stripes = 1 };
		if (stripes > 1) {
			seg[i].chunk = chunk;
			seg[i].stripes = stripes;
			seg[i].stripe = i;
		}
		err = leg(&p, &seg[i].below, &seg[i].start);
		if (err < 0)
			return err;
		if (__builtin_add_overflow(seg[i].start, length / stripes, &end))
			return -EINVAL;
	}
	return at_end(p);
}

int pmf_dm_parse_target(uint64_t start, uint64_t length, const char *type,
			const char *params, struct pmf_segment **segments, size_t *n,
			size_t *cap)
{
	uint64_t end, stripes = 1, chunk = 0;
	struct pmf_range range;
	const char *p = params;
	int err;

	if (length == 0 || __builtin_add_overflow(start, length, &end) ||
	    end > UINT64_MAX >> SECTOR_SHIFT)
		return -EINVAL;
	range = (struct pmf_range){ start << SECTOR_SHIFT, end << SECTOR_SHIFT };

	if (streq(type, "error") || streq(type, "zero"))
		return 0;
	if (streq(type, "striped")) {
		/* a leg takes at least five characters: "1:2 3", so a large number
		 * of them in a short text is nonsense, and asks for no memory */
		if (number(&p, 0, strlen(params) / 5, &stripes) < 0 || stripes == 0 ||
		    number(&p, 0, UINT32_MAX, &chunk) < 0 || chunk == 0)
			return -EINVAL;
	} else if (!streq(type, "linear")) {
		return -EOPNOTSUPP;
	}

	err = pmf_grow(segments, cap, *n + stripes, sizeof(**segments));
	if (err < 0)
		return err;
	err = chunk ? striped(range, p, stripes, chunk << SECTOR_SHIFT, *segments + *n) :
		linear(range, p, *segments + *n);
	if (err < 0)
		return err;
	*n += stripes;
	return 1;
}
