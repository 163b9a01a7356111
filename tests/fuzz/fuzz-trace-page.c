// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of the trace ring buffer, as trace_pipe_raw gives them, or as a predecessor left
 * them: heads that lie about how much is in them, records that go on behind the end. A
 * page of memory is told of only where a record of the event's is in the page, and there
 * are no more answers than a reader has room for.
 */
#include "fuzz.h"
#include "sys/parse.h"

#define PAGE	4096u

struct seen {
	const uint8_t *page;
	unsigned int n;
};

/* Is there a record like that, anywhere in the page? */
static bool is_there(const uint8_t *page, uint64_t pfn)
{
	for (size_t i = 0; i + 16 <= PAGE; i++)
		if (page[i] == 77 && page[i + 1] == 0 && memcmp(page + i + 8, &pfn, 8) == 0)
			return true;
	return false;
}

static void see(struct pmf_range spa, void *userdata)
{
	struct seen *s = userdata;

	CHECK(++s->n <= PAGE / 8);
	CHECK(spa.start % PAGE == 0 && spa.end == spa.start + PAGE);
	CHECK(is_there(s->page, spa.start / PAGE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pmf_trace_layout layout = {
		.id = 77, .type = { 0, 2 }, .pfn = { 8, 8 },
	};
	_cleanup_free_ uint8_t *page = calloc(1, PAGE);
	struct seen s = { .page = page };
	bool missed = true, again = false;
	uint64_t used;
	int r;

	CHECK(page);
	if (size > 0)
		memcpy(page, data, MIN(size, (size_t)PAGE));
	memcpy(&used, page + 8, sizeof(used));
	r = pmf_parse_trace_page(page, PAGE, &layout, see, &s, &missed);
	CHECK(r == 0 || r == -EBADMSG);
	CHECK(missed == !!(used & 1UL << 31));
	/* what says that it has more in it than fits has nothing */
	CHECK((used & ((1UL << 27) - 1)) <= PAGE - 16 || (r < 0 && s.n == 0));
	CHECK(pmf_parse_trace_page(page, PAGE, &layout, see, &(struct seen){ page, 0 }, &again) ==
	      r && again == missed);
	return 0;
}
