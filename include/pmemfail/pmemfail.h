/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libpmemfail: make the loss of persistent memory end well.
 *
 * In one page:
 *	A pmem device fails in part (poison) or goes away (removal). What became
 *	of it is a failure: a durable record with an id and a state. The filesystems
 *	and other users that the failure reaches are its sites; the processes that
 *	map them are the victims. Handling a removal freezes each filesystem, takes
 *	the mappings away, tells every victim with one SIGBUS, shuts the filesystem
 *	down and thaws it, so that it can be unmounted and the device bound again.
 *	Handling poison finds who owns the bad bytes, the targets, takes those parts
 *	of files away and tells the victims with the address. It is done again when a
 *	filesystem is mounted over them: the replay.
 *
 *	struct pmemfail           a context: settings, the machine, the record; or a
 *	                          connection to pmemfaild, which has them
 *	struct pmemfail_engine    the watching and handling that pmemfaild runs
 *	struct pmemfail_devices   a list of pmem devices
 *	struct pmemfail_failure   one failure, or an assessment of one
 *	struct pmemfail_monitor   the record's changes as they come
 *	struct pmemfail_diagnosis what is well and what is not on this machine
 *
 * Conventions
 *	Functions return 0 or a negative errno; a positive value only where its
 *	comment says what it counts. -EINVAL: wrong arguments. -EOPNOTSUPP:
 *	nothing can be done there, as opposed to tried and failed. After an error
 *	pmemfail_why() has a sentence for people. ret_ outputs are set on success
 *	only and owned by the caller; strings returned by getters belong to their
 *	object and live as long as it; NULL means unknown or not applicable.
 *	Sizes, offsets and addresses are bytes, ranges half-open, times as named.
 *
 * Threads
 *	Different objects may be used from different threads at once; one object
 *	from one thread at a time, except that pmemfail_ref() and _unref() and all
 *	getters of const objects are safe from any, and a context of pmemfail_new() is,
 *	once it has its settings: threads of a process that runs an engine act with the
 *	engine's own context, so that they share its guard process. A connection is
 *	not: one thread at a time calls with it, or each has its own; its monitors have
 *	connections of their own. Nothing here may be called from a signal handler. The
 *	library never writes to a terminal or the log by itself: see
 *	pmemfail_set_log_fn().
 *
 * Privilege
 *	A context of pmemfail_new() acts directly on the machine, with or without a
 *	daemon, and needs root, but for settings and getters. One of
 *	pmemfail_connect() asks pmemfaild over D-Bus: reading is for everybody, with
 *	processes and paths left out that are not the caller's, acting is for whom
 *	polkit allows it. -EPERM or -EACCES tell otherwise.
 */
#ifndef PMEMFAIL_H
#define PMEMFAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- context --------------------------------------------------------------- */

struct pmemfail;

/* A context with the default settings. Touches nothing yet. */
int pmemfail_new(struct pmemfail **ret);
/*
 * A connection to pmemfaild over the system bus, for which the calls do the same by
 * asking it. Settings, the engine and pmemfail_thaw_leftovers() are -EOPNOTSUPP on it.
 * It outlives restarts of the daemon and of the bus: the next call connects again. A
 * child process needs one of its own. -EHOSTDOWN: there is no bus, or no daemon on it,
 * also of later calls; none starts it. -ECONNRESET: the daemon went away in the middle
 * of a call. -ETIMEDOUT: it does not answer. -EBADMSG: its answer makes no sense.
 */
int pmemfail_connect(struct pmemfail **ret);
bool pmemfail_is_connection(const struct pmemfail *ctx);
struct pmemfail *pmemfail_ref(struct pmemfail *ctx);
/* Drops one reference; always returns NULL; NULL is accepted. */
struct pmemfail *pmemfail_unref(struct pmemfail *ctx);

/* The library's version: "0.1.0". */
const char *pmemfail_version(void);

/*
 * Why this thread's last failed call failed, in one sentence without a newline.
 * Never NULL. Valid until this thread's next call.
 */
