/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The engine's insides, shared by lib/engine-*.c only.
 *
 * One thread, the caller's, owns everything here. It never blocks: whatever may
 * wait (a handling, opening a device to watch it, the store, sysfs) runs in a
 * thread of its own and answers with a message on a wait-free queue.
 *
 *	engine.c		begin, end, dispatch
 *	engine-hold.c		holds of the module to jobs
 *	engine-delay.c		who asks for a moment before a removal
 *	engine-uevent.c		uevents and mounts to refreshes and unheld removals
 *	engine-watch.c		which devices an unbind waits for
 *	engine-job.c		threads that handle, and how many
 *	engine-work.c		what such a thread does
 *	engine-poison.c		bad ranges to jobs, one at a time for each device
 *	engine-poison-work.c	what such a job does
 *	engine-lists.c		when and how the kernel's lists are read
 *	engine-trace.c		memory failures, and until when they are kept
 *	engine-hook.c		hooks, after a failure's end
 *	engine-record.c		notes of the record and of a predecessor
 *	engine-notice.c		what the caller is told
 *	counters.c		how many events came in
 */
#ifndef PMF_ENGINE_H
#define PMF_ENGINE_H

#define _LGPL_SOURCE
#include <urcu/wfcqueue.h>

#include "context.h"
#include "flow/intake.h"
#include "flow/reconcile.h"
#include "flow/record.h"
#include "flow/topology.h"
#include "notice.h"
#include "sys/rundir.h"
#include "sys/watch.h"

#define PMF_MAX_JOBS	16	/* handled at once; more wait, their unbinds with them; and
				 * as many of other jobs */
#define PMF_MAX_HOOKS	4	/* failures whose hooks run at once */

/* --- messages to the engine's thread --------------------------------------- */

enum pmf_message_kind { PMF_MESSAGE_NOTE, PMF_MESSAGE_JOB };

struct pmf_message {
	struct cds_wfcq_node node;
	enum pmf_message_kind kind;
};

struct pmf_note_message {
	struct pmf_message message;
	struct pmf_record_note *note;
};

/* --- jobs ------------------------------------------------------------------ */

enum pmf_job_kind {
	PMF_JOB_HOLD,		/* an unbind waits */
	PMF_JOB_UNHELD,		/* it did not wait: record what was lost */
	PMF_JOB_LEFTOVER,	/* a dead predecessor's failure */
	PMF_JOB_WATCH,		/* open devices and watch them */
	PMF_JOB_WATCH_LISTS,	/* open the kernel's lists and watch them */
	PMF_JOB_LISTS,		/* read those of one device, and its open poison */
	PMF_JOB_POISON,		/* handle poison of one device, or look at it again */
	PMF_JOB_HOOKS,
};

/* A token of the record with this bit: the caller is told nothing, no hook runs. */
#define PMF_TOKEN_HUSHED (1ULL << 63)

struct pmf_watch_request {
	uint64_t cookie;
	char *node;
	int result;		/* out: 0 or -errno */
};

struct pmf_job {
	struct pmf_message message;	/* says that it is over */
	struct pmf_job *next;
	struct pmemfail_engine *engine;
	enum pmf_job_kind kind;
	bool running;
	bool delayed;			/* HOLD: not to be begun yet */
	pthread_t thread;

	uint64_t token;			/* of the record */
	char note_name[64];		/* in RuntimeDirectory; "": none */
	struct pmf_failure *failure;	/* until it is handed to the record */
	struct pmf_record_item *room;	/* there, for what comes of it */
	struct pmf_hold_event hold;
	atomic_bool hold_ended;		/* set by the engine's thread */
	struct pmf_topology *topology;	/* UNHELD: as it was before */
	char *why_unheld;
	struct pmf_watch_request *watches;
	size_t n_watches;

