/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bus's insides, shared by daemon/bus*.c only. The main loop's thread owns all
 * of this; threads get copies.
 *
 *	bus.c		the connection and the name
 *	bus-manager.c	org.pmemfail1.Manager
 *	bus-device.c	devices, as last listed
 *	bus-failure.c	failures of the record, without their sites
 *	bus-summary.c	what is kept of each in memory
 *	bus-record.c	how those are kept as the record is
 *	bus-caller.c	who asks, and how much at once
 *	bus-filter.c	which failures are asked for
 *	bus-describe.c	a failure as JSON, for who may see what of it
 *	bus-describe-all.c	many of them, without their sites
 *	bus-heavy.c	how often questions with long answers may be asked
 *	bus-polkit.c	what who may do
 *	bus-job*.c	jobs: life, object, methods that begin one, their work
 *	bus-inhibit.c	who asks for a moment before a removal
 *	bus-log.c	org.freedesktop.LogControl1
 *	bus-end.c	the connection's end with the daemon's
 *	bus-error.c	errors by name, answers, what arguments may be
 *	bus-work.c	threads
 */
#ifndef DAEMON_BUS_INTERNAL_H
#define DAEMON_BUS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <systemd/sd-bus.h>

#include "bus.h"
#include "bus-work.h"
#include "log.h"
#include "names.h"

#define BUS_MAX_STRING	256	/* of a device, a reason, a name that a client sends */
#define BUS_MAX_RANGES	4096	/* that a client sends */
#define BUS_MAX_CALLS	32	/* of one client that are being worked on */
#define BUS_MAX_LONG	2	/* of these that keep a thread for long */
#define BUS_MAX_TEXT	(16U << 20)	/* of JSON in an answer: buses take 32 MiB */
#define BUS_MAX_UNSENT	256	/* messages, before nothing more is told unasked */
#define BUS_MAX_UNSENT_LONG 16	/* the same, before long answers are refused */

struct bus_asker;
struct bus_caller;
struct bus_check;
struct bus_inhibitor;
struct bus_job;

struct bus_range {
	uint64_t start, end;
};

struct bus_device {
	const struct pmemfail_device *d;	/* in bus->list */
	char *path;
	bool protected, bad_full;
	struct bus_range *bad;
	size_t n_bad;
};

struct bus_failure {
	struct bus *bus;
	uint64_t id;
	const char *kind, *source;	/* constants of the library */
	enum pmemfail_state state;
	char *reason, *device_id, *device_name;
	uint64_t created_us, updated_us, told;
	struct bus_range *ranges;
	size_t n_ranges;
};

struct bus {
	sd_event *event;
	const struct bus_ops *ops;
	void *userdata;
	struct work *work;
	struct pmemfail *lib;
	struct pmemfail_engine *engine;
	unsigned int generation;	/* of the engine: what threads bring of an older one
					 * is thrown away */

	/* bus.c */
	sd_bus *bus;			/* NULL: none now */
	bool connected, asked_name, is_late;
	sd_event_source *retry, *late, *exit;
	uint64_t started_us, pause_us;

	/* bus-manager.c */
	unsigned int changed;		/* properties, by number */
	sd_event_source *tell_changed;

	/* bus-device.c */
	struct pmemfail_devices *list;
	struct bus_device *devices;
	size_t n_devices;
	bool listing, list_again, listed;
	char **protected_ids;		/* as the engine has told; NULL at the end */
	size_t n_protected;

	/* bus-caller.c */
	struct bus_caller *callers;

	/* bus-heavy.c */
	struct bus_asker *askers;

	/* bus-polkit.c */
	struct bus_check *checks;

	/* bus-inhibit.c */
	struct bus_inhibitor *inhibitors;

	/* bus-job.c */
	struct bus_job *jobs;		/* newest first */
	uint64_t last_job;
	sd_event_source *job_timer;

	/* bus-record.c */
	struct bus_failure **failures;	/* by id */
	size_t n_failures, cap_failures;
	struct pmemfail_monitor *monitor;
	sd_event_source *monitor_source;
	bool reading, read_again, failures_read;
	uint64_t keep_max, keep_us;
};

/* bus.c */
void bus_claim_name(struct bus *b);	/* once there is something to tell */
/* May more be sent, or does the bus not read? */
bool bus_has_room(struct bus *b);
/* The same for an answer that is long. */
bool bus_takes_much(sd_bus *bus);

/* bus-end.c */
int bus_end_prepare(struct bus *b);
void bus_end_send(struct bus *b);	/* what is not sent yet, for a moment */
void bus_end_done(struct bus *b);

/* bus-manager.c */
int bus_manager_add(struct bus *b);
/* Told once for all that changed in this round of the loop. */
void bus_manager_changed(struct bus *b, const char *property);
void bus_manager_done(struct bus *b);
/* A signal of the manager's. */
int bus_emit(struct bus *b, const char *member, const char *types, ...);

