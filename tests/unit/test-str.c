// SPDX-License-Identifier: GPL-2.0-only
/* Text from users made printable, numbers read strictly, small files. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "test.h"

TEST(escape)
{
	static const struct { const char *in, *out; } t[] = {
		{ "", "" }, { "plain text", "plain text" },
		{ "a\nb\tc\\", "a\\nb\\tc\\\\" }, { "\033[2J\x7f", "\\x1b[2J\\x7f" },
		{ "Gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac \xf0\x9f\x98\x80",
		  "Gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "\xff\xfe", "\\xff\\xfe" }, { "\xc3", "\\xc3" },
		{ "\xc0\xaf", "\\xc0\\xaf" },			/* overlong slash */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },		/* surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },	/* beyond U+10FFFF */
		{ "\xc2\x9b", "\\u009b" },			/* C1: CSI */
		{ "x\xe2\x80\xaegpj", "x\\u202egpj" },		/* right-to-left override */
		{ "\xe2\x80\xa8", "\\u2028" }, { "\xe2\x81\xa6", "\\u2066" },
		{ "\xf3\xa0\x81\x81", "\\U000e0041" },		/* tag */
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		_cleanup_free_ char *s = NULL;

		CHECK_EQ(pmf_str_escape(t[i].in, &s), 0);
		CHECK_STR(s, t[i].out);
	}
}

TEST(escape_of_a_nul_byte)
{
	_cleanup_free_ char *s = NULL;

	CHECK_EQ(pmf_str_escape_n("a\0b", 3, &s), 0);
	CHECK_STR(s, "a\\x00b");
}

TEST(escape_into_a_buffer_cuts_whole_characters)
{
	char b[8];

	CHECK_STR(pmf_str_escape_to(b, sizeof(b), "12345\xe2\x82\xac"), "12345");
	CHECK_STR(pmf_str_escape_to(b, sizeof(b), "1234\xe2\x82\xac"), "1234\xe2\x82\xac");
	CHECK_STR(pmf_str_escape_to(b, sizeof(b), "1234\033"), "1234");
	CHECK_STR(pmf_str_escape_to(b, 1, "x"), "");
}

TEST(escaped_text_is_printable_whatever_goes_in)
{
	unsigned int round;

	for (round = 0; round < 20000; round++) {
		_cleanup_free_ char *s = NULL, *utf8 = NULL, *again = NULL;
		char in[24];
		size_t i, n = test_below(sizeof(in));
		uint32_t cp;
		int len;

		for (i = 0; i < n; i++)
			in[i] = (char)test_random();
		CHECK_EQ(pmf_str_escape_n(in, n, &s), 0);
		for (i = 0; s[i]; i += (size_t)len) {
			len = pmf_utf8_decode(s + i, strlen(s + i), &cp);
			CHECK(len > 0 && cp >= ' ' && (cp < 0x7f || cp > 0x9f));
		}
		CHECK_EQ(pmf_str_to_utf8(in, n, &utf8), 0);
		CHECK_EQ(pmf_str_to_utf8(utf8, strlen(utf8), &again), 0);
		CHECK_STR(again, utf8);
	}
}

TEST(to_utf8_replaces)
{
	_cleanup_free_ char *s = NULL;

	CHECK_EQ(pmf_str_to_utf8("a\xff" "b\xc3", 4, &s), 0);
	CHECK_STR(s, "a\xef\xbf\xbd" "b\xef\xbf\xbd");
}

TEST(numbers)
{
	uint64_t v = 7;

	CHECK_EQ(pmf_u64_from_string("18446744073709551615", &v), 0);
	CHECK(v == UINT64_MAX);
	CHECK_EQ(pmf_u64_from_string("0xFfFfFfFfFfFfFfFf", &v), 0);
	CHECK(v == UINT64_MAX);
	CHECK_EQ(pmf_u64_from_string("0", &v), 0);
	CHECK_EQ(v, 0);
	CHECK_EQ(pmf_u64_from_string("18446744073709551616", &v), -ERANGE);
	CHECK_EQ(pmf_u64_from_string("0x10000000000000000", &v), -ERANGE);
	CHECK_EQ(pmf_u64_from_string("", &v), -EINVAL);
	CHECK_EQ(pmf_u64_from_string("0x", &v), -EINVAL);
	CHECK_EQ(pmf_u64_from_string("-1", &v), -EINVAL);
	CHECK_EQ(pmf_u64_from_string("+1", &v), -EINVAL);
	CHECK_EQ(pmf_u64_from_string(" 1", &v), -EINVAL);
	CHECK_EQ(pmf_u64_from_string("1 ", &v), -EINVAL);
	CHECK_EQ(pmf_u64_from_string("a", &v), -EINVAL);
	CHECK_EQ(v, 0);
}

