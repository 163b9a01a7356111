// SPDX-License-Identifier: GPL-2.0-only
/* The public getters: what they say, and that nothing asked wrongly crashes. */
#include "context.h"
#include "fake-holds.h"
#include "sample.h"
#include "test.h"

struct bench {
	struct fake_holds f;
	struct pmemfail *ctx;
};

static void bench_init(struct bench *b)
{
	char path[300];

	fake_holds_init(&b->f);
	if (pmemfail_new(&b->ctx) < 0)
		abort();
	(void)snprintf(path, sizeof(path), "%s", test_dir());
	if (pmemfail_set(b->ctx, "StateDirectory", path) < 0 ||
	    pmemfail_set(b->ctx, "RuntimeDirectory", path) < 0)
		abort();
	pmf_act_on(b->ctx, &b->f.sys);
}

static void bench_done(struct bench *b)
{
	pmemfail_unref(b->ctx);
	fake_holds_done(&b->f);
}
#define BENCH(b) _cleanup_(bench_done) struct bench b; bench_init(&(b))

TEST(null_is_answered)
{
	uint64_t ns = 7;

	CHECK(!pmemfail_unref(NULL));
	CHECK(!pmemfail_ref(NULL));
	CHECK(!pmemfail_devices_free(NULL));
	CHECK(!pmemfail_failure_free(NULL));
	CHECK(!pmemfail_diagnosis_free(NULL));
	CHECK(!pmemfail_notice_free(NULL));
	CHECK(!pmemfail_engine_free(NULL));
	CHECK_EQ(pmemfail_new(NULL), -EINVAL);
	CHECK_EQ(pmemfail_list_devices(NULL, NULL), -EINVAL);
	CHECK_EQ(pmemfail_list_failures(NULL, -1, NULL, NULL), -EINVAL);
	CHECK_EQ(pmemfail_assess(NULL, NULL, NULL), -EINVAL);
	CHECK_EQ(pmemfail_prepare_remove(NULL, NULL, NULL), -EINVAL);
	CHECK_EQ(pmemfail_diagnose(NULL, NULL), -EINVAL);
	CHECK_EQ(pmemfail_engine_new(NULL, NULL), -EINVAL);
	CHECK_EQ(pmemfail_engine_dispatch(NULL), -EINVAL);
	CHECK_EQ(pmemfail_engine_get_fd(NULL), -EINVAL);
	CHECK_EQ(pmemfail_thaw_leftovers(NULL), -EINVAL);
	CHECK_EQ(pmemfail_devices_count(NULL), 0);
	CHECK(!pmemfail_devices_get(NULL, 0));
	CHECK(!pmemfail_device_name(NULL));
	CHECK(!pmemfail_failure_reason(NULL));
	CHECK(!pmemfail_failure_site(NULL, 0));
	CHECK(!pmemfail_site_name(NULL));
	CHECK_EQ(pmemfail_site_step(NULL, "open", &ns), -EINVAL);
	CHECK_EQ(ns, 7);
	CHECK(!pmemfail_site_victim(NULL, 0));
	CHECK(!pmemfail_victim_comm(NULL));
	CHECK(!pmemfail_site_target(NULL, 0));
	CHECK(!pmemfail_target_path(NULL));
	CHECK_EQ(pmemfail_target_result(NULL), -EINVAL);
	pmemfail_target_at(NULL, &ns, NULL);
	CHECK_EQ(ns, 0);
	CHECK(!pmemfail_failure_hook(NULL, 0));
	CHECK_EQ(pmemfail_hook_status(NULL), -EINVAL);
	CHECK_EQ(pmemfail_failure_range(NULL, 0, NULL, NULL), -EINVAL);
	CHECK_EQ(pmemfail_site_range(NULL, 0, NULL, NULL), -EINVAL);
	CHECK_EQ(pmemfail_device_badblocks(NULL, NULL, NULL, NULL, NULL), -EINVAL);
	CHECK_EQ(pmemfail_report(NULL, NULL, 0, 1, NULL, NULL), -EINVAL);
	CHECK_EQ(pmemfail_report_spa(NULL, 0, 1, NULL, NULL), -EINVAL);
	CHECK_EQ(pmemfail_replay(NULL, NULL, NULL, NULL), -EINVAL);
	CHECK_EQ(pmemfail_replay_with_progress(NULL, NULL, NULL, NULL, NULL), -EINVAL);
	CHECK_EQ(pmemfail_prepare_remove_with_progress(NULL, NULL, NULL, NULL), -EINVAL);
	CHECK_EQ(pmemfail_progress_new(NULL), -EINVAL);
	CHECK_EQ(pmemfail_progress_get(NULL, NULL, NULL), -EINVAL);
	CHECK(!pmemfail_progress_free(NULL));
	CHECK_EQ(pmemfail_assess_range(NULL, NULL, 0, 1, false, NULL, NULL, NULL), -EINVAL);
	CHECK_EQ(pmemfail_monitor_new(NULL, NULL), -EINVAL);
	CHECK(!pmemfail_monitor_free(NULL));
	CHECK_EQ(pmemfail_monitor_get_fd(NULL), -EINVAL);
	CHECK_EQ(pmemfail_monitor_next(NULL, NULL), -EINVAL);
	CHECK(!pmemfail_state_name((enum pmemfail_state)99));
	CHECK(!pmemfail_state_name((enum pmemfail_state)-1));
	CHECK_STR(pmemfail_state_name(PMEMFAIL_UNSUPPORTED), "unsupported");
	CHECK(pmemfail_why()[0]);
}