const char *pmemfail_why(void);

/* level as in syslog(3), 0 to 7. Called from any thread of the library, one call
 * at a time, never between freeze and thaw. NULL: silence, the default. */
typedef void (*pmemfail_log_fn)(int level, const char *text, void *userdata);
void pmemfail_set_log_fn(struct pmemfail *ctx, pmemfail_log_fn fn, void *userdata);

/*
 * Settings, by the names of pmemfail.conf(5). Before the context is first used
 * to act. -ENOENT: no such setting; -EINVAL: bad value; -EBUSY: too late.
 */
int pmemfail_set(struct pmemfail *ctx, const char *key, const char *value);
/*
 * Read /etc/pmemfail/pmemfail.conf, /usr/lib/pmemfail/pmemfail.conf and their
 * drop-ins; with root != NULL below that directory. No file at all is fine. A
 * malformed one is -EINVAL and changes nothing; pmemfail_why() names file and line.
 */
int pmemfail_read_config(struct pmemfail *ctx, const char *root);
/* The i-th setting's name, value in force and meaning; -ENOENT past the end. */
int pmemfail_setting(struct pmemfail *ctx, size_t i, const char **ret_key,
		     char **ret_value, const char **ret_what);

/* --- devices --------------------------------------------------------------- */

struct pmemfail_devices;
struct pmemfail_device;

/* Every pmem namespace of the machine, bound or not. */
int pmemfail_list_devices(struct pmemfail *ctx, struct pmemfail_devices **ret);
struct pmemfail_devices *pmemfail_devices_free(struct pmemfail_devices *l);
size_t pmemfail_devices_count(const struct pmemfail_devices *l);
/* NULL past the end. */
const struct pmemfail_device *pmemfail_devices_get(const struct pmemfail_devices *l, size_t i);

const char *pmemfail_device_id(const struct pmemfail_device *d);	/* stable */
const char *pmemfail_device_name(const struct pmemfail_device *d);	/* pmem0 */
const char *pmemfail_device_node(const struct pmemfail_device *d);	/* /dev/pmem0 */
const char *pmemfail_device_bound(const struct pmemfail_device *d);	/* pfn0.0 */
const char *pmemfail_device_namespace(const struct pmemfail_device *d);
const char *pmemfail_device_region(const struct pmemfail_device *d);
const char *pmemfail_device_mode(const struct pmemfail_device *d);	/* fsdax, raw, ... */
uint64_t pmemfail_device_size(const struct pmemfail_device *d);
/*
 * What the kernel holds for bad of a bound device, now, in order. fn returns
 * non-zero to stop, which is returned. *ret_full (may be NULL): a list is full, so
 * there may be more. -ENODEV: not bound.
 */
typedef int (*pmemfail_range_fn)(uint64_t start, uint64_t end, void *userdata);
int pmemfail_device_badblocks(struct pmemfail *ctx, const struct pmemfail_device *d,
			      pmemfail_range_fn fn, void *userdata, bool *ret_full);
/* JSON, schema 1; malloc'd. */
int pmemfail_device_to_json(const struct pmemfail_device *d, char **ret);

/* --- failures -------------------------------------------------------------- */

struct pmemfail_failure;
struct pmemfail_site;
struct pmemfail_target;
struct pmemfail_victim;
struct pmemfail_hook;

enum pmemfail_state {
	PMEMFAIL_PENDING,
	PMEMFAIL_HANDLING,
	PMEMFAIL_HANDLED,
	PMEMFAIL_CLEARED,
	PMEMFAIL_FAILED,
	PMEMFAIL_UNSUPPORTED,
};

/* Newest first; fn returns non-zero to stop. Without sites. state < 0: all. */
typedef int (*pmemfail_failure_fn)(const struct pmemfail_failure *f, void *userdata);
int pmemfail_list_failures(struct pmemfail *ctx, int state, pmemfail_failure_fn fn,
			   void *userdata);
