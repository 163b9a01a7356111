// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What changes, told by pmemfaild over D-Bus. See bus.h and ops.h.
 *
 * Signals only say which failure to look at. What was told last is kept by id, so that
 * after a time without a daemon or a bus the list of failures tells what was missed.
 * Beginnings and ends of removals in such a time are not: they are over.
 */
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

#include "bus-known.h"
#include "bus-queue.h"
#include "notice.h"
#include "ops.h"

#define MAX_AT_ONCE	256	/* messages taken before something is told */
#define RETRY_US	1000000
#define RETRY_MOST_US	30000000
/* Of the daemon's name only: every client that comes or goes has one. */
#define MATCH_OWNER	"type='signal',sender='org.freedesktop.DBus'," \
			"path='/org/freedesktop/DBus',interface='org.freedesktop.DBus'," \
			"member='NameOwnerChanged',arg0='" PMF_BUS_NAME "'"

struct bus_monitor {
	struct pmemfail_monitor base;	/* its fd is an epoll of the two below */
	sd_bus *bus;			/* NULL: lost */
	int timer_fd;
	uint64_t timeout_us;		/* of one call */
	bool daemon;			/* its name has an owner */
	bool resync;			/* changes may have been missed */
	uint64_t retry_at, retry_us;	/* CLOCK_MONOTONIC; after what went wrong */
	struct pmf_bus_known known;
	struct pmf_bus_queue queue;
};

