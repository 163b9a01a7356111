// SPDX-License-Identifier: GPL-2.0-only
/*
 * The trace event of a page that failed: the file that says what a record looks like,
 * records, and pages of the buffer that hold them. A page is told of only by a record of
 * that event, as its field says.
 */
#include "fuzz.h"
#include "sys/parse.h"

/* libtraceevent loses memory over some malformed files. It reads one, the kernel's own. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:tep_parse_event\n";
}

#define PAGE	4096u

static const char format[] =
	"name: memory_failure_event\nID: 77\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
	"\tfield:unsigned long pfn;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:int type;\toffset:16;\tsize:4;\tsigned:1;\n"
	"\tfield:int result;\toffset:20;\tsize:4;\tsigned:1;\n\n"
	"print fmt: \"pfn %#lx: %d: %d\", REC->pfn, REC->type, REC->result\n";

static void check_record(const void *record, size_t n, const struct pmf_trace_layout *l)
{
	struct pmf_range r = { 5, 7 };
	uint64_t type = 0, pfn = 0;
	int got = pmf_parse_trace_record(record, n, l, PAGE, &r);

	if (got != 1) {
		CHECK(got == 0 || got == -EBADMSG);
		CHECK(r.start == 5 && r.end == 7);
		return;
	}
	CHECK(l->type.offset + l->type.size <= n && l->pfn.offset + l->pfn.size <= n);
	/* this machine's own order of bytes, which is that of the kernel */
	memcpy(&type, (const char *)record + l->type.offset, l->type.size);
	memcpy(&pfn, (const char *)record + l->pfn.offset, l->pfn.size);
	CHECK(type == l->id);
	CHECK(r.start / PAGE == pfn && r.start % PAGE == 0 && r.end == r.start + PAGE);
}

static void parse_format(const char *text, size_t n, struct fuzz *f)
{
	struct pmf_trace_layout l = { .id = 1 };

	if (pmf_parse_trace_format(text, n, "ras", "memory_failure_event", &l) < 0) {
		CHECK(l.id == 1 && l.pfn.size == 0);
		return;
	}
	CHECK(l.type.size > 0 && l.type.size <= 8 && l.pfn.size > 0 && l.pfn.size <= 8);
	check_record(f->p, f->n, &l);
}

/* Where fields are: as the kernel has them, or as the input would like them. */
static struct pmf_trace_layout layout(struct fuzz *f)
{
	struct pmf_trace_layout l = { 0 };
	uint8_t how = fuzz_u8(f);

	CHECK(pmf_parse_trace_format(format, sizeof(format) - 1, "ras", "memory_failure_event",
				     &l) == 0);
	CHECK(l.id == 77 && l.type.offset == 0 && l.pfn.offset == 8 && l.pfn.size == 8);
	if (how & 1) {
		l.type.offset = how & 2 ? fuzz_edge(f) : fuzz_u8(f) % 16;
		l.pfn.offset = how & 4 ? fuzz_edge(f) : fuzz_u8(f) % 16;
		l.type.size = fuzz_u8(f) % 9;
		l.pfn.size = fuzz_u8(f) % 9;
		l.id = fuzz_u8(f);
	}
	return l;
}

static void take(struct pmf_range spa, void *userdata)
{
	size_t *n = userdata;

	CHECK(spa.start % PAGE == 0 && spa.end == spa.start + PAGE);
	++*n;
}

static void check_page(const void *bytes, size_t n, const struct pmf_trace_layout *l)
{
	_cleanup_free_ void *page = calloc(1, PAGE);
	size_t told = 0;
	bool missed;
	int r;

	CHECK(page);
	memcpy(page, bytes, MIN(n, PAGE));
	r = pmf_parse_trace_page(page, PAGE, l, take, &told, &missed);
	CHECK(r == 0 || r == -EBADMSG);
	CHECK(told <= PAGE / 8);	/* the least that a record takes */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { data, size }, again;
	_cleanup_free_ void *bytes = NULL;
	struct pmf_trace_layout l;
	uint8_t what = fuzz_u8(&f);
	size_t n;

	if (what & 1) {
		again = f;
		bytes = fuzz_bytes(&f, &n);
		parse_format(bytes, n, &again);
	} else {
		l = layout(&f);
		bytes = fuzz_bytes(&f, &n);
		if (what & 2)
			check_page(bytes, n, &l);
		else
			check_record(bytes, n, &l);
	}
	return 0;
}
