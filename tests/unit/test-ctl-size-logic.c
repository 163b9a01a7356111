// SPDX-License-Identifier: GPL-2.0-only
/* Sizes on the command line: what people write is taken, what is doubtful refused. */
#include "../../ctl/size.c"
#include "test.h"

TEST(sizes_taken)
{
	static const struct { const char *s; uint64_t n; } good[] = {
		{ "0", 0 }, { "1", 1 }, { "4096", 4096 }, { "0x1000", 4096 }, { "0XfF", 255 },
		{ "4K", 4096 }, { "4k", 4096 }, { "4KiB", 4096 }, { "4kib", 4096 },
		{ "4Ki", 4096 }, { "2M", 2097152 }, { "1G", 1ULL << 30 }, { "1T", 1ULL << 40 },
		{ "1P", 1ULL << 50 }, { "15E", 15ULL << 60 }, { "0x10M", 16ULL << 20 },
		{ "0x1E", 30 },		/* a digit, no suffix */
		{ "18446744073709551615", UINT64_MAX }, { "0xffffffffffffffff", UINT64_MAX },
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		uint64_t n = 77;

		CHECK_STR(size_from_string(good[i].s, &n), NULL);
		CHECK(n == good[i].n);
	}
}

TEST(sizes_refused)
{
	static const struct { const char *s, *why; } bad[] = {
		{ "", "empty" }, { "-1", "negative" }, { "+1", "no number" },
		{ " 1", "no number" }, { "1 ", "no number of bytes" }, { "x", "no number" },
		{ "K", "no number" }, { "0x", "no number" }, { "0xg", "no number" },
		{ "0x-1", "no number" }, { "010", "octal" }, { "00", "octal" },
		{ "1.5G", "no number of bytes" }, { "1e3", "no number of bytes" },
		{ "4KB", "no number of bytes" }, { "4B", "no number of bytes" },
		{ "4b", "no number of bytes" }, { "8s", "no number of bytes" },
		{ "4KK", "no number of bytes" }, { "1Z", "no number of bytes" },
		{ "18446744073709551616", "too large" }, { "16E", "too large" },
		{ "0x10000000000000000", "too large" }, { "99999999999999999999G", "too large" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint64_t n = 77;
		const char *why = size_from_string(bad[i].s, &n);

		CHECK(why);
		CHECK_STR(strstr(why, bad[i].why) ? bad[i].s : why, bad[i].s);
		CHECK_EQ(n, 77);
	}
}

static const char *range(const char *a, const char *b, int *arg)
{
	const char *const args[2] = { a, b };
	uint64_t start = 77, length = 77;
	const char *why = size_range_from_strings(args, &start, &length, arg);

	/* all or nothing */
	if (why && (start != 77 || length != 77))
		abort();
	return why;
}

TEST(ranges)
{
	int arg = -1;

	CHECK_STR(range("0", "1", &arg), NULL);
	CHECK_STR(range("0xffffffffffffffff", "0", &arg), "is an empty range");
	CHECK_EQ(arg, 1);
	CHECK_STR(range("15E", "1E", &arg), "reaches past the end of all numbers");
	CHECK_EQ(arg, 1);
	CHECK_STR(range("15E", "1023P", &arg), NULL);
	CHECK_STR(range("-1", "-1", &arg), "is negative");
	CHECK_EQ(arg, 0);
	CHECK_STR(range("1", "-1", &arg), "is negative");
	CHECK_EQ(arg, 1);
}
