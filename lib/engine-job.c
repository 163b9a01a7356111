// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Jobs: work that may wait, each in a thread of its own, at most PMF_MAX_JOBS at
 * once. What a job does is in engine-work.c.
 */
#include "engine.h"

/* The caller may have locked its memory, stacks included, so they are kept small;
 * libndctl, libmount and SQLite are all content with less. */
#define STACK_SIZE	(1U << 20)
#define RETRY_SEC	1

int pmf_job_new(struct pmemfail_engine *e, enum pmf_job_kind kind, struct pmf_job **ret)
{
	struct pmf_job *j = calloc(1, sizeof(*j));

	if (!j || pmf_job_reserve(j) < 0) {
		free(j);
		return -ENOMEM;
	}
	j->engine = e;
	j->kind = kind;
	j->message.kind = PMF_MESSAGE_JOB;
	j->lock_fd = -1;
	atomic_init(&j->hold_ended, false);
	*ret = j;
	return 0;
}

static void names_free(char **v)
{
	for (size_t i = 0; v && v[i]; i++)
		free(v[i]);
	free(v);
}

struct pmf_job *pmf_job_free(struct pmf_job *j)
{
	if (!j)
		return NULL;
	pmf_failure_free(j->failure);
	pmf_record_room_free(j->room);
	pmf_topology_free(j->topology);
	free(j->why_unheld);
	for (size_t i = 0; i < j->n_watches; i++)
		free(j->watches[i].node);
	free(j->watches);
	free(j->device_id);
	pmf_device_done(&j->device);
	pmf_lists_done(&j->lists);
	pmf_ranges_done(&j->ranges);
	safe_close(j->lock_fd);
	names_free(j->disks);
	names_free(j->regions);
	free(j);
	return NULL;
}

int pmf_job_reserve(struct pmf_job *j)
{
	if (!j->room)
		j->room = pmf_record_room();
	return j->room ? 0 : -ENOMEM;
}

void pmf_job_put(struct pmf_job *j, uint64_t token, struct pmf_failure *f)
{
	assert(j->room);
	pmf_record_put_into(j->engine->record, TAKE_PTR(j->room), token, f, true);
}

static bool is_handling(const struct pmf_job *j)
{
	return j->kind == PMF_JOB_HOLD;
}

static void *job_thread(void *userdata)
{
	struct pmf_job *j = userdata;

	pmf_job_work(j);
	pmf_engine_send(j->engine, &j->message);
	return NULL;
}

static int run(struct pmf_job *j)
{
	pthread_attr_t attr;
	int r;

	r = pthread_attr_init(&attr);
	if (r != 0)
		return -r;
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);	/* else the default */
	r = pthread_create(&j->thread, &attr, job_thread, j);
	pthread_attr_destroy(&attr);
	if (r != 0)
		return -r;
	j->running = true;
	j->engine->n_running++;
	j->engine->n_holds += is_handling(j);
	j->engine->n_hooks += j->kind == PMF_JOB_HOOKS;
	return 0;
}

static void take_out(struct pmf_job *j)
{
	struct pmf_job **p = &j->engine->jobs;

	while (*p != j)
		p = &(*p)->next;
	*p = j->next;
}

/* Over, with its thread if it had one. */
static void finish(struct pmf_job *j)
{
	struct pmemfail_engine *e = j->engine;

	take_out(j);
	if (is_handling(j)) {
		pmf_engine_hold_ends(e, j);
		e->n_handling--;
		atomic_fetch_sub(&e->ctx->quiet, 1);
		pmf_snapshots_refresh(e->snapshots, PMF_READ_DEVICES | PMF_READ_BLOCKS |
				      PMF_READ_STACK | PMF_READ_MOUNTS);
	}
	pmf_job_free(j);
}

/* Unbinds do not wait for the room that others take. A hook may use a filesystem, so
 * none is begun while one may be frozen. */
static bool has_room(const struct pmemfail_engine *e, const struct pmf_job *j)
{
	if (is_handling(j))
		return !j->delayed && e->n_holds < PMF_MAX_JOBS;
	if (j->kind == PMF_JOB_HOOKS)
		return e->n_hooks < PMF_MAX_HOOKS && atomic_load(&e->ctx->quiet) == 0;
	return e->n_running - e->n_holds - e->n_hooks < PMF_MAX_JOBS;
}

/* Unbinds wait for their jobs, so those go before the others. */
static struct pmf_job *next_waiting(struct pmemfail_engine *e)
{
	struct pmf_job *other = NULL;

	for (struct pmf_job *j = e->jobs; j; j = j->next) {
		if (j->running || !has_room(e, j))
			continue;
		if (is_handling(j))
			return j;
		if (!other)
			other = j;
	}
	return other;
}

void pmf_jobs_continue(struct pmemfail_engine *e)
{
	struct pmf_job *j;

	while ((j = next_waiting(e))) {
		if (run(j) >= 0)
			continue;
		/* No thread to be had. When one is at work, its end is the next chance. */
		if (e->n_running > 0)
			return;
		if (is_handling(j)) {
			pmf_job_give_up(j, "no thread could be started to handle it");
			finish(j);
			continue;
		}
		pmf_engine_timer(e, RETRY_SEC);
		return;
	}
}

void pmf_job_start(struct pmf_job *j)
{
	struct pmemfail_engine *e = j->engine;
	struct pmf_job **p = &e->jobs;

	while (*p)
		p = &(*p)->next;
	*p = j;
	if (is_handling(j)) {
		e->n_handling++;
		atomic_fetch_add(&e->ctx->quiet, 1);
	}
	pmf_jobs_continue(e);
}

void pmf_job_over(struct pmf_job *j)
{
	struct pmemfail_engine *e = j->engine;

	pthread_join(j->thread, NULL);	/* sending the message was its last act */
	e->n_running--;
	e->n_holds -= is_handling(j);
	e->n_hooks -= j->kind == PMF_JOB_HOOKS;
	switch (j->kind) {
	case PMF_JOB_WATCH:
		pmf_engine_watched(e, j);
		break;
	case PMF_JOB_WATCH_LISTS:
		pmf_engine_watch_lists_over(e);
		break;
	case PMF_JOB_LISTS:
		pmf_engine_lists_over(e, j);
		break;
	case PMF_JOB_POISON:
	case PMF_JOB_HOOKS:
		pmf_engine_poison_over(e, j);
		break;
	case PMF_JOB_HOLD:
	case PMF_JOB_UNHELD:
	case PMF_JOB_LEFTOVER:
		break;
	}
	finish(j);
	pmf_jobs_continue(e);
}