/* The same of those with a lower id than this, to go on where a list was stopped: it
 * costs what is listed, not what comes before. */
int pmemfail_list_failures_before(struct pmemfail *ctx, int state, uint64_t before,
				  pmemfail_failure_fn fn, void *userdata);
/* -ENOENT: no failure has that id. */
int pmemfail_get_failure(struct pmemfail *ctx, uint64_t id, struct pmemfail_failure **ret);
struct pmemfail_failure *pmemfail_failure_free(struct pmemfail_failure *f);

uint64_t pmemfail_failure_id(const struct pmemfail_failure *f);	/* 0: not recorded */
const char *pmemfail_failure_kind(const struct pmemfail_failure *f);	/* remove, poison */
const char *pmemfail_failure_source(const struct pmemfail_failure *f);
enum pmemfail_state pmemfail_failure_state(const struct pmemfail_failure *f);
const char *pmemfail_state_name(enum pmemfail_state s);
const char *pmemfail_failure_reason(const struct pmemfail_failure *f);
const char *pmemfail_failure_device_id(const struct pmemfail_failure *f);
const char *pmemfail_failure_device_name(const struct pmemfail_failure *f);
uint64_t pmemfail_failure_created_us(const struct pmemfail_failure *f);	/* realtime */
uint64_t pmemfail_failure_updated_us(const struct pmemfail_failure *f);
uint64_t pmemfail_failure_hold_ns(const struct pmemfail_failure *f);	/* 0: no hold */
/* How many processes were told, in all its sites; also of one that was listed without. */
uint64_t pmemfail_failure_told(const struct pmemfail_failure *f);
/* The same of how long filesystems were frozen: together, and the one that was longest. */
uint64_t pmemfail_failure_frozen_ns(const struct pmemfail_failure *f);
uint64_t pmemfail_failure_frozen_longest_ns(const struct pmemfail_failure *f);
/* Bytes of the device; all of them for a removal. -ENOENT past the end. */
size_t pmemfail_failure_ranges(const struct pmemfail_failure *f);
int pmemfail_failure_range(const struct pmemfail_failure *f, size_t i, uint64_t *ret_start,
			   uint64_t *ret_end);
size_t pmemfail_failure_sites(const struct pmemfail_failure *f);
const struct pmemfail_site *pmemfail_failure_site(const struct pmemfail_failure *f, size_t i);
/* What the hooks made of it, by name; those of its last end. */
size_t pmemfail_failure_hooks(const struct pmemfail_failure *f);
const struct pmemfail_hook *pmemfail_failure_hook(const struct pmemfail_failure *f, size_t i);
int pmemfail_failure_to_json(const struct pmemfail_failure *f, char **ret);
/* What a user may see of it: all for root; for others no file's path, and of a process
 * of another user neither its name nor its unit, file and address. */
int pmemfail_failure_to_json_for(const struct pmemfail_failure *f, uint32_t uid, char **ret);

const char *pmemfail_hook_name(const struct pmemfail_hook *h);
/* Exit status, or 128 + the signal that ended it; negative errno: not run. */
int pmemfail_hook_status(const struct pmemfail_hook *h);
bool pmemfail_hook_timed_out(const struct pmemfail_hook *h);
uint64_t pmemfail_hook_ns(const struct pmemfail_hook *h);
const char *pmemfail_hook_why(const struct pmemfail_hook *h);	/* it was not run */

