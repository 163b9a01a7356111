// SPDX-License-Identifier: GPL-2.0-only
/*
 * What changes, over D-Bus: told once, as it is then; and what happened while there was
 * no daemon or no bus, too.
 */
#include <poll.h>
#include <systemd/sd-bus.h>

#include "bus-bench.h"

#define PATIENCE_MS	20000

struct bench {
	struct bus_bench on;
	struct pmemfail_monitor *m;
};

static void bench_init(struct bench *x)
{
	x->m = NULL;
	bus_bench_init(&x->on);
	if (pmemfail_monitor_new(x->on.ctx, &x->m) < 0)
		abort();
}

static void bench_done(struct bench *x)
{
	pmemfail_monitor_free(x->m);
	bus_bench_done(&x->on);
}
#undef BENCH
#define BENCH(x) _cleanup_(bench_done) struct bench x; bench_init(&x)

/* The next one, waiting by its fd: the kind, or a negative errno. */
static int next(struct bench *x, uint64_t *ret_id)
{
	struct pollfd p = { .fd = pmemfail_monitor_get_fd(x->m), .events = POLLIN };
	struct pmemfail_notice *n = NULL;
	int r;

	while ((r = pmemfail_monitor_next_notice(x->m, &n)) == -EAGAIN)
		if (poll(&p, 1, PATIENCE_MS) <= 0)
			return -ETIME;
	if (r < 0)
		return r;
	*ret_id = pmemfail_failure_id(pmemfail_notice_failure(n));
	r = pmemfail_notice_get_kind(n);
	if (r >= PMEMFAIL_REMOVAL_BEGINS && !streq_ptr(pmemfail_notice_device(n), "an id"))
		r = -EBADMSG;
	pmemfail_notice_free(n);
	return r;
}

/* Nothing comes, and nothing wakes whoever waits. */
static bool is_quiet(struct bench *x)
{
	struct pollfd p = { .fd = pmemfail_monitor_get_fd(x->m), .events = POLLIN };
	struct pmemfail_failure *f = NULL;

	while (pmemfail_monitor_next(x->m, &f) == -EAGAIN)
		if (poll(&p, 1, 300) == 0)
			return true;
	pmemfail_failure_free(f);
	return false;
}

TEST(changes_are_told_as_they_come)
{
	BENCH(x);
	uint64_t id;

	CHECK(is_quiet(&x));
	fake_server_emit(&x.on.b, 'a', 6);
	fake_server_emit(&x.on.b, 'c', 5);
	fake_server_emit(&x.on.b, 'r', 0);
	fake_server_emit(&x.on.b, 'p', 0);
	CHECK_EQ(next(&x, &id), PMEMFAIL_FAILURE_ADDED);
	CHECK_EQ(id, 6);
	CHECK_EQ(next(&x, &id), PMEMFAIL_FAILURE_CHANGED);
	CHECK_EQ(id, 5);
	CHECK_EQ(next(&x, &id), PMEMFAIL_REMOVAL_BEGINS);
	CHECK_EQ(next(&x, &id), PMEMFAIL_PROTECTION_CHANGED);
	CHECK(is_quiet(&x));
}

TEST(what_changes_often_comes_once)
{
	BENCH(x);
	uint64_t id;

	for (int i = 0; i < 200; i++)
		fake_server_emit(&x.on.b, 'c', 5);
	fake_server_emit(&x.on.b, 'a', 6);
	/* All of them are there before the first is asked for. */
	while (x.on.b.shared->calls == 0)
		poll(NULL, 0, 10);
	poll(NULL, 0, 300);
	CHECK_EQ(next(&x, &id), PMEMFAIL_FAILURE_CHANGED);
	CHECK_EQ(next(&x, &id), PMEMFAIL_FAILURE_ADDED);
	CHECK(is_quiet(&x));
}

TEST(failures_alone_pass_over_the_rest)
{
	BENCH(x);
	struct pollfd p = { .fd = pmemfail_monitor_get_fd(x.m), .events = POLLIN };
	struct pmemfail_failure *f = NULL;
	int r;

	fake_server_emit(&x.on.b, 'r', 0);
	fake_server_emit(&x.on.b, 'c', 5);
	while ((r = pmemfail_monitor_next(x.m, &f)) == -EAGAIN)
		CHECK(poll(&p, 1, PATIENCE_MS) > 0);
	CHECK_EQ(r, 0);
	CHECK_EQ(pmemfail_failure_id(f), 5);
	pmemfail_failure_free(f);
	CHECK(is_quiet(&x));
}

static void change_in_secret(struct bench *x)
{
	x->on.b.shared->ids[1] = 5;
	x->on.b.shared->updated[1] = 1;	/* otherwise than it was */
	x->on.b.shared->ids[0] = 9;
	x->on.b.shared->updated[0] = 2;
}