TEST(grow_refuses_overflow)
{
	void *p = NULL;
	size_t cap = 0;

	CHECK_EQ(pmf_grow(&p, &cap, SIZE_MAX / 2, 16), -ENOMEM);
	CHECK(!p && cap == 0);
}

TEST(atomic_write_replaces_and_leaves_nothing_behind)
{
	const char *dir = test_dir();
	_cleanup_free_ char *s = NULL, *cmd = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st;
	size_t n;
	mode_t old = umask(0077);

	CHECK_EQ(pmf_open_dir(dir, false, 0, &fd), 0);
	CHECK_EQ(pmf_write_file_atomic(fd, "f", "one", 3, 0644), 0);
	CHECK_EQ(pmf_write_file_atomic(fd, "f", "second", 6, 0640), 0);
	(void)umask(old);
	CHECK_EQ(pmf_read_file(fd, "f", 6, &s, &n), 0);
	CHECK_STR(s, "second");
	CHECK_EQ(n, 6);
	CHECK_EQ(pmf_read_file(fd, "f", 5, &s, &n), -EFBIG);
	CHECK_EQ(fstatat(fd, "f", &st, 0), 0);
	CHECK_EQ(st.st_mode & 07777, 0640);
	CHECK_EQ(pmf_format(&cmd, "test \"$(ls -A %s)\" = f", dir), 0);
	CHECK_EQ(system(cmd), 0);
	CHECK_EQ(mkdirat(fd, "d", 0700), 0);	/* the rename fails: no temporary stays */
	CHECK_EQ(pmf_write_file_atomic(fd, "d", "x", 1, 0600), -EISDIR);
	CHECK_EQ(unlinkat(fd, "d", AT_REMOVEDIR), 0);
	CHECK_EQ(system(cmd), 0);
}

TEST(read_follows_no_symlink_and_waits_for_no_fifo)
{
	const char *dir = test_dir();
	_cleanup_free_ char *s = NULL;
	_cleanup_close_ int fd = -1;

	CHECK_EQ(pmf_open_dir(dir, false, 0, &fd), 0);
	CHECK_EQ(symlinkat("/etc/passwd", fd, "link"), 0);
	CHECK_EQ(mkfifoat(fd, "fifo", 0600), 0);
	CHECK_EQ(pmf_read_file(fd, "link", 100000, &s, NULL), -ELOOP);
	CHECK_EQ(pmf_read_file(fd, "fifo", 100000, &s, NULL), -EINVAL);
	CHECK_EQ(pmf_read_file(fd, ".", 100000, &s, NULL), -EINVAL);
	CHECK_EQ(pmf_read_file(fd, "none", 100000, &s, NULL), -ENOENT);
	CHECK_STR(s, NULL);
}

TEST(open_dir_makes_one_but_no_symlink)
{
	_cleanup_free_ char *a = NULL, *b = NULL;
	const char *dir = test_dir();
	struct stat st;
	int fd = -1;

	CHECK_EQ(pmf_format(&a, "%s/a", dir), 0);
	CHECK_EQ(pmf_format(&b, "%s/b", dir), 0);
	CHECK_EQ(pmf_open_dir(a, false, 0700, &fd), -ENOENT);
	CHECK_EQ(pmf_open_dir(a, true, 0700, &fd), 0);
	CHECK_EQ(fstat(fd, &st), 0);
	fd = safe_close(fd);
	CHECK_EQ(st.st_mode & 07777, 0700);
	CHECK_EQ(symlink(a, b), 0);
	CHECK(pmf_open_dir(b, true, 0700, &fd) < 0);
	CHECK_EQ(fd, -1);
}
