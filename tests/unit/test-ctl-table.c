// SPDX-License-Identifier: GPL-2.0-only
/*
 * The text table: aligned by display width, within the terminal, one line a row
 * whatever the cells hold.
 */
#include <locale.h>

#include "../../ctl/table.c"
#include "../../ctl/text.c"
#include "test.h"

static const struct table_column cols[] = {
	{ .title = "N", .right = true }, { .title = "NAME" }, { .title = "PATH", .shrink = true },
};

/* What the table prints, freed by the next call. */
static const char *printed(const struct table *t, size_t indent, size_t width, bool colour)
{
	static char *last;
	size_t size;
	FILE *f;

	free(last);
	last = NULL;
	f = open_memstream(&last, &size);
	table_print(t, f, indent, width, colour);
	fclose(f);
	return last;
}

static void row(struct table *t, int n, const char *name, const char *path)
{
	table_cellf(t, "%d", n);
	table_cell(t, name, TEXT_GOOD);
	table_cell(t, path, TEXT_PLAIN);
}

TEST(table_aligns)
{
	_cleanup_(table_freep) struct table *t = table_new(cols, ARRAY_SIZE(cols));

	setlocale(LC_CTYPE, "C.UTF-8");
	row(t, 1, "a", "/x");
	row(t, 100, "日本", NULL);
	CHECK_EQ(table_rows(t), 2);
	CHECK_STR(printed(t, 0, 0, false),
		  "  N  NAME  PATH\n"
		  "  1  a     /x\n"
		  "100  日本  -\n");
	CHECK_STR(printed(t, 2, 0, false),
		  "    N  NAME  PATH\n"
		  "    1  a     /x\n"
		  "  100  日本  -\n");
}

TEST(table_fits_the_terminal)
{
	_cleanup_(table_freep) struct table *t = table_new(cols, ARRAY_SIZE(cols));

	setlocale(LC_CTYPE, "C.UTF-8");
	row(t, 1, "name", "/a/very/long/path/file");
	CHECK_STR(printed(t, 0, 20, false),
		  "N  NAME  PATH\n"
		  "1  name  /a/ve…/file\n");
	/* Below what can be given up it stays readable instead. */
	CHECK_STR(printed(t, 0, 5, false),
		  "N  NAME  PATH\n"
		  "1  name  /a/…file\n");
}

TEST(table_colours_cells_only_when_asked)
{
	_cleanup_(table_freep) struct table *t = table_new(cols, ARRAY_SIZE(cols));

	row(t, 1, "a", "b");
	CHECK(!strchr(printed(t, 0, 0, false), '\033'));
	CHECK(strstr(printed(t, 0, 0, true), "1  \033[32ma\033[0m     b\n"));
}

TEST(table_lines_cannot_be_broken)
{
	_cleanup_(table_freep) struct table *t = table_new(cols, ARRAY_SIZE(cols));
	size_t lines = 0;

	row(t, 1, "a\nb", "\r\033[A");
	for (const char *p = printed(t, 0, 0, false); *p; p++)
		lines += *p == '\n';
	CHECK_EQ(lines, 2);
	CHECK(!strpbrk(printed(t, 0, 0, false), "\r\033"));
}