	/* LISTS, POISON, HOOKS */
	char *device_id;		/* HOLD, too */
	struct pmf_device device;	/* LISTS: a copy */
	int result;			/* LISTS, out: 0 or -errno */
	struct pmf_lists lists;		/* LISTS, out; POISON, in */
	bool has_lists, reread;
	bool has_info;			/* LISTS, out: a failure without range is on record */
	struct pmf_ranges ranges;	/* LISTS, out: open ones; POISON, out: cleared ones */
	bool has_known;			/* LISTS, out: those are all */
	unsigned int n_open;		/* out: failures on record that may come to more */
	bool counted;			/* out: n_open is of all of them */
	bool differs;			/* LISTS, out: the record says something else */
	bool replay;			/* POISON: look at all open ones */
	unsigned int n_clears;		/* LISTS: of the device, at its begin */
	bool stale;			/* the record may not say so yet */
	uint64_t more_tokens;		/* the next of many that are the job's own */
	int lock_fd;			/* of pmf_poison_lock(); -1: none */
	char **disks, **regions;	/* WATCH_LISTS: names, NULL at the end */
};

/* --- devices --------------------------------------------------------------- */

struct pmf_watched {
	uint64_t cookie;
	char *id, *name, *node, *bound;
	dev_t devno;
	uint64_t diskseq;	/* of the disk whose lists are watched */
	bool present;		/* bound now, as far as we know */
	bool told;		/* the caller knows it as protected */
	int result;		/* of the last watch: 0, or -errno; 1: not tried */
};

/* Poison that is to be handled: on record as pending, again whenever more has come
 * and the last version has been written. */
struct pmf_waiting {
	struct pmf_failure *failure;
	uint64_t token;
	bool writing, dirty;
};

/* A device with what is known of its poison. */
struct pmf_poisoned {
	char *id, *name;
	/* What is in failures that are not cleared: no news; and of this, what is on disk. */
	struct pmf_ranges known, saved;
	struct pmf_lists lists;		/* as last read */
	bool has_lists;
	/* What came since the last failure was begun, oldest first, as one, or as several
	 * when it is much. */
	struct pmf_waiting *waiting;
	size_t n_waiting, cap_waiting;
	/* The one that is handled once it is on record; nothing is added to it. */
	struct pmf_failure *next;
	uint64_t next_token;
	bool working;			/* a job is at it */
	bool unreadable;		/* its list, which then does not tell when it changes */
	bool list, listing;		/* read the lists: wanted, a job is at it */
	bool loaded;			/* what is known is: until then nothing is news */
	bool replay, reconcile;		/* look at the open ones again: all; by the lists */
	/* Its own page has gone bad; that was told; is on disk. */
	bool info_bad, info_told, info_saved;
	int lock_fd;			/* as long as the record is behind */
	unsigned int n_open, n_clears;
};

/* What a note in RuntimeDirectory is called, by token, until it is removed. */
struct pmf_note_name {
	uint64_t token;
	char name[64];
};

struct pmf_delay;
struct pmf_removal;

struct pmemfail_engine {
	struct pmemfail *ctx;
	struct pmf_sys *sys;
	const struct pmf_policy *policy;
	int lock_fd, epoll_fd, message_fd, snapshot_fd, timer_fd, mounts_fd;
	int hold_fd;			/* -1: no module */
	int hold_error;			/* why, -errno; 0 when there is one */
	bool hold_broken;		/* close it when no job needs it any more */
	int rescan_fd;			/* a timer that runs while poison needs it */
	struct pmf_udev *udev;
	struct pmf_badblocks_watch *badblocks;	/* NULL: none to be had */
	struct pmf_trace *trace;		/* NULL: the same */
	bool reading_trace;			/* begun: there is a topology */
	bool rewatch_lists, watching_lists;	/* wanted; a job is at it */
	struct pmf_poisoned **poisoned;
	size_t n_poisoned, cap_poisoned;
	bool record_ready;		/* opened, or known to be out of order */
	struct pmf_intake *intake;
	struct pmf_counters *counters, own_counters;	/* the latter when none are to be had */
	struct pmf_snapshots *snapshots;
	struct pmf_record *record;
	bool ending;			/* nothing new is begun any more */
	struct pmf_topology *topology;	/* this thread's copy of the last snapshot */
	bool all_bound;			/* after lost uevents: believe the next snapshot */

	struct pmf_watched *watched;
	size_t n_watched, cap_watched;
	uint64_t last_cookie;
	bool rewatch, watching;		/* wanted; a job is at it */
	unsigned int watch_tries;

	struct pmf_job *jobs;		/* running, then waiting, oldest first */
	unsigned int n_running, n_handling;
	unsigned int n_holds, n_hooks;	/* of these running */
	uint64_t last_token;
	struct pmf_note_name *names;
	size_t n_names, cap_names;

