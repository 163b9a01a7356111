/* SPDX-License-Identifier: GPL-2.0-only */
/* Records of the trace event of a page that failed. */
#include <sys/mman.h>

#include "sys/parse.h"
#include "test.h"

#define HEAD								\
	"name: memory_failure_event\nID: 1234\nformat:\n"		\
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"	\
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"	\
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n" \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
#define PFN "\tfield:unsigned long pfn;\toffset:8;\tsize:8;\tsigned:0;\n"
#define TAIL								\
	"\tfield:int type;\toffset:16;\tsize:4;\tsigned:1;\n"		\
	"\tfield:int result;\toffset:20;\tsize:4;\tsigned:1;\n\n"	\
	"print fmt: \"pfn %#lx: recovery action for %s: %s\", REC->pfn, "	\
	"__print_symbolic(REC->type, { 0, \"reserved kernel page\" }), "	\
	"__print_symbolic(REC->result, { 0, \"Ignored\" })\n"

static int parse(const char *text, struct pmf_trace_layout *l)
{
	return pmf_parse_trace_format(text, strlen(text), "ras", "memory_failure_event", l);
}

TEST(format)
{
	struct pmf_trace_layout l = { 0 };

	CHECK_EQ(parse(HEAD PFN TAIL, &l), 0);
	CHECK_EQ(l.id, 1234);
	CHECK_EQ(l.type.offset, 0);
	CHECK_EQ(l.type.size, 2);
	CHECK_EQ(l.pfn.offset, 8);
	CHECK_EQ(l.pfn.size, 8);
	/* what it prints is of no account */
	CHECK_EQ(parse(HEAD PFN "\nprint fmt: \"%s\", strange(REC->x)\n", &l), 0);
}

TEST(format_of_something_else)
{
	struct pmf_trace_layout l = { .id = 7 };

	CHECK_EQ(parse("", &l), -EBADMSG);
	CHECK_EQ(parse("name: other\nID: 1\nformat:\n\n", &l), -EBADMSG);
	CHECK_EQ(parse(HEAD TAIL, &l), -EBADMSG);
	CHECK_EQ(parse(HEAD "\tfield:char pfn[16];\toffset:8;\tsize:16;\tsigned:0;\n" TAIL,
		       &l), -EBADMSG);
	CHECK_EQ(l.id, 7);
}

static const struct pmf_trace_layout layout = { 1234, { 0, 2 }, { 8, 8 } };

static int read_record(uint16_t type, uint64_t pfn, size_t n, struct pmf_range *ret)
{
	unsigned char *record = calloc(1, n ?: 1), all[24] = { 0 };
	int r;

	memcpy(all, &type, sizeof(type));
	memcpy(all + 8, &pfn, sizeof(pfn));
	memcpy(record, all, MIN(n, sizeof(all)));
	r = pmf_parse_trace_record(record, n, &layout, 4096, ret);
	free(record);
	return r;
}

TEST(record)
{
	struct pmf_range r;

	CHECK_EQ(read_record(1234, 0x100200, 24, &r), 1);
	CHECK_EQ(r.start, 0x100200000);
	CHECK_EQ(r.end, 0x100201000);
	CHECK_EQ(read_record(1234, 0, 16, &r), 1);
	CHECK_EQ(r.start, 0);
	CHECK_EQ(r.end, 4096);
	CHECK_EQ(read_record(1234, UINT64_MAX / 4096 - 1, 24, &r), 1);
	CHECK_EQ(r.end, UINT64_MAX - 4095);
}

TEST(record_of_something_else)
{
	struct pmf_range r = { 5, 6 };

	CHECK_EQ(read_record(1235, 0x100200, 24, &r), 0);
	CHECK_EQ(read_record(0, 0x100200, 2, &r), 0);
	CHECK_EQ(read_record(1234, 0x100200, 15, &r), -EBADMSG);
	CHECK_EQ(read_record(1234, 0x100200, 1, &r), -EBADMSG);
	CHECK_EQ(read_record(1234, 0x100200, 0, &r), -EBADMSG);
	CHECK_EQ(read_record(1234, UINT64_MAX / 4096, 24, &r), -EBADMSG);
	CHECK_EQ(read_record(1234, UINT64_MAX, 24, &r), -EBADMSG);
	CHECK_EQ(r.start, 5);
}

