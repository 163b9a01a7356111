// SPDX-License-Identifier: GPL-2.0-only
/* What of a failure's ranges the kernel is told to be bad, and when not. */
#include "base/str.h"
#include "flow/mark.h"
#include "poison-machine.h"
#include "test.h"

static const struct scenario *nobody_has_it(void)
{
	for (size_t i = 0; i < n_scenarios; i++)
		if (streq(scenarios[i].name, "nobody"))
			return &scenarios[i];
	abort();
}

/* [0, 2500) of pmem0 in binding "1", which nothing mounted has, told by source. */
static void start(struct bench *b, enum pmf_source source)
{
	bench_start(nobody_has_it(), b);
	b->f.binding = "1";
	b->f.n_bad = 0;
	b->failure->source = source;
}
#define BENCH(b, source) _cleanup_(bench_stop) struct bench b; start(&(b), source)

static void list(struct bench *b, uint64_t begin, uint64_t end)
{
	b->f.bad[b->f.n_bad++] = (struct pmf_range){ begin, end };
}

static void was_listed(struct bench *b, uint64_t begin, uint64_t end)
{
	CHECK_EQ(pmf_ranges_add(&b->failure->listed, (struct pmf_range){ begin, end }), 0);
}

TEST(only_what_is_not_listed_is_written)
{
	BENCH(b, PMF_SOURCE_MEMORY_FAILURE);

	list(&b, 0, 1000);
	CHECK_EQ(pmf_handle_poison(&b.run, b.failure), 1);
	CHECK_EQ(b.f.marks, 1);
	CHECK_EQ(b.f.bad[1].start, 1000);
	CHECK_EQ(b.f.bad[1].end, 2500);
	CHECK_STR(b.failure->marked_in, "1");
	CHECK_EQ(pmf_ranges_bytes(&b.failure->listed), 2500);
	/* nothing new, and nothing written twice */
	CHECK_EQ(pmf_handle_poison(&b.run, b.failure), 0);
	CHECK_EQ(b.f.marks, 1);
}

TEST(reports_too_but_not_what_the_kernel_found)
{
	BENCH(b, PMF_SOURCE_REQUEST);

	CHECK_EQ(pmf_handle_poison(&b.run, b.failure), 1);
	CHECK_EQ(b.f.marks, 1);
	b.f.n_bad = 0;
	b.f.marks = 0;
	pmf_ranges_done(&b.failure->listed);
	free(b.failure->marked_in);
	b.failure->marked_in = NULL;
	b.failure->source = PMF_SOURCE_BADBLOCKS;
	(void)pmf_handle_poison(&b.run, b.failure);
	CHECK_EQ(b.f.marks, 0);
	CHECK_STR(b.failure->marked_in, NULL);
}

TEST(not_against_the_policy)
{
	BENCH(b, PMF_SOURCE_MEMORY_FAILURE);

	b.policy.fs.mark_bad = false;
	(void)pmf_handle_poison(&b.run, b.failure);
	CHECK_EQ(b.f.marks, 0);
}

/* Gone from the list by the kernel's own doing: it is whole again. */
TEST(what_was_cleared_is_not_written_again)
{
	BENCH(b, PMF_SOURCE_MEMORY_FAILURE);

	was_listed(&b, 0, 2500);
	(void)pmf_handle_poison(&b.run, b.failure);
	CHECK_EQ(b.f.marks, 0);
}

TEST(written_anew_in_another_binding_until_it_is_there)
{
	BENCH(b, PMF_SOURCE_MEMORY_FAILURE);

	was_listed(&b, 0, 2500);
	CHECK(strdup_to(&b.failure->marked_in, "0"));
	b.f.fail_op = "mark_bad";
	b.f.fail_error = -ENOSPC;
	(void)pmf_handle_poison(&b.run, b.failure);
	CHECK_STR(b.failure->marked_in, "0");
	b.f.fail_op = NULL;
	CHECK_EQ(pmf_handle_poison(&b.run, b.failure), 1);
	CHECK_EQ(b.f.marks, 1);
	CHECK_STR(b.failure->marked_in, "1");
	b.f.n_bad = 0;		/* in this one: cleared */
	(void)pmf_handle_poison(&b.run, b.failure);
	CHECK_EQ(b.f.marks, 1);
}

TEST(what_could_not_be_written_is_not_ours)
{
	BENCH(b, PMF_SOURCE_MEMORY_FAILURE);

	b.f.fail_op = "mark_bad";
	b.f.fail_error = -ENOSPC;
	(void)pmf_handle_poison(&b.run, b.failure);
	CHECK_STR(b.failure->marked_in, NULL);
	CHECK_EQ(b.failure->listed.n, 0);
	b.f.fail_op = NULL;
	CHECK_EQ(pmf_handle_poison(&b.run, b.failure), 1);
	CHECK_EQ(b.f.marks, 1);
}

/* Whoever removes the device has its lock: nothing of its sysfs is touched then. */
TEST(never_without_the_lock)
{
	static const int errors[] = { -EBUSY, -EACCES };

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		BENCH(b, PMF_SOURCE_MEMORY_FAILURE);

		b.f.fail_op = "lock_device";
		b.f.fail_error = errors[i];
		(void)pmf_handle_poison(&b.run, b.failure);
		CHECK_EQ(b.f.marks, 0);
		CHECK(!pmf_mark_again(&b.run, b.failure));
		CHECK_EQ(b.f.marks, 0);
		b.f.fail_op = NULL;
		CHECK(pmf_mark_again(&b.run, b.failure));
		CHECK_EQ(b.f.marks, 1);
		CHECK(!pmf_mark_again(&b.run, b.failure));
	}
}
