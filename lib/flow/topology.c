// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The published topology. One thread reads the machine and publishes; everybody
 * else copies what is published, under RCU, and so never waits for a device whose
 * lock an unbind holds. See topology.h; called by the engine and its handlers.
 *
 * liburcu-bp, since readers are any threads and need no registration. The old
 * snapshot is freed by the rebuilding thread, which may well wait for readers. Its
 * functions are called, not inlined (no _LGPL_SOURCE): nothing here is hot, and 0.13
 * aligns its readers less than its own headers promise the compiler.
 */
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <urcu-bp.h>

#include "flow/topology.h"

#define NOT_DURING_HOLD	(PMF_READ_DEVICES | PMF_READ_BLOCKS)
#define EVERYTHING	(PMF_READ_DEVICES | PMF_READ_BLOCKS | PMF_READ_STACK | PMF_READ_MOUNTS)
#define MAX_TRIES	5
#define RETRY_US	50000		/* doubled at each try */

struct pmf_snapshots {
	struct pmf_sys *sys;
	int notify_fd;
	struct pmf_topology *current;	/* RCU; written by the thread only */

	pthread_t thread;
	pthread_mutex_t lock;		/* all below */
	pthread_cond_t work, published;
	unsigned int wanted;		/* PMF_READ_* asked for and not begun */
	uint64_t asked;			/* how many requests there were */
	uint64_t done[4];		/* by bit: the last request that is published */
	uint64_t last[4];		/* by bit: the last request */
	unsigned int holds;
	int error;			/* of the last rebuild */
	bool stop;
};

/* What of the wanted may be read now. */
static unsigned int allowed(const struct pmf_snapshots *s)
{
	return s->holds ? s->wanted & ~NOT_DURING_HOLD : s->wanted;
}

static void deadline_in(uint64_t us, struct timespec *ret)
{
	clock_gettime(CLOCK_MONOTONIC, ret);
	ret->tv_sec += (time_t)(us / 1000000);
	ret->tv_nsec += (long)(us % 1000000) * 1000;
	if (ret->tv_nsec >= 1000000000) {
		ret->tv_sec++;
		ret->tv_nsec -= 1000000000;
	}
}

/* Read parts over what is published; the new one replaces it. */
static int rebuild(struct pmf_snapshots *s, unsigned int parts)
{
	struct pmf_topology *old = s->current, *new;
	int r;

	/* This thread alone replaces current: it needs no read lock for its own. */
	r = s->sys->ops->read_topology(s->sys, parts, old, &new);
	if (r < 0)
		return r;
	new->generation = old->generation + 1;
	(void)rcu_xchg_pointer(&s->current, new);
	synchronize_rcu();
	pmf_topology_free(old);
	return 0;
}

static void finish(struct pmf_snapshots *s, unsigned int parts, const uint64_t *upto, int r)
{
	s->error = r;
	for (unsigned int b = 0; b < ARRAY_SIZE(s->done); b++)
		if (parts & (1U << b))
			s->done[b] = upto[b];
	pthread_cond_broadcast(&s->published);
	/* Told also of a failed one: whoever waits for it may ask again. */
	if (s->notify_fd >= 0)
		(void)eventfd_write(s->notify_fd, 1);	/* full: it is readable anyway */
}

/* Once, or a few times more when the machine changed under it. Lock held. */
static void rebuild_parts(struct pmf_snapshots *s)
{
	unsigned int parts = allowed(s);
	uint64_t upto[ARRAY_SIZE(s->last)], wait_us = RETRY_US;
	struct timespec until;
	int r;

	memcpy(upto, s->last, sizeof(upto));
	s->wanted &= ~parts;
	for (unsigned int i = 0; ; i++) {
		pthread_mutex_unlock(&s->lock);
		r = rebuild(s, parts);
		pthread_mutex_lock(&s->lock);
		if (r >= 0 || i + 1 == MAX_TRIES || s->stop)
			break;
		deadline_in(wait_us, &until);
		wait_us *= 2;
		(void)pthread_cond_timedwait(&s->work, &s->lock, &until);
		if (s->holds && (parts & NOT_DURING_HOLD)) {
			/* ask again when it is over; the rest goes on now */
			s->wanted |= parts;
			return;
		}
	}
	finish(s, parts, upto, r);
}

