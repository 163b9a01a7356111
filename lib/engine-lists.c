// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The kernel's lists of what is bad: when they are read, and by whom. Reading one can
 * wait for the device's removal, so each device has a job of its own for it, and none
 * is begun while the device is held.
 */
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "engine.h"

void pmf_engine_look(struct pmemfail_engine *e, const char *id, bool replay)
{
	for (size_t i = 0; e->topology && i < e->topology->n_devices; i++) {
		const struct pmf_device *d = &e->topology->devices[i];
		struct pmf_poisoned *p;

		if (!d->devno || (id && !streq_ptr(d->id, id)))
			continue;
		p = pmf_poisoned_of(e, d->id);
		if (!p) {
			pmf_engine_timer(e, 1);
			continue;
		}
		p->list = true;
		p->replay |= replay;
	}
}

/* --- reasons to look ------------------------------------------------------- */

static bool is_new_mount(const struct pmf_mount *m, const struct pmf_topology *old)
{
	for (size_t i = 0; old && i < old->n_mounts; i++)
		if (old->mounts[i].id == m->id && old->mounts[i].devno == m->devno)
			return false;
	return true;
}

struct search {
	const struct pmf_mount *m;
	bool found;
};

static int is_below(const struct pmf_block *b, const struct pmf_ranges *own, void *userdata)
{
	struct search *s = userdata;

	(void)own;
	s->found |= b->devno == s->m->devno || b->devno == s->m->log_devno ||
		    b->devno == s->m->rt_devno;
	return s->found;
}

void pmf_engine_look_mounted(struct pmemfail_engine *e, const struct pmf_topology *old)
{
	const struct pmf_topology *t = e->topology;

	for (size_t i = 0; i < t->n_mounts; i++) {
		if (!is_new_mount(&t->mounts[i], old))
			continue;
		for (size_t k = 0; k < t->n_devices; k++) {
			const struct pmf_device *d = &t->devices[k];
			struct search s = { .m = &t->mounts[i] };

			if (!d->devno)
				continue;
			(void)pmf_topology_up(t, d->devno, PMF_RANGE_ALL, is_below, &s);
			if (s.found)
				pmf_engine_look(e, d->id, true);
		}
	}
}

void pmf_engine_read_badblocks(struct pmemfail_engine *e)
{
	if (pmf_badblocks_watch_read(e->badblocks))
		pmf_engine_look(e, NULL, false);
}

/* May it change without a word of anybody? */
static bool is_waiting(const struct pmf_poisoned *p)
{
	return p->n_open > 0 || p->unreadable;
}

void pmf_engine_rescan(struct pmemfail_engine *e)
{
	uint64_t n;

	if (read(e->rescan_fd, &n, sizeof(n)) != (ssize_t)sizeof(n))
		return;
	/* Of the others, their lists tell when they change. */
	for (size_t i = 0; i < e->n_poisoned; i++)
		if (is_waiting(e->poisoned[i]))
			pmf_engine_look(e, e->poisoned[i]->id, true);
	pmf_engine_rearm(e);
}

void pmf_engine_rearm(struct pmemfail_engine *e)
{
	struct itimerspec t = { 0 }, now = { 0 };
	bool open = false;

	for (size_t i = 0; i < e->n_poisoned; i++)
		open |= is_waiting(e->poisoned[i]);
	(void)timerfd_gettime(e->rescan_fd, &now);	/* cannot fail: a timer of ours */
	if (open == (now.it_value.tv_sec != 0 || now.it_value.tv_nsec != 0))
		return;
	if (open && e->policy->rescan_us > 0) {
		t.it_value.tv_sec = (time_t)(e->policy->rescan_us / 1000000);
		t.it_value.tv_nsec = (long)(e->policy->rescan_us % 1000000) * 1000;
	}
	(void)timerfd_settime(e->rescan_fd, 0, &t, NULL);
}

/* --- reading --------------------------------------------------------------- */

static bool is_held(const struct pmemfail_engine *e, const char *id)
{
	for (const struct pmf_job *j = e->jobs; j; j = j->next)
		if (j->kind == PMF_JOB_HOLD && streq_ptr(j->device_id, id))
			return true;
	return false;
}

static void read_lists(struct pmemfail_engine *e, struct pmf_poisoned *p,
		       const struct pmf_device *d)
{
	struct pmf_job *j = NULL;

	if (pmf_job_new(e, PMF_JOB_LISTS, &j) < 0 || !strdup_to(&j->device_id, d->id) ||
	    !pmf_device_copy(d, &j->device)) {
		pmf_job_free(j);
		pmf_engine_timer(e, 1);
		return;
	}
	j->n_clears = p->n_clears;
	j->stale = p->n_clears > 0 && pmf_record_is_behind(e->record, p->id);
	p->list = false;
	p->listing = true;
	pmf_job_start(j);
}

static int copy_name(char ***v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (streq((*v)[i], name))
			return 0;
	return strdup_to(&(*v)[n], name) ? 1 : -ENOMEM;
}

static void watch_lists(struct pmemfail_engine *e)
{
	size_t n = e->topology->n_devices, disks = 0, regions = 0;
	struct pmf_job *j = NULL;
	int r;

	r = pmf_job_new(e, PMF_JOB_WATCH_LISTS, &j);
	if (r >= 0) {
		j->disks = calloc(n + 1, sizeof(*j->disks));
		j->regions = calloc(n + 1, sizeof(*j->regions));
		r = j->disks && j->regions ? 0 : -ENOMEM;
	}
	for (size_t i = 0; r >= 0 && i < n; i++) {
		const struct pmf_device *d = &e->topology->devices[i];

		if (!d->devno)
			continue;
		if (d->name && d->mode != PMF_MODE_DEVDAX &&
		    (r = copy_name(&j->disks, disks, d->name)) > 0)
			disks++;
		if (r >= 0 && d->region && (r = copy_name(&j->regions, regions, d->region)) > 0)
			regions++;
	}
	if (r < 0) {
		pmf_job_free(j);
		pmf_engine_timer(e, 1);
		return;
	}
	e->rewatch_lists = false;
	e->watching_lists = true;
	pmf_job_start(j);
}

