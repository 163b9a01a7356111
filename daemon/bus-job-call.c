/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The methods that begin a job: what they are called with is checked whole before
 * anything is done, or anybody asked for a password.
 */
#include <errno.h>
#include <string.h>

#include "bus-job.h"

static const struct {
	const char *method, *action;
	bool has_ranges, has_options, needs_ranges, may_name_none;
} calls[] = {
	[BUS_JOB_ASSESS] = { "Assess", "assess", true, true, false, false },
	[BUS_JOB_REPORT] = { "Report", "report", true, true, true, true },
	[BUS_JOB_PREPARE_REMOVE] = { "PrepareRemove", "prepare-remove", false, true, false,
				     false },
	[BUS_JOB_REPLAY] = { "Replay", "replay", false, false, false, true },
};

static int read_ranges(sd_bus_message *m, struct bus_job *j, sd_bus_error *error)
{
	struct bus_range *fit;
	uint64_t start, length;
	int r;

	j->ranges = calloc(BUS_MAX_RANGES, sizeof(*j->ranges));
	if (!j->ranges)
		return -ENOMEM;
	r = sd_bus_message_enter_container(m, 'a', "(tt)");
	while (r >= 0 && (r = sd_bus_message_read(m, "(tt)", &start, &length)) > 0) {
		if (j->n_ranges == BUS_MAX_RANGES)
			return bus_fail(error, -EINVAL, "more than 4096 ranges");
		if (length == 0)
			return bus_fail(error, -EINVAL, "a length of 0 names no bytes");
		if (length > UINT64_MAX - start)
			return bus_fail(error, -ERANGE, "offset and length together are too"
					" large");
		j->ranges[j->n_ranges++] = (struct bus_range){ start, start + length };
	}
	if (r >= 0 && j->n_ranges < BUS_MAX_RANGES) {
		/* It may wait for long: no more memory than it has use for. */
		fit = realloc(j->ranges, (j->n_ranges + 1) * sizeof(*j->ranges));
		j->ranges = fit ? fit : j->ranges;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_options(sd_bus_message *m, struct bus_job *j, sd_bus_error *error)
{
	bool seen = false;
	const char *key;
	int deep, r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &key);
		if (r < 0)
			return r;
		if (j->kind != BUS_JOB_ASSESS || strcmp(key, "Deep") != 0)
			return bus_fail(error, -EINVAL, "there is no such option");
		/* The call is kept as it is: it must not be any length. */
		if (seen)
			return bus_fail(error, -EINVAL, "an option is there twice");
		seen = true;
		if (sd_bus_message_read(m, "v", "b", &deep) < 0)
			return bus_fail(error, -EINVAL, "the option Deep is a boolean");
		j->deep = deep;
		r = sd_bus_message_exit_container(m);
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_call(sd_bus_message *m, struct bus_job *j, sd_bus_error *error)
{
	const char *device;
	int r = sd_bus_message_read(m, "s", &device);

	if (r >= 0)
		r = bus_check_string(device, "the device's name", calls[j->kind].may_name_none,
				     error);
	if (r >= 0) {
		j->device = strdup(device);
		r = j->device ? 0 : -ENOMEM;
	}
	if (r >= 0 && calls[j->kind].has_ranges)
		r = read_ranges(m, j, error);
	if (r >= 0 && calls[j->kind].has_options)
		r = read_options(m, j, error);
	if (r >= 0 && calls[j->kind].needs_ranges && j->n_ranges == 0)
		return bus_fail(error, -EINVAL, "no range was named");
	return r;
}

static void may(struct bus_caller *c, sd_bus_message *m, void *userdata, int error)
{
	struct bus_job *j = userdata;
	int r;

	if (error < 0) {
		bus_deny(m, error);
		bus_job_drop(j);
		return;
	}
	j->uid = bus_caller_uid(c);
	r = bus_job_begin(j);
	if (r < 0) {
		bus_fail_later(m, r, r == -EBUSY ? "too much waits to be done" :
			       r == -EUSERS ? BUS_TOO_MANY_JOBS : NULL);
		bus_job_drop(j);
		return;
	}
	(void)sd_bus_reply_method_return(m, "o", j->path);
	(void)bus_emit(j->bus, "JobNew", "to", j->id, j->path);
}

int bus_job_call(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *member = sd_bus_message_get_member(m);
	const char *sender = sd_bus_message_get_sender(m);
	enum bus_job_kind kind = BUS_JOB_ASSESS;
	struct bus *b = userdata;
	struct bus_job *j = NULL;
	int r;

	while (strcmp(calls[kind].method, member) != 0)
		kind++;		/* the vtable has no others */
	r = bus_job_new(b, kind, bus_or_empty(sender), &j, error);
	if (r >= 0)
		r = read_call(m, j, error);
	if (r >= 0)
		r = bus_authorize(b, m, calls[kind].action, may, j, error);
	if (r < 0)
		bus_job_drop(j);
	return r;
}
