/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table of text for people; see table.h. Any verb may call this.
 */
#include "table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define GAP 2		/* columns between two cells */
#define SHRINK_MIN 8	/* less than this says nothing any more */

struct cell {
	char *text;
	size_t width;
	enum text_colour colour;
};

struct table {
	const struct table_column *cols;
	size_t n_cols;
	struct cell *cells;
	size_t n_cells, cap;
};

struct table *table_new(const struct table_column *cols, size_t n)
{
	struct table *t = text_alloc(calloc(1, sizeof(*t)));

	assert(n > 0);
	t->cols = cols;
	t->n_cols = n;
	return t;
}

struct table *table_free(struct table *t)
{
	if (t) {
		for (size_t i = 0; i < t->n_cells; i++)
			free(t->cells[i].text);
		free(t->cells);
		free(t);
	}
	return NULL;
}

void table_cell(struct table *t, const char *text, enum text_colour colour)
{
	struct cell *c;

	if (t->n_cells == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 32;
		t->cells = text_alloc(realloc(t->cells, t->cap * sizeof(*t->cells)));
	}
	c = &t->cells[t->n_cells++];
	c->text = text_escape(text && *text ? text : "-");
	c->width = text_width(c->text);
	c->colour = colour;
}

void table_cellf(struct table *t, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text_alloc(NULL);
	va_end(ap);
	table_cell(t, text, TEXT_PLAIN);
	free(text);
}

size_t table_rows(const struct table *t)
{
	return t->n_cells / t->n_cols;
}

/* Take columns from the widest that may shrink until all fit, or none can give. */
static void fit(const struct table *t, size_t *widths, size_t total, size_t room)
{
	while (total > room) {
		size_t widest = t->n_cols;

		for (size_t i = 0; i < t->n_cols; i++)
			if (t->cols[i].shrink && widths[i] > SHRINK_MIN &&
			    (widest == t->n_cols || widths[i] > widths[widest]))
				widest = i;
		if (widest == t->n_cols)
			return;
		widths[widest]--;
		total--;
	}
}

static void spaces(FILE *f, size_t n)
{
	fprintf(f, "%*s", (int)n, "");
}

static void print_cell(const struct table *t, FILE *f, size_t i, const char *text,
		       size_t width, size_t room, enum text_colour colour)
{
	const char *begin = text_colour(colour);
	char *shown = NULL;

	if (width > room) {
		shown = text_shorten(text, room);
		text = shown;
		width = text_width(shown);
	}
	if (t->cols[i].right && width < room)
		spaces(f, room - width);
	fprintf(f, "%s%s%s", begin, text, *begin ? TEXT_END : "");
	if (i + 1 < t->n_cols)
		spaces(f, GAP + (t->cols[i].right || width > room ? 0 : room - width));
	free(shown);
}

void table_print(const struct table *t, FILE *f, size_t indent, size_t width, bool colour)
{
	size_t *widths = text_alloc(calloc(t->n_cols, sizeof(*widths)));
	size_t total = indent + GAP * (t->n_cols - 1);

	assert(t->n_cells % t->n_cols == 0);
	for (size_t i = 0; i < t->n_cols; i++)
		widths[i] = text_width(t->cols[i].title);
	for (size_t i = 0; i < t->n_cells; i++)
		if (t->cells[i].width > widths[i % t->n_cols])
			widths[i % t->n_cols] = t->cells[i].width;
	for (size_t i = 0; i < t->n_cols; i++)
		total += widths[i];
	if (width > 0)
		fit(t, widths, total, width);

	spaces(f, indent);
	for (size_t i = 0; i < t->n_cols; i++)
		print_cell(t, f, i, t->cols[i].title, text_width(t->cols[i].title),
			   widths[i], colour ? TEXT_BOLD : TEXT_PLAIN);
	fputc('\n', f);
	for (size_t k = 0; k < t->n_cells; k++) {
		const struct cell *c = &t->cells[k];
		size_t i = k % t->n_cols;

		if (i == 0)
			spaces(f, indent);
		print_cell(t, f, i, c->text, c->width, widths[i],
			   colour ? c->colour : TEXT_PLAIN);
		if (i + 1 == t->n_cols)
			fputc('\n', f);
	}
	free(widths);
}