static void *rebuilder(void *userdata)
{
	struct pmf_snapshots *s = userdata;

	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		if (allowed(s))
			rebuild_parts(s);
		else
			pthread_cond_wait(&s->work, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int pmf_snapshots_new(struct pmf_sys *sys, int notify_fd, struct pmf_snapshots **ret)
{
	_cleanup_free_ struct pmf_snapshots *s = NULL;
	_cleanup_(pmf_topology_freep) struct pmf_topology *empty = NULL;
	pthread_condattr_t attr;
	int r;

	s = calloc(1, sizeof(*s));
	empty = calloc(1, sizeof(*empty));
	if (!s || !empty)
		return -ENOMEM;
	s->sys = sys;
	s->notify_fd = notify_fd;
	s->current = empty;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->work, &attr);
	pthread_cond_init(&s->published, &attr);
	pthread_condattr_destroy(&attr);
	s->asked = 1;
	s->wanted = EVERYTHING;
	for (unsigned int b = 0; b < ARRAY_SIZE(s->last); b++)
		s->last[b] = 1;

	r = pthread_create(&s->thread, NULL, rebuilder, s);
	if (r != 0) {
		pthread_cond_destroy(&s->work);
		pthread_cond_destroy(&s->published);
		pthread_mutex_destroy(&s->lock);
		return -r;
	}
	TAKE_PTR(empty);
	*ret = TAKE_PTR(s);
	return 0;
}

struct pmf_snapshots *pmf_snapshots_free(struct pmf_snapshots *s)
{
	if (!s)
		return NULL;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_broadcast(&s->work);
	pthread_cond_broadcast(&s->published);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	pmf_topology_free(s->current);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->published);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}

void pmf_snapshots_refresh(struct pmf_snapshots *s, unsigned int parts)
{
	parts &= EVERYTHING;
	if (!parts)
		return;
	pthread_mutex_lock(&s->lock);
	s->asked++;
	s->wanted |= parts;
	for (unsigned int b = 0; b < ARRAY_SIZE(s->last); b++)
		if (parts & (1U << b))
			s->last[b] = s->asked;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
}

/* Is all published that was asked for up to request upto? */
static bool settled(const struct pmf_snapshots *s, const uint64_t *upto)
{
	for (unsigned int b = 0; b < ARRAY_SIZE(s->done); b++)
		if (s->done[b] < upto[b])
			return false;
	return true;
}

int pmf_snapshots_settle(struct pmf_snapshots *s, uint64_t timeout_us)
{
	uint64_t upto[ARRAY_SIZE(s->last)];
	struct timespec until;
	int r = 0;

	deadline_in(timeout_us, &until);
	pthread_mutex_lock(&s->lock);
	memcpy(upto, s->last, sizeof(upto));
	while (!settled(s, upto) && !s->stop && r == 0)
		r = -pthread_cond_timedwait(&s->published, &s->lock, &until);
	if (settled(s, upto))
		r = s->error;
	pthread_mutex_unlock(&s->lock);
	return r;
}

void pmf_snapshots_hold_begin(struct pmf_snapshots *s)
{
	pthread_mutex_lock(&s->lock);
	s->holds++;
	pthread_mutex_unlock(&s->lock);
}

void pmf_snapshots_hold_end(struct pmf_snapshots *s)
{
	pthread_mutex_lock(&s->lock);
	assert(s->holds > 0);
	s->holds--;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
}

int pmf_snapshots_copy(struct pmf_snapshots *s, struct pmf_topology **ret)
{
	int r;

	rcu_read_lock();
	r = pmf_topology_copy(rcu_dereference(s->current), ret);
	rcu_read_unlock();
	return r;
}

int pmf_snapshots_for_hold(struct pmf_snapshots *s, struct pmf_topology **ret)
{
	_cleanup_(pmf_topology_freep) struct pmf_topology *old = NULL, *fresh = NULL;
	int r;

	/* A copy first: reading may take long, and a grace period must not. */
	r = pmf_snapshots_copy(s, &old);
	if (r < 0)
		return r;
	r = s->sys->ops->read_topology(s->sys, PMF_READ_STACK | PMF_READ_MOUNTS, old, &fresh);
	if (r < 0) {
		/* what was so a moment ago is better than no rescue */
		*ret = TAKE_PTR(old);
		return 0;
	}
	fresh->generation = old->generation;
	*ret = TAKE_PTR(fresh);
	return 0;
}
