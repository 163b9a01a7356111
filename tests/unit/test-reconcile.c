// SPDX-License-Identifier: GPL-2.0-only
/* Poison on record against the kernel's lists; what is worth another look. */
#include "flow/reconcile.h"
#include "test.h"

struct bench {
	struct pmf_failure *f;
	struct pmf_lists lists;
};

static void bench_init(struct bench *b)
{
	struct pmf_event e = { .kind = PMF_KIND_POISON, .device_id = (char[]){ "d" },
			       .range = { 4096, 16384 } };

	*b = (struct bench){ 0 };
	if (pmf_failure_from_event(&e, &b->f) < 0 || !strdup_to(&b->lists.binding, "boot/1"))
		abort();
	b->f->state = PMF_STATE_HANDLED;
}

static void bench_done(struct bench *b)
{
	pmf_failure_free(b->f);
	pmf_lists_done(&b->lists);
}
#define BENCH(b) _cleanup_(bench_done) struct bench b; bench_init(&(b))

static void add(struct pmf_ranges *set, uint64_t start, uint64_t end)
{
	if (pmf_ranges_add(set, (struct pmf_range){ start, end }) < 0)
		abort();
}

TEST(what_was_never_listed_is_never_cleared)
{
	BENCH(b);
	enum pmf_reconciled v;

	CHECK_EQ(pmf_reconcile(b.f, &b.lists, &v), 0);
	CHECK_EQ(v, PMF_RECONCILED_SAME);
	CHECK_EQ(b.f->state, PMF_STATE_HANDLED);
}

TEST(what_the_kernel_lists_is_noted_and_then_cleared)
{
	BENCH(b);
	enum pmf_reconciled v;

	add(&b.lists.bad, 0, 4096);
	add(&b.lists.bad, 8192, 8704);
	add(&b.lists.bad, 12288, 99999);
	CHECK_EQ(pmf_reconcile(b.f, &b.lists, &v), 0);
	CHECK_EQ(v, PMF_RECONCILED_LISTED);
	CHECK_EQ(b.f->listed.n, 2);
	CHECK_EQ(b.f->listed.v[0].start, 8192);
	CHECK_EQ(b.f->listed.v[1].end, 16384);
	CHECK_EQ(pmf_reconcile(b.f, &b.lists, &v), 0);
	CHECK_EQ(v, PMF_RECONCILED_SAME);
	pmf_ranges_done(&b.lists.bad);
	add(&b.lists.bad, 8192, 8704);	/* partly gone: stays */
	CHECK_EQ(pmf_reconcile(b.f, &b.lists, &v), 0);
	CHECK_EQ(v, PMF_RECONCILED_SAME);
	pmf_ranges_done(&b.lists.bad);
	add(&b.lists.bad, 0, 4096);	/* not of it */
	b.lists.full = true;
	CHECK_EQ(pmf_reconcile(b.f, &b.lists, &v), 0);
	CHECK_EQ(v, PMF_RECONCILED_SAME);
	b.lists.full = false;
	CHECK_EQ(pmf_reconcile(b.f, &b.lists, &v), 0);
	CHECK_EQ(v, PMF_RECONCILED_CLEARED);
	CHECK_EQ(b.f->state, PMF_STATE_CLEARED);
}

TEST(what_we_marked_is_marked_anew_after_a_rebind)
{
	BENCH(b);
	enum pmf_reconciled v;

	add(&b.f->listed, 4096, 16384);
	CHECK(strdup_to(&b.f->marked_in, "boot/1"));
	CHECK(strdup_to(&b.lists.binding, "boot/2"));
	CHECK_EQ(pmf_reconcile(b.f, &b.lists, &v), 0);
	CHECK_EQ(v, PMF_RECONCILED_UNMARKED);
	CHECK_EQ(b.f->state, PMF_STATE_HANDLED);
	CHECK(strdup_to(&b.lists.binding, NULL));
	CHECK_EQ(pmf_reconcile(b.f, &b.lists, &v), 0);
	CHECK_EQ(v, PMF_RECONCILED_SAME);
	CHECK(strdup_to(&b.lists.binding, "boot/1"));
	CHECK_EQ(pmf_reconcile(b.f, &b.lists, &v), 0);
	CHECK_EQ(v, PMF_RECONCILED_CLEARED);
}

static struct pmf_case *add_case(struct bench *b, uint64_t end)
{
	struct pmf_case *c;

	b->f->cases = calloc(1, sizeof(*b->f->cases));
	if (!b->f->cases)
		abort();
	b->f->n_cases = 1;
	c = b->f->cases;
	add(&c->site.ranges, 0, end);
	c->targets = calloc(2, sizeof(*c->targets));
	if (!c->targets)
		abort();
	c->n_targets = 2;
	c->targets[0] = (struct pmf_target){ .kind = PMF_TARGET_FILE, .at = { 0, 4096 },
					     .action = PMF_ACTION_REVOKE,
					     .step = { PMF_STEP_DONE, 0, 1 } };
	c->targets[1] = (struct pmf_target){ .kind = PMF_TARGET_METADATA, .at = { 4096, end },
					     .action = PMF_ACTION_REPORT };
	return c;
}

TEST(all_that_has_an_owner_is_done)
{
	BENCH(b);
	struct pmf_case *c;

	CHECK(pmf_poison_is_open(b.f));		/* nothing had it */
	c = add_case(&b, 12288);
	CHECK(!pmf_poison_is_open(b.f));
	c->targets[1].kind = PMF_TARGET_FREE;
	CHECK(pmf_poison_is_open(b.f));
	c->targets[1].kind = PMF_TARGET_FILE;
	c->targets[1].action = PMF_ACTION_REVOKE;
	CHECK(pmf_poison_is_open(b.f));		/* not done */
	c->targets[1].step.state = PMF_STEP_DONE;
	CHECK(!pmf_poison_is_open(b.f));
	c->targets[1].at.end -= 512;
	CHECK(pmf_poison_is_open(b.f));		/* nobody has the last bytes */
	c->targets[1].at.end += 512;
	b.f->state = PMF_STATE_FAILED;
	CHECK(pmf_poison_is_open(b.f));
	b.f->state = PMF_STATE_CLEARED;
	CHECK(!pmf_poison_is_open(b.f));
}

TEST(a_part_that_is_not_mounted_is_open)
{
	BENCH(b);

	(void)add_case(&b, 8192);
	CHECK(pmf_poison_is_open(b.f));
}

TEST(what_is_new_is_seen)
{
	BENCH(b);
	struct pmf_failure *c = NULL;

	(void)add_case(&b, 12288);
	CHECK_EQ(pmf_failure_copy(b.f, &c), 0);
	c->updated_us = 5;
	c->cases[0].outcome.frozen_ns = 7;
	CHECK(pmf_poison_is_same(b.f, c));
	c->cases[0].targets[0].told++;
	CHECK(!pmf_poison_is_same(b.f, c));
	c->cases[0].targets[0].told--;
	c->cases[0].targets[1].kind = PMF_TARGET_FREE;
	CHECK(!pmf_poison_is_same(b.f, c));
	c->cases[0].targets[1].kind = PMF_TARGET_METADATA;
	c->state = PMF_STATE_FAILED;
	CHECK(!pmf_poison_is_same(b.f, c));
	pmf_failure_free(c);
}
