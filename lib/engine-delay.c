// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Delays: who uses a device may ask for a moment before it is taken away. A removal
 * without one waits for nothing; with one, until all of them have ended or the time is
 * up. What a delay names is looked up when it is asked for and again when a removal
 * comes, both times in memory: during a hold nothing may read sysfs. Public.
 */
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "base/str.h"
#include "engine.h"

#define MAX_DELAYS	1024

struct pmf_delay {
	uint64_t token;
	char *what;
	char **ids;		/* of the devices it named, NULL at the end */
};

struct pmf_removal {
	struct pmf_removal *next;
	uint64_t token;		/* delays with a greater one came too late */
	char *id;
	struct pmf_job *job;	/* NULL: the caller's own */
	uint64_t deadline_ns;
	bool waiting;
};

static struct pmf_delay *delay_free(struct pmf_delay *d)
{
	if (d) {
		for (size_t i = 0; d->ids && d->ids[i]; i++)
			free(d->ids[i]);
		free(d->ids);
		free(d->what);
		free(d);
	}
	return NULL;
}

/* --- what a name means ----------------------------------------------------- */

struct search {
	const struct pmf_topology *t;
	const char *what;
	bool found;
};

static int is_called(const struct pmf_block *b, const struct pmf_ranges *own, void *userdata)
{
	struct search *s = userdata;

	(void)own;
	s->found |= streq_ptr(b->name, s->what) || streq_ptr(b->node, s->what);
	for (size_t i = 0; !s->found && i < s->t->n_mounts; i++) {
		const struct pmf_mount *m = &s->t->mounts[i];

		s->found = streq_ptr(m->target, s->what) &&
			   (m->devno == b->devno || m->log_devno == b->devno ||
			    m->rt_devno == b->devno);
	}
	return s->found;
}

/* Is what a name of the device, of what lies on it, or where that is mounted? */
static bool names(const struct pmf_topology *t, const struct pmf_device *d, const char *what)
{
	struct search s = { .t = t, .what = what };
	const struct pmf_device *found;

	if (pmf_topology_find(t, what, &found) == 0 && found == d)
		return true;
	if (d->devno)
		(void)pmf_topology_up(t, d->devno, PMF_RANGE_ALL, is_called, &s);
	return s.found;
}

static int look_up(struct pmemfail_engine *e, struct pmf_delay *d)
{
	const struct pmf_topology *t = e->topology;
	size_t n = 0;

	d->ids = calloc((t ? t->n_devices : 0) + 1, sizeof(*d->ids));
	if (!d->ids)
		return -ENOMEM;
	for (size_t i = 0; t && i < t->n_devices; i++)
		if (names(t, &t->devices[i], d->what) &&
		    !strdup_to(&d->ids[n++], t->devices[i].id))
			return -ENOMEM;
	return n > 0 ? 0 : -ENODEV;
}

static bool concerns(const struct pmemfail_engine *e, const struct pmf_delay *d, const char *id)
{
	const struct pmf_device *device;

	for (size_t i = 0; d->ids[i]; i++)
		if (streq(d->ids[i], id))
			return true;
	device = e->topology ? pmf_topology_device_by_id(e->topology, id) : NULL;
	return device && names(e->topology, device, d->what);
}

/* --- removals -------------------------------------------------------------- */

static bool must_wait(const struct pmemfail_engine *e, const struct pmf_removal *r)
{
	for (size_t i = 0; !e->ending && i < e->n_delays; i++)
		if (e->delays[i]->token <= r->token && concerns(e, e->delays[i], r->id))
			return true;
	return false;
}

static void set_timer(struct pmemfail_engine *e)
{
	uint64_t first = UINT64_MAX, now = e->sys->ops->now_boottime_ns(e->sys);
	struct itimerspec t = { 0 };

	for (const struct pmf_removal *r = e->removals; r; r = r->next)
		if (r->waiting)
			first = MIN(first, r->deadline_ns);
	if (first != UINT64_MAX) {
		first = first > now ? first - now : 1;
		t.it_value.tv_sec = (time_t)(first / 1000000000);
		t.it_value.tv_nsec = (long)(first % 1000000000);
	}
	(void)timerfd_settime(e->delay_fd, 0, &t, NULL);	/* cannot fail: valid values */
}

static void go_on(struct pmemfail_engine *e, struct pmf_removal *r)
{
	r->waiting = false;
	if (r->job)
		r->job->delayed = false;
	else
		pmf_engine_notice_token(e, PMEMFAIL_REMOVAL_READY, r->id, r->token);
}

/* Something of them has changed: those that need not wait any more go on. */
static void look_again(struct pmemfail_engine *e)
{
	uint64_t now = e->sys->ops->now_boottime_ns(e->sys);

	for (struct pmf_removal *r = e->removals; r; r = r->next)
		if (r->waiting && (now >= r->deadline_ns || !must_wait(e, r)))
			go_on(e, r);
	set_timer(e);
	pmf_jobs_continue(e);
}

static int begin(struct pmemfail_engine *e, const char *id, struct pmf_job *j,
		 uint64_t longest_us, struct pmf_removal **ret)
{
	struct pmf_removal *r = calloc(1, sizeof(*r));

	if (!r || !strdup_to(&r->id, id)) {
		free(r);
		return -ENOMEM;
	}
	r->token = ++e->last_delay;
	r->job = j;
	r->deadline_ns = e->sys->ops->now_boottime_ns(e->sys) + longest_us * 1000;
	r->next = e->removals;
	e->removals = r;
	pmf_engine_notice_device(e, PMEMFAIL_REMOVAL_BEGINS, id, true);
	r->waiting = longest_us > 0 && must_wait(e, r);
	*ret = r;
	return 0;
}

