/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of bad blocks: whole, cut by the page, full; and sectors to bytes and back. */
#include "sys/parse.h"
#include "test.h"

#define PAGE 4096

static struct pmf_ranges list;
static bool full;

static int parse(const char *text)
{
	size_t n = strlen(text);
	char *copy = malloc(n ?: 1);	/* exact, so that a sanitizer sees a byte too many */
	int err;

	memcpy(copy, text, n);
	err = pmf_parse_badblocks(copy, n, PAGE, &list, &full);
	free(copy);
	return err;
}

TEST(lines)
{
	CHECK_EQ(parse("8 1\n16 8\n24 512\n"), 0);
	CHECK_EQ(list.n, 2);
	CHECK_EQ(list.v[0].start, 8 * 512);
	CHECK_EQ(list.v[0].end, 9 * 512);
	CHECK_EQ(list.v[1].start, 16 * 512);
	CHECK_EQ(list.v[1].end, 536 * 512);	/* touching ones are one */
	CHECK(!full);
	CHECK_EQ(parse(""), 0);
	CHECK_EQ(list.n, 0);
	CHECK_EQ(parse("8 1\n"), 0);
	CHECK_EQ(parse("\n"), 0);		/* a disk without a list */
	CHECK_EQ(list.n, 0);
	CHECK(!full);
	pmf_ranges_done(&list);
}

