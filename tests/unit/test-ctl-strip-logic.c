// SPDX-License-Identifier: GPL-2.0-only
/* A device's bad ranges as a line: in their place, never hidden, within the width. */
#include <locale.h>

#include "../../ctl/strip.c"
#include "../../ctl/text.c"
#include "test.h"

#define GIB (1ULL << 30)
#define PAGE 4096ULL

static const struct strip_look plain = { .width = 18 };

/* What is printed, freed by the next call. */
static const char *drawn(uint64_t size, const struct strip_range *v, size_t n,
			 const struct strip_look *look)
{
	static char *last;
	size_t bytes;
	FILE *f;

	free(last);
	last = NULL;
	f = open_memstream(&last, &bytes);
	strip_print(f, size, v, n, look);
	strip_legend(f, v, n, look);
	fclose(f);
	return last;
}

TEST(strip_places)
{
	const struct strip_range v[] = {
		{ 0, PAGE, STRIP_FILE },
		{ 8 * GIB, 10 * GIB, STRIP_FREE },
		{ 16 * GIB - PAGE, 16 * GIB, STRIP_METADATA },
	};

	CHECK_STR(drawn(16 * GIB, v, 3, &plain),
		  "|F.......ff.....M|\n"
		  "  M  metadata or log: 4.0 KiB in 1 range\n"
		  "  F  file: 4.0 KiB in 1 range\n"
		  "  f  free space: 2.0 GiB in 1 range\n");
	CHECK_STR(drawn(16 * GIB, NULL, 0, &plain), "|................|\n");
}

TEST(strip_shows_the_worst_of_a_column)
{
	const struct strip_range v[] = {
		{ 3 * GIB, 3 * GIB + PAGE, STRIP_FREE },
		{ 3 * GIB + PAGE, 3 * GIB + 2 * PAGE, STRIP_FILE },
		{ 3 * GIB + 2 * PAGE, 3 * GIB + 3 * PAGE, STRIP_FREE },
		{ 5 * GIB, 5 * GIB + 512, STRIP_UNRECORDED },
		{ 5 * GIB + 512, 5 * GIB + 1024, STRIP_METADATA },
	};

	CHECK_STR(drawn(16 * GIB, v, ARRAY_SIZE(v), &plain),
		  "|...F.!..........|\n"
		  "  !  not on record: 512 B in 1 range\n"
		  "  M  metadata or log: 512 B in 1 range\n"
		  "  F  file: 4.0 KiB in 1 range\n"
		  "  f  free space: 8.0 KiB in 2 ranges\n");
}

TEST(strip_keeps_to_the_device_and_to_numbers)
{
	const struct strip_range outside[] = {
		{ 16 * GIB, 17 * GIB, STRIP_FILE }, { 15 * GIB, UINT64_MAX, STRIP_FILE },
	};
	const struct strip_range all[] = { { 0, UINT64_MAX, STRIP_FILE } };

	CHECK(strstr(drawn(16 * GIB, outside, 2, &plain), "|...............F|\n"));
	CHECK(strstr(drawn(UINT64_MAX, all, 1, &plain), "|FFFFFFFFFFFFFFFF|\n"));
	/* A device smaller than the line has columns. */
	CHECK(strstr(drawn(4, (struct strip_range[]){ { 1, 2, STRIP_FILE } }, 1, &plain),
		     "|....F...........|\n"));
}

TEST(strip_fits)
{
	const struct strip_range v[] = { { 0, PAGE, STRIP_FILE } };
	const struct strip_look none = { .width = 0 }, wide = { .width = 200, .utf8 = true };

	CHECK(strstr(drawn(GIB, v, 1, &none), "|F.........|\n"));
	setlocale(LC_CTYPE, "C.UTF-8");
	CHECK_EQ(strlen(drawn(GIB, NULL, 0, &wide)), 2 + 198 * strlen("·") + 1);
}

TEST(strip_colours_only_when_asked)
{
	const struct strip_range v[] = { { 0, PAGE, STRIP_FILE } };
	const struct strip_look colour = { .width = 18, .colour = true };

	CHECK(!strchr(drawn(GIB, v, 1, &plain), '\033'));
	CHECK(strstr(drawn(GIB, v, 1, &colour), "|\033[33mF\033[0m....."));
	CHECK(strstr(drawn(GIB, v, 1, &colour), "  \033[33mF\033[0m  file"));
}