const char *pmemfail_site_kind(const struct pmemfail_site *s);	/* filesystem, devdax, holder */
const char *pmemfail_site_role(const struct pmemfail_site *s);	/* data, log, realtime */
const char *pmemfail_site_name(const struct pmemfail_site *s);	/* pmem0p1, dm-0 */
const char *pmemfail_site_node(const struct pmemfail_site *s);
const char *pmemfail_site_fstype(const struct pmemfail_site *s);
const char *pmemfail_site_mountpoint(const struct pmemfail_site *s);
const char *pmemfail_site_holder(const struct pmemfail_site *s);	/* swap, md, crypt */
bool pmemfail_site_is_dax(const struct pmemfail_site *s);
const char *pmemfail_site_problem(const struct pmemfail_site *s);	/* NULL: all is well */
uint64_t pmemfail_site_frozen_ns(const struct pmemfail_site *s);
uint64_t pmemfail_site_files(const struct pmemfail_site *s);
uint64_t pmemfail_site_told(const struct pmemfail_site *s);
uint64_t pmemfail_site_entries_left(const struct pmemfail_site *s);
/* The failure's ranges in bytes of the site. -ENOENT past the end. */
size_t pmemfail_site_ranges(const struct pmemfail_site *s);
int pmemfail_site_range(const struct pmemfail_site *s, size_t i, uint64_t *ret_start,
			uint64_t *ret_end);
/* How a step went: open look resolve freeze revoke shutdown remount_ro stop_dax settle
 * thaw unmount. Returns 1 done, 0 skipped, or a negative errno; -ENOENT also for no such step. */
int pmemfail_site_step(const struct pmemfail_site *s, const char *step, uint64_t *ret_ns);
size_t pmemfail_site_targets(const struct pmemfail_site *s);
const struct pmemfail_target *pmemfail_site_target(const struct pmemfail_site *s, size_t i);
size_t pmemfail_site_victims(const struct pmemfail_site *s);
const struct pmemfail_victim *pmemfail_site_victim(const struct pmemfail_site *s, size_t i);

/* Who owns the bytes: file directory xattr metadata log free unknown. */
const char *pmemfail_target_kind(const struct pmemfail_target *t);
/* What is done about it: none revoke shutdown remount-ro report. */
const char *pmemfail_target_action(const struct pmemfail_target *t);
/* How that went: 1 done, 0 not (yet) done, or a negative errno. */
int pmemfail_target_result(const struct pmemfail_target *t);
/* Another user's bytes: escape it. NULL: not known, or not of a file. */
const char *pmemfail_target_path(const struct pmemfail_target *t);
uint64_t pmemfail_target_ino(const struct pmemfail_target *t);	/* 0: not of an inode */
uint32_t pmemfail_target_generation(const struct pmemfail_target *t);
/* In bytes of the site; and of the file: start == end when not of its data. */
void pmemfail_target_at(const struct pmemfail_target *t, uint64_t *ret_start,
			uint64_t *ret_end);
void pmemfail_target_range(const struct pmemfail_target *t, uint64_t *ret_start,
			   uint64_t *ret_end);
/* Reflinked: other files have the same bytes. */
bool pmemfail_target_is_shared(const struct pmemfail_target *t);
uint64_t pmemfail_target_told(const struct pmemfail_target *t);	/* processes */
uint64_t pmemfail_target_pinned(const struct pmemfail_target *t);	/* pages in I/O */

int32_t pmemfail_victim_pid(const struct pmemfail_victim *v);
uint64_t pmemfail_victim_start_ns(const struct pmemfail_victim *v);	/* boottime */
uint32_t pmemfail_victim_uid(const struct pmemfail_victim *v);
/* These three come from other users' processes: untrusted bytes. Escape them. */
const char *pmemfail_victim_comm(const struct pmemfail_victim *v);
const char *pmemfail_victim_unit(const struct pmemfail_victim *v);
const char *pmemfail_victim_path(const struct pmemfail_victim *v);
uint64_t pmemfail_victim_address(const struct pmemfail_victim *v);
uint64_t pmemfail_victim_length(const struct pmemfail_victim *v);
bool pmemfail_victim_told(const struct pmemfail_victim *v);
bool pmemfail_victim_ignores(const struct pmemfail_victim *v);

/* --- acting ---------------------------------------------------------------- */

/*
 * The dry run: each filesystem, file and process that removing the device would
 * hit. Changes nothing. device: any name that pmemfail_list_devices() knows, or
 * a partition or device-mapper device over it. -ENODEV, -ENOTUNIQ.
 */
int pmemfail_assess(struct pmemfail *ctx, const char *device, struct pmemfail_failure **ret);