static struct bus_monitor *over_bus(struct pmemfail_monitor *m)
{
	return (struct bus_monitor *)m;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* --- signals --------------------------------------------------------------- */

static void push(struct bus_monitor *m, enum pmemfail_notice_kind kind, const char *device,
		 bool on)
{
	m->resync |= pmf_bus_queue_notice(&m->queue, kind, device, on) < 0;
}

static int on_owner(sd_bus_message *s, void *userdata, sd_bus_error *e)
{
	const char *name, *old, *new;
	struct bus_monitor *m = userdata;

	(void)e;
	if (sd_bus_message_read(s, "sss", &name, &old, &new) <= 0)
		return 0;
	m->daemon = *new;
	m->resync |= m->daemon;
	m->retry_at = m->retry_us = 0;
	return 0;
}

/* One that cannot be read may have been about a failure. */
static int on_signal(sd_bus_message *s, void *userdata, sd_bus_error *e)
{
	struct bus_monitor *m = userdata;
	const char *device;
	uint64_t id;
	int on;

	(void)e;
	if (sd_bus_message_is_signal(s, PMF_BUS_MANAGER, "FailureAdded") ||
	    sd_bus_message_is_signal(s, PMF_BUS_MANAGER, "FailureChanged")) {
		if (sd_bus_message_read(s, "t", &id) > 0 && id != 0)
			m->resync |= pmf_bus_queue_failure(&m->queue, id) < 0;
		else
			m->resync = true;
	} else if (sd_bus_message_is_signal(s, PMF_BUS_MANAGER, "PrepareForRemoval")) {
		if (sd_bus_message_read(s, "sb", &device, &on) > 0)
			push(m, on ? PMEMFAIL_REMOVAL_BEGINS : PMEMFAIL_REMOVAL_ENDS, device, on);
	} else if (sd_bus_message_is_signal(s, PMF_BUS_MANAGER, "DeviceProtectionChanged")) {
		if (sd_bus_message_read(s, "sb", &device, &on) > 0)
			push(m, PMEMFAIL_PROTECTION_CHANGED, device, on);
	}
	return 0;
}

static int on_object(sd_bus_message *s, void *userdata, sd_bus_error *e)
{
	struct bus_monitor *m = userdata;
	const char *path;

	(void)e;
	if (sd_bus_message_read(s, "o", &path) > 0 &&
	    strncmp(path, PMF_BUS_DEVICES "/", strlen(PMF_BUS_DEVICES "/")) == 0)
		push(m, PMEMFAIL_DEVICES_CHANGED, NULL, false);
	return 0;
}

static int add_matches(struct bus_monitor *m, sd_bus *bus)
{
	int r;

	r = sd_bus_add_match(bus, NULL, MATCH_OWNER, on_owner, m);
	if (r >= 0)
		r = sd_bus_match_signal(bus, NULL, PMF_BUS_NAME, PMF_BUS_PATH, PMF_BUS_MANAGER,
					NULL, on_signal, m);
	if (r >= 0)
		r = sd_bus_match_signal(bus, NULL, PMF_BUS_NAME, NULL,
					"org.freedesktop.DBus.ObjectManager", NULL, on_object, m);
	return r < 0 ? pmf_bus_why(r, NULL) : 0;
}

/* --- the connection -------------------------------------------------------- */

static void retry_later(struct bus_monitor *m)
{
	m->retry_us = m->retry_us ? MIN(m->retry_us * 2, RETRY_MOST_US) : RETRY_US;
	m->retry_at = now_us() + m->retry_us;
}

static void lose(struct bus_monitor *m)
{
	if (m->bus)
		(void)epoll_ctl(m->base.fd, EPOLL_CTL_DEL, sd_bus_get_fd(m->bus), NULL);
	pmf_bus_closep(&m->bus);
	m->daemon = false;
	m->resync = true;
}

/* -EHOSTDOWN: there is a bus, but no daemon, for which is watched. */
static int connect_bus(struct bus_monitor *m)
{
	_cleanup_(pmf_bus_closep) sd_bus *bus = NULL;
	struct epoll_event ev = { .events = EPOLLIN };
	int r, has;

	r = pmf_bus_open(&bus);
	if (r >= 0)
		r = add_matches(m, bus);
	if (r < 0)
		return r;
	has = pmf_bus_has_daemon(bus, m->timeout_us);
	if (has < 0 && has != -EHOSTDOWN)
		return has;
	if (epoll_ctl(m->base.fd, EPOLL_CTL_ADD, sd_bus_get_fd(bus), &ev) < 0)
		return pmf_why_errno(-errno, "cannot wait for the bus");
	m->daemon = has >= 0;
	m->bus = TAKE_PTR(bus);
	return has;
}

static void set_timer(struct bus_monitor *m, uint64_t at)
{
	struct itimerspec t = { 0 };

	if (at != UINT64_MAX) {
		at = MAX(at, 1U);	/* 0 would mean never */
		t.it_value.tv_sec = (time_t)(at / 1000000);
		t.it_value.tv_nsec = (long)(at % 1000000) * 1000;
	}
	(void)timerfd_settime(m->timer_fd, TFD_TIMER_ABSTIME, &t, NULL);
}

/* Make the fd readable when there is something to do. */
static void arm(struct bus_monitor *m)
{
	struct epoll_event ev = { 0 };
	uint64_t at = UINT64_MAX;
	int events;

	if (m->bus) {
		events = sd_bus_get_events(m->bus);
		ev.events = events > 0 ? (uint32_t)events : EPOLLIN;
		(void)epoll_ctl(m->base.fd, EPOLL_CTL_MOD, sd_bus_get_fd(m->bus), &ev);
		if (sd_bus_get_timeout(m->bus, &at) < 0)
			at = UINT64_MAX;
	}
	if (!m->bus || (m->resync && m->daemon))
		at = MIN(at, m->retry_at);
	set_timer(m, at);
}

/* --- what was missed ------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
	const struct pmf_bus_row *x = a, *y = b;

	return x->updated_us != y->updated_us ?
		(x->updated_us > y->updated_us) - (x->updated_us < y->updated_us) :
		(x->id > y->id) - (x->id < y->id);
}

static int catch_up(struct bus_monitor *m)
{
	_cleanup_free_ struct pmf_bus_row *rows = NULL;
	size_t n = 0;
	int r;

	m->resync = false;	/* a signal from here on may ask for it again */
	r = pmf_bus_list(m->bus, m->timeout_us, &rows, &n);
	if (r < 0) {
		m->resync = true;
		return r;
	}
	if (n > 0)
		qsort(rows, n, sizeof(*rows), by_time);
	for (size_t i = 0; i < n; i++)
		if (!pmf_bus_known_same(&m->known, &rows[i]))
			m->resync |= pmf_bus_queue_failure(&m->queue, rows[i].id) < 0;
	pmf_bus_known_keep(&m->known, rows, n);
	return 0;
}

/* --- telling --------------------------------------------------------------- */

static int tell_failure(struct bus_monitor *m, uint64_t id, struct pmemfail_notice **ret)
{
	struct pmf_failure *f = NULL;
	struct pmemfail_notice *n;
	int r;

	r = pmf_bus_describe(m->bus, m->timeout_us, id, &f);
	if (r < 0)
		return r;
	n = calloc(1, sizeof(*n));
	r = n ? pmf_bus_known_set(&m->known, &(struct pmf_bus_row){
			.id = id, .updated_us = f->updated_us, .state = f->state }) : -ENOMEM;
	if (r < 0) {
		free(n);
		pmf_failure_free(f);
		return pmf_why_errno(-ENOMEM, "cannot tell of a failure");
	}
	n->kind = r > 0 ? PMEMFAIL_FAILURE_ADDED : PMEMFAIL_FAILURE_CHANGED;
	n->failure = f;
	*ret = n;
	return 0;
}