TEST(failure_says_what_is_in_it)
{
	struct pmf_failure *m = sample_failure();
	const struct pmemfail_failure *f = pmf_failure_to_public(m);
	const struct pmemfail_site *s;
	const struct pmemfail_victim *v;

	CHECK(m && m->n_cases > 0 && m->cases[0].n_victims > 0);
	CHECK_EQ(pmemfail_failure_id(f), m->id);
	CHECK_STR(pmemfail_failure_device_id(f), m->device_id);
	CHECK_STR(pmemfail_failure_reason(f), m->reason);
	CHECK_EQ(pmemfail_failure_sites(f), m->n_cases);
	CHECK(!pmemfail_failure_site(f, m->n_cases));
	s = pmemfail_failure_site(f, 0);
	CHECK_STR(pmemfail_site_name(s), m->cases[0].site.name);
	CHECK_EQ(pmemfail_site_victims(s), m->cases[0].n_victims);
	CHECK(!pmemfail_site_victim(s, m->cases[0].n_victims));
	v = pmemfail_site_victim(s, 0);
	CHECK_EQ(pmemfail_victim_pid(v), m->cases[0].victims[0].pid);
	CHECK_STR(pmemfail_victim_path(v), m->cases[0].victims[0].path);
	pmf_failure_free(m);
}

TEST(failure_says_what_poison_brought)
{
	struct pmf_failure *m = sample_failure();
	const struct pmemfail_failure *f = pmf_failure_to_public(m);
	const struct pmemfail_site *s = pmemfail_failure_site(f, 0);
	const struct pmemfail_target *t = pmemfail_site_target(s, 0);
	uint64_t start = 0, end = 0;

	CHECK_EQ(pmemfail_failure_ranges(f), 2);
	CHECK_EQ(pmemfail_failure_range(f, 1, &start, &end), 0);
	CHECK_EQ(start, 1ULL << 40);
	CHECK_EQ(end, UINT64_MAX);
	CHECK_EQ(pmemfail_failure_range(f, 2, &start, &end), -ENOENT);
	CHECK_STR(pmemfail_site_role(s), "realtime");
	CHECK_EQ(pmemfail_site_ranges(s), 1);
	CHECK_EQ(pmemfail_site_range(s, 0, &start, NULL), 0);
	CHECK_EQ(start, 0);
	CHECK_EQ(pmemfail_site_range(s, 1, &start, NULL), -ENOENT);

	CHECK_EQ(pmemfail_site_targets(s), 1);
	CHECK(!pmemfail_site_target(s, 1));
	CHECK_STR(pmemfail_target_kind(t), "xattr");
	CHECK_STR(pmemfail_target_action(t), "report");
	CHECK_STR(pmemfail_target_path(t), m->cases[0].targets[0].path);
	CHECK_EQ(pmemfail_target_ino(t), 1ULL << 63);
	CHECK_EQ(pmemfail_target_generation(t), UINT32_MAX);
	pmemfail_target_at(t, &start, &end);
	CHECK_EQ(start, 3);
	CHECK_EQ(end, UINT64_MAX);
	pmemfail_target_range(t, &start, &end);
	CHECK_EQ(start, 1);
	CHECK_EQ(end, 2);
	CHECK(pmemfail_target_is_shared(t));
	CHECK_EQ(pmemfail_target_told(t), 5);
	CHECK_EQ(pmemfail_target_pinned(t), UINT64_MAX);
	CHECK_EQ(pmemfail_target_result(t), -EIO);
	m->cases[0].targets[0].step.state = PMF_STEP_DONE;
	CHECK_EQ(pmemfail_target_result(t), 1);

	CHECK_EQ(pmemfail_failure_hooks(f), 2);
	CHECK(!pmemfail_failure_hook(f, 2));
	CHECK_STR(pmemfail_hook_name(pmemfail_failure_hook(f, 0)), "10-restore");
	CHECK_EQ(pmemfail_hook_status(pmemfail_failure_hook(f, 0)), 137);
	CHECK(pmemfail_hook_timed_out(pmemfail_failure_hook(f, 0)));
	CHECK_EQ(pmemfail_hook_ns(pmemfail_failure_hook(f, 0)), 7);
	CHECK_STR(pmemfail_hook_why(pmemfail_failure_hook(f, 0)), NULL);
	CHECK_EQ(pmemfail_hook_status(pmemfail_failure_hook(f, 1)), -EACCES);
	CHECK(pmemfail_hook_why(pmemfail_failure_hook(f, 1)));
	pmf_failure_free(m);
}