static void end(struct pmemfail_engine *e, struct pmf_removal *r)
{
	struct pmf_removal **p = &e->removals;

	while (*p != r)
		p = &(*p)->next;
	*p = r->next;
	pmf_engine_notice_device(e, PMEMFAIL_REMOVAL_ENDS, r->id, false);
	free(r->id);
	free(r);
	set_timer(e);
}

void pmf_engine_hold_begins(struct pmemfail_engine *e, struct pmf_job *j)
{
	uint64_t longest_us = pmemfail_engine_delay_us(e);
	struct pmf_removal *r;

	/* Without memory nobody is asked. */
	if (begin(e, j->device_id, j, longest_us, &r) < 0 || !r->waiting)
		return;
	j->delayed = true;
	set_timer(e);
}

void pmf_engine_hold_ends(struct pmemfail_engine *e, struct pmf_job *j)
{
	for (struct pmf_removal *r = e->removals; r; r = r->next)
		if (r->job == j) {
			end(e, r);
			return;
		}
}

void pmf_engine_hold_gone(struct pmemfail_engine *e, struct pmf_job *j)
{
	for (struct pmf_removal *r = e->removals; r; r = r->next)
		if (r->job == j && r->waiting)
			go_on(e, r);
	look_again(e);
}

void pmf_engine_delays_timer(struct pmemfail_engine *e)
{
	uint64_t n;

	if (read(e->delay_fd, &n, sizeof(n)) == (ssize_t)sizeof(n))
		look_again(e);
}

/* The engine ends: nothing waits any more. */
void pmf_engine_delays_end(struct pmemfail_engine *e)
{
	while (e->n_delays > 0)
		delay_free(e->delays[--e->n_delays]);
	if (e->delay_fd >= 0)
		look_again(e);
}

void pmf_engine_delays_done(struct pmemfail_engine *e)
{
	while (e->removals) {
		struct pmf_removal *r = e->removals;

		e->removals = r->next;
		free(r->id);
		free(r);
	}
	free(e->delays);
}

/* What is told outside of a dispatch has to wake the caller for the next. */
static void wake(struct pmemfail_engine *e)
{
	(void)eventfd_write(e->message_fd, 1);
}

/* --- public ---------------------------------------------------------------- */

_public_ int pmemfail_engine_delay(struct pmemfail_engine *e, const char *what,
				   uint64_t *ret_token)
{
	struct pmf_delay *d;
	int r;

	if (!e || !what || !*what || !ret_token)
		return pmf_why(-EINVAL, "pmemfail_engine_delay() needs an engine, a device or "
			       "mount point, and a place for the token");
	if (e->n_delays >= MAX_DELAYS)
		return pmf_why(-EMFILE, "there are %d delays already", MAX_DELAYS);
	r = pmf_grow(&e->delays, &e->cap_delays, e->n_delays + 1, sizeof(struct pmf_delay *));
	d = r < 0 ? NULL : calloc(1, sizeof(*d));
	if (!d || !strdup_to(&d->what, what)) {
		delay_free(d);
		return pmf_why_errno(-ENOMEM, "cannot delay a removal");
	}
	r = look_up(e, d);
	if (r < 0) {
		delay_free(d);
		return r == -ENODEV ? pmf_why(r, "\"%.128s\" is neither a pmem device nor "
					      "where a filesystem of one is mounted", what) :
			pmf_why_errno(r, "cannot delay a removal");
	}
	d->token = ++e->last_delay;
	e->delays[e->n_delays++] = d;
	*ret_token = d->token;
	return 0;
}

_public_ void pmemfail_engine_end_delay(struct pmemfail_engine *e, uint64_t token)
{
	for (size_t i = 0; e && i < e->n_delays; i++)
		if (e->delays[i]->token == token) {
			delay_free(e->delays[i]);
			e->delays[i] = e->delays[--e->n_delays];
			look_again(e);
			wake(e);
			return;
		}
}

_public_ int pmemfail_engine_begin_removal(struct pmemfail_engine *e, const char *device,
					   uint64_t *ret_token)
{
	const struct pmf_device *d;
	struct pmf_removal *removal;
	int r;

	if (!e || !device || !ret_token)
		return pmf_why(-EINVAL, "pmemfail_engine_begin_removal() needs an engine, a "
			       "device and a place for the token");
	if (!e->topology)
		return pmf_why(-EAGAIN, "the devices are not known yet");
	r = pmf_find_device(e->topology, device, &d);
	if (r < 0)
		return r;
	r = begin(e, d->id, NULL, e->policy->inhibit_us, &removal);
	if (r < 0)
		return pmf_why_errno(r, "cannot begin to remove %.128s", device);
	*ret_token = removal->token;
	if (removal->waiting)
		set_timer(e);
	else
		go_on(e, removal);
	wake(e);
	return 0;
}

_public_ void pmemfail_engine_end_removal(struct pmemfail_engine *e, uint64_t token)
{
	for (struct pmf_removal *r = e ? e->removals : NULL; r; r = r->next)
		if (!r->job && r->token == token) {
			end(e, r);
			wake(e);
			return;
		}
}

_public_ uint64_t pmemfail_engine_delay_us(const struct pmemfail_engine *e)
{
	/* The rest of the hold belongs to the rescue. */
	return e ? MIN(e->policy->inhibit_us, e->policy->hold_timeout_us / 2) : 0;
}
