// SPDX-License-Identifier: GPL-2.0-only
/* Published snapshots: reads wait for no one, holds defer sysfs, errors pass. */
#include <sys/eventfd.h>

#include "fake-holds.h"
#include "flow/topology.h"
#include "test.h"

#define SEC 1000000

struct bench {
	struct fake_holds f;
	struct pmf_snapshots *s;
	int notify;
};

static void bench_init(struct bench *b)
{
	fake_holds_init(&b->f);
	fake_holds_add(&b->f, 0);
	b->s = NULL;
	b->notify = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

static void bench_done(struct bench *b)
{
	fake_holds_set(&b->f, &b->f.stuck, false);
	pmf_snapshots_free(b->s);
	close(b->notify);
	fake_holds_done(&b->f);
}
#define BENCH(b) _cleanup_(bench_done) struct bench b; bench_init(&(b))

TEST(first_look_is_published)
{
	BENCH(b);
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = NULL;
	eventfd_t n = 0;

	CHECK_EQ(pmf_snapshots_new(&b.f.sys, b.notify, &b.s), 0);
	CHECK_EQ(pmf_snapshots_settle(b.s, 5 * SEC), 0);
	CHECK_EQ(pmf_snapshots_copy(b.s, &t), 0);
	CHECK_EQ(t->n_devices, 1);
	CHECK_EQ(t->generation, 1);
	CHECK_EQ(eventfd_read(b.notify, &n), 0);
}

TEST(stuck_sysfs_stops_no_reader)
{
	BENCH(b);
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = NULL;

	b.f.stuck = true;
	CHECK_EQ(pmf_snapshots_new(&b.f.sys, b.notify, &b.s), 0);
	CHECK(fake_holds_wait(&b.f, &b.f.reading, 1));
	CHECK_EQ(pmf_snapshots_settle(b.s, SEC / 10), -ETIMEDOUT);
	CHECK_EQ(pmf_snapshots_copy(b.s, &t), 0);
	CHECK_EQ(t->n_devices, 0);
	fake_holds_set(&b.f, &b.f.stuck, false);
	CHECK_EQ(pmf_snapshots_settle(b.s, 5 * SEC), 0);
}

TEST(hold_defers_what_reads_sysfs)
{
	BENCH(b);
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = NULL;
	unsigned int reads;

	CHECK_EQ(pmf_snapshots_new(&b.f.sys, b.notify, &b.s), 0);
	CHECK_EQ(pmf_snapshots_settle(b.s, 5 * SEC), 0);
	pmf_snapshots_hold_begin(b.s);
	fake_holds_add(&b.f, 1);
	b.f.parts = 0;
	reads = b.f.reads;
	pmf_snapshots_refresh(b.s, PMF_READ_DEVICES | PMF_READ_BLOCKS | PMF_READ_MOUNTS);
	CHECK(fake_holds_wait(&b.f, &b.f.reads, reads + 1));
	CHECK_EQ(pmf_snapshots_settle(b.s, SEC / 10), -ETIMEDOUT);
	CHECK_EQ(b.f.parts, PMF_READ_MOUNTS);
	pmf_snapshots_hold_end(b.s);
	CHECK_EQ(pmf_snapshots_settle(b.s, 5 * SEC), 0);
	CHECK_EQ(b.f.parts, PMF_READ_MOUNTS | PMF_READ_DEVICES | PMF_READ_BLOCKS);
	CHECK_EQ(pmf_snapshots_copy(b.s, &t), 0);
	CHECK_EQ(t->n_devices, 2);
}

TEST(two_holds_end_with_the_second)
{
	BENCH(b);

	CHECK_EQ(pmf_snapshots_new(&b.f.sys, b.notify, &b.s), 0);
	CHECK_EQ(pmf_snapshots_settle(b.s, 5 * SEC), 0);
	pmf_snapshots_hold_begin(b.s);
	pmf_snapshots_hold_begin(b.s);
	pmf_snapshots_refresh(b.s, PMF_READ_DEVICES);
	pmf_snapshots_hold_end(b.s);
	CHECK_EQ(pmf_snapshots_settle(b.s, SEC / 10), -ETIMEDOUT);
	pmf_snapshots_hold_end(b.s);
	CHECK_EQ(pmf_snapshots_settle(b.s, 5 * SEC), 0);
}

TEST(for_hold_reads_only_what_is_safe)
{
	BENCH(b);
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = NULL, *old = NULL;

	CHECK_EQ(pmf_snapshots_new(&b.f.sys, b.notify, &b.s), 0);
	CHECK_EQ(pmf_snapshots_settle(b.s, 5 * SEC), 0);
	pmf_snapshots_hold_begin(b.s);
	b.f.parts = 0;
	CHECK_EQ(pmf_snapshots_for_hold(b.s, &t), 0);
	CHECK_EQ(b.f.parts, PMF_READ_STACK | PMF_READ_MOUNTS);
	/* a rescue goes on with the old one when even that cannot be read */
	b.f.read_error = -EIO;
	CHECK_EQ(pmf_snapshots_for_hold(b.s, &old), 0);
	CHECK_EQ(old->n_devices, 1);
	b.f.read_error = 0;
	pmf_snapshots_hold_end(b.s);
}

TEST(errors_end_and_pass)
{
	BENCH(b);
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = NULL;
	unsigned int reads;

	CHECK_EQ(pmf_snapshots_new(&b.f.sys, b.notify, &b.s), 0);
	CHECK_EQ(pmf_snapshots_settle(b.s, 5 * SEC), 0);
	b.f.read_error = -EIO;
	reads = b.f.reads;
	pmf_snapshots_refresh(b.s, PMF_READ_DEVICES);
	CHECK_EQ(pmf_snapshots_settle(b.s, 10 * SEC), -EIO);
	CHECK(b.f.reads > reads + 1);		/* tried more than once */
	reads = b.f.reads;
	usleep(SEC / 5);
	CHECK_EQ(b.f.reads, reads);		/* and then no more */
	CHECK_EQ(pmf_snapshots_copy(b.s, &t), 0);
	CHECK_EQ(t->n_devices, 1);
	b.f.read_error = 0;
	pmf_snapshots_refresh(b.s, PMF_READ_DEVICES);
	CHECK_EQ(pmf_snapshots_settle(b.s, 5 * SEC), 0);
}

static void *reader(void *userdata)
{
	struct bench *b = userdata;

	for (int i = 0; i < 2000; i++) {
		_cleanup_(pmf_topology_freep) struct pmf_topology *t = NULL;

		if (pmf_snapshots_copy(b->s, &t) < 0 || t->n_devices != 1 ||
		    !streq(t->devices[0].name, "pmem0"))
			return (void *)1;
	}
	return NULL;
}

/* Meaningful under a sanitizer: no reader sees a snapshot that was freed. */
TEST(readers_against_rebuilds)
{
	BENCH(b);
	pthread_t threads[4];
	void *bad;

	CHECK_EQ(pmf_snapshots_new(&b.f.sys, b.notify, &b.s), 0);
	CHECK_EQ(pmf_snapshots_settle(b.s, 5 * SEC), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, reader, &b), 0);
	for (int i = 0; i < 500; i++) {
		pmf_snapshots_refresh(b.s, PMF_READ_MOUNTS);
		(void)pmf_snapshots_settle(b.s, SEC);
	}
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		CHECK_EQ(pthread_join(threads[i], &bad), 0);
		CHECK(!bad);
	}
}
