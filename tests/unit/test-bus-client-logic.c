// SPDX-License-Identifier: GPL-2.0-only
/*
 * A connection to pmemfaild: the same calls, the same answers; jobs to their end, or
 * until the daemon goes away.
 */
#include <poll.h>

#include "bus-bench.h"
#include "sample.h"

TEST(what_there_is_is_read)
{
	BENCH(x);
	_cleanup_(pmf_failure_freep) struct pmf_failure *want = sample_failure();
	struct pmemfail_devices *l = NULL;
	struct pmemfail_failure *f = NULL;
	char names[64] = "", *json = NULL;
	uint64_t sum = 0;
	bool full = false;
	size_t n = 0;

	CHECK(pmemfail_is_connection(x.ctx));
	CHECK_EQ(pmemfail_list_devices(x.ctx, &l), 0);
	CHECK_EQ(pmemfail_devices_count(l), 1);
	CHECK_EQ(pmemfail_device_to_json(pmemfail_devices_get(l, 0), &json), 0);
	CHECK_STR(json, x.b.shared->device);
	free(json);
	CHECK_EQ(pmemfail_device_badblocks(x.ctx, pmemfail_devices_get(l, 0), bus_take_range, &sum,
					   &full), 0);
	CHECK_EQ(sum, 512 + 1024 + 4096 + 8192);
	CHECK(full);
	pmemfail_devices_free(l);
	CHECK_EQ(pmemfail_get_failure(x.ctx, 5, &f), 0);
	want->id = 5;
	CHECK_STR(failure_difference((const struct pmf_failure *)f, want), NULL);
	pmemfail_failure_free(f);
	CHECK_EQ(pmemfail_list_failures(x.ctx, -1, bus_count, &n), 0);
	CHECK_EQ(n, 1);
	CHECK_EQ(pmemfail_frozen(x.ctx, bus_take_name, names), 0);
	CHECK_STR(names, "pmem0dm-0");
	CHECK_EQ(pmemfail_reload(x.ctx), 0);
}

static int take_told(const struct pmemfail_failure *f, void *userdata)
{
	uint64_t *n = userdata;

	/* of one that was listed, without sites */
	*n += pmemfail_failure_sites(f) == 0 ? pmemfail_failure_told(f) : 0;
	return 0;
}

TEST(many_failures_in_few_questions)
{
	BENCH(x);
	_cleanup_(pmf_failure_freep) struct pmf_failure *one = sample_failure();
	uint64_t told = 0;

	for (size_t i = 0; i < 5; i++)
		x.b.shared->ids[i] = 50 - i;
	CHECK_EQ(pmemfail_list_failures(x.ctx, -1, take_told, &told), 0);
	CHECK_EQ(told, 5 * pmf_failure_told(one));
	told = 0;
	CHECK_EQ(x.b.shared->lists, 4);		/* two, two, one and none */
	CHECK(pmf_failure_told(one) > 0);
	CHECK_EQ(pmemfail_list_failures(x.ctx, PMEMFAIL_HANDLED, take_told, &told), 0);
	CHECK_EQ(told, 5 * pmf_failure_told(one));
}

TEST(counts_of_events)
{
	BENCH(x);
	uint64_t events = 0, merges = 0;

	CHECK_EQ(pmemfail_event_counters(x.ctx, &events, &merges), 0);
	CHECK_EQ(events, 7);
	CHECK_EQ(merges, 3);
	x.b.shared->manner = FAKE_NO_COUNTS;
	CHECK_EQ(pmemfail_event_counters(x.ctx, &events, &merges), -ENOENT);
}

TEST(a_diagnosis_of_what_everybody_is_told)
{
	BENCH(x);
	struct pmemfail_diagnosis *d = NULL;

	CHECK_EQ(pmemfail_diagnose(x.ctx, &d), 0);
	CHECK_EQ(pmemfail_diagnosis_count(d), 3);
	CHECK_EQ(pmemfail_diagnosis_worst(d, NULL), PMEMFAIL_OK);
	pmemfail_diagnosis_free(d);
}

