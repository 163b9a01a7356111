/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads for the bus; see bus-work.h. A thread begins when there is work and ends
 * when there is none, so that an idle daemon has none of them.
 */
#include "bus-work.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Memory is locked, stacks included; the library is content with less. */
#define STACK_SIZE	(1U << 20)
#define PATIENCE_SEC	5

static const struct { unsigned int threads, waiting; } limits[WORK_LANES] = {
	[WORK_DEVICES] = { 1, 4 },
	[WORK_RECORD] = { 2, 256 },
	[WORK_ACT] = { 4, 16 },
};

struct queue {
	struct work_item *first, **last;
};

struct lane {
	struct work *work;
	unsigned int number, threads, waiting;
	struct queue queue;
};

struct work {
	pthread_mutex_t lock;
	pthread_cond_t idle;
	struct lane lanes[WORK_LANES];
	struct queue done;
	int fd;
	sd_event_source *source;
};

static void push(struct queue *q, struct work_item *i)
{
	i->next = NULL;
	*q->last = i;
	q->last = &i->next;
}

static struct work_item *pop(struct queue *q)
{
	struct work_item *i = q->first;

	if (i) {
		q->first = i->next;
		if (!q->first)
			q->last = &q->first;
	}
	return i;
}

static void *thread(void *userdata)
{
	struct lane *l = userdata;
	struct work *w = l->work;
	struct work_item *i;

	pthread_mutex_lock(&w->lock);
	while ((i = pop(&l->queue))) {
		l->waiting--;
		pthread_mutex_unlock(&w->lock);
		i->run(i);
		pthread_mutex_lock(&w->lock);
		push(&w->done, i);
		(void)eventfd_write(w->fd, 1);	/* full: it is readable anyway */
	}
	l->threads--;
	pthread_cond_signal(&w->idle);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* lock is held */
static int begin_thread(struct lane *l)
{
	pthread_attr_t attr;
	pthread_t t;
	int r = pthread_attr_init(&attr);

	if (r != 0)
		return -r;
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&t, &attr, thread, l);
	pthread_attr_destroy(&attr);
	if (r == 0)
		l->threads++;
	return -r;
}

int work_add(struct work *w, enum work_lane lane, struct work_item *i)
{
	struct lane *l = &w->lanes[lane];
	int r = 0;

	pthread_mutex_lock(&w->lock);
	if (l->waiting >= limits[lane].waiting)
		r = -EBUSY;
	else if (l->threads < limits[lane].threads)
		r = begin_thread(l);	/* it cannot look before we unlock */
	if (r < 0 && r != -EBUSY && l->threads > 0)
		r = 0;		/* no more threads to be had: those there are do it */
	if (r >= 0) {
		push(&l->queue, i);
		l->waiting++;
	}
	pthread_mutex_unlock(&w->lock);
	return r;
}

static void finish(struct work *w)
{
	struct work_item *i;

	for (;;) {
		pthread_mutex_lock(&w->lock);
		i = pop(&w->done);
		pthread_mutex_unlock(&w->lock);
		if (!i)
			return;
		i->done(i);
	}
}

static int on_done(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	eventfd_t n;

	(void)s;
	(void)revents;
	(void)eventfd_read(fd, &n);	/* first: what is done from now on sets it again */
	finish(userdata);
	return 0;
}

int work_new(sd_event *event, struct work **ret)
{
	struct work *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;
	int r;

	if (!w)
		return -ENOMEM;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->idle, &attr);
	pthread_condattr_destroy(&attr);
	w->done.last = &w->done.first;
	for (unsigned int i = 0; i < WORK_LANES; i++) {
		w->lanes[i] = (struct lane){ .work = w, .number = i };
		w->lanes[i].queue.last = &w->lanes[i].queue.first;
	}
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = w->fd < 0 ? -errno : sd_event_add_io(event, &w->source, w->fd, EPOLLIN, on_done, w);
	if (r < 0) {
		work_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

/* lock is held. Returns false when something of it may never end. */
static bool wait_for(struct work *w)
{
	struct timespec until;
	struct lane *l = w->lanes;

	while (l[WORK_ACT].threads > 0)
		pthread_cond_wait(&w->idle, &w->lock);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PATIENCE_SEC;
	while (l[WORK_DEVICES].threads + l[WORK_RECORD].threads > 0)
		if (pthread_cond_timedwait(&w->idle, &w->lock, &until) == ETIMEDOUT)
			return false;
	return true;
}

struct work *work_free(struct work *w)
{
	struct work_item *i;
	bool all;

	if (!w)
		return NULL;
	pthread_mutex_lock(&w->lock);
	for (unsigned int k = 0; k < WORK_LANES; k++)
		while ((i = pop(&w->lanes[k].queue))) {
			w->lanes[k].waiting--;
			i->canceled = true;
			push(&w->done, i);
		}
	all = wait_for(w);
	pthread_mutex_unlock(&w->lock);
	finish(w);
	sd_event_source_disable_unref(w->source);
	if (!all)
		return NULL;	/* the process ends, and with it what hangs */
	if (w->fd >= 0)
		close(w->fd);
	pthread_cond_destroy(&w->idle);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return NULL;
}
