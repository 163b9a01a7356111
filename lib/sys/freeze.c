/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One freeze: a value that cannot leak.
 *
 * FIFREEZE waits for every writer with a wait that no signal and no time limit
 * ends (fs/super.c sb_wait_write), and an unprivileged user can be that writer for
 * as long as he likes: splice(2) from an empty pipe into a file holds it. So it is
 * called by a thread of its own, made and parked in advance, and the owner waits
 * for that thread with a limit.
 *
 *	PREPARED --freeze()--> FREEZING --FIFREEZE 0--> FROZEN --thaw()--> THAWED
 *	    |                   |     |                    |
 *	  done()          time over  FIFREEZE error     FITHAW fails for good
 *	    v                   v     v                    v
 *	CANCELLED         ABANDONED  FAILED              STUCK
 *
 * Only the owner's thread moves it out of PREPARED, FROZEN and by time; only the
 * freeze thread by FIFREEZE's result. In ABANDONED the freeze belongs to the
 * freeze thread: it thaws at once what it has frozen late (STUCK, if it cannot). In
 * STUCK it belongs to the guard and to the next start. The memory goes with the
 * last of the two.
 *
 * The freeze thread has its own fd table with three fds in it: then the death of
 * the process is seen by the guard although this thread cannot die yet.
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

#include <linux/fs.h>

#include "sys/sys-internal.h"

#define THAW_STEP_US	20000
#define THAW_TRY_US	2000000		/* the owner: in the frozen section */
#define LATE_TRY_US	60000000	/* the freeze thread: has nothing else to do */
#define FROZEN_MAX_NS	(15 * PMF_NS_PER_SEC)	/* frozen longer than that, the guard
						 * ends it: we hang */
#define STACK_SIZE	MAX((size_t)65536, (size_t)PTHREAD_STACK_MIN)

enum freeze_state {
	PREPARED, FREEZING, FROZEN, THAWED, FAILED, ABANDONED, STUCK, CANCELLED,
};

struct pmf_freeze {
	pthread_mutex_t lock;		/* over all up to the next blank line */
	pthread_cond_t cond;
	enum freeze_state state;
	int error;			/* of FIFREEZE */
	unsigned int refs;		/* owner, thread */
	bool parked;			/* the thread waits, its fds are its own */
	bool left;			/* the thread has closed its fds */

	int fd;				/* owner's */
	struct pmf_frozen frozen;	/* owner's */
	uint64_t timeout_us;
	uint64_t token;			/* 0: the guard does not know it */
	struct { int fd, record, dir; bool own_table; } thread;
};

/* Gives up the lock. */
static void freeze_unref_unlock(struct pmf_freeze *f)
{
	bool last = --f->refs == 0;

	pthread_mutex_unlock(&f->lock);
	if (!last)
		return;
	(void)pthread_mutex_destroy(&f->lock);
	(void)pthread_cond_destroy(&f->cond);
	free(f);
}

/* Until thawed, whoever did it, or time is over. Allocates and writes nothing. */
static int thaw_until(int fd, uint64_t try_us)
{
	uint64_t begin = pmf_boottime_ns();
	int r;

	for (;;) {
		r = pmf_ioctl(fd, FITHAW, NULL);
		/* EINVAL: not frozen. The kernel itself undoes our freeze when the device
		 * is unbound (>= 6.8, xfs_dax_notify_failure_thaw). */
		if (r == 0 || r == -EINVAL)
			return 0;
		if ((pmf_boottime_ns() - begin) / PMF_NS_PER_US >= try_us)
			return r;
		pmf_sleep_us(THAW_STEP_US);
	}
}

static void thread_close_fds(struct pmf_freeze *f)
{
	f->thread.fd = safe_close(f->thread.fd);
	f->thread.record = safe_close(f->thread.record);
	f->thread.dir = safe_close(f->thread.dir);
}

/* An abandoned freeze that came to its end: nothing may stay of it. */
static bool freeze_settle(struct pmf_freeze *f, int error)
{
	if (error == 0 && thaw_until(f->thread.fd, LATE_TRY_US) < 0)
		return false;	/* the record stays, for guard and next start */
	(void)pmf_frozen_mark(f->thread.record, PMF_FROZEN_DONE);
	pmf_frozen_remove(f->thread.dir, f->frozen.name, f->thread.record);
	return true;
}

