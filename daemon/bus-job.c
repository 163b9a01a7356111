/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of a job; see bus-job.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bus-job.h"

#define SEC		1000000ULL
#define KEPT_US		(60 * SEC)
#define TICK_US		(SEC / 2)	/* how often progress is told */
#define MAX_ENDED	16
#define MAX_ENDED_TEXT	(2ULL * BUS_MAX_TEXT)

static void tell(struct bus_job *j, const char *property, const char *another)
{
	if (bus_has_room(j->bus))
		(void)sd_bus_emit_properties_changed(j->bus->bus, j->path, BUS_JOB_INTERFACE, property,
						     another, NULL);
}

static uint64_t now_us(struct bus *b)
{
	uint64_t t = 0;

	(void)sd_event_now(b->event, CLOCK_MONOTONIC, &t);
	return t;
}

/* --- begin and end --------------------------------------------------------- */

static void job_free(struct bus_job *j)
{
	sd_bus_slot_unref(j->owner_gone);
	sd_bus_slot_unref(j->owner_there);
	pmemfail_unref(j->lib);
	pmemfail_progress_free(j->progress);
	free(j->device);
	free(j->ranges);
	free(j->owner);
	free(j->ids);
	free(j->json);
	free(j);
}

static void take_out(struct bus_job *j)
{
	struct bus_job **p = &j->bus->jobs;

	while (*p != j)
		p = &(*p)->next;
	*p = j->next;
}

void bus_job_drop(struct bus_job *j)
{
	if (!j)
		return;
	take_out(j);
	job_free(j);
}

/* Of all clients. Those whose client nobody has allowed anything yet do not count: who
 * makes polkit wait for a password would keep everybody else from having one. */
static bool is_full(const struct bus *b)
{
	unsigned int n = 0;

	for (const struct bus_job *j = b->jobs; j; j = j->next)
		n += j->state > BUS_JOB_ASKED && j->state < BUS_JOB_DONE;
	return n >= BUS_MAX_JOBS;
}

int bus_job_new(struct bus *b, enum bus_job_kind kind, const char *owner, struct bus_job **ret,
		sd_bus_error *error)
{
	unsigned int own = 0;
	struct bus_job *j;

	if (!b->engine)
		return bus_fail(error, -EBUSY, "pmemfaild is not ready");
	for (j = b->jobs; j; j = j->next)
		own += j->state < BUS_JOB_DONE && strcmp(j->owner, owner) == 0;
	if (own >= BUS_MAX_JOBS_EACH)
		return bus_fail(error, -EUSERS, "you have 4 jobs already; wait for one to end");
	if (is_full(b))
		return bus_fail(error, -EUSERS, BUS_TOO_MANY_JOBS);
	j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	j->owner = strdup(owner);
	if (!j->owner || ((kind == BUS_JOB_PREPARE_REMOVE || kind == BUS_JOB_REPLAY) &&
			  pmemfail_progress_new(&j->progress) < 0)) {
		job_free(j);
		return -ENOMEM;
	}
	j->bus = b;
	j->kind = kind;
	j->lib = pmemfail_ref(b->lib);
	j->next = b->jobs;
	b->jobs = j;
	*ret = j;
	return 0;
}

static void remove_job(struct bus_job *j)
{
	if (bus_has_room(j->bus))
		(void)sd_bus_emit_object_removed(j->bus->bus, j->path);
	bus_job_drop(j);
}

static int on_tick(sd_event_source *s, uint64_t usec, void *userdata);

/* Runs as long as there is a job, at most a minute after its end. */
static void arm(struct bus *b)
{
	uint64_t next = UINT64_MAX, now = now_us(b);

	for (const struct bus_job *j = b->jobs; j; j = j->next) {
		uint64_t t = j->state < BUS_JOB_DONE ? now + TICK_US : j->ended_us + KEPT_US;

		next = t < next ? t : next;
	}
	if (next == UINT64_MAX) {
		b->job_timer = sd_event_source_disable_unref(b->job_timer);
	} else if (!b->job_timer) {
		(void)sd_event_add_time(b->event, &b->job_timer, CLOCK_MONOTONIC, next, 0,
					on_tick, b);
	} else {
		(void)sd_event_source_set_time(b->job_timer, next);
		(void)sd_event_source_set_enabled(b->job_timer, SD_EVENT_ONESHOT);
	}
}

