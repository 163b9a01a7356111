/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * org.pmemfail1.Job. That there is a job anybody may know; what it found is for its
 * owner and root, and so is canceling it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus-job.h"

static const char *const kinds[] = {
	[BUS_JOB_ASSESS] = "assess", [BUS_JOB_REPORT] = "report",
	[BUS_JOB_PREPARE_REMOVE] = "prepare-remove", [BUS_JOB_REPLAY] = "replay",
};

const char *bus_job_kind_name(const struct bus_job *j)
{
	return kinds[j->kind];
}

const char *bus_job_state_name(const struct bus_job *j)
{
	static const char *const names[] = {
		[BUS_JOB_ASKED] = "waiting", [BUS_JOB_WAITING] = "waiting",
		[BUS_JOB_RUNNING] = "running", [BUS_JOB_DONE] = "done",
		[BUS_JOB_FAILED] = "failed", [BUS_JOB_CANCELED] = "canceled",
	};

	return names[j->state];
}

void bus_job_how_far(const struct bus_job *j, uint64_t *ret_done, uint64_t *ret_total)
{
	if (j->progress) {
		(void)pmemfail_progress_get(j->progress, ret_done, ret_total);
		return;
	}
	*ret_done = atomic_load(&j->done);
	*ret_total = atomic_load(&j->total);
}

static struct bus_job *find(struct bus *b, const char *path)
{
	struct bus_job *j = b->jobs;

	while (j && (j->state == BUS_JOB_ASKED || strcmp(j->path, path) != 0))
		j = j->next;
	return j;
}

static int on_find(sd_bus *bus, const char *path, const char *interface, void *userdata,
		   void **ret_found, sd_bus_error *error)
{
	(void)bus;
	(void)interface;
	(void)error;
	*ret_found = find(userdata, path);
	return *ret_found ? 1 : 0;
}

static int on_enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes,
			sd_bus_error *error)
{
	struct bus *b = userdata;
	size_t n = 0;
	char **v;

	(void)bus;
	(void)prefix;
	(void)error;
	for (const struct bus_job *j = b->jobs; j; j = j->next)
		n++;
	v = calloc(n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	n = 0;
	for (const struct bus_job *j = b->jobs; j; j = j->next)
		if (j->state != BUS_JOB_ASKED && (v[n] = strdup(j->path)))
			n++;
	*ret_nodes = v;
	return 1;
}

static int get(sd_bus *bus, const char *path, const char *interface, const char *property,
	       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	struct bus_job *j = userdata;
	bool over = j->state >= BUS_JOB_DONE;
	uint64_t done, total;

	(void)bus;
	(void)path;
	(void)interface;
	(void)error;
	bus_job_how_far(j, &done, &total);
	if (strcmp(property, "Id") == 0)
		return sd_bus_message_append(reply, "t", j->id);
	if (strcmp(property, "Kind") == 0)
		return sd_bus_message_append(reply, "s", bus_job_kind_name(j));
	if (strcmp(property, "Device") == 0)
		return sd_bus_message_append(reply, "s", j->device);
	if (strcmp(property, "State") == 0)
		return sd_bus_message_append(reply, "s", bus_job_state_name(j));
	if (strcmp(property, "Done") == 0)
		return sd_bus_message_append(reply, "t", done);
	if (strcmp(property, "Total") == 0)
		return sd_bus_message_append(reply, "t", total);
	if (strcmp(property, "Error") == 0)
		return sd_bus_message_append(reply, "s", over ? j->why : "");
	if (strcmp(property, "Errno") == 0)
		return sd_bus_message_append(reply, "i", over ? j->error : 0);
	return sd_bus_message_append_array(reply, 't', over ? j->ids : NULL,
					   over ? j->n_ids * sizeof(*j->ids) : 0);
}

/* --- for its owner --------------------------------------------------------- */

/* The job that the call is for, if its sender may have it; else it is answered. */
static struct bus_job *own_job(struct bus_caller *c, sd_bus_message *m, int error)
{
	struct bus_job *j = find(bus_caller_bus(c), sd_bus_message_get_path(m));

	if (!j)
		bus_fail_later(m, -ESRCH, "that job is gone");
	else if (error < 0 || (bus_caller_uid(c) != 0 &&
			       strcmp(bus_caller_name(c), j->owner) != 0))
		bus_fail_later(m, -EPERM, "that job is another's");
	else
		return j;
	return NULL;
}

static void may_cancel(struct bus_caller *c, sd_bus_message *m, void *userdata, int error)
{
	struct bus_job *j = own_job(c, m, error);

	if (j) {
		if (bus_job_cancel(j) < 0)
			bus_fail_later(m, -EOPNOTSUPP, "it has begun, and half of it would be"
				       " worse than all");
		else
			(void)sd_bus_reply_method_return(m, NULL);
	}
	bus_caller_done(userdata);
}

static void may_describe(struct bus_caller *c, sd_bus_message *m, void *userdata, int error)
{
	struct bus_job *j = own_job(c, m, error);

	if (j) {
		if (j->state < BUS_JOB_DONE)
			bus_fail_later(m, -EBUSY, "it is not over");
		else if (!j->json && j->error >= 0)
			bus_fail_later(m, -E2BIG, "what it found is too long for the bus");
		else
			bus_reply_text(m, j->json ? j->json : "[]");
	}
	bus_caller_done(userdata);
}

static int ask(struct bus *b, sd_bus_message *m, bus_caller_fn fn, sd_bus_error *error)
{
	struct bus_caller *c;
	int r = bus_caller_begin(b, m, &c, error);

	if (r < 0)
		return r;
	bus_caller_identify(c, m, fn, c);
	return 1;
}

static int on_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_job *j = userdata;

	return ask(j->bus, m, may_cancel, error);
}

static int on_describe(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_job *j = userdata;

	return ask(j->bus, m, may_describe, error);
}

#define CONST	SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES	SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Id", "t", get, 0, CONST),
	SD_BUS_PROPERTY("Kind", "s", get, 0, CONST),
	SD_BUS_PROPERTY("Device", "s", get, 0, CONST),
	SD_BUS_PROPERTY("State", "s", get, 0, CHANGES),
	SD_BUS_PROPERTY("Done", "t", get, 0, CHANGES),
	SD_BUS_PROPERTY("Total", "t", get, 0, CHANGES),
	SD_BUS_PROPERTY("Error", "s", get, 0, CHANGES),
	SD_BUS_PROPERTY("Errno", "i", get, 0, CHANGES),
	SD_BUS_PROPERTY("Failures", "at", get, 0, CHANGES),
	SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_cancel,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), on_describe,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END
};

int bus_job_add(struct bus *b)
{
	int r = sd_bus_add_fallback_vtable(b->bus, NULL, BUS_JOB_PREFIX, BUS_JOB_INTERFACE, vtable,
					   on_find, b);

	return r < 0 ? r : sd_bus_add_node_enumerator(b->bus, NULL, BUS_JOB_PREFIX,
						      on_enumerate, b);
}