static void *freeze_thread(void *arg)
{
	struct pmf_freeze *f = arg;
	int keep[3] = { f->thread.fd, f->thread.record, f->thread.dir };
	bool go, settle = false, stuck = false;
	int r = 0;

	(void)prctl(PR_SET_NAME, "pmf-freeze");
	if (unshare(CLONE_FILES) == 0) {
		f->thread.own_table = true;
		pmf_close_all_but(keep, ARRAY_SIZE(keep));
	}

	pthread_mutex_lock(&f->lock);
	f->parked = true;
	pthread_cond_broadcast(&f->cond);
	while (f->state == PREPARED)
		pthread_cond_wait(&f->cond, &f->lock);
	go = f->state == FREEZING;	/* or time was over before we even ran */
	pthread_mutex_unlock(&f->lock);

	if (go)
		r = pmf_ioctl(f->thread.fd, FIFREEZE, NULL);

	pthread_mutex_lock(&f->lock);
	if (f->state == FREEZING) {
		f->state = r == 0 ? FROZEN : FAILED;
		f->error = r;
		if (r < 0)
			(void)pmf_frozen_mark(f->thread.record, PMF_FROZEN_DONE);
		pthread_cond_broadcast(&f->cond);
	} else {
		settle = f->state == ABANDONED;
	}
	pthread_mutex_unlock(&f->lock);

	if (settle)
		stuck = !freeze_settle(f, go ? r : -ECANCELED);
	thread_close_fds(f);

	pthread_mutex_lock(&f->lock);
	if (stuck)
		f->state = STUCK;
	f->left = true;
	pthread_cond_broadcast(&f->cond);
	freeze_unref_unlock(f);
	return NULL;
}

