/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a job does, in a thread, with the engine's context: its guard process and its
 * locks keep this and the engine's own handlings from harming each other.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bus-job.h"
#include "notice.h"

#define MAX_FAILURES	4096

/* Told about one range after the other: each counts the same. */
struct ranges_told {
	struct bus_job *job;
	uint64_t range;
};

static int go_on(uint64_t done, uint64_t total, void *userdata)
{
	const struct ranges_told *p = userdata;
	struct bus_job *j = p->job;

	if (j->n_ranges > 1) {
		uint64_t part = total ? (uint64_t)((double)done / (double)total * 1000.0) : 0;

		done = p->range * 1000 + (part > 1000 ? 1000 : part);
		total = j->n_ranges * 1000;
	}
	atomic_store(&j->total, total);
	atomic_store(&j->done, done);
	return atomic_load(&j->cancel) ? -ECANCELED : 0;
}

/* --- what came of it ------------------------------------------------------- */

static int append_text(struct bus_job *j, const char *text, size_t n)
{
	char *v = realloc(j->json, j->json_size + n + 1);

	if (!v)
		return -ENOMEM;
	memcpy(v + j->json_size, text, n);
	j->json = v;
	j->json_size += n;
	v[j->json_size] = '\0';
	return 0;
}

static int add_json(struct bus_job *j, const struct pmemfail_failure *f)
{
	char *text = NULL;
	int r;

	if (!j->json)
		return 0;	/* too long already */
	/* Leave to have it done is none to see whose processes and files those are. */
	r = pmemfail_failure_to_json_for(f, j->uid, &text);
	if (r < 0)
		return r;
	if (j->json_size + strlen(text) + 2 > BUS_MAX_TEXT) {
		free(j->json);
		j->json = NULL;
	} else {
		r = j->json_size > 1 ? append_text(j, ",", 1) : 0;
		if (r >= 0)
			r = append_text(j, text, strlen(text));
	}
	free(text);
	return r;
}

/* An assessment is none, and what did not get an id is not on record. What was looked at
 * again and is as it was has been said before: nobody was sent SIGBUS this time. */
static bool is_news(const struct bus_job *j, const struct pmemfail_failure *f)
{
	return pmemfail_failure_id(f) && j->kind != BUS_JOB_ASSESS &&
	       pmemfail_failure_updated_us(f) >= j->began_us;
}

static int add(const struct pmemfail_failure *f, void *userdata)
{
	struct bus_job *j = userdata;
	uint64_t *v;

	if (is_news(j, f))
		notice_log_failure(f);
	if (pmemfail_failure_id(f) && j->n_ids < MAX_FAILURES) {
		v = realloc(j->ids, (j->n_ids + 1) * sizeof(*v));
		if (!v)
			return -ENOMEM;
		j->ids = v;
		v[j->n_ids++] = pmemfail_failure_id(f);
	}
	return add_json(j, f);
}

static int add_own(struct bus_job *j, int r, struct pmemfail_failure *f)
{
	if (r < 0)
		return r;
	r = add(f, j);
	pmemfail_failure_free(f);
	return r;
}

/* --- doing it -------------------------------------------------------------- */

static int assess(struct bus_job *j)
{
	struct pmemfail_failure *f = NULL;
	int r = 0;

	if (j->n_ranges == 0) {
		r = pmemfail_assess(j->lib, j->device, &f);
		return add_own(j, r, f);
	}
	for (size_t i = 0; r >= 0 && i < j->n_ranges; i++) {
		const struct bus_range *range = &j->ranges[i];
		struct ranges_told p = { j, i };

		if (atomic_load(&j->cancel))
			return -ECANCELED;
		r = pmemfail_assess_range(j->lib, j->device, range->start,
					  range->end - range->start, j->deep, go_on, &p, &f);
		r = add_own(j, r, f);
		f = NULL;
	}
	return r;
}

static int report(struct bus_job *j)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < j->n_ranges; i++) {
		uint64_t start = j->ranges[i].start, n = j->ranges[i].end - start;

		r = *j->device ? pmemfail_report(j->lib, j->device, start, n, add, j) :
			pmemfail_report_spa(j->lib, start, n, add, j);
		atomic_store(&j->done, i + 1);
	}
	return r;
}

static int prepare_remove(struct bus_job *j)
{
	struct pmemfail_failure *f = NULL;
	int r = pmemfail_prepare_remove_with_progress(j->lib, j->device, j->progress, &f);

	return add_own(j, r, f);
}

static int do_it(struct bus_job *j)
{
	switch (j->kind) {
	case BUS_JOB_ASSESS:
		return assess(j);
	case BUS_JOB_REPORT:
		return report(j);
	case BUS_JOB_PREPARE_REMOVE:
		return prepare_remove(j);
	case BUS_JOB_REPLAY:
		return pmemfail_replay_with_progress(j->lib, *j->device ? j->device : NULL,
						     j->progress, add, j);
	}
	return -EINVAL;
}

void bus_job_run(struct work_item *i)
{
	struct bus_job *j = (struct bus_job *)i;
	struct timespec now;
	int r;

	clock_gettime(CLOCK_REALTIME, &now);
	j->began_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	atomic_store(&j->running, true);
	if (j->kind == BUS_JOB_REPORT)
		atomic_store(&j->total, j->n_ranges);
	r = append_text(j, "[", 1);
	if (r >= 0 && atomic_load(&j->cancel))
		r = -ECANCELED;
	if (r >= 0)
		r = do_it(j);
	if (r < 0)
		(void)snprintf(j->why, sizeof(j->why), "%s", r == -ENOMEM ? "out of memory" :
			       r == -ECANCELED ? "it was canceled" : pmemfail_why());
	bus_clean(j->why);
	if (j->json && append_text(j, "]", 1) < 0) {
		free(j->json);
		j->json = NULL;
	}
	j->error = r < 0 ? r : 0;
}
