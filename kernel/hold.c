// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmemfail: holds, the unbinds that wait, and the events about them
 *
 * Why: an unbind cannot be refused, only delayed, and only from inside the
 * notifier that watch.c registers. watch.c begins holds and waits in them; the
 * watcher reads the events and releases. The hold carries both of its events, so
 * an event can neither fail to be allocated nor be dropped.
 *
 * Everything here is under pmemfail_watch_lock, except the wait itself.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "pmemfail.h"

DEFINE_SPINLOCK(pmemfail_watch_lock);

enum pmemfail_hold_state {
	PMEMFAIL_HOLD_WAITING,
	PMEMFAIL_HOLD_RELEASED,		/* by RELEASE, or its watcher has closed */
	PMEMFAIL_HOLD_EXPIRED,		/* time, or a waiter was killed */
};

struct pmemfail_hold_event {
	struct list_head link;		/* watcher->events */
	struct pmemfail_hold *hold;
	u32 type;
};

struct pmemfail_hold {
	refcount_t ref;			/* waiters, unread events, the watch */
	struct list_head link;		/* watcher->holds while WAITING */
	struct pmemfail_watcher *watcher;	/* valid while WAITING */
	enum pmemfail_hold_state state;
	wait_queue_head_t wait;
	unsigned long deadline;		/* jiffies */
	u64 id, cookie, time_ns;
	u32 major, minor;
	char name[PMEMFAIL_NAME_LEN];
	struct pmemfail_hold_event begun, ended;
};

static u64 pmemfail_hold_last_id;

void pmemfail_watcher_init(struct pmemfail_watcher *w)
{
	INIT_LIST_HEAD(&w->holds);
	INIT_LIST_HEAD(&w->events);
	init_waitqueue_head(&w->readable);
	mutex_init(&w->read_lock);
}

struct pmemfail_hold *pmemfail_hold_alloc(void)
{
	/*
	 * An unbind that nobody is told of is the failure this module is for. A
	 * small allocation in a context that may sleep does not fail in practice;
	 * the flag says that we count on it.
	 */
	struct pmemfail_hold *hold = kzalloc(sizeof(*hold), GFP_KERNEL | __GFP_NOFAIL);

	refcount_set(&hold->ref, 1);
	init_waitqueue_head(&hold->wait);
	hold->begun.hold = hold;
	hold->begun.type = PMEMFAIL_EVENT_HOLD;
	hold->ended.hold = hold;
	hold->ended.type = PMEMFAIL_EVENT_HOLD_ENDED;
	return hold;
}

void pmemfail_hold_put(struct pmemfail_hold *hold)
{
	if (hold && refcount_dec_and_test(&hold->ref))
		kfree(hold);
}

static void pmemfail_hold_queue(struct pmemfail_watcher *w,
				struct pmemfail_hold_event *event)
{
	lockdep_assert_held(&pmemfail_watch_lock);
	refcount_inc(&event->hold->ref);
	list_add_tail(&event->link, &w->events);
	wake_up_interruptible(&w->readable);
}

static void pmemfail_hold_end(struct pmemfail_hold *hold, enum pmemfail_hold_state state)
{
	lockdep_assert_held(&pmemfail_watch_lock);
	list_del_init(&hold->link);
	if (state == PMEMFAIL_HOLD_EXPIRED)
		pmemfail_hold_queue(hold->watcher, &hold->ended);
	hold->watcher = NULL;
	WRITE_ONCE(hold->state, state);
	wake_up_all(&hold->wait);
}

/* The caller holds pmemfail_watch_lock and has a reference to wait with. */
void pmemfail_hold_begin(struct pmemfail_hold *hold, struct pmemfail_watcher *w,
			 const struct pmemfail_hold_args *args, const char *name)
{
	lockdep_assert_held(&pmemfail_watch_lock);
	hold->watcher = w;
	hold->id = ++pmemfail_hold_last_id;
	hold->cookie = args->cookie;
	hold->major = args->major;
	hold->minor = args->minor;
	hold->time_ns = ktime_get_boottime_ns();
	hold->deadline = jiffies + msecs_to_jiffies(args->timeout_ms);
	strscpy(hold->name, name, sizeof(hold->name));
	list_add_tail(&hold->link, &w->holds);
	pmemfail_hold_queue(w, &hold->begun);
}

/* A second unbind below the same watch waits for the same release. */
bool pmemfail_hold_join(struct pmemfail_hold *hold)
{
	lockdep_assert_held(&pmemfail_watch_lock);
	if (hold->state != PMEMFAIL_HOLD_WAITING)
		return false;
	refcount_inc(&hold->ref);
	return true;
}

/*
 * Called by the notifier without any lock of ours; drops the reference it was
 * given. When one of two joined waiters is killed, the other does not wait on:
 * what both protected is going away.
 */