/* bus-device.c */
int bus_device_add(struct bus *b);
void bus_devices_look(struct bus *b);	/* list them again, in a thread */
void bus_devices_done(struct bus *b);
struct bus_device *bus_device_by_id(struct bus *b, const char *id);
void bus_device_protect(struct bus *b, const char *id, bool on);
bool bus_is_protected(const struct bus *b, const char *id);

/* bus-failure.c */
int bus_failure_add(struct bus *b);
struct bus_failure *bus_failure_by_id(struct bus *b, uint64_t id);
void bus_failure_path(uint64_t id, char ret[static 64]);
void bus_failure_tell_changed(struct bus *b, uint64_t id);
int bus_list_failures(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* bus-summary.c: from any thread */
struct bus_failure *bus_summary_new(struct bus *b, const struct pmemfail_failure *f);
struct bus_failure *bus_summary_free(struct bus_failure *f);	/* returns NULL */

/* bus-record.c */
void bus_record_begins(struct bus *b);
/* Something was written, or a damaged record was put aside: worth another try where the
 * first reading failed. */
void bus_record_written(struct bus *b);
void bus_record_ends(struct bus *b);
void bus_record_done(struct bus *b);

/* bus-describe.c */
int bus_describe(struct bus *b, sd_bus_message *m, uint64_t id, sd_bus_error *error);

/* bus-filter.c */
struct bus_filter {
	const char *state, *kind, *device;	/* of the message; NULL: any */
	int number;				/* of the state; -1: any */
	uint64_t since, before;			/* realtime; an id */
	uint32_t limit;
};

struct bus_filtered {
	uint64_t id, updated_us;
	enum pmemfail_state state;
	const char *kind, *device_id, *device_name;
};

int bus_filter_read(sd_bus_message *m, struct bus_filter *ret, sd_bus_error *error);
bool bus_filter_passes(const struct bus_filter *by, const struct bus_filtered *f);

/* bus-describe-all.c */
int bus_describe_failures(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* bus-heavy.c */
int bus_heavy_add(struct bus *b);
void bus_heavy_done(struct bus *b);

/* bus-caller.c */
/* The client that sent m, for one call to be answered later: one of its BUS_MAX_CALLS. */
int bus_caller_begin(struct bus *b, sd_bus_message *m, struct bus_caller **ret,
		     sd_bus_error *error);
void bus_caller_done(struct bus_caller *c);
/* It is one of BUS_MAX_LONG, too, until the end of that. */
int bus_caller_begin_long(struct bus_caller *c, sd_bus_error *error);
void bus_caller_end_long(struct bus_caller *c);
/* Find out who it is, then call fn; at once when that is known. error < 0: it could
 * not be found out, as when it is gone. fn is called in any case, once. */
typedef void (*bus_caller_fn)(struct bus_caller *c, sd_bus_message *m, void *userdata,
			      int error);
void bus_caller_identify(struct bus_caller *c, sd_bus_message *m, bus_caller_fn fn,
			 void *userdata);
uint32_t bus_caller_uid(const struct bus_caller *c);	/* once identified; else nobody's */
uint32_t bus_caller_pid(const struct bus_caller *c);
const char *bus_caller_name(const struct bus_caller *c);
struct bus *bus_caller_bus(const struct bus_caller *c);
/* The connection is gone, and with it all clients. */
void bus_callers_disconnected(struct bus *b);

/* bus-polkit.c */
/* Then fn is called, with 0 or an error for bus_deny(); the caller is known by then. */
int bus_authorize(struct bus *b, sd_bus_message *m, const char *action, bus_caller_fn fn,
		  void *userdata, sd_bus_error *error);
void bus_deny(sd_bus_message *m, int error);
void bus_checks_disconnected(struct bus *b);

/* bus-inhibit.c */
int bus_inhibit(sd_bus_message *m, void *userdata, sd_bus_error *error);
int bus_list_inhibitors(sd_bus_message *m, void *userdata, sd_bus_error *error);
/* Those that name nothing known may do so now. */
void bus_inhibitors_look(struct bus *b);
void bus_inhibitors_engine_ends(struct bus *b);
void bus_inhibitors_done(struct bus *b);

/* bus-log.c */
int bus_log_add(struct bus *b);

/* bus-error.c */
/* Only what any reader can take: ASCII. */
void bus_clean(char *s);
#define BUS_ERROR(name)		"org.pmemfail1.Error." name
/* Set *error by the errno and the sentence (NULL: the library's last); returns < 0. */
int bus_fail(sd_bus_error *error, int r, const char *why);
/* The same as an answer that comes later. */
void bus_fail_later(sd_bus_message *m, int r, const char *why);
void bus_reply_text(sd_bus_message *m, const char *text);
/* Neither empty (unless may_be_empty) nor long, no control characters. */
int bus_check_string(const char *s, const char *what, bool may_be_empty, sd_bus_error *error);
int bus_append_ranges(sd_bus_message *m, const struct bus_range *v, size_t n);
const char *bus_or_empty(const char *s);

#endif