static size_t length(char *const *v)
{
	size_t n = 0;

	while (v[n])
		n++;
	return n;
}

void pmf_job_watch_lists(struct pmf_job *j)
{
	int r = pmf_badblocks_watch_set(j->engine->badblocks, (const char *const *)j->disks,
					length(j->disks), (const char *const *)j->regions,
					length(j->regions));

	if (r < 0)
		pmf_log(j->engine->ctx, "cannot watch all lists of bad blocks: %s",
			strerror(-r));
}

/* What changed before they were watched is seen by reading them after. */
void pmf_engine_watch_lists_over(struct pmemfail_engine *e)
{
	e->watching_lists = false;
	pmf_engine_look(e, NULL, false);
}

void pmf_engine_lists(struct pmemfail_engine *e)
{
	if (e->ending || !e->record_ready || !e->topology)
		return;
	if (e->badblocks && e->rewatch_lists && !e->watching_lists && e->n_handling == 0)
		watch_lists(e);
	for (size_t i = 0; i < e->n_poisoned; i++) {
		struct pmf_poisoned *p = e->poisoned[i];
		const struct pmf_device *d;

		if (!p->list || p->listing || is_held(e, p->id))
			continue;
		d = pmf_topology_bound_by_id(e->topology, p->id);
		if (d)
			read_lists(e, p, d);
		else
			p->list = false;	/* a bind makes it wanted again */
	}
}

/* The ranges of the lists that are on no record. */
static void feed(struct pmemfail_engine *e, struct pmf_poisoned *p, const struct pmf_device *d)
{
	_cleanup_(pmf_ranges_done) struct pmf_ranges news = { 0 };

	if (pmf_ranges_copy(&p->lists.bad, &news) < 0 ||
	    pmf_ranges_subtract(&news, &p->known) < 0) {
		p->list = true;
		pmf_engine_timer(e, 1);
		return;
	}
	for (size_t i = 0; i < news.n; i++)
		pmf_engine_bad(e, d, news.v[i], PMF_SOURCE_BADBLOCKS);
}

/* Rather one too many: with none, nobody looks again. */
void pmf_poisoned_count(struct pmf_poisoned *p, const struct pmf_job *j)
{
	p->n_open = j->counted ? j->n_open : MAX(p->n_open, j->n_open);
}

/* What is on record, unless it was read before something of it was cleared. */
static void take_record(struct pmemfail_engine *e, struct pmf_poisoned *p, struct pmf_job *j)
{
	if (!j->has_known)
		return;
	p->info_told |= j->has_info;
	p->info_saved |= j->has_info;
	if (j->n_clears == p->n_clears && !j->stale) {
		if (pmf_ranges_add_all(&p->known, &j->ranges) >= 0)
			(void)pmf_intake_known(e->intake, p->id, &p->known);
		/* without memory it is kept for longer than need be */
		(void)pmf_ranges_add_all(&p->saved, &j->ranges);
		pmf_poisoned_count(p, j);
		pmf_engine_trace_settle(e);
	}
	if (!p->loaded) {
		/* Also without its lists: then events are all there is to go by. */
		p->loaded = true;
		(void)pmf_intake_hold_poison(e->intake, p->id, false);
	}
	pmf_engine_tell_info(e, p);
}

void pmf_engine_lists_over(struct pmemfail_engine *e, struct pmf_job *j)
{
	struct pmf_poisoned *p = pmf_poisoned_of(e, j->device_id);

	if (!p)
		return;		/* cannot be: it was there when the job began */
	p->listing = false;
	p->unreadable = j->result < 0;
	take_record(e, p, j);
	if (j->result == -EAGAIN || j->result == -ENOMEM) {
		p->list = true;
		pmf_engine_timer(e, 1);
	}
	if (j->result < 0) {
		pmf_log(e->ctx, "cannot read the bad blocks of %s: %s", j->device.name,
			strerror(-j->result));
		pmf_engine_rearm(e);
		return;
	}
	pmf_lists_done(&p->lists);
	p->lists = j->lists;
	j->lists = (struct pmf_lists){ 0 };
	p->has_lists = true;
	p->reconcile |= j->differs;
	feed(e, p, &j->device);
	pmf_engine_rearm(e);
}

/* --- beginning ------------------------------------------------------------- */

int pmf_engine_open_lists(struct pmemfail_engine *e)
{
	int r, keep = 0;

	e->rescan_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (e->rescan_fd < 0)
		return -errno;
	/* Without either, what is bad is still found by whoever looks. */
	r = pmf_badblocks_watch_new(&e->badblocks);
	if (r < 0)
		pmf_log(e->ctx, "lists of bad blocks are not watched: %s", strerror(-r));
	r = pmf_trace_open(e->policy->run_dir, &e->trace, &keep);
	if (r < 0)
		pmf_log(e->ctx, "memory failures are not seen: %s", strerror(-r));
	else if (keep < 0)
		pmf_log(e->ctx, "memory failures seen in the last moment before a sudden "
			"death would be lost: %s", strerror(-keep));
	else if (keep > 0)
		pmf_log(e->ctx, "%s/memory-failures was damaged: of what a predecessor had "
			"seen last, some may be lost", e->policy->run_dir);
	return 0;
}
