// SPDX-License-Identifier: GPL-2.0-only
/*
 * The engine and poison: from the kernel's lists, and from single events, to the
 * record, one failure after another.
 */
#include <fcntl.h>
#include <sys/timerfd.h>

#include "poison-bench.h"
#include "test.h"

struct all {
	struct pmf_ranges ranges;
	unsigned int n, hooks;
};

static int take(const struct pmemfail_failure *f, void *userdata)
{
	const struct pmf_failure *m = pmf_failure_from_public(f);
	struct all *all = userdata;

	if (m->kind != PMF_KIND_POISON || m->state == PMF_STATE_CLEARED)
		return 0;
	for (size_t i = 0; i < m->ranges.n; i++)
		if (pmf_ranges_overlap(&all->ranges, m->ranges.v[i]))
			return -EEXIST;
	all->n++;
	return pmf_ranges_add_all(&all->ranges, &m->ranges);
}

/* What is open on record is exactly [0, end), each byte in one failure. */
static const char *record_is(struct bench *b, uint64_t end)
{
	struct all all = { 0 };
	const char *d = NULL;

	if (pmemfail_list_failures(b->ctx, -1, take, &all) < 0)
		d = "cannot be read, or a byte is in two";
	else if (all.ranges.n != (end > 0) ||
		 (end && (all.ranges.v[0].start != 0 || all.ranges.v[0].end != end)))
		d = "other ranges";
	pmf_ranges_done(&all.ranges);
	return d;
}

TEST(what_is_listed_at_the_start_is_handled)
{
	BENCH(b);

	begin();
	fake_holds_add(&b.f, 0);
	set_bad(&b, 0, PAGE, PAGE + 512);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	CHECK_EQ(b.last->state, PMF_STATE_HANDLED);
	CHECK_EQ(b.last->source, PMF_SOURCE_BADBLOCKS);
	CHECK_STR(b.last->device_name, "pmem0");
	CHECK_EQ(b.last->ranges.v[0].start, PAGE);
	CHECK_EQ(b.last->listed.v[0].end, PAGE + 512);
	CHECK_STR(b.last->marked_in, NULL);
	CHECK(b.last->id > 0);
	CHECK_EQ(b.f.finished, b.last->id);
	CHECK_EQ(world.calls, 1);
	CHECK_EQ(recorded(&b, -1), 1);
	/* told once, whatever reads it again */
	pmf_engine_look(b.e, NULL, true);
	CHECK(settle(&b));
	b.e = pmemfail_engine_free(b.e);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	CHECK_EQ(world.calls, 1);
	CHECK_EQ(recorded(&b, -1), 1);
	CHECK_EQ(b.added, 1);
}

TEST(what_nobody_had_is_looked_at_again)
{
	BENCH(b);
	unsigned int changed, calls;

	begin();
	world.nobody = true;
	fake_holds_add(&b.f, 0);
	set_bad(&b, 0, 0, PAGE);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	CHECK_EQ(b.last->state, PMF_STATE_PENDING);
	changed = b.changed;
	calls = world.calls;
	pmf_engine_look(b.e, NULL, true);
	CHECK(settle(&b));
	CHECK_EQ(world.calls, calls + 1);
	CHECK_EQ(b.changed, changed);	/* nothing new: nobody is told */
	b.e = pmemfail_engine_free(b.e);
	world.nobody = false;
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	CHECK_EQ(b.last->state, PMF_STATE_HANDLED);
	CHECK_EQ(b.added, 1);
	CHECK_EQ(recorded(&b, -1), 1);
}

/* The timer looks at what is open, of the devices that have any, and at nothing else. */
TEST(looked_at_by_the_timer_while_it_is_open)
{
	const struct itimerspec now = { .it_value.tv_nsec = 1 };
	unsigned int reads, calls;
	struct itimerspec t;
	BENCH(b);

	begin();
	world.nobody = true;
	fake_holds_add(&b.f, 0);
	fake_holds_add(&b.f, 1);
	set_bad(&b, 0, 0, PAGE);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	CHECK_EQ(b.last->state, PMF_STATE_PENDING);
	reads = b.f.bad_reads;
	calls = world.calls;
	world.nobody = false;
	CHECK_EQ(timerfd_settime(b.e->rescan_fd, 0, &now, NULL), 0);
	CHECK(settle(&b));
	CHECK_EQ(world.calls, calls + 1);
	CHECK_EQ(b.last->state, PMF_STATE_HANDLED);
	/* for the timer, and because what is on record changed: of that device alone */
	CHECK_EQ(b.f.bad_reads, reads + 2);
	CHECK_EQ(b.added, 1);
	CHECK_EQ(timerfd_gettime(b.e->rescan_fd, &t), 0);
	CHECK(t.it_value.tv_sec > 1);
}

