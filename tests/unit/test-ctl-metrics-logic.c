// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmemfailctl metrics: what is summed over the record, how hostile names are escaped,
 * and what a file holds when writing it fails. That a real parser takes it all is
 * seen by tests/root/metrics.sh.
 */
#include "../../ctl/verb-metrics.c"

#include "bus-bench.h"
#include "flow/store.h"
#include "sample.h"

static struct pmf_failure removal(struct pmf_case *cases, size_t n)
{
	return (struct pmf_failure){
		.kind = PMF_KIND_REMOVE, .source = PMF_SOURCE_HOLD,
		.state = PMF_STATE_HANDLED, .device_id = (char *)"an id",
		.device_name = (char *)"pmem0", .updated_us = 1, .hold_ns = 1500000000,
		.cases = cases, .n_cases = n,
	};
}

/* Two removals, the second with two sites: longer together, but neither is the longest. */
static int fill(const char *dir)
{
	struct pmf_case one = { .outcome = { .told = 3, .frozen_ns = 600000000 } };
	struct pmf_case two[2] = {
		{ .outcome = { .told = 1, .frozen_ns = 300000001 } },
		{ .outcome = { .told = 2, .frozen_ns = 400000000 } },
	};
	struct pmf_failure a = removal(&one, 1), b = removal(two, 2);
	struct pmf_store *s = NULL;
	int r;

	r = pmf_store_open(dir, true, &s, NULL);
	if (r < 0)
		return r;
	b.state = PMF_STATE_FAILED;
	b.hold_ns = 500000000;
	r = pmf_store_put(s, &a);
	if (r >= 0)
		r = pmf_store_put(s, &b);
	pmf_store_close(s);
	return r;
}

TEST(sums_are_those_of_the_record)
{
	const char *dir = test_dir();
	struct metrics m = {};
	_cleanup_free_ char *text = NULL;
	size_t size;

	CHECK(fill(dir) >= 0);
	CHECK(pmemfail_new(&m.lib) >= 0);
	CHECK(pmemfail_set(m.lib, "StateDirectory", dir) >= 0);
	CHECK_EQ(pmemfail_list_failures(m.lib, -1, add_failure, &m), 0);
	CHECK_EQ(m.failures[0][PMEMFAIL_HANDLED], 1);
	CHECK_EQ(m.failures[0][PMEMFAIL_FAILED], 1);
	CHECK_EQ(m.victims, 6);
	m.out = open_memstream(&text, &size);
	CHECK(m.out != NULL);
	print_failures(&m);
	print_sum(m.out, "freeze", &m.freeze, "a", "b");
	print_sum(m.out, "hold", &m.hold, "a", "b");
	fclose(m.out);
	pmemfail_unref(m.lib);
	CHECK(strstr(text, "pmemfail_failures{kind=\"remove\",state=\"handled\"} 1\n"));
	CHECK(strstr(text, "pmemfail_failures{kind=\"poison\",state=\"handled\"} 0\n"));
	CHECK(strstr(text, "\npmemfail_victims 6\n"));
	CHECK(strstr(text, "\npmemfail_freeze_seconds 1.300000001\n"));
	CHECK(strstr(text, "\npmemfail_freeze_longest_seconds 0.600000000\n"));
	CHECK(strstr(text, "\npmemfail_hold_seconds 2.000000000\n"));
	CHECK(strstr(text, "\npmemfail_hold_longest_seconds 1.500000000\n"));
}

/* Over the bus they come as they are listed, so many at once: two, here. */
TEST(nobody_is_asked_for_each_failure)
{
	BENCH(x);
	_cleanup_(pmf_failure_freep) struct pmf_failure *one = sample_failure();
	struct metrics m = { .lib = x.ctx };
	unsigned int calls;

	CHECK(one && pmf_failure_freezes(one).ns > 0);
	for (uint64_t i = 0; i < 6; i++)
		x.b.shared->ids[i] = 9 - i;
	calls = x.b.shared->calls;
	CHECK_EQ(pmemfail_list_failures(m.lib, -1, add_failure, &m), 0);
	CHECK_EQ(x.b.shared->calls - calls, 6 / 2 + 1);
	CHECK_EQ(m.victims, 6 * pmf_failure_told(one));
	CHECK_EQ(m.freeze.ns, 6 * pmf_failure_freezes(one).ns);
	CHECK_EQ(m.freeze.longest_ns, pmf_failure_freezes(one).longest_ns);
}

/* A device's name could end the label, the line, or the exposition. */
TEST(names_cannot_break_out)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CHECK(out != NULL);
	label(out, "device", "a\"} 1\n# EOF\\\x1b");
	fclose(out);
	CHECK(!strchr(text, '\n'));
	CHECK_STR(text, "device=\"a\\\"} 1\\\\x0a# EOF\\\\\\\\\\\\x1b\"");
}

TEST(a_file_that_cannot_be_written_stays)
{
	_cleanup_free_ char *path = NULL;
	struct metrics m = {};

	CHECK(pmemfail_new(&m.lib) >= 0);
	CHECK(asprintf(&path, "%s/none/file", test_dir()) > 0);
	fclose(stderr);
	CHECK_EQ(write_file(&m, path), CTL_FAILED);
	CHECK(access(path, F_OK) < 0);
	pmemfail_unref(m.lib);
}
