// SPDX-License-Identifier: GPL-2.0-only
/*
 * What reaches the journal and a terminal that shows it: names that other users chose
 * make no lines, steer nothing and hide nothing. daemon/ is no library: its file is
 * included.
 */
#include "../../daemon/log.c"
#include "test.h"

/* A thing's own name as log entries have it. */
static const char *logged(const char *s)
{
	static char out[256];
	size_t used = 0;

	append(out, sizeof(out) - 1, &used, s);
	out[used] = '\0';
	return out;
}

TEST(log_leaves_plain_text)
{
	CHECK_STR(logged("/mnt/日本 é"), "/mnt/日本 é");
}

TEST(log_makes_no_lines_and_steers_nothing)
{
	CHECK_STR(logged("a\nMESSAGE=b"), "a\\x0aMESSAGE=b");
	CHECK_STR(logged("\033[2J\177"), "\\x1b[2J\\x7f");
	CHECK_STR(logged("\302\233" "2J"), "\\xc2\\x9b2J");
	CHECK_STR(logged("\xff\xc0\xaf"), "\\xff\\xc0\\xaf");
	CHECK_STR(logged("\\x1b"), "\\x5cx1b");
}

TEST(log_hides_nothing)
{
	CHECK_STR(logged("a\xe2\x80\xaegnp"), "a\\xe2\\x80\\xaegnp");	/* U+202E */
	CHECK_STR(logged("\xd8\x9c"), "\\xd8\\x9c");				/* U+061C */
	CHECK_STR(logged("\xe3\x85\xa4"), "\\xe3\\x85\\xa4");			/* U+3164 */
	CHECK_STR(logged("\xf3\xa0\x81\x81"), "\\xf3\\xa0\\x81\\x81");	/* U+E0041 */
}