/*
 * Make the device safe to remove, now: as a held unbind does, then unmount. With
 * the module missing as far as that is possible: the failure says what was not.
 * Recorded. Returns 0 when *ret says what happened, which may be failed.
 */
int pmemfail_prepare_remove(struct pmemfail *ctx, const char *device,
			    struct pmemfail_failure **ret);

/*
 * How far a call is that acts: any thread may look at it, at any time. The call itself
 * only counts, since there is little else that it may do while a filesystem is frozen.
 * One for each call.
 */
struct pmemfail_progress;
int pmemfail_progress_new(struct pmemfail_progress **ret);
/* Not before the call is over. */
struct pmemfail_progress *pmemfail_progress_free(struct pmemfail_progress *p);
/* total 0: not known (yet). */
int pmemfail_progress_get(const struct pmemfail_progress *p, uint64_t *ret_done,
			  uint64_t *ret_total);
/* The same, counting steps: so many for each site, one to find these, one to record what
 * came of it and run the hooks. A step that had to be left out is done, too. */
int pmemfail_prepare_remove_with_progress(struct pmemfail *ctx, const char *device,
					  struct pmemfail_progress *p,
					  struct pmemfail_failure **ret);

/*
 * The dry run for poison: who owns the bytes, which processes map them, and what
 * would be done. Bytes of the device or, when that is a partition or device-mapper
 * device, of it. deep: also files that nobody has in use, where the filesystem does
 * not know its owners: walks every file, slow. progress (may be NULL) is told how
 * far it is, and stops it by a non-zero value, which is returned. -ERANGE: beyond
 * the device's end.
 */
typedef int (*pmemfail_progress_fn)(uint64_t done, uint64_t total, void *userdata);
int pmemfail_assess_range(struct pmemfail *ctx, const char *device, uint64_t offset,
			  uint64_t length, bool deep, pmemfail_progress_fn progress,
			  void *userdata, struct pmemfail_failure **ret);

/*
 * These bytes are bad: mark them (MarkBad=), tell their users, record it. device and
 * offset as above, or a physical address. fn gets a failure for each pmem device that
 * has some of them, with sites; what was reported before is looked at again, as by
 * replay. fn returns non-zero to be told no more. Returns how many failures there
 * were. -ENODEV: no device has that address; -ERANGE.
 */
int pmemfail_report(struct pmemfail *ctx, const char *device, uint64_t offset,
		    uint64_t length, pmemfail_failure_fn fn, void *userdata);
int pmemfail_report_spa(struct pmemfail *ctx, uint64_t address, uint64_t length,
			pmemfail_failure_fn fn, void *userdata);

/*
 * Look at what is bad again: whoever came to own it since is told, which nobody is
 * twice. device NULL: all. fn gets each poison failure that is not cleared, with
 * sites. Returns how many there were.
 */
int pmemfail_replay(struct pmemfail *ctx, const char *device, pmemfail_failure_fn fn,
		    void *userdata);
/* The same, counting failures. */
int pmemfail_replay_with_progress(struct pmemfail *ctx, const char *device,
				  struct pmemfail_progress *p, pmemfail_failure_fn fn,
				  void *userdata);

/* Thaw what a dead pmemfail process left frozen. Returns how many were thawed. */
int pmemfail_thaw_leftovers(struct pmemfail *ctx);
/* Each filesystem that is frozen by pmemfail now, or may be, by the name of its device.
 * fn returns non-zero to stop, which is returned. */
typedef int (*pmemfail_name_fn)(const char *name, void *userdata);
int pmemfail_frozen(struct pmemfail *ctx, pmemfail_name_fn fn, void *userdata);
/* Is the kernel module there? -ENODEV: it is not; -EPROTO: it is, with another ABI. */
int pmemfail_module(struct pmemfail *ctx, uint32_t *ret_abi);

/* --- on a connection only: -EOPNOTSUPP on a direct context ------------------ */