static int take_range(uint64_t start, uint64_t end, void *userdata)
{
	struct pmf_range *r = userdata;

	*r = (struct pmf_range){ start, end };
	return start == 8192 ? 5 : 0;
}

TEST(bad_ranges_of_a_device_are_told)
{
	BENCH(b);
	struct pmemfail_devices *l = NULL;
	const struct pmemfail_device *d;
	struct pmf_range last = { 0 };
	bool full = true;

	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_list_devices(b.ctx, &l), 0);
	d = pmemfail_devices_get(l, 0);
	CHECK_EQ(pmemfail_device_badblocks(b.ctx, d, take_range, &last, &full), 0);
	CHECK_EQ(last.end, 0);
	CHECK(!full);
	CHECK_EQ(pmf_ranges_add(&b.f.bad[0], (struct pmf_range){ 512, 1024 }), 0);
	CHECK_EQ(pmemfail_device_badblocks(b.ctx, d, take_range, &last, NULL), 0);
	CHECK_EQ(last.start, 512);
	CHECK_EQ(last.end, 1024);
	CHECK_EQ(pmf_ranges_add(&b.f.bad[0], (struct pmf_range){ 8192, 9216 }), 0);
	CHECK_EQ(pmf_ranges_add(&b.f.bad[0], (struct pmf_range){ 16384, 16896 }), 0);
	b.f.bad_full = true;
	CHECK_EQ(pmemfail_device_badblocks(b.ctx, d, take_range, &last, &full), 5);
	CHECK_EQ(last.end, 9216);
	CHECK(full);
	b.f.bad_error = -ENODEV;
	CHECK_EQ(pmemfail_device_badblocks(b.ctx, d, take_range, &last, &full), -ENODEV);
	CHECK(strstr(pmemfail_why(), "pmem0"));
	pmemfail_devices_free(l);
}

TEST(steps_are_told_apart)
{
	static const char *const names[] = {
		"open", "look", "resolve", "freeze", "revoke", "shutdown", "remount_ro",
		"stop_dax", "settle", "thaw", "unmount",
	};
	struct pmf_case c = { 0 };
	struct pmf_outcome *o = &c.outcome;
	struct pmf_step *steps[] = {
		&o->open, &o->look, &o->resolve, &o->freeze, &o->revoke, &o->shutdown,
		&o->remount_ro, &o->stop_dax, &o->settle, &o->thaw, &o->unmount,
	};
	const struct pmemfail_site *s = (const struct pmemfail_site *)&c;
	uint64_t ns;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CHECK_EQ(pmemfail_site_step(s, names[i], NULL), 0);
		*steps[i] = (struct pmf_step){ PMF_STEP_DONE, 0, 100 + i };
		CHECK_EQ(pmemfail_site_step(s, names[i], &ns), 1);
		CHECK_EQ(ns, 100 + i);
		*steps[i] = (struct pmf_step){ PMF_STEP_FAILED, -EBUSY, 1 };
		CHECK_EQ(pmemfail_site_step(s, names[i], NULL), -EBUSY);
		*steps[i] = (struct pmf_step){ PMF_STEP_UNSUPPORTED, 0, 1 };
		CHECK_EQ(pmemfail_site_step(s, names[i], NULL), -EOPNOTSUPP);
	}
	CHECK_EQ(pmemfail_site_step(s, "dance", NULL), -ENOENT);
	CHECK(strstr(pmemfail_why(), "dance"));
}