static void look(struct bus_job *j)
{
	uint64_t done, total;

	bus_job_how_far(j, &done, &total);
	if (j->state == BUS_JOB_WAITING && atomic_load(&j->running)) {
		j->state = BUS_JOB_RUNNING;
		tell(j, "State", NULL);
	}
	if (done != j->told_done || total != j->told_total) {
		j->told_done = done;
		j->told_total = total;
		tell(j, "Done", "Total");
	}
}

static int on_tick(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct bus *b = userdata;

	(void)s;
	(void)usec;
	for (struct bus_job *j = b->jobs, *next; j; j = next) {
		next = j->next;
		if (j->state < BUS_JOB_DONE)
			look(j);
		else if (now_us(b) >= j->ended_us + KEPT_US)
			remove_job(j);
	}
	arm(b);
	return 0;
}

/* Newest first in the list, so the oldest that are over go. */
static void bound_ended(struct bus *b)
{
	uint64_t text = 0;
	unsigned int n = 0;

	for (struct bus_job *j = b->jobs, *next; j; j = next) {
		next = j->next;
		if (j->state < BUS_JOB_DONE)
			continue;
		text += j->json ? j->json_size : 0;
		if (++n > MAX_ENDED || text > MAX_ENDED_TEXT)
			remove_job(j);
	}
}

/* What it did by then is on record and in the log as a failure; that there is less of it
 * than was asked for is nowhere else. */
static void log_failed(const struct bus_job *j)
{
	struct log_entry *e = log_begin(j->kind == BUS_JOB_ASSESS ? LOG_INFO : LOG_WARNING,
					MESSAGE_JOB_FAILED);

	log_field(e, FIELD_JOB, bus_job_kind_name(j));
	log_field(e, FIELD_DEVICE, *j->device ? j->device : NULL);
	log_number(e, FIELD_CLIENT_UID, j->uid);
	log_number(e, FIELD_ERRNO, (uint64_t)-j->error);
	log_end(e, "%s%s%s failed, which user %u had asked for: %s", bus_job_kind_name(j),
		*j->device ? " of " : "", j->device, j->uid, j->why);
}

static void end(struct bus_job *j)
{
	struct bus *b = j->bus;

	look(j);
	j->state = j->item.canceled || j->error == -ECANCELED ? BUS_JOB_CANCELED :
		   j->error < 0 ? BUS_JOB_FAILED : BUS_JOB_DONE;
	if (j->state == BUS_JOB_CANCELED) {
		j->error = -ECANCELED;
		(void)snprintf(j->why, sizeof(j->why), "it was canceled");
	}
	if (j->state == BUS_JOB_FAILED)
		log_failed(j);
	j->ended_us = now_us(b);
	j->owner_gone = sd_bus_slot_unref(j->owner_gone);
	j->owner_there = sd_bus_slot_unref(j->owner_there);
	if (j->in_removal && b->engine)
		pmemfail_engine_end_removal(b->engine, j->removal);
	j->in_removal = false;
	if (bus_has_room(b))
		(void)sd_bus_emit_properties_changed(b->bus, j->path, BUS_JOB_INTERFACE, "State",
						     "Error", "Errno", "Failures", NULL);
	(void)bus_emit(b, "JobRemoved", "tos", j->id, j->path, bus_job_state_name(j));
	bound_ended(b);
	arm(b);
	b->ops->idle(b->userdata);
}

static void done(struct work_item *i)
{
	end((struct bus_job *)i);
}

static int go(struct bus_job *j)
{
	j->item.run = bus_job_run;
	j->item.done = done;
	return work_add(j->bus->work, WORK_ACT, &j->item);
}