TEST(fields_of_any_size)
{
	const unsigned char record[8] = { 0xd2, 4, 0, 0, 1, 2, 0, 0 };
	struct pmf_trace_layout l = { 1234, { 0, 4 }, { 4, 4 } };
	struct pmf_range r;

	CHECK_EQ(pmf_parse_trace_record(record, 8, &l, 4096, &r), 1);
	CHECK_EQ(r.start, 0x201000);
	l.pfn.size = 1;
	CHECK_EQ(pmf_parse_trace_record(record, 8, &l, 4096, &r), 1);
	CHECK_EQ(r.start, 0x1000);
	l.pfn.size = 3;
	CHECK_EQ(pmf_parse_trace_record(record, 8, &l, 4096, &r), -EBADMSG);
	l.pfn = (struct pmf_trace_field){ SIZE_MAX, 4 };
	CHECK_EQ(pmf_parse_trace_record(record, 8, &l, 4096, &r), -EBADMSG);
}

/* --- pages of the buffer ---------------------------------------------------- */

#define HEAD_SIZE	(8 + sizeof(unsigned long))
#define MISSED		(1UL << 31)

static struct {
	unsigned char bytes[4096];
	size_t n;
} page;

static void word(uint32_t v)
{
	memcpy(page.bytes + page.n, &v, sizeof(v));
	page.n += sizeof(v);
}

static uint32_t head(uint32_t type, uint32_t delta)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? delta << 5 | type :
		type << 27 | delta;
}

static void page_begin(void)
{
	memset(&page, 0, sizeof(page));
	page.n = HEAD_SIZE;
}

static void page_end(unsigned long flags)
{
	unsigned long used = (page.n - HEAD_SIZE) | flags;

	memcpy(page.bytes + 8, &used, sizeof(used));
}

/* A record of 24 bytes behind its head. */
static void body(uint16_t type, uint64_t pfn)
{
	memcpy(page.bytes + page.n, &type, sizeof(type));
	memcpy(page.bytes + page.n + 8, &pfn, sizeof(pfn));
	page.n += 24;
}

static struct {
	uint64_t v[600];
	size_t n;
} got;

static void take(struct pmf_range spa, void *userdata)
{
	(void)userdata;
	got.v[got.n++] = spa.start / 4096;
}

