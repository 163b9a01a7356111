// SPDX-License-Identifier: GPL-2.0-only
/*
 * A connection to a pmemfaild that means no good: whatever it answers or does not, there
 * is an error that says so, in time.
 */
#include "bus-bench.h"
#include "bus.h"

/* Short, for what is not answered. */
static void be_impatient(struct bus_bench *x)
{
	x->ctx->bus->timeout_us = 200000;
}

static int every_call(struct bus_bench *x, int want)
{
	struct pmemfail_diagnosis *d = NULL;
	struct pmemfail_devices *l = NULL;
	struct pmemfail_monitor *m = NULL;
	struct pmemfail_failure *f = NULL;
	char names[64] = "";
	size_t n = 0;
	int r[] = {
		pmemfail_list_devices(x->ctx, &l), pmemfail_list_failures(x->ctx, -1, bus_count, &n),
		bus_get(x), pmemfail_assess(x->ctx, "a", &f), pmemfail_prepare_remove(x->ctx, "a", &f),
		pmemfail_report(x->ctx, "a", 0, 1, bus_count, &n),
		pmemfail_replay(x->ctx, NULL, bus_count, &n), pmemfail_diagnose(x->ctx, &d),
		pmemfail_frozen(x->ctx, bus_take_name, names), pmemfail_reload(x->ctx),
		pmemfail_inhibit(x->ctx, "a", "b", "c"), pmemfail_monitor_new(x->ctx, &m),
	};

	for (size_t i = 0; i < ARRAY_SIZE(r); i++)
		if (r[i] != want) {
			test_say("call %zu is %d: %s", i, r[i], pmemfail_why());
			return r[i];
		}
	return l || m || f || d || n ? -1 : want;
}

TEST(answers_of_another_type_are_refused)
{
	BENCH(x);

	x.b.shared->manner = FAKE_OTHER_SIGNATURE;
	CHECK_EQ(every_call(&x, -EBADMSG), -EBADMSG);
}

TEST(who_never_answers_is_not_waited_for)
{
	BENCH(x);

	be_impatient(&x);
	x.b.shared->manner = FAKE_SILENT;
	CHECK_EQ(every_call(&x, -ETIMEDOUT), -ETIMEDOUT);
	x.b.shared->manner = FAKE_SENSIBLE;
	CHECK_EQ(bus_get(&x), 0);	/* and late answers are nobody's */
}

TEST(errors_have_their_numbers)
{
	static const struct { const char *name; int error; } errors[] = {
		{ "org.pmemfail1.Error.NoSuchDevice", -ENODEV },
		{ "org.pmemfail1.Error.NotUnique", -ENOTUNIQ },
		{ "org.pmemfail1.Error.NoSuchFailure", -ENOENT },
		{ "org.pmemfail1.Error.OutOfRange", -ERANGE },
		{ "org.pmemfail1.Error.Unsupported", -EOPNOTSUPP },
		{ "org.pmemfail1.Error.TooManyJobs", -EBUSY },
		{ "org.pmemfail1.Error.Busy", -EBUSY },
		{ "org.freedesktop.DBus.Error.InvalidArgs", -EINVAL },
		{ "org.freedesktop.DBus.Error.AccessDenied", -EACCES },
		{ "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", -EACCES },
		{ "org.example.Strange", -EIO },
	};
	BENCH(x);

	x.b.shared->manner = FAKE_ERROR;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		strcpy(x.b.shared->error_name, errors[i].name);
		CHECK_EQ(bus_get(&x), errors[i].error);
		CHECK(strstr(pmemfail_why(), "a sentence"));
	}
}

TEST(documents_that_are_not_meant)
{
	BENCH(x);
	char *s = x.b.shared->failure, *at;

	x.b.shared->huge = 1000;	/* too deep */
	CHECK_EQ(bus_get(&x), -EBADMSG);
	x.b.shared->huge = FAKE_MOST_JSON;
	CHECK_EQ(bus_get(&x), -EBADMSG);
	x.b.shared->huge = 0;
	CHECK_EQ(bus_get(&x), 0);
	at = strstr(s, "\"cases\"");
	memcpy(at, "\"gases\"", 7);
	CHECK_EQ(bus_get(&x), -EBADMSG);
	memcpy(at, "\"cases\"", 7);
	at = strstr(s, "\"state\"");
	memcpy(at, "\"stale\"", 7);
	CHECK_EQ(bus_get(&x), -EBADMSG);
	strcpy(s, "{}");
	CHECK_EQ(bus_get(&x), -EBADMSG);
	strcpy(s, "{\"schema\":1,\"id\":6}");
	CHECK_EQ(bus_get(&x), -EBADMSG);
	strcpy(s, "{\"a\":1} {}");
	CHECK_EQ(bus_get(&x), -EBADMSG);
}

TEST(devices_that_are_not_meant)
{
	BENCH(x);
	struct pmemfail_devices *l = NULL;
	char *s = x.b.shared->device;
	uint64_t sum = 0;

	CHECK_EQ(pmemfail_list_devices(x.ctx, &l), 0);
	x.b.shared->manner = FAKE_BAD_RANGES;
	CHECK_EQ(pmemfail_device_badblocks(x.ctx, pmemfail_devices_get(l, 0), bus_take_range, &sum,
					   NULL), -EBADMSG);
	l = pmemfail_devices_free(l);
	memcpy(strstr(s, "fsdax"), "madax", 5);
	CHECK_EQ(pmemfail_list_devices(x.ctx, &l), -EBADMSG);
	memcpy(strstr(s, "madax"), "fsdax", 5);
	memcpy(strstr(s, "an id"), "no id", 5);
	CHECK_EQ(pmemfail_list_devices(x.ctx, &l), -EBADMSG);
}

TEST(jobs_and_lists_that_are_not_meant)
{
	static const enum fake_manner manners[] = {
		FAKE_JOB_ELSEWHERE, FAKE_JOB_MAD, FAKE_JOB_WRONG_TYPE,
	};
	BENCH(x);
	struct pmemfail_monitor *m = NULL;
	struct pmemfail_failure *f = NULL;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(manners); i++) {
		x.b.shared->manner = manners[i];
		CHECK_EQ(pmemfail_assess(x.ctx, "pmem0", &f), -EBADMSG);
	}
	x.b.shared->manner = FAKE_BAD_STATE;
	CHECK_EQ(pmemfail_monitor_new(x.ctx, &m), -EBADMSG);
	x.b.shared->manner = FAKE_SAME_AGAIN;
	CHECK_EQ(pmemfail_list_failures(x.ctx, -1, bus_count, &n), -EBADMSG);
	CHECK_EQ(pmemfail_monitor_new(x.ctx, &m), -EBADMSG);
	x.b.shared->manner = FAKE_SENSIBLE;
	strcpy(x.b.shared->failure, "{\"no\":1}");
	CHECK_EQ(pmemfail_assess(x.ctx, "pmem0", &f), -EBADMSG);
	CHECK_EQ(pmemfail_assess(x.ctx, "a\xff", &f), -ENODEV);
}
