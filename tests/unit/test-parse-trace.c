/* SPDX-License-Identifier: GPL-2.0-only */
/* Records of the trace event of a page that failed. */
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