/* Start the thread and wait until it is parked: what it needs, it has then. */
static int freeze_start_thread(struct pmf_freeze *f)
{
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t t;
	int r;

	f->thread.fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 3);
	f->thread.record = fcntl(f->frozen.record, F_DUPFD_CLOEXEC, 3);
	f->thread.dir = fcntl(f->frozen.dir, F_DUPFD_CLOEXEC, 3);
	if (f->thread.fd < 0 || f->thread.record < 0 || f->thread.dir < 0) {
		r = -errno;
		thread_close_fds(f);
		return r;
	}
	r = pthread_attr_init(&attr);
	if (r == 0) {
		(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
		(void)sigfillset(&all);	/* signals are for the program's own threads */
		(void)pthread_sigmask(SIG_SETMASK, &all, &old);
		f->refs++;
		r = pthread_create(&t, &attr, freeze_thread, f);
		if (r > 0)
			f->refs--;
		(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
		(void)pthread_attr_destroy(&attr);
	}
	if (r > 0) {
		thread_close_fds(f);
		return -r;
	}

	pthread_mutex_lock(&f->lock);
	while (!f->parked)
		pthread_cond_wait(&f->cond, &f->lock);
	pthread_mutex_unlock(&f->lock);
	if (f->thread.own_table) {	/* the numbers mean its copies; these are ours */
		(void)close(f->thread.fd);
		(void)close(f->thread.record);
		(void)close(f->thread.dir);
	}
	return 0;
}

static int freeze_new(struct pmf_freeze **ret)
{
	struct pmf_freeze *f = calloc(1, sizeof(*f));
	pthread_condattr_t attr;
	int r;

	if (!f)
		return -ENOMEM;
	*f = (struct pmf_freeze){ .state = PREPARED, .refs = 1, .fd = -1,
				  .frozen = PMF_FROZEN_NONE,
				  .thread = { .fd = -1, .record = -1, .dir = -1 } };
	r = pthread_condattr_init(&attr);
	if (r == 0) {
		/* boot time is none of its clocks: a suspend stretches the limit */
		(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
		r = pthread_cond_init(&f->cond, &attr);
		(void)pthread_condattr_destroy(&attr);
	}
	if (r > 0) {
		free(f);
		return -r;
	}
	r = pthread_mutex_init(&f->lock, NULL);
	if (r > 0) {
		(void)pthread_cond_destroy(&f->cond);
		free(f);
		return -r;
	}
	*ret = f;
	return 0;
}

int pmf_sys_freeze_prepare(struct pmf_sys *s, int fd, const char *name,
			   uint64_t timeout_us, struct pmf_freeze **ret)
{
	struct pmf_real *real = pmf_real(s);
	struct pmf_freeze *f;
	uint64_t deadline_ns;
	int r;

	if (pmf_is_path_fd(fd))
		return -EBADF;
	r = freeze_new(&f);
	if (r < 0)
		return r;
	f->timeout_us = timeout_us;
	f->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	r = f->fd < 0 ? -errno : 0;
	if (r == 0)
		r = pmf_frozen_create(real->policy.run_dir, f->fd, name, &f->frozen);
	if (r == 0)
		r = freeze_start_thread(f);
	if (r < 0) {
		(void)pmf_sys_freeze_done(s, f);
		return r;
	}
	/* Without a guard there is still the record, and the module's GUARD. */
	deadline_ns = pmf_boottime_ns() + timeout_us * PMF_NS_PER_US + FROZEN_MAX_NS;
	if (pmf_guard_arm(real->guard, f->fd, f->frozen.record, f->frozen.dir,
			  f->frozen.name, deadline_ns, &f->token) < 0)
		f->token = 0;
	*ret = f;
	return 0;
}

int pmf_sys_freeze(struct pmf_sys *s, struct pmf_freeze *f)
{
	struct timespec limit;
	int r;

	(void)s;
	/* From here on whoever is left thaws it. Written before, never while frozen. */
	r = pmf_frozen_mark(f->frozen.record, PMF_FROZEN_FREEZING);
	if (r < 0)
		return r;

	(void)clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_sec += (time_t)(f->timeout_us / 1000000);
	limit.tv_nsec += (long)(f->timeout_us % 1000000 * PMF_NS_PER_US);
	if (limit.tv_nsec >= (long)PMF_NS_PER_SEC) {
		limit.tv_nsec -= (long)PMF_NS_PER_SEC;
		limit.tv_sec++;
	}

	pthread_mutex_lock(&f->lock);
	assert(f->state == PREPARED);
	f->state = FREEZING;
	pthread_cond_broadcast(&f->cond);
	while (f->state == FREEZING) {
		r = pthread_cond_timedwait(&f->cond, &f->lock, &limit);
		if (r == ETIMEDOUT && f->state == FREEZING)
			f->state = ABANDONED;
	}
	r = f->state == ABANDONED ? -ETIMEDOUT : f->error;
	pthread_mutex_unlock(&f->lock);
	return r;
}

int pmf_sys_thaw(struct pmf_sys *s, struct pmf_freeze *f)
{
	enum freeze_state state;
	int r;

	(void)s;
	pthread_mutex_lock(&f->lock);
	state = f->state;
	pthread_mutex_unlock(&f->lock);
	assert(state != FREEZING && state != CANCELLED);
	if (state == PREPARED || state == THAWED)
		return 0;

	r = thaw_until(f->fd, THAW_TRY_US);
	if (r == -EOPNOTSUPP && state == FAILED)
		r = 0;		/* it cannot be frozen, so it is not */
	if (state == FROZEN || state == STUCK) {	/* nobody else moves it then */
		pthread_mutex_lock(&f->lock);
		f->state = r == 0 ? THAWED : STUCK;
		pthread_mutex_unlock(&f->lock);
	}
	return r;
}

struct pmf_freeze *pmf_sys_freeze_done(struct pmf_sys *s, struct pmf_freeze *f)
{
	struct pmf_guard *guard = pmf_real(s)->guard;
	bool over, remove;

	if (!f)
		return NULL;
	pthread_mutex_lock(&f->lock);
	assert(f->state != FREEZING && f->state != FROZEN);
	if (f->state == PREPARED)
		f->state = CANCELLED;
	pthread_cond_broadcast(&f->cond);
	/* But for an abandoned one the thread is about to close its fds: wait, so that
	 * nothing of ours makes a following unmount busy. */
	while (f->parked && !f->left && f->state != ABANDONED)
		pthread_cond_wait(&f->cond, &f->lock);
	over = (f->left || !f->parked) && f->state != STUCK;
	remove = over && f->state != ABANDONED && f->frozen.record >= 0;
	pthread_mutex_unlock(&f->lock);

	if (remove) {
		(void)pmf_frozen_mark(f->frozen.record, PMF_FROZEN_DONE);
		pmf_frozen_remove(f->frozen.dir, f->frozen.name, f->frozen.record);
	}
	if (f->token && over)
		pmf_guard_disarm(guard, f->token);
	else if (f->token)
		pmf_guard_abandon(guard, f->token);
	pmf_frozen_close(&f->frozen);
	f->fd = safe_close(f->fd);

	pthread_mutex_lock(&f->lock);
	freeze_unref_unlock(f);
	return NULL;
}
