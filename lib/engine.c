// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The engine: begin, end, and what is due. Public; pmemfaild runs one.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "base/str.h"
#include "engine.h"
#include "sys/rundir.h"

#define FIRST_LOOK_US	10000000	/* then begin without: sysfs may hang for good on
					 * a device whose unbind has crashed */
#define FIRST_WATCH_MS	10000
#define STEP_MS		100
#define MAX_RANGES	65536		/* of poison, per device */

enum source { SOURCE_HOLD, SOURCE_UDEV, SOURCE_MOUNTS, SOURCE_SNAPSHOT, SOURCE_MESSAGE,
	      SOURCE_TIMER, SOURCE_DELAY, SOURCE_BADBLOCKS, SOURCE_TRACE, SOURCE_RESCAN, SOURCE_N };

static int add_source(struct pmemfail_engine *e, int fd, enum source s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.u32 = s };

	return epoll_ctl(e->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static int open_fds(struct pmemfail_engine *e)
{
	int r;

	e->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	e->message_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e->snapshot_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	e->delay_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (e->epoll_fd < 0 || e->message_fd < 0 || e->snapshot_fd < 0 || e->timer_fd < 0 ||
	    e->delay_fd < 0)
		return -errno;
	r = add_source(e, e->message_fd, SOURCE_MESSAGE, EPOLLIN);
	if (r >= 0)
		r = add_source(e, e->snapshot_fd, SOURCE_SNAPSHOT, EPOLLIN);
	if (r >= 0)
		r = add_source(e, e->timer_fd, SOURCE_TIMER, EPOLLIN);
	if (r >= 0)
		r = add_source(e, e->delay_fd, SOURCE_DELAY, EPOLLIN);
	return r;
}

static int open_watchers(struct pmemfail_engine *e)
{
	int r;

	r = pmf_udev_open(&e->udev);
	if (r >= 0)
		r = add_source(e, pmf_udev_fd(e->udev), SOURCE_UDEV, EPOLLIN);
	if (r < 0)
		return pmf_why_errno(r, "cannot listen to uevents");
	r = pmf_mounts_watch(&e->mounts_fd);
	if (r >= 0)
		r = add_source(e, e->mounts_fd, SOURCE_MOUNTS, PMF_MOUNTS_EPOLL);
	if (r < 0)
		return pmf_why_errno(r, "cannot watch the mount table");
	r = pmf_engine_open_lists(e);
	if (r >= 0)
		r = add_source(e, e->rescan_fd, SOURCE_RESCAN, EPOLLIN);
	if (r >= 0 && e->badblocks)
		r = add_source(e, pmf_badblocks_watch_fd(e->badblocks), SOURCE_BADBLOCKS,
			       EPOLLIN);
	return r < 0 ? pmf_why_errno(r, "cannot watch for poison") : 0;
}

int pmf_engine_open_holds(struct pmemfail_engine *e)
{
	int fd, r;

	if (e->hold_fd >= 0)
		return 0;
	r = e->sys->ops->hold_open(e->sys, &fd);
	if (r >= 0) {
		r = add_source(e, fd, SOURCE_HOLD, EPOLLIN);
		if (r < 0)
			safe_close(fd);
	}
	e->hold_error = MIN(r, 0);
	if (r < 0)
		return r;
	e->hold_fd = fd;
	e->rewatch = true;
	return 0;
}

static int be_the_engine(struct pmemfail_engine *e)
{
	pid_t pid = 0;
	int r;

	r = pmf_rundir_lock_engine(e->policy->run_dir, &e->lock_fd, &pid);
	if (r == -EBUSY && pid > 0)
		return pmf_why(r, "process %ld is this machine's pmemfaild already", (long)pid);
	if (r == -EBUSY)
		return pmf_why(r, "another process is this machine's pmemfaild already");
	return r < 0 ? pmf_why_errno(r, "cannot lock %s/engine.lock", e->policy->run_dir) : 0;
}

static void handle_messages(struct pmemfail_engine *e)
{
	struct pmf_message *m;
	eventfd_t n;

	/* Reset first: what is sent from now on makes it readable again. */
	(void)eventfd_read(e->message_fd, &n);
	while ((m = pmf_engine_receive(e))) {
		if (m->kind == PMF_MESSAGE_JOB) {
			pmf_job_over(caa_container_of(m, struct pmf_job, message));
		} else {
			struct pmf_note_message *nm =
				caa_container_of(m, struct pmf_note_message, message);

			pmf_engine_note(e, nm->note);
			free(nm);
		}
	}
}

/* From the first topology on; what a predecessor left is there at once. */
static void begin_trace(struct pmemfail_engine *e)
{
	if (!e->trace || !e->topology || e->reading_trace)
		return;
	if (add_source(e, pmf_trace_fd(e->trace), SOURCE_TRACE, EPOLLIN) < 0) {
		pmf_engine_timer(e, 1);		/* no memory: then again */
		return;
	}
	e->reading_trace = true;
	pmf_engine_read_trace(e);
}

/* Whoever starts us may count on devices being watched once we are there. But not
 * at any price: opening one whose unbind has crashed never ends. */
static void wait_for_watches(struct pmemfail_engine *e)
{
	struct pollfd p = { .fd = e->message_fd, .events = POLLIN };

	pmf_engine_watch(e);
	for (unsigned int ms = 0; e->watching && ms < FIRST_WATCH_MS; ms += STEP_MS) {
		(void)poll(&p, 1, STEP_MS);
		handle_messages(e);
	}
}

static int start(struct pmemfail_engine *e)
{
	unsigned int thawed = 0;
	int r;

	r = be_the_engine(e);
	if (r < 0)
		return r;
	/* First of all: nothing may stay frozen, whatever fails below. */
	r = e->sys->ops->thaw_leftovers(e->sys, &thawed);
	if (r < 0 || thawed > 0)
		pmf_log(e->ctx, "thaw of leftovers: %u thawed, %s", thawed,
			r < 0 ? strerror(-r) : "no error");
	pmf_engine_open_counters(e);
	r = open_fds(e);
	if (r < 0)
		return pmf_why_errno(r, "cannot make file descriptors");
	/* Before the first look, so that nothing changes unseen between the two. */
	r = open_watchers(e);
	if (r < 0)
		return r;
	r = pmf_intake_new(MAX_RANGES, &e->intake);
	if (r >= 0)
		r = pmf_snapshots_new(e->sys, e->snapshot_fd, &e->snapshots);
	if (r < 0)
		return pmf_why_errno(r, "cannot start watching");
	r = pmf_snapshots_settle(e->snapshots, FIRST_LOOK_US);
	if (r < 0)
		pmf_log(e->ctx, "devices are not known yet: %s", strerror(-r));
	r = pmf_engine_start_record(e);
	if (r < 0)
		return r;
	r = pmf_engine_open_holds(e);
	if (r < 0)
		pmf_log(e->ctx, "no unbind will wait: %s", strerror(-r));
	pmf_engine_snapshot(e);
	begin_trace(e);
	wait_for_watches(e);
	pmf_engine_tell_protection(e);
	return 0;
}

_public_ int pmemfail_engine_new(struct pmemfail *ctx, struct pmemfail_engine **ret)
{
	struct pmemfail_engine *e;
	struct pmf_sys *sys;
	int r;

	if (!ctx || !ret)
		return pmf_why(-EINVAL, "pmemfail_engine_new() needs a context and a place for "
			       "the engine");
	r = pmf_act(ctx, &sys);
	if (r < 0)
		return r;
	e = calloc(1, sizeof(*e));
	if (!e)
		return pmf_why_errno(-ENOMEM, "cannot make an engine");
	e->ctx = pmemfail_ref(ctx);
	e->sys = sys;
	e->policy = &ctx->policy;
	e->lock_fd = e->epoll_fd = e->message_fd = e->snapshot_fd = -1;
	e->timer_fd = e->rescan_fd = e->mounts_fd = e->hold_fd = e->delay_fd = -1;
	e->hold_error = -ENODEV;
	e->notices_tail = &e->notices;
	cds_wfcq_init(&e->queue_head, &e->queue_tail);
	r = start(e);
	if (r < 0) {
		char why[512];

		(void)snprintf(why, sizeof(why), "%s", pmemfail_why());
		pmemfail_engine_free(e);
		return pmf_why(r, "%s", why);
	}
	*ret = e;
	return 0;
}

/* --- what is due ----------------------------------------------------------- */

static void handle_snapshot(struct pmemfail_engine *e)
{
	eventfd_t n;

	(void)eventfd_read(e->snapshot_fd, &n);
	pmf_engine_snapshot(e);
}

static void handle_timer(struct pmemfail_engine *e)
{
	uint64_t n;

	if (read(e->timer_fd, &n, sizeof(n)) != (ssize_t)sizeof(n))
		return;
	e->rewatch = true;
	pmf_engine_close_broken(e);
	pmf_jobs_continue(e);
	pmf_engine_trace_again(e, NULL);
}

_public_ int pmemfail_engine_dispatch(struct pmemfail_engine *e)
{
	struct epoll_event ev[SOURCE_N];
	bool due[SOURCE_N] = { false };
	int n;

	if (!e)
		return pmf_why(-EINVAL, "pmemfail_engine_dispatch() needs an engine");
	n = epoll_wait(e->epoll_fd, ev, ARRAY_SIZE(ev), 0);
	if (n < 0 && errno != EINTR)
		return pmf_why_errno(-errno, "cannot wait for events");
	for (int i = 0; i < n; i++)
		due[ev[i].data.u32] = true;

	/* In this order: somebody waits for a hold; and uevents are judged by what was
	 * there before them, so they go before what replaces that. */
	if (due[SOURCE_HOLD])
		pmf_engine_read_holds(e);
	if (due[SOURCE_UDEV])
		pmf_engine_read_uevents(e);
	if (due[SOURCE_MOUNTS])
		pmf_engine_mounts_changed(e);
	if (due[SOURCE_MESSAGE])
		handle_messages(e);
	if (due[SOURCE_SNAPSHOT])
		handle_snapshot(e);
	if (due[SOURCE_TIMER])
		handle_timer(e);
	if (due[SOURCE_DELAY])
		pmf_engine_delays_timer(e);
	if (due[SOURCE_BADBLOCKS])
		pmf_engine_read_badblocks(e);
	if (due[SOURCE_TRACE])
		pmf_engine_read_trace(e);
	if (due[SOURCE_RESCAN])
		pmf_engine_rescan(e);
	begin_trace(e);
	pmf_engine_watch(e);
	pmf_engine_lists(e);
	pmf_engine_poison(e);
	pmf_engine_tell_protection(e);
	return (int)e->n_notices;
}

_public_ int pmemfail_engine_get_fd(struct pmemfail_engine *e)
{
	return e ? e->epoll_fd : pmf_why(-EINVAL, "pmemfail_engine_get_fd() needs an engine");
}

_public_ void pmemfail_engine_protected(struct pmemfail_engine *e, unsigned int *ret_devices,
					unsigned int *ret_watched)
{
	unsigned int devices = 0, watched = 0;

	for (size_t i = 0; e && i < e->n_watched; i++) {
		devices += e->watched[i].present;
		watched += e->watched[i].present && e->watched[i].result == 0;
	}
	if (ret_devices)
		*ret_devices = devices;
	if (ret_watched)
		*ret_watched = e && e->hold_fd >= 0 && !e->hold_broken ? watched : 0;
}

_public_ unsigned int pmemfail_engine_busy(struct pmemfail_engine *e)
{
	unsigned int n = 0;

	for (const struct pmf_job *j = e ? e->jobs : NULL; j; j = j->next)
		n += j->kind == PMF_JOB_HOLD || j->kind == PMF_JOB_UNHELD ||
		     j->kind == PMF_JOB_POISON;
	return n;
}

/* --- end ------------------------------------------------------------------- */

/* Every handling under way ends by itself, bounded by its own deadlines. */
static void wait_for_jobs(struct pmemfail_engine *e)
{
	struct pollfd p = { .fd = e->message_fd, .events = POLLIN };

	while (e->jobs) {
		if (poll(&p, 1, 1000) <= 0)
			pmf_jobs_continue(e);
		handle_messages(e);
	}
}

_public_ struct pmemfail_engine *pmemfail_engine_free(struct pmemfail_engine *e)
{
	if (!e)
		return NULL;
	pmf_engine_delays_end(e);
	wait_for_jobs(e);
	if (e->reading_trace)
		pmf_engine_read_trace(e);
	e->ending = true;
	if (e->record)
		pmf_engine_poison_end(e);
	/* Holds that came after the last dispatch end here: the module releases them
	 * when the watcher is closed. */
	e->hold_fd = safe_close(e->hold_fd);
	e->record = pmf_record_stop(e->record);
	if (e->message_fd >= 0)
		handle_messages(e);	/* what was recorded last */
	e->snapshots = pmf_snapshots_free(e->snapshots);
	e->udev = pmf_udev_close(e->udev);
	e->badblocks = pmf_badblocks_watch_free(e->badblocks);
	e->trace = pmf_trace_close(e->trace);
	pmf_engine_poison_done(e);
	pmf_engine_close_counters(e);
	pmf_intake_free(e->intake);
	pmf_topology_free(e->topology);
	pmf_engine_watched_done(e);
	pmf_engine_delays_done(e);
	pmf_engine_notices_done(e);
	free(e->names);
	safe_close(e->delay_fd);
	safe_close(e->mounts_fd);
	safe_close(e->timer_fd);
	safe_close(e->rescan_fd);
	safe_close(e->snapshot_fd);
	safe_close(e->message_fd);
	safe_close(e->epoll_fd);
	safe_close(e->lock_fd);
	pmemfail_unref(e->ctx);
	free(e);
	return NULL;
}