TEST(devices_are_listed)
{
	BENCH(b);
	struct pmemfail_devices *l = NULL;
	const struct pmemfail_device *d;
	char *json = NULL;

	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_list_devices(b.ctx, &l), 0);
	CHECK_EQ(pmemfail_devices_count(l), 1);
	CHECK(!pmemfail_devices_get(l, 1));
	d = pmemfail_devices_get(l, 0);
	CHECK_STR(pmemfail_device_name(d), "pmem0");
	CHECK_STR(pmemfail_device_node(d), "/dev/pmem0");
	CHECK_STR(pmemfail_device_bound(d), "pfn0.0");
	CHECK_STR(pmemfail_device_mode(d), "fsdax");
	CHECK_EQ(pmemfail_device_size(d), 1 << 20);
	CHECK_EQ(pmemfail_device_to_json(d, &json), 0);
	CHECK(strstr(json, "\"schema\":1"));
	free(json);
	pmemfail_devices_free(l);
	b.f.read_error = -EACCES;
	CHECK_EQ(pmemfail_list_devices(b.ctx, &l), -EACCES);
	CHECK(strstr(pmemfail_why(), "root"));
}

TEST(wrong_device_is_named)
{
	BENCH(b);
	struct pmemfail_failure *f = NULL;

	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_assess(b.ctx, "pmem7", &f), -ENODEV);
	CHECK(strstr(pmemfail_why(), "pmem7") && strstr(pmemfail_why(), "pmemfailctl devices"));
	CHECK_EQ(pmemfail_prepare_remove(b.ctx, "", &f), -ENODEV);
	CHECK_EQ(pmemfail_prepare_remove(b.ctx, "two\nlines", &f), -ENODEV);
	CHECK(!strchr(pmemfail_why(), '\n'));
	b.f.topology->devices[0].devno = 0;
	CHECK_EQ(pmemfail_prepare_remove(b.ctx, "namespace0.0", &f), -ENODEV);
	CHECK(strstr(pmemfail_why(), "not bound"));
	CHECK(!f);
}

static int count(const struct pmemfail_failure *f, void *userdata)
{
	(void)f;
	(*(unsigned int *)userdata)++;
	return 0;
}

TEST(prepare_is_recorded_and_assess_is_not)
{
	BENCH(b);
	struct pmemfail_failure *f = NULL, *again = NULL;
	unsigned int n = 0;

	fake_holds_add(&b.f, 0);
	b.f.mounted = true;
	CHECK_EQ(pmemfail_assess(b.ctx, "/dev/pmem0", &f), 0);
	CHECK_EQ(pmemfail_failure_id(f), 0);
	CHECK_EQ(pmemfail_failure_sites(f), 1);
	f = pmemfail_failure_free(f);
	CHECK_EQ(pmemfail_list_failures(b.ctx, -1, count, &n), 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(pmemfail_prepare_remove(b.ctx, "pmem0", &f), 0);
	CHECK(pmemfail_failure_id(f) != 0);
	CHECK_EQ(pmemfail_failure_state(f), PMEMFAIL_FAILED);	/* cannot be opened here */
	CHECK_STR(pmemfail_failure_source(f), "request");
	CHECK_EQ(pmemfail_list_failures(b.ctx, -1, count, &n), 0);
	CHECK_EQ(n, 1);
	CHECK_EQ(pmemfail_get_failure(b.ctx, pmemfail_failure_id(f), &again), 0);
	CHECK_EQ(pmemfail_failure_state(again), PMEMFAIL_FAILED);
	CHECK_EQ(pmemfail_failure_sites(again), 1);
	CHECK_EQ(pmemfail_get_failure(b.ctx, 12345, NULL), -EINVAL);
	pmemfail_failure_free(again);
	CHECK_EQ(pmemfail_get_failure(b.ctx, 12345, &again), -ENOENT);
	CHECK(strstr(pmemfail_why(), "12345"));
	CHECK_EQ(pmemfail_set(b.ctx, "Freeze", "no"), -EBUSY);
	pmemfail_failure_free(f);
}

static void *other_thread(void *userdata)
{
	(void)userdata;
	(void)pmemfail_set(NULL, NULL, NULL);
	return NULL;
}

TEST(why_is_each_threads_own)
{
	pthread_t t;

	CHECK_EQ(pmemfail_list_devices(NULL, NULL), -EINVAL);
	CHECK_EQ(pthread_create(&t, NULL, other_thread, NULL), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	CHECK(strstr(pmemfail_why(), "pmemfail_list_devices"));
}