/* In memory that ends where the page does. */
static int parse_page(bool *ret_missed)
{
	static unsigned char *copy;

	if (!copy) {
		copy = mmap(NULL, 2 * sizeof(page.bytes), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (copy == MAP_FAILED || mprotect(copy + sizeof(page.bytes),
						   sizeof(page.bytes), PROT_NONE) < 0)
			abort();
	}
	got.n = 0;
	memcpy(copy, page.bytes, sizeof(page.bytes));
	return pmf_parse_trace_page(copy, sizeof(page.bytes), &layout, take, NULL, ret_missed);
}

/* Full of times but for the last n bytes, which are what is given. */
static void page_full_but(size_t n, const void *last)
{
	page_begin();
	if (n % 8 == 4) {
		word(head(2, 1));
		word(0);
		word(0);
	}
	while (page.n + 8 <= sizeof(page.bytes) - n) {
		word(head(30, 1));
		word(0);
	}
	memcpy(page.bytes + page.n, last, n);
	page.n += n;
	page_end(0);
}

TEST(page_of_all_kinds)
{
	bool missed;

	page_begin();
	word(head(30, 5));		/* time extend */
	word(17);
	word(head(6, 1));
	body(1234, 1);
	word(head(0, 1));		/* its length in a word of its own, which counts */
	word(28);
	body(1234, 2);
	word(head(29, 1));		/* discarded */
	word(28);
	body(1234, 3);
	word(head(31, 9));		/* time stamp */
	word(1);
	word(head(6, 1));
	body(99, 4);			/* another event */
	word(head(6, 1));
	body(1234, 5);
	page_end(0);
	CHECK_EQ(parse_page(&missed), 0);
	CHECK(!missed);
	CHECK_EQ(got.n, 3);
	CHECK_EQ(got.v[0], 1);
	CHECK_EQ(got.v[1], 2);
	CHECK_EQ(got.v[2], 5);
	page_end(MISSED);
	CHECK_EQ(parse_page(&missed), 0);
	CHECK(missed);
	CHECK_EQ(got.n, 3);
	page_begin();
	page_end(0);
	CHECK_EQ(parse_page(&missed), 0);
	CHECK(!missed);
	CHECK_EQ(got.n, 0);
}

/* What is behind the end, or behind padding up to it, is from before. */
TEST(page_with_an_end)
{
	bool missed;

	page_begin();
	word(head(6, 1));
	body(1234, 1);
	page_end(0);
	word(head(6, 1));
	body(1234, 2);
	CHECK_EQ(parse_page(&missed), 0);
	CHECK_EQ(got.n, 1);
	page_begin();
	word(head(29, 0));
	word(head(6, 1));
	body(1234, 2);
	page_end(0);
	CHECK_EQ(parse_page(&missed), 0);
	CHECK_EQ(got.n, 0);
	page_begin();
	word(head(29, 0));
	word(4);
	word(head(6, 1));
	body(1234, 2);
	page_end(0);
	CHECK_EQ(parse_page(&missed), 0);
	CHECK_EQ(got.n, 0);
	page_begin();
	word(head(29, 1));
	word(4000);
	body(1234, 2);
	page_end(0);
	CHECK_EQ(parse_page(&missed), 0);
	CHECK_EQ(got.n, 0);
	/* full */
	page_begin();
	while (page.n + 28 <= sizeof(page.bytes)) {
		word(head(6, 1));
		body(1234, 7);
	}
	page_end(0);
	CHECK_EQ(parse_page(&missed), 0);
	CHECK_EQ(got.n, (4096 - HEAD_SIZE) / 28);
}

TEST(page_that_is_none)
{
	static const uint32_t lengths[] = { 0, 3, 29, 4076, 0x7fffffff, 0xfffffffc, 0xffffffff };
	unsigned long used = 4096 - HEAD_SIZE + 8;
	bool missed;

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		page_begin();
		word(head(6, 1));
		body(1234, 1);
		word(head(0, 1));
		word(lengths[i]);
		body(1234, 2);
		page_end(MISSED);
		CHECK_EQ(parse_page(&missed), -EBADMSG);
		CHECK(missed);
		CHECK_EQ(got.n, 1);
	}
	/* longer than the page, which is full of what is one */
	page_full_but(0, "");
	CHECK_EQ(parse_page(&missed), 0);
	memcpy(page.bytes + 8, &used, sizeof(used));
	CHECK_EQ(parse_page(&missed), -EBADMSG);
	/* its last words have no room */
	for (size_t n = 1; n < 8; n++)
		for (uint32_t type = 0; type < 32; type++) {
			uint32_t last[2] = { head(type, 1), 4 };

			page_full_but(n, last);
			CHECK_EQ(parse_page(&missed), -EBADMSG);
		}
	/* one word short, of a record and of a time */
	page_begin();
	word(head(7, 1));
	body(1234, 2);
	page_end(0);
	CHECK_EQ(parse_page(&missed), -EBADMSG);
	CHECK_EQ(got.n, 0);
	page_begin();
	word(head(30, 1));
	page_end(0);
	CHECK_EQ(parse_page(&missed), -EBADMSG);
	page_begin();
	word(head(1, 1));
	page.n -= 2;
	page_end(0);
	CHECK_EQ(parse_page(&missed), -EBADMSG);
	/* too short for what it says to be */
	page_begin();
	word(head(1, 1));
	word(1234);
	page_end(0);
	CHECK_EQ(parse_page(&missed), -EBADMSG);
}

/* It ends, inside its bounds, whatever is in it. */
TEST(page_of_anything)
{
	bool missed;

	for (int i = 0; i < 20000; i++) {
		unsigned long used = test_below(4096 - HEAD_SIZE + 8);

		for (size_t k = 0; k < sizeof(page.bytes); k += 8) {
			uint64_t v = test_random();

			/* many plausible ones */
			if (test_below(2))
				v = head((uint32_t)test_below(32), (uint32_t)test_below(2)) |
				    test_below(64) << 32;
			memcpy(page.bytes + k, &v, 8);
		}
		memcpy(page.bytes + 8, &used, sizeof(used));
		(void)parse_page(&missed);
		CHECK(got.n <= 4096 / 8);
	}
}