	int delay_fd;			/* a timer */
	struct pmf_delay **delays;
	size_t n_delays, cap_delays;
	struct pmf_removal *removals;
	uint64_t last_delay;

	struct pmemfail_notice *notices, **notices_tail;
	unsigned int n_notices;

	struct cds_wfcq_head queue_head;
	struct cds_wfcq_tail queue_tail;
};

/* counters.c */
/* pmf_intake_add(), counted. */
int pmf_engine_take_in(struct pmemfail_engine *e, const struct pmf_event *ev,
		       enum pmf_intake_verdict *ret);
void pmf_engine_open_counters(struct pmemfail_engine *e);
void pmf_engine_close_counters(struct pmemfail_engine *e);

/* engine-notice.c */
void pmf_engine_send(struct pmemfail_engine *e, struct pmf_message *m);	/* any thread */
/* The next message, NULL: none. */
struct pmf_message *pmf_engine_receive(struct pmemfail_engine *e);
/* Takes f and text. Without memory the notice is lost; the record has it. */
void pmf_engine_notice(struct pmemfail_engine *e, enum pmemfail_notice_kind kind,
		       struct pmf_failure *f, char *text);
void pmf_engine_notice_device(struct pmemfail_engine *e, enum pmemfail_notice_kind kind,
			      const char *id, bool on);
void pmf_engine_notice_token(struct pmemfail_engine *e, enum pmemfail_notice_kind kind,
			     const char *id, uint64_t token);
void pmf_engine_notices_done(struct pmemfail_engine *e);

/* engine-job.c */
int pmf_job_new(struct pmemfail_engine *e, enum pmf_job_kind kind, struct pmf_job **ret);
struct pmf_job *pmf_job_free(struct pmf_job *j);
/* Takes j, always: it runs, waits for room, or (no thread to be had) was ended. */
void pmf_job_start(struct pmf_job *j);
void pmf_job_over(struct pmf_job *j);	/* its message has come; frees it */
/* Be sure of room in the record, before anything is done that is to be put there: a new
 * job has it for one failure. -ENOMEM. */
int pmf_job_reserve(struct pmf_job *j);
/* Hand f's end to the record, from the job's thread, by the room that it has. Takes f. */
void pmf_job_put(struct pmf_job *j, uint64_t token, struct pmf_failure *f);
void pmf_jobs_continue(struct pmemfail_engine *e);	/* start what waits */

/* engine-work.c: on a job's thread */
void pmf_job_work(struct pmf_job *j);
/* The hold cannot be handled: let the unbind go on and record why. Takes no j. */
void pmf_job_give_up(struct pmf_job *j, const char *why);

/* engine-hold.c */
int pmf_engine_open_holds(struct pmemfail_engine *e);	/* quiet when there is one */
void pmf_engine_read_holds(struct pmemfail_engine *e);
void pmf_engine_close_broken(struct pmemfail_engine *e);
void pmf_engine_unheld(struct pmemfail_engine *e, const struct pmf_device *d);

/* engine-delay.c */
void pmf_engine_hold_begins(struct pmemfail_engine *e, struct pmf_job *j);
void pmf_engine_hold_ends(struct pmemfail_engine *e, struct pmf_job *j);
/* The unbind goes on already: what is left to do is done at once. */
void pmf_engine_hold_gone(struct pmemfail_engine *e, struct pmf_job *j);
void pmf_engine_delays_timer(struct pmemfail_engine *e);
void pmf_engine_delays_end(struct pmemfail_engine *e);
void pmf_engine_delays_done(struct pmemfail_engine *e);

/* engine-watch.c */
void pmf_engine_snapshot(struct pmemfail_engine *e);	/* a new one is published */
void pmf_engine_watch(struct pmemfail_engine *e);	/* start a job if one is due */
void pmf_engine_watched(struct pmemfail_engine *e, const struct pmf_job *j);
const struct pmf_watched *pmf_engine_watched_by_cookie(struct pmemfail_engine *e,
						       uint64_t cookie);
void pmf_engine_tell_protection(struct pmemfail_engine *e);
void pmf_engine_watched_done(struct pmemfail_engine *e);
/* Wake dispatch once in so many seconds; 0: not. */
void pmf_engine_timer(struct pmemfail_engine *e, unsigned int sec);