/* --- the owner ------------------------------------------------------------- */

int bus_job_cancel(struct bus_job *j)
{
	bool begun = atomic_load(&j->running);

	/* Half a rescue is worse than either end of it. */
	if (begun && j->kind != BUS_JOB_ASSESS)
		return -EOPNOTSUPP;
	atomic_store(&j->cancel, true);
	if (!j->item.run && j->state == BUS_JOB_WAITING) {
		j->error = -ECANCELED;	/* no thread has it */
		end(j);
	}
	return 0;
}

static int on_owner_gone(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_job *j = userdata;
	const char *name, *old, *new;

	(void)error;
	if (sd_bus_message_read(m, "sss", &name, &old, &new) >= 0 && !*new)
		atomic_store(&j->cancel, true);
	return 0;
}

static int on_owner_there(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_job *j = userdata;
	int there = 1;

	(void)error;
	if (sd_bus_message_read(m, "b", &there) >= 0 && !there)
		atomic_store(&j->cancel, true);
	return 0;
}

/* If this fails it is done to its end, whoever listens. */
static void watch_owner(struct bus_job *j)
{
	char match[512];

	(void)snprintf(match, sizeof(match), "type='signal',sender='org.freedesktop.DBus',"
		       "path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
		       "member='NameOwnerChanged',arg0='%.255s'", j->owner);
	(void)sd_bus_add_match_async(j->bus->bus, &j->owner_gone, match, on_owner_gone, NULL, j);
	/* It may have gone before. */
	(void)sd_bus_call_method_async(j->bus->bus, &j->owner_there, "org.freedesktop.DBus",
				       "/org/freedesktop/DBus", "org.freedesktop.DBus",
				       "NameHasOwner", on_owner_there, j, "s", j->owner);
}

int bus_job_begin(struct bus_job *j)
{
	struct bus *b = j->bus;
	int r;

	if (!b->engine)
		return -EBUSY;
	if (is_full(b))
		return -EUSERS;
	if (j->kind == BUS_JOB_PREPARE_REMOVE) {
		r = pmemfail_engine_begin_removal(b->engine, j->device, &j->removal);
		j->in_removal = r >= 0;
	} else {
		r = go(j);
	}
	if (r < 0)
		return r;
	j->state = BUS_JOB_WAITING;
	j->id = ++b->last_job;
	(void)snprintf(j->path, sizeof(j->path), BUS_JOB_PREFIX "/%" PRIu64, j->id);
	if (j->kind == BUS_JOB_ASSESS)
		watch_owner(j);
	if (bus_has_room(b))
		(void)sd_bus_emit_object_added(b->bus, j->path);
	arm(b);
	return 0;
}

void bus_job_ready(struct bus *b, uint64_t token)
{
	for (struct bus_job *j = b->jobs; j; j = j->next)
		if (j->in_removal && j->removal == token && j->state == BUS_JOB_WAITING) {
			j->error = go(j);
			if (j->error < 0) {
				(void)snprintf(j->why, sizeof(j->why), "%s",
					       "too much waits to be done");
				end(j);
			}
			return;
		}
}

void bus_jobs_disconnected(struct bus *b)
{
	for (struct bus_job *j = b->jobs; j; j = j->next) {
		j->owner[0] = '\0';	/* another may have that name on the next one */
		j->owner_gone = sd_bus_slot_unref(j->owner_gone);
		j->owner_there = sd_bus_slot_unref(j->owner_there);
		if (j->kind == BUS_JOB_ASSESS)
			atomic_store(&j->cancel, true);
	}
}

void bus_jobs_cancel(struct bus *b)
{
	for (struct bus_job *j = b->jobs; j; j = j->next)
		if (j->kind == BUS_JOB_ASSESS)
			atomic_store(&j->cancel, true);
}

void bus_jobs_done(struct bus *b)
{
	while (b->jobs)
		bus_job_drop(b->jobs);
	b->job_timer = sd_event_source_disable_unref(b->job_timer);
}