TEST(what_is_the_machines_is_refused)
{
	BENCH(x);
	struct pmemfail_engine *e = NULL;
	struct pmemfail *direct = NULL;
	const char *key;

	CHECK_EQ(pmemfail_set(x.ctx, "Freeze", "no"), -EOPNOTSUPP);
	CHECK_EQ(pmemfail_setting(x.ctx, 0, &key, NULL, NULL), -EOPNOTSUPP);
	CHECK_EQ(pmemfail_read_config(x.ctx, test_dir()), -EOPNOTSUPP);
	CHECK_EQ(pmemfail_thaw_leftovers(x.ctx), -EOPNOTSUPP);
	CHECK_EQ(pmemfail_engine_new(x.ctx, &e), -EOPNOTSUPP);
	CHECK_EQ(pmemfail_new(&direct), 0);
	CHECK(!pmemfail_is_connection(direct));
	CHECK_EQ(pmemfail_reload(direct), -EOPNOTSUPP);
	CHECK_EQ(pmemfail_inhibit(direct, "pmem0", "a", "b"), -EOPNOTSUPP);
	pmemfail_unref(direct);
}

/* --- jobs ------------------------------------------------------------------ */

static int note_progress(uint64_t done, uint64_t total, void *userdata)
{
	struct bus_bench *x = userdata;

	/* That it has come to 3 is told by a signal only; then it may be over. */
	if (total == 4 && done == 3 && x->b.shared->manner == FAKE_JOB_TOLD) {
		x->b.shared->manner = FAKE_SENSIBLE;
		fake_server_emit(&x->b, 'j', 0);
	}
	return 0;
}

TEST(a_job_is_seen_to_its_end)
{
	BENCH(x);
	struct pmemfail_failure *f = NULL;
	size_t n = 0;

	x.b.shared->manner = FAKE_JOB_TOLD;
	CHECK_EQ(pmemfail_assess_range(x.ctx, "pmem0", 4096, 512, true, note_progress, &x, &f),
		 0);
	CHECK_EQ(x.b.shared->manner, FAKE_SENSIBLE);
	CHECK_STR(x.b.shared->options, "pmem0 4096 512 Deep 1");
	CHECK_EQ(pmemfail_failure_id(f), 5);
	pmemfail_failure_free(f);
	CHECK_EQ(pmemfail_assess(x.ctx, "pmem0", &f), 0);
	CHECK_STR(x.b.shared->options, "pmem0 0 0  0");
	pmemfail_failure_free(f);
	CHECK_EQ(pmemfail_prepare_remove(x.ctx, "pmem0", &f), 0);
	pmemfail_failure_free(f);
	CHECK_EQ(pmemfail_report(x.ctx, "pmem0", 0, 512, bus_count, &n), 1);
	CHECK_EQ(pmemfail_report_spa(x.ctx, 0, 512, bus_count, &n), 1);
	CHECK_EQ(pmemfail_replay(x.ctx, NULL, bus_count, &n), 1);
	CHECK_EQ(n, 3);
	/* What means all, or physical addresses, on the bus is no device's name. */
	CHECK_EQ(pmemfail_report(x.ctx, "", 0, 512, bus_count, &n), -ENODEV);
	CHECK_EQ(pmemfail_replay(x.ctx, "", bus_count, &n), -ENODEV);
	CHECK_EQ(x.b.shared->canceled, 0);
}

