/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bad ranges of a device drawn as one line, as wide as there is room, with a
 * legend of what owns them. Pure: what owns what is the caller's business.
 */
#ifndef CTL_STRIP_H
#define CTL_STRIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Worst first: of several in one column that one is shown. */
enum strip_owner {
	STRIP_UNRECORDED,	/* bad, but in no failure on record */
	STRIP_METADATA,		/* and the log */
	STRIP_DIRECTORY,
	STRIP_FILE,
	STRIP_XATTR,
	STRIP_UNKNOWN,		/* on record, owner not known */
	STRIP_UNMOUNTED,	/* on record, nothing is mounted there */
	STRIP_FREE,
	STRIP_N
};

struct strip_range {
	uint64_t start, end;	/* bytes of the device, half-open */
	enum strip_owner owner;
};

/* How it may look. */
struct strip_look {
	size_t width;		/* columns; too few are taken as the fewest that say anything */
	bool utf8, colour;
};

/* "|....F....|": size > 0; what of a range lies outside the device is left out. */
void strip_print(FILE *f, uint64_t size, const struct strip_range *v, size_t n,
		 const struct strip_look *look);
/* "  F  file  8.0 KiB in 2 ranges", a line for each owner that there is. */
void strip_legend(FILE *f, const struct strip_range *v, size_t n,
		  const struct strip_look *look);
const char *strip_owner_word(enum strip_owner o);	/* for people */
const char *strip_owner_name(enum strip_owner o);	/* for programs */

#endif
