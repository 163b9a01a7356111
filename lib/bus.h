/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A connection to pmemfaild: org.pmemfail1 as a client sees it. What comes from the
 * bus is checked as a damaged record is: types, words, numbers, sizes, names.
 *
 *	bus.c		the connection, calls with a deadline
 *	bus-error.c	names of errors to errno and a sentence
 *	bus-answer.c	answers to the model
 *	bus-read.c	calls that read
 *	bus-job.c	what takes long: begin, progress, cancel, end
 *	bus-act.c	calls that begin a job; inhibitors
 *	bus-diagnose.c	what is said of the machine
 *	bus-monitor.c	what changes; bus-queue.c what of that is to be told, bus-known.c
 *			what was
 *
 * One connection is used by one thread at a time, as its context is; each monitor has
 * one of its own. A call of the user's is never made from within sd-bus, so that it may
 * use the context again.
 */
#ifndef PMF_BUS_H
#define PMF_BUS_H

#include <systemd/sd-bus.h>

#include "context.h"

#define PMF_BUS_NAME		"org.pmemfail1"
#define PMF_BUS_PATH		"/org/pmemfail1"
#define PMF_BUS_DEVICES		PMF_BUS_PATH "/device"
#define PMF_BUS_JOBS		PMF_BUS_PATH "/job"
#define PMF_BUS_MANAGER		PMF_BUS_NAME ".Manager"
#define PMF_BUS_DEVICE		PMF_BUS_NAME ".Device"
#define PMF_BUS_JOB		PMF_BUS_NAME ".Job"
#define PMF_BUS_PROPERTIES	"org.freedesktop.DBus.Properties"

#define PMF_SETTINGS_ARE_THE_DAEMONS \
	"the settings are pmemfaild's: change its configuration, then pmemfail_reload()"

struct pmf_bus {
	sd_bus *bus;		/* NULL: lost, opened again when it is needed */
	uint64_t timeout_us;	/* of one call */
};

struct pmf_bus *pmf_bus_free(struct pmf_bus *b);
/* -EHOSTDOWN: no bus. Names why. */
int pmf_bus_open(sd_bus **ret);
/* Has the daemon's name an owner? -EHOSTDOWN: no. Names why. */
int pmf_bus_has_daemon(sd_bus *bus, uint64_t timeout_us);
/* The context's, opened again when it was lost. Names why. */
int pmf_bus_get(struct pmemfail *ctx, sd_bus **ret);

static inline void pmf_bus_closep(sd_bus **bus)
{
	*bus = sd_bus_close_unref(*bus);
}
static inline void pmf_bus_message_unrefp(sd_bus_message **m)
{
	*m = sd_bus_message_unref(*m);
}
static inline void pmf_bus_slot_unrefp(sd_bus_slot **s)
{
	*s = sd_bus_slot_unref(*s);
}
#define _cleanup_message_ _cleanup_(pmf_bus_message_unrefp)

/* A call that never starts the daemon. Names why. */
int pmf_bus_message(sd_bus *bus, const char *path, const char *interface,
		    const char *member, sd_bus_message **ret);
/* Call and take the answer, which has this signature. Names why. */
int pmf_bus_call(sd_bus *bus, uint64_t timeout_us, sd_bus_message *m,
		 const char *signature, sd_bus_message **ret);
/* Both at once on the context's connection; arguments as sd_bus_message_append(). */
int pmf_bus_ask(struct pmemfail *ctx, const char *path, const char *interface,
		const char *member, const char *answer, sd_bus_message **ret,
		const char *types, ...);
/* All properties of an object: an answer a{sv}. */
int pmf_bus_get_all(sd_bus *bus, uint64_t timeout_us, const char *path,
		    const char *interface, sd_bus_message **ret);

/* --- bus-error.c --- */

/* r, or what e is called, as errno, with a sentence. */
int pmf_bus_why(int r, const sd_bus_error *e);
/* An answer that is not what the interface promises. */
int pmf_bus_malformed(const char *what);

/* --- bus-answer.c --- All name why. */

/* The next argument: the JSON of a failure. id 0: any. */
int pmf_bus_read_failure(sd_bus_message *m, uint64_t id, struct pmf_failure **ret);
/* The same of an array of failures. */
int pmf_bus_read_failures(sd_bus_message *m, struct pmf_failure ***ret, size_t *ret_n);
void pmf_bus_failures_free(struct pmf_failure **v, size_t n);
int pmf_bus_read_device(sd_bus_message *m, const char *id, struct pmf_device *ret);
/* The next argument, an array of ranges, in order and apart. */
int pmf_bus_read_ranges(sd_bus_message *m, struct pmf_ranges *ret);
/*
 * Through an a{sv}, which the caller has entered: 1 and which of those wanted comes next,
 * with its value entered, until pmf_bus_value_done(); 0 at the end, and it is left. Others
 * are passed over.
 */
struct pmf_bus_want {
	const char *key, *type;
};
int pmf_bus_next_value(sd_bus_message *m, const struct pmf_bus_want *want, size_t n,
		       size_t *ret);
int pmf_bus_value_done(sd_bus_message *m);

/* --- bus-read.c --- */

/* A device as the Manager lists it; valid during the call. */
struct pmf_bus_listed {
	const char *id, *name, *object;
	int protected;
};

typedef int (*pmf_bus_device_fn)(const struct pmf_bus_listed *device, void *userdata);
/* Each device; fn fails with -ENOMEM only. Names why. */
int pmf_bus_foreach_device(struct pmemfail *ctx, pmf_bus_device_fn fn, void *userdata);

/* What is on record. */
struct pmf_bus_row {
	uint64_t id, updated_us;
	enum pmf_state state;
};
/* All of them, newest first. *ret is malloc'd. */
int pmf_bus_list(sd_bus *bus, uint64_t timeout_us, struct pmf_bus_row **ret, size_t *ret_n);
/* -ENOENT: there is none (any more). */
int pmf_bus_describe(sd_bus *bus, uint64_t timeout_us, uint64_t id,
		     struct pmf_failure **ret);

int pmf_bus_list_devices(struct pmemfail *ctx, struct pmemfail_devices **ret);
int pmf_bus_device_badblocks(struct pmemfail *ctx, const struct pmf_device *d,
			     struct pmf_ranges *bad, bool *ret_full);
int pmf_bus_list_failures(struct pmemfail *ctx, int state, uint64_t before,
			  pmemfail_failure_fn fn, void *userdata);
int pmf_bus_get_failure(struct pmemfail *ctx, uint64_t id, struct pmf_failure **ret);

/* --- bus-diagnose.c --- */
int pmf_bus_event_counters(struct pmemfail *ctx, uint64_t *ret_events, uint64_t *ret_merges);
int pmf_bus_frozen(struct pmemfail *ctx, pmemfail_name_fn fn, void *userdata);
int pmf_bus_diagnose(struct pmemfail *ctx, struct pmemfail_diagnosis **ret);

/* --- bus-job.c --- */

/*
 * Make the call that begins a job and see it to its end. *ret: what came of it, which
 * there may be also when the job failed. A non-zero value of progress cancels it and is
 * returned. -ECONNRESET: the daemon went away in the middle.
 */
int pmf_bus_job(struct pmemfail *ctx, sd_bus *bus, sd_bus_message *call,
		pmemfail_progress_fn progress, void *userdata, struct pmf_failure ***ret,
		size_t *ret_n);

/* --- bus-act.c --- */
extern const struct pmf_ops pmf_bus_ops;

/* --- bus-monitor.c --- */
int pmf_bus_monitor(struct pmemfail *ctx, struct pmemfail_monitor **ret);

#endif