TEST(who_looks_on_is_told_what_the_daemon_tells)
{
	BENCH(x);
	struct pmemfail_progress *p = NULL;
	struct pmemfail_failure *f = NULL;
	uint64_t done = 0, total = 0;
	size_t n = 0;

	CHECK_EQ(pmemfail_progress_new(&p), 0);
	CHECK_EQ(pmemfail_prepare_remove_with_progress(x.ctx, "pmem0", p, &f), 0);
	pmemfail_failure_free(f);
	CHECK_EQ(pmemfail_progress_get(p, &done, &total), 0);
	CHECK(done == 1 && total == 4);		/* as it was asked for last */
	pmemfail_progress_free(p);
	CHECK_EQ(pmemfail_progress_new(&p), 0);
	CHECK_EQ(pmemfail_replay_with_progress(x.ctx, NULL, p, bus_count, &n), 1);
	CHECK_EQ(pmemfail_progress_get(p, &done, &total), 0);
	CHECK(done == 1 && total == 4);
	pmemfail_progress_free(p);
	CHECK_EQ(x.b.shared->canceled, 0);
}

TEST(a_job_that_fails_says_why_and_what_there_is)
{
	BENCH(x);
	struct pmemfail_failure *f = NULL;
	size_t n = 0;

	x.b.shared->manner = FAKE_JOB_FAILS;
	CHECK_EQ(pmemfail_assess(x.ctx, "pmem0", &f), -EROFS);
	CHECK_STR(pmemfail_why(), "it is broken");
	CHECK_EQ(pmemfail_replay(x.ctx, NULL, bus_count, &n), -EROFS);
	CHECK_STR(pmemfail_why(), "it is broken");
	CHECK_EQ(n, 1);
}

static int stop(uint64_t done, uint64_t total, void *userdata)
{
	(void)done;
	(void)total;
	(void)userdata;
	return -ENODATA;
}

TEST(a_job_is_canceled_by_its_progress)
{
	BENCH(x);
	struct pmemfail_failure *f = NULL;

	x.b.shared->manner = FAKE_JOB_ENDLESS;
	CHECK_EQ(pmemfail_assess_range(x.ctx, "pmem0", 0, 512, false, stop, NULL, &f), -ENODATA);
	CHECK_EQ(x.b.shared->canceled, 1);
}

TEST(a_daemon_that_goes_away_in_the_middle)
{
	BENCH(x);
	struct pmemfail_failure *f = NULL;

	x.b.shared->manner = FAKE_JOB_DIES;
	CHECK_EQ(pmemfail_prepare_remove(x.ctx, "pmem0", &f), -ECONNRESET);
	CHECK(strstr(pmemfail_why(), "went away"));
	CHECK_EQ(bus_get(&x), -EHOSTDOWN);
	fake_server_kill(&x.b);
	x.b.shared->manner = FAKE_SENSIBLE;
	fake_server_start(&x.b);
	CHECK_EQ(bus_get(&x), 0);
}

/* --- without the other side -------------------------------------------------- */

TEST(no_bus_and_no_daemon)
{
	BENCH(x);
	struct pmemfail *ctx = NULL;

	fake_server_kill(&x.b);
	CHECK_EQ(pmemfail_connect(&ctx), -EHOSTDOWN);
	CHECK_EQ(bus_get(&x), -EHOSTDOWN);
	fake_bus_stop(&x.b);
	CHECK_EQ(pmemfail_connect(&ctx), -EHOSTDOWN);
	CHECK_EQ(bus_get(&x), -EHOSTDOWN);
	fake_bus_start(&x.b);
	fake_server_start(&x.b);
	CHECK_EQ(bus_get(&x), 0);
}

/* --- inhibitors ------------------------------------------------------------ */

static bool comes(atomic_uint *what)
{
	for (int i = 0; i < 1000 && *what == 0; i++)
		poll(NULL, 0, 10);
	return *what > 0;
}

TEST(an_inhibitor_lasts_as_long_as_its_fd)
{
	BENCH(x);
	int fd = pmemfail_inhibit(x.ctx, "pmem0", "test", "to see");

	CHECK(fd >= 0);
	CHECK_EQ(bus_get(&x), 0);	/* that message is gone: the fd is not */
	CHECK_EQ(x.b.shared->released, 0);
	close(fd);
	CHECK(comes(&x.b.shared->released));
}