/* While the record cannot be read, what was open is taken to be open still. */
TEST(looked_at_by_the_timer_after_the_record_was_away)
{
	const struct itimerspec now = { .it_value.tv_nsec = 1 };
	char away[210];
	struct itimerspec t;
	BENCH(b);

	begin();
	world.nobody = true;
	fake_holds_add(&b.f, 0);
	set_bad(&b, 0, 0, PAGE);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	CHECK_EQ(b.last->state, PMF_STATE_PENDING);
	(void)snprintf(away, sizeof(away), "%s.away", b.state);
	CHECK_EQ(rename(b.state, away), 0);
	CHECK_EQ(close(open(b.state, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
	world.nobody = false;
	pmf_engine_look(b.e, NULL, true);
	CHECK(settle(&b));
	CHECK_EQ(b.last->state, PMF_STATE_PENDING);
	CHECK_EQ(timerfd_gettime(b.e->rescan_fd, &t), 0);
	CHECK(t.it_value.tv_sec > 0);
	CHECK_EQ(unlink(b.state), 0);
	CHECK_EQ(rename(away, b.state), 0);
	CHECK_EQ(timerfd_settime(b.e->rescan_fd, 0, &now, NULL), 0);
	CHECK(settle(&b));
	CHECK_EQ(b.last->state, PMF_STATE_HANDLED);
}

TEST(cleared_when_the_kernel_says_so_and_new_after_that)
{
	BENCH(b);
	struct itimerspec t;

	begin();
	fake_holds_add(&b.f, 0);
	set_bad(&b, 0, 0, PAGE);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	CHECK_EQ(timerfd_gettime(b.e->rescan_fd, &t), 0);
	CHECK_EQ(t.it_value.tv_sec, 0);		/* settled: its list would tell */
	set_bad(&b, 0, 0, 0);
	pmf_engine_look(b.e, NULL, false);
	CHECK(settle(&b));
	CHECK_EQ(b.last->state, PMF_STATE_CLEARED);
	CHECK_EQ(b.last->n_cases, 1);	/* who was told stays on record */
	CHECK_EQ(recorded(&b, PMF_STATE_CLEARED), 1);
	CHECK_EQ(timerfd_gettime(b.e->rescan_fd, &t), 0);
	CHECK_EQ(t.it_value.tv_sec, 0);	/* idle again */
	pmf_ranges_done(&world.told);
	set_bad(&b, 0, 0, PAGE);
	pmf_engine_look(b.e, NULL, false);
	CHECK(settle(&b));
	CHECK_EQ(world.calls, 2);
	CHECK_EQ(b.added, 2);
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
}

TEST(marked_and_marked_anew_after_a_rebind)
{
	BENCH(b);

	begin();
	b.ctx->policy.fs.mark_bad = true;
	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	event(&b, 0, PAGE);
	CHECK(settle(&b));
	CHECK_EQ(b.f.marks, 1);
	CHECK_STR(b.last->marked_in, "boot/0");
	CHECK(pmf_ranges_cover(&b.last->listed, (struct pmf_range){ 0, PAGE }));
	b.f.binding[0] = 1;
	set_bad(&b, 0, 0, 0);
	pmf_engine_look(b.e, NULL, false);
	CHECK(settle(&b));
	CHECK_EQ(b.f.marks, 2);
	CHECK_EQ(b.f.bad[0].n, 1);
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
	set_bad(&b, 0, 0, 0);		/* and now really */
	pmf_engine_look(b.e, NULL, false);
	CHECK(settle(&b));
	CHECK_EQ(recorded(&b, PMF_STATE_CLEARED), 1);
	CHECK_EQ(world.calls, 1);
}

/* Nothing of a device's sysfs is touched while it is being removed; a later look makes
 * up for it, though all else is settled, and nobody is told of that. */
TEST(not_marked_while_it_is_removed_but_after)
{
	BENCH(b);
	unsigned int changed;

	begin();
	b.ctx->policy.fs.mark_bad = true;
	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	fake_holds_set(&b.f, &b.f.removing, true);
	event(&b, 0, PAGE);
	CHECK(settle(&b));
	CHECK_EQ(b.f.marks, 0);
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
	CHECK_STR(b.last->marked_in, NULL);
	changed = b.changed;
	fake_holds_set(&b.f, &b.f.removing, false);
	pmf_engine_look(b.e, NULL, true);
	CHECK(settle(&b));
	CHECK_EQ(b.f.marks, 1);
	CHECK_EQ(b.changed, changed);
	b.f.binding[0] = 1;
	set_bad(&b, 0, 0, 0);
	pmf_engine_look(b.e, NULL, false);
	CHECK(settle(&b));
	CHECK_EQ(b.f.marks, 2);		/* so it is on record that the mark was ours */
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
}

/* That it cannot be marked is not tried again and again. */
TEST(idle_when_it_cannot_be_marked)
{
	BENCH(b);
	unsigned int reads;

	begin();
	b.ctx->policy.fs.mark_bad = true;
	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	event(&b, 0, PAGE);
	CHECK(settle(&b));
	CHECK_EQ(b.f.marks, 1);
	b.f.binding[0] = 1;
	b.f.mark_error = -ENOSPC;
	set_bad(&b, 0, 0, 0);
	pmf_engine_look(b.e, NULL, false);
	CHECK(settle(&b));
	reads = b.f.bad_reads;
	CHECK(settle(&b));
	CHECK_EQ(b.f.bad_reads, reads);
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);	/* and not cleared */
	b.f.mark_error = 0;
	pmf_engine_look(b.e, NULL, false);
	CHECK(settle(&b));
	CHECK_EQ(b.f.bad[0].n, 1);
}

/* What the lists tell and what they do not, in one failure: the latter is marked. */
TEST(marked_though_the_lists_told_some_of_it)
{
	BENCH(b);

	begin();
	b.ctx->policy.fs.mark_bad = true;
	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	world.stuck = true;
	event(&b, 8 * PAGE, 9 * PAGE);
	CHECK(run_until(&b, &world.calls, 1));
	set_bad(&b, 0, 0, PAGE);
	pmf_engine_look(b.e, NULL, false);
	for (int i = 0; i < 1000 && !b.e->poisoned[0]->n_waiting; i++) {
		CHECK(pmemfail_engine_dispatch(b.e) >= 0);
		usleep(1000);
	}
	event(&b, PAGE, 2 * PAGE);
	CHECK(pmemfail_engine_dispatch(b.e) >= 0);
	world.stuck = false;
	CHECK(settle(&b));
	CHECK(pmf_ranges_cover(&b.f.bad[0], (struct pmf_range){ 0, 2 * PAGE }));
	CHECK_STR(b.last->marked_in, "boot/0");
}

TEST(what_is_not_begun_at_the_end_is_the_successors)
{
	BENCH(b);

	begin();
	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	event(&b, 0, PAGE);
	CHECK(pmemfail_engine_dispatch(b.e) >= 0);	/* given to the record, and more: */
	event(&b, PAGE, 2 * PAGE);
	b.e = pmemfail_engine_free(b.e);
	CHECK_EQ(world.calls, 0);
	CHECK_EQ(recorded(&b, PMF_STATE_PENDING), 2);
	CHECK_STR(record_is(&b, 2 * PAGE), NULL);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 2);
	CHECK_EQ(world.calls, 2);
}

static void shuffle(uint32_t *v, size_t n)
{
	for (size_t i = n - 1; i > 0; i--) {
		size_t k = (size_t)random() % (i + 1);
		uint32_t t = v[i];

		v[i] = v[k];
		v[k] = t;
	}
}

/* 100 000 events about 16384 pages in random order, a restart in the middle, and then
 * all of them once more, as the lists would tell them. */
TEST(storm)
{
	BENCH(b);
	enum { PAGES = 16384, EVENTS = 100000 };
	_cleanup_free_ uint32_t *v = calloc(EVENTS, sizeof(*v));

	begin();
	world.ms = 20;
	CHECK(v);
	for (uint32_t i = 0; i < EVENTS; i++)
		v[i] = i % PAGES;
	shuffle(v, EVENTS);
	fake_holds_add(&b.f, 0);
	b.f.topology->devices[0].size = PAGES * PAGE;
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	for (uint32_t i = 0; i < EVENTS; i++) {
		event(&b, v[i] * PAGE, (v[i] + 1) * PAGE);
		if (i % 1000 == 0)
			(void)pmemfail_engine_dispatch(b.e);
		if (i == EVENTS / 20) {
			b.e = pmemfail_engine_free(b.e);
			CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
		}
	}
	for (uint32_t i = 0; i < PAGES; i++)
		event(&b, i * PAGE, (i + 1) * PAGE);
	CHECK(settle(&b));
	test_say("%u failures, %u notices", recorded(&b, -1), b.added + b.changed);
	CHECK_STR(record_is(&b, PAGES * PAGE), NULL);
	CHECK_EQ(world.told.n, 1);
	CHECK_EQ(pmf_ranges_bytes(&world.told), PAGES * PAGE);
	CHECK_EQ(world.twice, 0);
	CHECK_EQ(world.most_at_once, 1);
	CHECK(world.calls > 1);
	CHECK(b.most_ranges <= 512);	/* so is what handling one takes */
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLING), 0);
	CHECK_EQ(recorded(&b, PMF_STATE_PENDING), 0);
}