TEST(nonsense)
{
	static const char *const bad[] = {
		"8", "8\n", "8 \n", "8 0\n", " 8 1\n", "8  1\n", "8 1 \n", "8 1", "-8 1\n",
		"8 -1\n", "+8 1\n", "0x8 1\n", "8\t1\n", "8 1\n\n", "\n8 1\n", "a b\n",
		"8 1\n9", "8 1,\n",
	};
	static const char *const large[] = {
		"18446744073709551616 1\n", "36028797018963968 1\n",
		"18446744073709551615 1\n", "8 18446744073709551615\n",
		"8 99999999999999999999\n",
	};

	CHECK_EQ(parse("8 1\n"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		test_say("%s", bad[i]);
		CHECK_EQ(parse(bad[i]), -EINVAL);
		CHECK_EQ(list.n, 1);		/* untouched */
	}
	for (size_t i = 0; i < ARRAY_SIZE(large); i++) {
		test_say("%s", large[i]);
		CHECK_EQ(parse(large[i]), -ERANGE);
	}
	CHECK_EQ(parse("36028797018963966 1\n"), 0);
	CHECK_EQ(list.v[0].end, UINT64_MAX - 511);
	pmf_ranges_done(&list);
}

/* As many lines as fit into a page less a byte, what is over cut off. */
static size_t fill(char *text, uint64_t first)
{
	size_t n = 0;

	for (uint64_t i = 0; n < PAGE - 1; i++)
		n += (size_t)snprintf(text + n, 64, "%llu 12\n",
				      (unsigned long long)(first + i * 100));
	text[PAGE - 1] = '\0';
	return n - (PAGE - 1);		/* how much is cut */
}

TEST(cut_by_the_page)
{
	char text[PAGE + 64];
	bool seen[5] = { false };

	/* Lines of a varying length, so that the cut falls on each of a line's bytes. */
	for (unsigned int shift = 0; shift < 60; shift++) {
		size_t cut, lines = 0, n = PAGE - 1;

		for (size_t i = 0; i < shift; i++)
			text[i] = '1';
		cut = fill(text, 1000000 + shift * 1000000007ULL * shift);
		for (size_t i = 0; i < n; i++)
			lines += text[i] == '\n';
		CHECK_EQ(parse(text), 0);
		CHECK(full);
		if (cut <= 1 || text[n - 1] == '\n')
			;
		else if (text[n - 1] == ' ')
			cut = 3;
		else
			cut = text[n - 2] == ' ' ? 2 : 4;
		seen[MIN(cut, ARRAY_SIZE(seen) - 1)] = true;
		switch (cut) {
		case 0:		/* nothing missing */
			CHECK_EQ(list.n, lines);
			break;
		case 1:		/* the newline */
			CHECK_EQ(list.n, lines + 1);
			CHECK_EQ(list.v[lines].end - list.v[lines].start, 12 * 512);
			break;
		case 2:		/* the count, partly: at least that */
			CHECK_EQ(list.n, lines + 1);
			CHECK_EQ(list.v[lines].end - list.v[lines].start, 512);
			break;
		default:	/* all of the count, or of the line */
			CHECK_EQ(list.n, lines);
		}
	}
	CHECK(seen[1] && seen[2] && seen[4]);
	pmf_ranges_done(&list);
}

TEST(full_list)
{
	char text[8192];
	size_t n = 0;

	/* 512 lines that fit into a page: 8 bytes each on average */
	for (int i = 0; i < 511; i++)
		n += (size_t)sprintf(text + n, "%d 1\n", i * 2);
	CHECK(n < PAGE - 1);
	CHECK_EQ(parse(text), 0);
	CHECK_EQ(list.n, 511);
	CHECK(!full);
	sprintf(text + n, "2000 1\n");
	CHECK_EQ(parse(text), 0);
	CHECK(full);
	pmf_ranges_done(&list);
}

TEST(any_text_is_survived)
{
	static const char bytes[] = "0123456789 \n\nx-";
	char text[64];

	for (int i = 0; i < 200000; i++) {
		size_t n = test_below(sizeof(text));

		for (size_t j = 0; j < n; j++)
			text[j] = bytes[test_below(sizeof(bytes) - 1)];
		text[n] = '\0';
		/* a page so small that the text may be cut by it */
		if (pmf_parse_badblocks(text, n, 32, &list, &full) == 0)
			for (size_t k = 0; k < list.n; k++)
				CHECK(list.v[k].start < list.v[k].end);
	}
	pmf_ranges_done(&list);
}

TEST(region)
{
	struct pmf_ranges region = { 0 }, to = { 0 };

	CHECK_EQ(pmf_ranges_add(&region, (struct pmf_range){ 0, 512 }), 0);
	CHECK_EQ(pmf_ranges_add(&region, (struct pmf_range){ 3584, 4608 }), 0);
	CHECK_EQ(pmf_ranges_add(&region, (struct pmf_range){ 8192, 8704 }), 0);
	CHECK_EQ(pmf_ranges_add(&region, (struct pmf_range){ 12288, 65536 }), 0);
	CHECK_EQ(pmf_ranges_add(&region, (struct pmf_range){ 1 << 20, 2 << 20 }), 0);
	/* The device: 12288 bytes from 4096 on in the region. */
	CHECK_EQ(pmf_badblocks_of_region(&region, 1 << 30, (1 << 30) + 4096, 12288, &to), 0);
	CHECK_EQ(to.n, 3);
	CHECK_EQ(to.v[0].start, 0);
	CHECK_EQ(to.v[0].end, 512);
	CHECK_EQ(to.v[1].start, 4096);
	CHECK_EQ(to.v[1].end, 4608);
	CHECK_EQ(to.v[2].start, 8192);
	CHECK_EQ(to.v[2].end, 12288);
	pmf_ranges_done(&to);
	CHECK_EQ(pmf_badblocks_of_region(&region, UINT64_MAX, 4096, 12288, &to), 0);
	CHECK_EQ(pmf_badblocks_of_region(&region, 0, UINT64_MAX, 12288, &to), 0);
	CHECK_EQ(pmf_badblocks_of_region(&region, 0, UINT64_MAX - 1, 12288, &to), 0);
	CHECK_EQ(to.n, 0);
	/* nothing wraps around */
	CHECK_EQ(pmf_badblocks_of_region(&region, UINT64_MAX - 4096, 0, 4096, &to), 0);
	CHECK_EQ(to.n, 0);
	CHECK_EQ(pmf_badblocks_of_region(&region, UINT64_MAX - 20000, UINT64_MAX - 5000, 4000,
					 &to), 0);
	CHECK_EQ(to.n, 1);	/* of the range that ends behind the last address */
	CHECK_EQ(to.v[0].start, 0);
	CHECK_EQ(to.v[0].end, 4000);
	pmf_ranges_done(&to);
	pmf_ranges_done(&region);
}

TEST(widen)
{
	struct pmf_range r;

	CHECK_EQ(pmf_badblocks_widen((struct pmf_range){ 511, 513 }, 4096, &r), 0);
	CHECK_EQ(r.start, 0);
	CHECK_EQ(r.end, 1024);
	CHECK_EQ(pmf_badblocks_widen((struct pmf_range){ 512, 4096 }, 4096, &r), 0);
	CHECK_EQ(r.start, 512);
	CHECK_EQ(r.end, 4096);
	CHECK_EQ(pmf_badblocks_widen((struct pmf_range){ 512, 4097 }, 4096, &r), -EINVAL);
	CHECK_EQ(pmf_badblocks_widen((struct pmf_range){ 512, 512 }, 4096, &r), -EINVAL);
	CHECK_EQ(pmf_badblocks_widen((struct pmf_range){ 0, UINT64_MAX }, UINT64_MAX, &r),
		 -EINVAL);
}

TEST(pieces)
{
	struct pmf_range rest = { 512, (1 + 1100) * 512 };
	unsigned int count;
	uint64_t sector;

	CHECK(pmf_badblocks_piece(&rest, &sector, &count));
	CHECK_EQ(sector, 1);
	CHECK_EQ(count, 512);
	CHECK(pmf_badblocks_piece(&rest, &sector, &count));
	CHECK_EQ(sector, 513);
	CHECK_EQ(count, 512);
	CHECK(pmf_badblocks_piece(&rest, &sector, &count));
	CHECK_EQ(sector, 1025);
	CHECK_EQ(count, 76);
	CHECK(!pmf_badblocks_piece(&rest, &sector, &count));
}