/* It went away, hangs, has only just started or is asked too much: that passes. */
static bool is_passing(int r)
{
	return r == -ECONNRESET || r == -EHOSTDOWN || r == -ETIMEDOUT || r == -EBUSY;
}

/*
 * 0: told; -EAGAIN: nothing came of it; else an error. A failure that cannot be asked for
 * now is told by the list later.
 */
static int tell(struct bus_monitor *m, struct pmemfail_notice **ret)
{
	struct pmf_bus_item item = pmf_bus_queue_take(&m->queue);
	int r;

	if (item.notice) {
		*ret = item.notice;
		return 0;
	}
	if (!m->daemon) {
		m->resync = true;
		return -EAGAIN;
	}
	r = tell_failure(m, item.id, ret);
	if (r == -ENOENT)
		return -EAGAIN;		/* its time on record is over */
	if (r < 0) {
		m->resync = true;
		retry_later(m);
	}
	return is_passing(r) ? -EAGAIN : r;
}

/* The bus's messages. Whether there may be more. */
static bool process(struct bus_monitor *m)
{
	int r = 1;

	for (int i = 0; r > 0 && i < MAX_AT_ONCE; i++)
		r = sd_bus_process(m->bus, NULL);
	if (r < 0)
		lose(m);
	return r > 0;
}

static int take_next(struct bus_monitor *m, struct pmemfail_notice **ret)
{
	bool more;
	int r;

	for (;;) {
		if (!m->bus && now_us() >= m->retry_at && connect_bus(m) < 0 && !m->bus)
			retry_later(m);
		more = m->bus && process(m);
		if (m->bus && m->daemon && m->resync && now_us() >= m->retry_at) {
			r = catch_up(m);
			if (r < 0)
				retry_later(m);
			else
				m->retry_us = m->retry_at = 0;
			if (r < 0 && !is_passing(r))
				return r;
			continue;
		}
		if (m->bus && m->queue.n > 0) {
			r = tell(m, ret);
			if (r != -EAGAIN)
				return r;
		} else if (!more && (m->bus || now_us() < m->retry_at)) {
			return pmf_why(-EAGAIN, "there is no change");
		}
	}
}

static int next(struct pmemfail_monitor *base, struct pmemfail_notice **ret)
{
	struct bus_monitor *m = over_bus(base);
	uint64_t expired;
	int r;

	(void)!read(m->timer_fd, &expired, sizeof(expired));
	r = take_next(m, ret);
	/* After an error, too, the caller may wait: it is tried again. */
	if (r < 0)
		arm(m);
	return r;
}

static void done(struct pmemfail_monitor *base)
{
	struct bus_monitor *m = over_bus(base);

	pmf_bus_queue_done(&m->queue);
	pmf_bus_known_done(&m->known);
	pmf_bus_closep(&m->bus);
	safe_close(m->timer_fd);
}

static const struct pmf_monitor_ops monitor_ops = { .next = next, .done = done };

static int begin(struct bus_monitor *m)
{
	_cleanup_free_ struct pmf_bus_row *rows = NULL;
	struct epoll_event ev = { .events = EPOLLIN };
	size_t n = 0;
	int r;

	m->base.fd = epoll_create1(EPOLL_CLOEXEC);
	m->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (m->base.fd < 0 || m->timer_fd < 0 ||
	    epoll_ctl(m->base.fd, EPOLL_CTL_ADD, m->timer_fd, &ev) < 0)
		return pmf_why_errno(-errno, "cannot make a monitor");
	r = connect_bus(m);
	if (r < 0)
		return r;
	/* After the matches, so that nothing falls between the two. */
	r = pmf_bus_list(m->bus, m->timeout_us, &rows, &n);
	for (size_t i = n; r >= 0 && i > 0; i--)	/* newest first: the lowest id first */
		r = pmf_bus_known_set(&m->known, &rows[i - 1]) < 0 ?
			pmf_why_errno(-ENOMEM, "cannot make a monitor") : 0;
	if (r >= 0)
		arm(m);
	return r;
}

int pmf_bus_monitor(struct pmemfail *ctx, struct pmemfail_monitor **ret)
{
	struct pmemfail_monitor *m;
	int r;

	m = pmf_monitor_alloc(ctx, sizeof(struct bus_monitor), &monitor_ops);
	if (!m)
		return pmf_why_errno(-ENOMEM, "cannot make a monitor");
	over_bus(m)->timer_fd = -1;
	over_bus(m)->timeout_us = ctx->bus->timeout_us;
	r = begin(over_bus(m));
	if (r < 0) {
		pmemfail_monitor_free(m);
		return r;
	}
	*ret = m;
	return 0;
}