/* engine-poison.c */
struct pmf_poisoned *pmf_poisoned_of(struct pmemfail_engine *e, const char *id);
/* A page of the device's own is bad. */
void pmf_engine_bad_info(struct pmemfail_engine *e, const struct pmf_device *d);
/* The same, if it is known by now whether that is on record, and it is not. */
void pmf_engine_tell_info(struct pmemfail_engine *e, struct pmf_poisoned *p);
/* A range of the device is bad. */
void pmf_engine_bad(struct pmemfail_engine *e, const struct pmf_device *d,
		    struct pmf_range r, enum pmf_source source);
void pmf_engine_poison(struct pmemfail_engine *e);	/* begin what is due */
void pmf_engine_poison_end(struct pmemfail_engine *e);	/* after the last job */
void pmf_engine_poison_over(struct pmemfail_engine *e, struct pmf_job *j);
/* A version is on record, or cannot be for now. */
void pmf_engine_poison_noted(struct pmemfail_engine *e, const struct pmf_record_note *n);
void pmf_engine_poison_done(struct pmemfail_engine *e);

/* engine-poison-work.c: on a job's thread */
void pmf_job_poison(struct pmf_job *j);
/* Call fn for the device's open failures. A record that is not there has none. */
int pmf_engine_foreach_open(struct pmemfail_engine *e, const char *device_id,
			    int (*fn)(const struct pmf_failure *f, void *userdata),
			    void *userdata);
void pmf_job_lists(struct pmf_job *j);

/* engine-lists.c */
/* How many are open, as the job has seen. */
void pmf_poisoned_count(struct pmf_poisoned *p, const struct pmf_job *j);
int pmf_engine_open_lists(struct pmemfail_engine *e);	/* watchers and timer */
/* Read the lists of a device (NULL: of all), and perhaps look at all that is open. */
void pmf_engine_look(struct pmemfail_engine *e, const char *id, bool replay);
void pmf_engine_look_mounted(struct pmemfail_engine *e, const struct pmf_topology *old);
void pmf_engine_read_badblocks(struct pmemfail_engine *e);
void pmf_engine_rescan(struct pmemfail_engine *e);
void pmf_engine_lists(struct pmemfail_engine *e);	/* begin what is due */
void pmf_engine_lists_over(struct pmemfail_engine *e, struct pmf_job *j);
void pmf_engine_watch_lists_over(struct pmemfail_engine *e);
void pmf_job_watch_lists(struct pmf_job *j);
/* Keep the timer running while there is reason to. */
void pmf_engine_rearm(struct pmemfail_engine *e);

/* engine-trace.c */
void pmf_engine_read_trace(struct pmemfail_engine *e);
/* f is on disk: what of it was kept needs to be no longer. */
void pmf_engine_trace_saved(struct pmemfail_engine *e, const struct pmf_failure *f);
void pmf_poisoned_saved(struct pmf_poisoned *p, const struct pmf_failure *f);
void pmf_engine_trace_settle(struct pmemfail_engine *e);
/* Take in what is kept once more: devices may have come (old: as it was before), or there
 * was no memory for some of it (NULL). */
void pmf_engine_trace_again(struct pmemfail_engine *e, const struct pmf_topology *old);

/* engine-hook.c */
void pmf_engine_hooks(struct pmemfail_engine *e, uint64_t token, const struct pmf_failure *f);
void pmf_job_hooks(struct pmf_job *j);

/* engine-uevent.c */
void pmf_engine_read_uevents(struct pmemfail_engine *e);
void pmf_engine_mounts_changed(struct pmemfail_engine *e);

/* engine-record.c */
int pmf_engine_start_record(struct pmemfail_engine *e);
void pmf_engine_note(struct pmemfail_engine *e, struct pmf_record_note *n);	/* takes n */
/* Write f into RuntimeDirectory under the token. An error is only logged. */
void pmf_engine_write_note(struct pmemfail_engine *e, uint64_t token, const char *name,
			   const struct pmf_failure *f);
/* Hand a copy of f to the record. */
int pmf_engine_put(struct pmemfail_engine *e, uint64_t token, const struct pmf_failure *f,
		    bool final);

#endif
