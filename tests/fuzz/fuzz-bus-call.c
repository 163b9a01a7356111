// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments of the calls that begin a job, from whoever may talk to the bus. Nobody is
 * asked, and nothing begins, unless every argument is in its bounds; and a job has just
 * what the call says.
 */
#include "fuzz-message.h"

#include "../../daemon/bus-job.h"

int __wrap_bus_job_new(struct bus *b, enum bus_job_kind kind, const char *owner,
		       struct bus_job **ret, sd_bus_error *error);
void __wrap_bus_job_drop(struct bus_job *j);
int __wrap_bus_authorize(struct bus *b, sd_bus_message *m, const char *action,
			 bus_caller_fn fn, void *userdata, sd_bus_error *error);

static struct bus_job job;
static bool asked;

int __wrap_bus_job_new(struct bus *b, enum bus_job_kind kind, const char *owner,
		       struct bus_job **ret, sd_bus_error *error)
{
	(void)error;
	job = (struct bus_job){ .bus = b, .kind = kind, .owner = (char *)owner };
	*ret = &job;
	return 0;
}

void __wrap_bus_job_drop(struct bus_job *j)
{
	if (j) {
		free(j->device);
		free(j->ranges);
		*j = (struct bus_job){ 0 };
	}
}

int __wrap_bus_authorize(struct bus *b, sd_bus_message *m, const char *action,
			 bus_caller_fn fn, void *userdata, sd_bus_error *error)
{
	struct bus_job *j = userdata;

	CHECK(b && m && action && fn && !sd_bus_error_is_set(error));
	CHECK(j == &job && j->device && strlen(j->device) <= BUS_MAX_STRING);
	for (const char *p = j->device; *p; p++)
		CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
	CHECK(*j->device || j->kind == BUS_JOB_REPORT || j->kind == BUS_JOB_REPLAY);
	CHECK(j->n_ranges <= BUS_MAX_RANGES && (j->n_ranges > 0 || j->kind != BUS_JOB_REPORT));
	for (size_t i = 0; i < j->n_ranges; i++)
		CHECK(j->ranges[i].start < j->ranges[i].end);
	CHECK(!j->deep || j->kind == BUS_JOB_ASSESS);
	CHECK(sd_bus_message_at_end(m, 1) > 0);	/* all of it was read */
	asked = true;
	return 1;
}

static sd_bus_message *make_call(struct fuzz *f, enum bus_job_kind kind)
{
	static const char *const members[] = { "Assess", "Report", "PrepareRemove", "Replay" };
	static const char *const options[] = { "Deep", NULL };
	sd_bus_message *m = fuzz_message_of(members[kind]);

	fuzz_append_string(m, f);
	if (kind == BUS_JOB_ASSESS || kind == BUS_JOB_REPORT)
		fuzz_append_ranges(m, f);
	if (kind != BUS_JOB_REPLAY)
		fuzz_append_options(m, f, options);
	fuzz_message_end(m);
	return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { data, size };
	sd_bus_message *m = make_call(&f, fuzz_u8(&f) % 4);
	sd_bus_error error = SD_BUS_ERROR_NULL;
	struct bus b = { 0 };
	int r;

	asked = false;
	r = bus_job_call(m, &b, &error);
	CHECK(asked == (r >= 0));
	if (r < 0)
		CHECK(sd_bus_error_is_set(&error) && error.message && *error.message);
	if (asked)
		__wrap_bus_job_drop(&job);
	CHECK(!job.device && !job.ranges);	/* nothing is left of what was refused */
	sd_bus_error_free(&error);
	sd_bus_message_unref(m);
	return 0;
}
