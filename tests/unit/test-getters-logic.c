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

TEST(steps_are_told_apart)
{
	static const char *const names[] = {
		"open", "look", "freeze", "revoke", "shutdown", "stop_dax", "settle", "thaw",
		"unmount",
	};
	struct pmf_case c = { 0 };
	struct pmf_outcome *o = &c.outcome;
	struct pmf_step *steps[] = {
		&o->open, &o->look, &o->freeze, &o->revoke, &o->shutdown, &o->stop_dax,
		&o->settle, &o->thaw, &o->unmount,
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