/* Have pmemfaild read its configuration again. */
int pmemfail_reload(struct pmemfail *ctx);
/*
 * Have removals wait for this program, for at most InhibitDelayMaxSec. what: a device as
 * pmemfail_assess() takes it, or a mount point; who: this program's name, why: for
 * people. Returns a file descriptor that holds the lock until it is closed. Close it
 * once a monitor says PMEMFAIL_REMOVAL_BEGINS and what is on the device is safe and
 * closed: then nothing is lost and no SIGBUS comes. -EBUSY: too many.
 */
int pmemfail_inhibit(struct pmemfail *ctx, const char *what, const char *who,
		     const char *why);

/* --- monitor --------------------------------------------------------------- */

struct pmemfail_monitor;

struct pmemfail_notice;

/*
 * The record's changes from now on, whoever makes them; on a connection also what
 * pmemfaild tells of devices. While nothing happens it costs nothing. A direct context
 * needs no daemon; on a connection a monitor has a connection of its own, waits for a
 * daemon that went away, and then tells what was missed.
 */
int pmemfail_monitor_new(struct pmemfail *ctx, struct pmemfail_monitor **ret);
struct pmemfail_monitor *pmemfail_monitor_free(struct pmemfail_monitor *m);
/* Readable (POLLIN) when next may have something. */
int pmemfail_monitor_get_fd(const struct pmemfail_monitor *m);
/*
 * The next failure that is new or has changed, with sites, oldest change first. One
 * that changed several times meanwhile comes once, as it is now; none is missed.
 * -EAGAIN: no more for now; only then wait for the fd.
 */
int pmemfail_monitor_next(struct pmemfail_monitor *m, struct pmemfail_failure **ret);
/*
 * The same with all that there is to tell, as notices: failures, and on a connection
 * PMEMFAIL_REMOVAL_BEGINS and _ENDS, PMEMFAIL_PROTECTION_CHANGED and
 * PMEMFAIL_DEVICES_CHANGED. pmemfail_monitor_next() passes these over.
 */
int pmemfail_monitor_next_notice(struct pmemfail_monitor *m, struct pmemfail_notice **ret);

/* --- diagnosis ------------------------------------------------------------- */

enum pmemfail_severity {
	PMEMFAIL_OK,		/* as it should be */
	PMEMFAIL_NOTE,		/* worth knowing */
	PMEMFAIL_WARNING,	/* partly protected */
	PMEMFAIL_PROBLEM,	/* not protected */
};

struct pmemfail_diagnosis;

/* Is this machine protected, device by device, and what should change? A connection
 * finds what pmemfaild tells everybody, which is less. */
int pmemfail_diagnose(struct pmemfail *ctx, struct pmemfail_diagnosis **ret);
struct pmemfail_diagnosis *pmemfail_diagnosis_free(struct pmemfail_diagnosis *d);
size_t pmemfail_diagnosis_count(const struct pmemfail_diagnosis *d);
/*
 * The i-th finding: about (a device's name, or NULL for the machine), a stable
 * word (such as "module-missing"), what is so, and what to do (NULL: nothing).
 * Returns its enum pmemfail_severity; -ENOENT past the end.
 */
int pmemfail_diagnosis_get(const struct pmemfail_diagnosis *d, size_t i,
			   const char **ret_about, const char **ret_code,
			   const char **ret_what, const char **ret_advice);
/* The worst severity about this device (NULL: the whole machine). */
enum pmemfail_severity pmemfail_diagnosis_worst(const struct pmemfail_diagnosis *d,
						const char *about);

/*
 * What sources of events have told pmemfaild since the boot, and how many of these
 * joined another event or told nothing new. -ENOENT: it has not run since.
 */
int pmemfail_event_counters(struct pmemfail *ctx, uint64_t *ret_events,
			    uint64_t *ret_merges);

/* --- engine ---------------------------------------------------------------- */

struct pmemfail_engine;

