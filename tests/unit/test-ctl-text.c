// SPDX-License-Identifier: GPL-2.0-only
/*
 * What reaches a terminal: nothing that steers it, nothing that lies, and no more
 * columns than there are. ctl/ links no library of ours, so its file is included.
 */
#include <locale.h>
#include <wchar.h>
#include <wctype.h>

#include "../../ctl/text.c"
#include "test.h"

static bool utf8(void)
{
	return setlocale(LC_CTYPE, "C.UTF-8") != NULL;
}

/* The C string of what text_escape() makes of s, freed by the next call. */
static const char *escaped(const char *s)
{
	static char *last;

	free(last);
	last = text_escape(s);
	return last;
}

static const char *shortened(const char *s, size_t width)
{
	static char *last;

	free(last);
	last = text_shorten(s, width);
	return last;
}

TEST(escape_leaves_plain_text)
{
	if (!utf8())
		SKIP("no locale C.UTF-8");
	CHECK_STR(escaped(""), "");
	CHECK_STR(escaped("/mnt/a b/c~"), "/mnt/a b/c~");
	CHECK_STR(escaped("日本 é"), "日本 é");
}

TEST(escape_stops_terminal_commands)
{
	if (!utf8())
		SKIP("no locale C.UTF-8");
	CHECK_STR(escaped("a\033[2Jb"), "a\\x1b[2Jb");
	CHECK_STR(escaped("\a\b\t\n\r\177"), "\\x07\\x08\\x09\\x0a\\x0d\\x7f");
	CHECK_STR(escaped("\302\233" "2J"), "\\xc2\\x9b2J");	/* C1: CSI */
	CHECK_STR(escaped("\233" "2J"), "\\x9b2J");		/* the same, one byte */
}

TEST(escape_stops_lies)
{
	if (!utf8())
		SKIP("no locale C.UTF-8");
	CHECK_STR(escaped("a\xe2\x80\xaegnp"), "a\\xe2\\x80\\xaegnp");	/* U+202E */
	CHECK_STR(escaped("\xe2\x80\x8b"), "\\xe2\\x80\\x8b");		/* U+200B */
	CHECK_STR(escaped("\xef\xbb\xbf"), "\\xef\\xbb\\xbf");		/* U+FEFF */
	CHECK_STR(escaped("\xe1\x85\x9f"), "\\xe1\\x85\\x9f");		/* U+115F: blank */
	CHECK_STR(escaped("\xef\xb8\x8f"), "\\xef\\xb8\\x8f");		/* U+FE0F */
	/* An escape in the name itself looks different from one that we made. */
	CHECK_STR(escaped("\\x1b"), "\\\\x1b");
}

/* Of programs' output, too, which people look at: the same text to a program. */
TEST(json_steers_no_terminal)
{
	static const struct { const char *in, *out; } texts[] = {
		{ "[\n  \"日本 é\"\n]", "[\n  \"日本 é\"\n]" },
		{ "\"\302\233" "2J\177\"", "\"\\u009b2J\\u007f\"" },
		{ "\"a\xe2\x80\xaegnp\"", "\"a\\u202egnp\"" },
		{ "\"\xf3\xa0\x81\x81\"", "\"\\udb40\\udc41\"" },	/* U+E0041 */
		{ "\"\xf0\x9f\x98\x80\"", "\"\xf0\x9f\x98\x80\"" },
		{ "\"\xff\x9b\xe2\x82\"", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char *s = text_json(texts[i].in);

		CHECK_STR(s, texts[i].out);
		free(s);
	}
}

TEST(escape_takes_broken_utf8)
{
	if (!utf8())
		SKIP("no locale C.UTF-8");
	CHECK_STR(escaped("\xff\xfe"), "\\xff\\xfe");
	CHECK_STR(escaped("a\xe2\x82"), "a\\xe2\\x82");		/* cut off */
	CHECK_STR(escaped("\xc0\xaf"), "\\xc0\\xaf");		/* overlong */
	CHECK_STR(escaped("\xe2\x82z"), "\\xe2\\x82z");
}

TEST(escape_of_random_bytes_is_printable)
{
	if (!utf8())
		SKIP("no locale C.UTF-8");
	for (int round = 0; round < 20000; round++) {
		char s[24] = "";
		wchar_t wide[200];
		size_t n = test_below(sizeof(s)), w;

		for (size_t i = 0; i < n; i++)
			s[i] = (char)(1 + test_below(255));
		w = mbstowcs(wide, escaped(s), ARRAY_SIZE(wide));
		CHECK(w != (size_t)-1 && w < ARRAY_SIZE(wide));
		for (size_t i = 0; i < w; i++)
			CHECK(iswprint((wint_t)wide[i]) && wcwidth(wide[i]) >= 0);
	}
}

TEST(width_counts_columns)
{
	if (!utf8())
		SKIP("no locale C.UTF-8");
	CHECK_EQ(text_width(""), 0);
	CHECK_EQ(text_width("abc"), 3);
	CHECK_EQ(text_width("日本"), 4);
	CHECK_EQ(text_width("e\xcc\x81"), 1);	/* combining accent */
}

TEST(shorten_keeps_both_ends)
{
	if (!utf8())
		SKIP("no locale C.UTF-8");
	CHECK_STR(shortened("abc", 3), "abc");
	CHECK_STR(shortened("abcdefghij", 10), "abcdefghij");
	CHECK_STR(shortened("abcdefghij", 9), "abcd…ghij");
	CHECK_STR(shortened("abcdefghij", 4), "a…ij");
	CHECK_STR(shortened("abcdefghij", 1), ".");
	CHECK_STR(shortened("abcdefghij", 0), "");
}

TEST(shorten_never_exceeds)
{
	static const char *const pieces[] = { "a", "/", "日", "é", "e\xcc\x81", "本" };

	if (!utf8())
		SKIP("no locale C.UTF-8");
	for (int round = 0; round < 20000; round++) {
		char s[128] = "";
		size_t n = test_below(20), width = test_below(30);

		for (size_t i = 0; i < n; i++)
			strcat(s, pieces[test_below(ARRAY_SIZE(pieces))]);
		CHECK(text_width(shortened(s, width)) <= width);
		CHECK(mbstowcs(NULL, shortened(s, width), 0) != (size_t)-1);
	}
}

TEST(numbers_for_people)
{
	char b[TEXT_NUMBER_MAX];

	CHECK_STR(text_size(b, 0), "0 B");
	CHECK_STR(text_size(b, 1023), "1023 B");
	CHECK_STR(text_size(b, 1536), "1.5 KiB");
	CHECK_STR(text_size(b, UINT64_MAX), "16.0 EiB");
	CHECK_STR(text_duration(b, 1500), "2 us");
	CHECK_STR(text_duration(b, 71234567), "71.2 ms");
	CHECK_STR(text_duration(b, 2500000000), "2.5 s");
	CHECK_STR(text_count(b, 0, "file", "files"), "no file");
	CHECK_STR(text_count(b, 1, "file", "files"), "1 file");
	CHECK_STR(text_count(b, 2, "file", "files"), "2 files");
	CHECK_STR(text_user(b, 0), "root");
	CHECK_STR(text_user(b, 4294967294U), "4294967294");
}