void pmemfail_hold_wait(struct pmemfail_hold *hold)
{
	long left = (long)(hold->deadline - jiffies);

	if (left > 0)
		wait_event_killable_timeout(hold->wait,
			READ_ONCE(hold->state) != PMEMFAIL_HOLD_WAITING, left);

	spin_lock(&pmemfail_watch_lock);
	if (hold->state == PMEMFAIL_HOLD_WAITING)
		pmemfail_hold_end(hold, PMEMFAIL_HOLD_EXPIRED);
	spin_unlock(&pmemfail_watch_lock);
	pmemfail_hold_put(hold);
}

int pmemfail_hold_release(struct pmemfail_watcher *w, u64 id)
{
	struct pmemfail_hold *hold;
	int err = -ENOENT;

	spin_lock(&pmemfail_watch_lock);
	list_for_each_entry(hold, &w->holds, link) {
		if (hold->id != id)
			continue;
		pmemfail_hold_end(hold, PMEMFAIL_HOLD_RELEASED);
		err = 0;
		break;
	}
	spin_unlock(&pmemfail_watch_lock);
	return err;
}

static struct pmemfail_hold_event *pmemfail_watcher_pop(struct pmemfail_watcher *w)
{
	struct pmemfail_hold_event *event;

	spin_lock(&pmemfail_watch_lock);
	event = list_first_entry_or_null(&w->events, struct pmemfail_hold_event, link);
	if (event)
		list_del_init(&event->link);
	spin_unlock(&pmemfail_watch_lock);
	return event;
}

/* Its watches are gone already: nothing can begin a hold for it any more. */
void pmemfail_watcher_done(struct pmemfail_watcher *w)
{
	struct pmemfail_hold_event *event;
	struct pmemfail_hold *hold, *next;

	spin_lock(&pmemfail_watch_lock);
	list_for_each_entry_safe(hold, next, &w->holds, link)
		pmemfail_hold_end(hold, PMEMFAIL_HOLD_RELEASED);
	spin_unlock(&pmemfail_watch_lock);

	while ((event = pmemfail_watcher_pop(w)))
		pmemfail_hold_put(event->hold);
	mutex_destroy(&w->read_lock);
}

static int pmemfail_event_put(char __user *buf, const struct pmemfail_hold_event *event)
{
	const struct pmemfail_hold *hold = event->hold;
	struct pmemfail_event rec = {
		.size = sizeof(rec),
		.type = event->type,
		.id = hold->id,
		.cookie = hold->cookie,
		.time_ns = hold->time_ns,
		.major = hold->major,
		.minor = hold->minor,
	};

	memcpy(rec.name, hold->name, sizeof(rec.name));
	return copy_to_user(buf, &rec, sizeof(rec)) ? -EFAULT : 0;
}

/* Whole events, as many as there are and fit. */
static ssize_t pmemfail_watcher_drain(struct pmemfail_watcher *w, char __user *buf,
				      size_t count)
{
	struct pmemfail_hold_event *event;
	ssize_t done = 0;

	while (count - done >= sizeof(struct pmemfail_event)) {
		event = pmemfail_watcher_pop(w);
		if (!event)
			break;
		if (pmemfail_event_put(buf + done, event)) {
			/* Undelivered is unread. */
			spin_lock(&pmemfail_watch_lock);
			list_add(&event->link, &w->events);
			spin_unlock(&pmemfail_watch_lock);
			return done ?: -EFAULT;
		}
		pmemfail_hold_put(event->hold);
		done += sizeof(struct pmemfail_event);
	}
	return done;
}

static bool pmemfail_watcher_readable(struct pmemfail_watcher *w)
{
	bool readable;

	spin_lock(&pmemfail_watch_lock);
	readable = !list_empty(&w->events);
	spin_unlock(&pmemfail_watch_lock);
	return readable;
}

ssize_t pmemfail_watcher_read(struct pmemfail_watcher *w, char __user *buf,
			      size_t count, bool nonblock)
{
	ssize_t done;

	if (count < sizeof(struct pmemfail_event))
		return -EINVAL;
	for (;;) {
		if (mutex_lock_interruptible(&w->read_lock))
			return -ERESTARTSYS;
		done = pmemfail_watcher_drain(w, buf, count);
		mutex_unlock(&w->read_lock);
		if (done)
			return done;
		if (nonblock)
			return -EAGAIN;
		if (wait_event_interruptible(w->readable, pmemfail_watcher_readable(w)))
			return -ERESTARTSYS;
	}
}

__poll_t pmemfail_watcher_poll(struct pmemfail_watcher *w, struct file *file,
			       poll_table *wait)
{
	poll_wait(file, &w->readable, wait);
	return pmemfail_watcher_readable(w) ? EPOLLIN | EPOLLRDNORM : 0;
}
