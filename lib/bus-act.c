// SPDX-License-Identifier: LGPL-2.1-or-later
/* What pmemfaild is asked to do; see bus.h. */
#include <fcntl.h>

#include "bus.h"
#include "ops.h"

/* What came of a job. */
struct result {
	struct pmf_failure **v;
	size_t n;
};

static void result_done(struct result *l)
{
	pmf_bus_failures_free(l->v, l->n);
}

/* What pmemfaild takes for a name; nothing is called by anything else. */
#define NAME_MOST 256

static bool is_name(const char *s)
{
	if (!*s || strlen(s) > NAME_MOST)
		return false;
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

/* The call of a method whose first argument is the device; NULL: none, which is "" on the
 * bus and there means all devices, or physical addresses. */
static int new_call(struct pmemfail *ctx, const char *member, const char *device,
		    sd_bus **ret_bus, sd_bus_message **ret)
{
	int r;

	if (device && !is_name(device))
		return pmf_why(-ENODEV, "no pmem device is called so");
	r = pmf_bus_get(ctx, ret_bus);
	if (r >= 0)
		r = pmf_bus_message(*ret_bus, PMF_BUS_PATH, PMF_BUS_MANAGER, member, ret);
	if (r < 0)
		return r;
	r = sd_bus_message_append(*ret, "s", device ?: "");
	/* No device is called by what is no text. */
	if (r == -EINVAL)
		return pmf_why(-ENODEV, "no pmem device is called so");
	return r < 0 ? pmf_why_errno(r, "cannot ask pmemfaild for %s", member) : 0;
}

static int append(sd_bus_message *m, const struct pmf_range *range)
{
	int r = range ? sd_bus_message_append(m, "a(tt)", 1, range->start,
					      range->end - range->start) :
		sd_bus_message_append(m, "a(tt)", 0);

	return r < 0 ? pmf_why_errno(r, "cannot ask pmemfaild") : 0;
}

static int append_options(sd_bus_message *m, bool deep)
{
	int r = deep ? sd_bus_message_append(m, "a{sv}", 1, "Deep", "b", 1) :
		sd_bus_message_append(m, "a{sv}", 0);

	return r < 0 ? pmf_why_errno(r, "cannot ask pmemfaild") : 0;
}

/* The one failure that came of it. */
static int take_one(struct result *l, struct pmf_failure **ret)
{
	if (l->n != 1)
		return pmf_bus_malformed("not one failure");
	*ret = TAKE_PTR(l->v[0]);
	return 0;
}

static int assess(struct pmemfail *ctx, const char *device, const struct pmf_range *range,
		  bool deep, pmemfail_progress_fn progress, void *userdata,
		  struct pmf_failure **ret)
{
	_cleanup_message_ sd_bus_message *m = NULL;
	_cleanup_(result_done) struct result l = { 0 };
	sd_bus *bus;
	int r;

	r = new_call(ctx, "Assess", device, &bus, &m);
	if (r >= 0)
		r = append(m, range);
	if (r >= 0)
		r = append_options(m, deep);
	if (r >= 0)
		r = pmf_bus_job(ctx, bus, m, progress, userdata, &l.v, &l.n);
	return r != 0 ? r : take_one(&l, ret);
}

static int assess_removal(struct pmemfail *ctx, const char *device, struct pmf_failure **ret)
{
	return assess(ctx, device, NULL, false, NULL, NULL, ret);
}

static int assess_range(struct pmemfail *ctx, const char *device, struct pmf_range range,
			bool deep, pmemfail_progress_fn progress, void *userdata,
			struct pmf_failure **ret)
{
	return assess(ctx, device, &range, deep, progress, userdata, ret);
}

/* What acts is not stopped by who looks on. */
static int note(uint64_t done, uint64_t total, void *userdata)
{
	pmf_progress_set(userdata, done, total);
	return 0;
}

static int prepare_remove(struct pmemfail *ctx, const char *device,
			  struct pmf_progress *progress, struct pmf_failure **ret)
{
	_cleanup_message_ sd_bus_message *m = NULL;
	_cleanup_(result_done) struct result l = { 0 };
	sd_bus *bus;
	int r;

	r = new_call(ctx, "PrepareRemove", device, &bus, &m);
	if (r >= 0)
		r = append_options(m, false);
	if (r >= 0)
		r = pmf_bus_job(ctx, bus, m, progress ? note : NULL, progress, &l.v, &l.n);
	return r < 0 ? r : take_one(&l, ret);
}

/* Those that there are, also when r says that it then failed. */
static int tell(int r, const struct result *l, pmemfail_failure_fn fn, void *userdata)
{
	_cleanup_free_ char *why = r < 0 ? strdup(pmemfail_why()) : NULL;

	for (size_t i = 0; i < l->n; i++)
		if (fn((const struct pmemfail_failure *)l->v[i], userdata) != 0)
			break;
	if (why)	/* fn may have called something that failed */
		return pmf_why(r, "%s", why);
	return r < 0 ? r : (int)MIN(l->n, (size_t)INT32_MAX);
}

static int report(struct pmemfail *ctx, const char *device, struct pmf_range range,
		  pmemfail_failure_fn fn, void *userdata)
{
	_cleanup_message_ sd_bus_message *m = NULL;
	_cleanup_(result_done) struct result l = { 0 };
	sd_bus *bus;
	int r;

	r = new_call(ctx, "Report", device, &bus, &m);
	if (r >= 0)
		r = append(m, &range);
	if (r >= 0)
		r = append_options(m, false);
	if (r >= 0)
		r = pmf_bus_job(ctx, bus, m, NULL, NULL, &l.v, &l.n);
	return tell(r, &l, fn, userdata);
}

static int report_spa(struct pmemfail *ctx, struct pmf_range range, pmemfail_failure_fn fn,
		      void *userdata)
{
	return report(ctx, NULL, range, fn, userdata);
}

static int replay(struct pmemfail *ctx, const char *device, struct pmf_progress *progress,
		  pmemfail_failure_fn fn, void *userdata)
{
	_cleanup_message_ sd_bus_message *m = NULL;
	_cleanup_(result_done) struct result l = { 0 };
	sd_bus *bus;
	int r;

	r = new_call(ctx, "Replay", device, &bus, &m);
	if (r >= 0)
		r = pmf_bus_job(ctx, bus, m, progress ? note : NULL, progress, &l.v, &l.n);
	return tell(r, &l, fn, userdata);
}

static int reload(struct pmemfail *ctx)
{
	return pmf_bus_ask(ctx, PMF_BUS_PATH, PMF_BUS_MANAGER, "Reload", "", NULL, "");
}

static int inhibit(struct pmemfail *ctx, const char *what, const char *who, const char *why)
{
	_cleanup_message_ sd_bus_message *m = NULL;
	int r, fd;

	r = pmf_bus_ask(ctx, PMF_BUS_PATH, PMF_BUS_MANAGER, "Inhibit", "h", &m, "ssss", what,
			who, why, "delay");
	if (r < 0)
		return r;
	if (sd_bus_message_read(m, "h", &fd) <= 0)
		return pmf_bus_malformed("Inhibit");
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);	/* that one goes with the message */
	return fd < 0 ? pmf_why_errno(-errno, "cannot keep the inhibitor") : fd;
}

const struct pmf_ops pmf_bus_ops = {
	.list_devices = pmf_bus_list_devices,
	.device_badblocks = pmf_bus_device_badblocks,
	.list_failures = pmf_bus_list_failures,
	.get_failure = pmf_bus_get_failure,
	.assess = assess_removal,
	.assess_range = assess_range,
	.prepare_remove = prepare_remove,
	.report = report,
	.report_spa = report_spa,
	.replay = replay,
	.diagnose = pmf_bus_diagnose,
	.frozen = pmf_bus_frozen,
	.event_counters = pmf_bus_event_counters,
	.reload = reload,
	.inhibit = inhibit,
	.monitor = pmf_bus_monitor,
};
