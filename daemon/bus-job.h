/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A job: something that a client wants done and that takes its time. It is an object
 * on the bus from its begin until a minute after its end.
 */
#ifndef DAEMON_BUS_JOB_H
#define DAEMON_BUS_JOB_H

#include <stdatomic.h>

#include "bus-internal.h"

#define BUS_MAX_JOBS		16	/* that are not over */
#define BUS_MAX_JOBS_EACH	4	/* of one client */
#define BUS_TOO_MANY_JOBS	"there are 16 jobs already; wait for one to end"

enum bus_job_kind { BUS_JOB_ASSESS, BUS_JOB_REPORT, BUS_JOB_PREPARE_REMOVE, BUS_JOB_REPLAY };

enum bus_job_state {
	BUS_JOB_ASKED,		/* may its client do this? not on the bus yet */
	BUS_JOB_WAITING,	/* for delays, or a thread */
	BUS_JOB_RUNNING,
	BUS_JOB_DONE,
	BUS_JOB_FAILED,
	BUS_JOB_CANCELED,
};

struct bus_job {
	struct work_item item;
	struct bus_job *next;
	struct bus *bus;
	struct pmemfail *lib;
	uint64_t id;
	char path[64];
	enum bus_job_kind kind;
	enum bus_job_state state;
	char *device;			/* "": none named */
	struct bus_range *ranges;	/* offset and end */
	size_t n_ranges;
	bool deep;
	char *owner;			/* unique name; "": of another connection */
	uint32_t uid;
	sd_bus_slot *owner_gone, *owner_there;
	uint64_t removal;		/* of pmemfail_engine_begin_removal() */
	bool in_removal;
	uint64_t ended_us;

	/* shared with the thread */
	atomic_bool cancel;
	atomic_bool running;
	atomic_uint_fast64_t done, total;	/* of what its work counts */
	struct pmemfail_progress *progress;	/* what the library counts instead; or NULL */
	uint64_t told_done, told_total;

	/* what the thread brings */
	int error;
	char why[256];
	uint64_t *ids;
	size_t n_ids;
	char *json;			/* an array of failures; NULL: too long */
	size_t json_size;
	uint64_t began_us;		/* realtime, as failures have it */
};

/* bus-job-call.c: Assess, Report, PrepareRemove and Replay */
int bus_job_call(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* bus-job-work.c */
void bus_job_run(struct work_item *i);		/* in a thread */

/* bus-job-object.c */
#define BUS_JOB_PREFIX		"/org/pmemfail1/job"
#define BUS_JOB_INTERFACE	"org.pmemfail1.Job"
int bus_job_add(struct bus *b);
const char *bus_job_state_name(const struct bus_job *j);
const char *bus_job_kind_name(const struct bus_job *j);
void bus_job_how_far(const struct bus_job *j, uint64_t *ret_done, uint64_t *ret_total);

/* bus-job.c */
/* -EOPNOTSUPP: it acts already. */
int bus_job_cancel(struct bus_job *j);
int bus_job_new(struct bus *b, enum bus_job_kind kind, const char *owner, struct bus_job **ret,
		sd_bus_error *error);
void bus_job_drop(struct bus_job *j);		/* it never began */
/* Its client may: it appears on the bus, and goes to its work when it can. -EUSERS: there
 * are BUS_MAX_JOBS by now. */
int bus_job_begin(struct bus_job *j);
/* The removal with this token waits for no delay any more. */
void bus_job_ready(struct bus *b, uint64_t token);
void bus_jobs_disconnected(struct bus *b);
void bus_jobs_cancel(struct bus *b);
void bus_jobs_done(struct bus *b);

#endif
