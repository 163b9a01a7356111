/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bad ranges of a device as a line; see strip.h. Called by devices.
 *
 * Owners are letters, with or without colours: a line that only colour explains says
 * nothing in a log, on paper, or to some eyes.
 */
#include "strip.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

#define WIDTH_MIN 12

static const struct {
	char letter;
	const char *word, *name;
	enum text_colour colour;
} owners[STRIP_N] = {
	[STRIP_UNRECORDED] = { '!', "not on record", "unrecorded", TEXT_BAD },
	[STRIP_METADATA] = { 'M', "metadata or log", "metadata", TEXT_BAD },
	[STRIP_DIRECTORY] = { 'D', "directory", "directory", TEXT_BAD },
	[STRIP_FILE] = { 'F', "file", "file", TEXT_WARN },
	[STRIP_XATTR] = { 'X', "extended attributes", "xattr", TEXT_WARN },
	[STRIP_UNKNOWN] = { '?', "owner not known", "unknown", TEXT_WARN },
	[STRIP_UNMOUNTED] = { 'u', "nothing mounted there", "unmounted", TEXT_BOLD },
	[STRIP_FREE] = { 'f', "free space", "free", TEXT_BOLD },
};

const char *strip_owner_word(enum strip_owner o)
{
	return owners[o].word;
}

const char *strip_owner_name(enum strip_owner o)
{
	return owners[o].name;
}

/* Which of n columns byte at of size lies in. Not at * n / size, which overflows. */
static size_t column(uint64_t at, uint64_t size, size_t n)
{
	return (size_t)((unsigned __int128)at * n / size);
}

void strip_print(FILE *f, uint64_t size, const struct strip_range *v, size_t n,
		 const struct strip_look *look)
{
	size_t columns = (look->width > WIDTH_MIN ? look->width : WIDTH_MIN) - 2;
	enum strip_owner *cells = text_alloc(malloc(columns * sizeof(*cells)));

	for (size_t i = 0; i < columns; i++)
		cells[i] = STRIP_N;
	for (size_t i = 0; i < n; i++) {
		uint64_t end = v[i].end < size ? v[i].end : size;

		if (v[i].start >= end)
			continue;
		/* One bad byte shows, however many bytes a column stands for. */
		for (size_t k = column(v[i].start, size, columns);
		     k <= column(end - 1, size, columns); k++)
			if (v[i].owner < cells[k])
				cells[k] = v[i].owner;
	}
	fputc('|', f);
	for (size_t i = 0; i < columns; i++) {
		const char *begin = cells[i] < STRIP_N && look->colour ?
				    text_colour(owners[cells[i]].colour) : "";

		if (cells[i] == STRIP_N)
			fputs(look->utf8 ? "·" : ".", f);
		else
			fprintf(f, "%s%c%s", begin, owners[cells[i]].letter,
				*begin ? TEXT_END : "");
	}
	fputs("|\n", f);
	free(cells);
}

void strip_legend(FILE *f, const struct strip_range *v, size_t n,
		  const struct strip_look *look)
{
	for (enum strip_owner o = 0; o < STRIP_N; o++) {
		const char *begin = look->colour ? text_colour(owners[o].colour) : "";
		char a[TEXT_NUMBER_MAX], b[TEXT_NUMBER_MAX];
		uint64_t bytes = 0, ranges = 0;

		for (size_t i = 0; i < n; i++)
			if (v[i].owner == o) {
				bytes += v[i].end - v[i].start;
				ranges++;
			}
		if (ranges > 0)
			fprintf(f, "  %s%c%s  %s: %s in %s\n", begin, owners[o].letter,
				*begin ? TEXT_END : "", owners[o].word, text_size(a, bytes),
				text_count(b, ranges, "range", "ranges"));
	}
}