/*
 * Start watching and handling. One per machine: -EBUSY when another process has
 * it. Forks the guard process, so call it before starting threads. Leftovers of
 * a dead predecessor are thawed and its unfinished failures finished honestly.
 * Without the module it starts all the same and watches for it to be loaded.
 */
int pmemfail_engine_new(struct pmemfail *ctx, struct pmemfail_engine **ret);
/* Waits for handlings under way, releases holds, ends threads and the guard. */
struct pmemfail_engine *pmemfail_engine_free(struct pmemfail_engine *e);

/* Readable (POLLIN) when dispatch has work. One fd for all sources. */
int pmemfail_engine_get_fd(struct pmemfail_engine *e);
/* Do what is due. Never blocks: handling happens in threads. Returns how many
 * notices wait. */
int pmemfail_engine_dispatch(struct pmemfail_engine *e);

enum pmemfail_notice_kind {
	PMEMFAIL_FAILURE_ADDED,
	PMEMFAIL_FAILURE_CHANGED,
	PMEMFAIL_DEVICES_CHANGED,	/* list them or ask engine_protected() again */
	PMEMFAIL_RECORD_PROBLEM,	/* the store cannot be written: text says why */
	PMEMFAIL_MODULE_CHANGED,	/* loaded or gone */
	PMEMFAIL_REMOVAL_BEGINS,	/* of notice_device(); delays count from here */
	PMEMFAIL_REMOVAL_READY,		/* no delay is left: of engine_begin_removal() */
	PMEMFAIL_REMOVAL_ENDS,		/* it is handled, or was given up */
	PMEMFAIL_PROTECTION_CHANGED,	/* notice_on(): an unbind of it would wait */
};

/* The next notice; -EAGAIN when there is none. */
int pmemfail_engine_next(struct pmemfail_engine *e, struct pmemfail_notice **ret);
struct pmemfail_notice *pmemfail_notice_free(struct pmemfail_notice *n);
enum pmemfail_notice_kind pmemfail_notice_get_kind(const struct pmemfail_notice *n);
/* NULL unless it is about a failure. */
const struct pmemfail_failure *pmemfail_notice_failure(const struct pmemfail_notice *n);
const char *pmemfail_notice_text(const struct pmemfail_notice *n);
/* The stable id of the device that it is about; NULL: about none. */
const char *pmemfail_notice_device(const struct pmemfail_notice *n);
/* REMOVAL_BEGINS, or PROTECTION_CHANGED to protected. */
bool pmemfail_notice_on(const struct pmemfail_notice *n);
/* Of REMOVAL_READY: which one. */
uint64_t pmemfail_notice_token(const struct pmemfail_notice *n);

/* How many bound pmem devices there are, and how many an unbind would wait for. */
void pmemfail_engine_protected(struct pmemfail_engine *e, unsigned int *ret_devices,
			       unsigned int *ret_watched);
/* How many devices have failures being handled now. */
unsigned int pmemfail_engine_busy(struct pmemfail_engine *e);

/*
 * Ask for a moment before a device is taken away, to write what is dirty and let go of
 * it: a removal that comes after this waits until all delays of it have ended, but not
 * longer than InhibitDelayMaxSec=. what: a device as for pmemfail_assess(), or a mount
 * point of one. -ENODEV: neither; -EMFILE: too many.
 */
int pmemfail_engine_delay(struct pmemfail_engine *e, const char *what, uint64_t *ret_token);
void pmemfail_engine_end_delay(struct pmemfail_engine *e, uint64_t token);
/* The longest time that a held unbind is delayed, in microseconds. */
uint64_t pmemfail_engine_delay_us(const struct pmemfail_engine *e);
/*
 * The caller is going to call pmemfail_prepare_remove(): with the same courtesy as a
 * held unbind. Call it after the notice REMOVAL_READY, and end this in any case.
 */
int pmemfail_engine_begin_removal(struct pmemfail_engine *e, const char *device,
				  uint64_t *ret_token);
void pmemfail_engine_end_removal(struct pmemfail_engine *e, uint64_t token);

#ifdef __cplusplus
}
#endif

#endif
