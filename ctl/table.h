/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table of text for people. Cells are escaped on the way in, so nothing that a
 * process or a file is called can break a line or steer the terminal.
 */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "text.h"

struct table_column {
	const char *title;
	bool right;	/* numbers */
	bool shrink;	/* may be shortened to fit the terminal */
};

struct table;

/* cols is borrowed. */
struct table *table_new(const struct table_column *cols, size_t n);
struct table *table_free(struct table *t);
static inline void table_freep(struct table **t)
{
	table_free(*t);
}

/* The next cell, row by row; NULL is shown as "-". */
void table_cell(struct table *t, const char *text, enum text_colour colour);
void table_cellf(struct table *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
size_t table_rows(const struct table *t);

/* width 0: as wide as it comes. The last row must be complete. */
void table_print(const struct table *t, FILE *f, size_t indent, size_t width, bool colour);

#endif