TEST(what_a_new_daemon_knows_is_told)
{
	BENCH(x);
	uint64_t id;

	CHECK(is_quiet(&x));
	fake_server_kill(&x.on.b);
	CHECK(is_quiet(&x));
	change_in_secret(&x);
	fake_server_start(&x.on.b);
	CHECK_EQ(next(&x, &id), PMEMFAIL_FAILURE_CHANGED);
	CHECK_EQ(id, 5);
	CHECK_EQ(next(&x, &id), PMEMFAIL_FAILURE_ADDED);
	CHECK_EQ(id, 9);
}

TEST(a_bus_that_starts_again)
{
	BENCH(x);
	uint64_t id;

	CHECK(is_quiet(&x));
	fake_server_kill(&x.on.b);
	fake_bus_stop(&x.on.b);
	CHECK(is_quiet(&x));
	change_in_secret(&x);
	fake_bus_start(&x.on.b);
	fake_server_start(&x.on.b);
	CHECK_EQ(next(&x, &id), PMEMFAIL_FAILURE_CHANGED);
	CHECK_EQ(next(&x, &id), PMEMFAIL_FAILURE_ADDED);
	CHECK_EQ(id, 9);
}

TEST(a_signal_that_makes_no_sense_is_looked_into)
{
	BENCH(x);
	uint64_t id;

	change_in_secret(&x);
	fake_server_emit(&x.on.b, 'x', 0);
	CHECK_EQ(next(&x, &id), PMEMFAIL_FAILURE_CHANGED);
	CHECK_EQ(next(&x, &id), PMEMFAIL_FAILURE_ADDED);
}

/* Somebody else is on the bus for a moment. */
static void stranger(void)
{
	sd_bus *bus = NULL;

	if (sd_bus_open_system(&bus) < 0)
		abort();
	sd_bus_flush_close_unref(bus);
}

TEST(who_else_comes_and_goes_means_nothing)
{
	BENCH(x);
	struct pollfd p = { .fd = pmemfail_monitor_get_fd(x.m), .events = POLLIN };
	unsigned int lists;

	CHECK(is_quiet(&x));
	lists = x.on.b.shared->lists;
	for (int i = 0; i < 5; i++)
		stranger();
	CHECK_EQ(poll(&p, 1, 300), 0);
	CHECK(is_quiet(&x));
	CHECK_EQ(x.on.b.shared->lists, lists);
}

TEST(who_else_goes_is_not_taken_for_the_daemon)
{
	BENCH(x);
	uint64_t id;

	fake_server_kill(&x.on.b);
	change_in_secret(&x);
	fake_server_start(&x.on.b);
	stranger();
	poll(NULL, 0, 300);
	CHECK_EQ(next(&x, &id), PMEMFAIL_FAILURE_CHANGED);
	CHECK_EQ(next(&x, &id), PMEMFAIL_FAILURE_ADDED);
	CHECK_EQ(id, 9);
}

static void fail_by(struct bench *x, const char *error)
{
	strcpy(x->on.b.shared->error_name, error);
	x->on.b.shared->manner = FAKE_ERROR;
}

/* It is asked again, by the fd alone. */
static void is_told_later(struct bench *x)
{
	uint64_t id;

	x->on.b.shared->manner = FAKE_SENSIBLE;
	CHECK_EQ(next(x, &id), PMEMFAIL_FAILURE_CHANGED);
	CHECK_EQ(next(x, &id), PMEMFAIL_FAILURE_ADDED);
	CHECK_EQ(id, 9);
}

TEST(a_daemon_that_is_busy_is_waited_for)
{
	BENCH(x);
	struct pmemfail_failure *f = NULL;

	fake_server_kill(&x.on.b);
	change_in_secret(&x);
	fail_by(&x, "org.pmemfail1.Error.Busy");
	fake_server_start(&x.on.b);
	CHECK_EQ(pmemfail_monitor_next(x.m, &f), -EAGAIN);
	is_told_later(&x);
}

TEST(one_failure_it_is_too_busy_for_is_told_later)
{
	BENCH(x);
	unsigned int calls = x.on.b.shared->calls;
	struct pmemfail_failure *f = NULL;

	change_in_secret(&x);
	fail_by(&x, "org.pmemfail1.Error.Busy");
	fake_server_emit(&x.on.b, 'c', 5);
	while (x.on.b.shared->calls == calls) {
		CHECK_EQ(pmemfail_monitor_next(x.m, &f), -EAGAIN);
		poll(NULL, 0, 10);
	}
	is_told_later(&x);
}

TEST(after_an_error_the_caller_may_wait)
{
	BENCH(x);
	struct pollfd p = { .fd = pmemfail_monitor_get_fd(x.m), .events = POLLIN };
	struct pmemfail_failure *f = NULL;
	int r;

	change_in_secret(&x);
	fail_by(&x, "org.freedesktop.DBus.Error.AccessDenied");
	fake_server_emit(&x.on.b, 'c', 5);
	while ((r = pmemfail_monitor_next(x.m, &f)) == -EAGAIN)
		poll(NULL, 0, 10);
	CHECK_EQ(r, -EACCES);
	CHECK(poll(&p, 1, PATIENCE_MS) > 0);
	is_told_later(&x);
}
