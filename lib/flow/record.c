// SPDX-License-Identifier: LGPL-2.1-or-later
/* The record's own thread. See record.h. */
#include <pthread.h>
#include <time.h>

#include "base/str.h"
#include "flow/record.h"
#include "flow/record-internal.h"

#define RETRY_FIRST_SEC	1
#define RETRY_LAST_SEC	60
#define EXPIRE_SEC	3600	/* at most so often, and only when something is written */

struct pmf_record {
	struct pmf_store_slot slot;	/* of the thread alone */
	pmf_record_fn fn;
	void *userdata;

	pthread_t thread;
	pthread_mutex_t lock;		/* all below */
	pthread_cond_t work;
	struct pmf_record_items items;
	bool news, stop;		/* something was put since the last look */
	bool keep;			/* set: */
	uint64_t keep_us, keep_max;
	time_t expired;			/* CLOCK_MONOTONIC; 0: not yet */
};

struct pmf_record_note *pmf_record_note_free(struct pmf_record_note *n)
{
	if (n) {
		pmf_failure_free(n->failure);
		free(n->text);
		free(n);
	}
	return NULL;
}

/* Takes n->failure and n->text. Without memory the note is lost, the record not. */
static void tell(struct pmf_record *r, struct pmf_record_note n)
{
	struct pmf_record_note *copy = malloc(sizeof(*copy));

	if (!copy) {
		pmf_failure_free(n.failure);
		free(n.text);
		return;
	}
	*copy = n;
	r->fn(copy, r->userdata);
}

static void tell_problem(struct pmf_record *r, char *text)
{
	tell(r, (struct pmf_record_note){ .news = PMF_RECORD_PROBLEM, .text = text });
}

/* --- what waits ------------------------------------------------------------ */

static void tell_dropped(struct pmf_record *r, struct pmf_record_item *x)
{
	if (x)
		tell(r, (struct pmf_record_note){ .news = PMF_RECORD_DROPPED,
						  .token = x->token, .final = true });
	pmf_record_room_free(x);
}

/* Takes all but r. False: there was no room, nor an item. */
static bool put(struct pmf_record *r, struct pmf_record_item *room, uint64_t token,
		struct pmf_failure *f, bool final, bool answers)
{
	struct pmf_record_item *x, *dropped;

	pthread_mutex_lock(&r->lock);
	x = pmf_record_items_get(&r->items, token, &room, &dropped);
	if (x) {
		x->id = x->id ?: f->id;
		/* What was to be written all of, still is, with the answers. */
		x->answers = answers && (!x->unsaved || x->answers);
		pmf_failure_free(x->unsaved);
		x->unsaved = TAKE_PTR(f);
		x->final = final;
		x->told = false;
		r->news = true;
		pthread_cond_signal(&r->work);
	}
	pthread_mutex_unlock(&r->lock);
	pmf_record_room_free(room);
	pmf_failure_free(f);
	tell_dropped(r, dropped);
	return x;
}

int pmf_record_put(struct pmf_record *r, uint64_t token, struct pmf_failure *f, bool final)
{
	return put(r, pmf_record_room(), token, f, final, false) ? 0 : -ENOMEM;
}

void pmf_record_put_into(struct pmf_record *r, struct pmf_record_item *room, uint64_t token,
			 struct pmf_failure *f, bool final)
{
	(void)put(r, room, token, f, final, false);
}

void pmf_record_answer(struct pmf_record *r, struct pmf_record_item *room, uint64_t token,
		       struct pmf_failure *f)
{
	(void)put(r, room, token, f, true, true);
}

bool pmf_record_is_behind(struct pmf_record *r, const char *device_id)
{
	bool behind;

	pthread_mutex_lock(&r->lock);
	behind = pmf_record_items_have_end(&r->items, device_id);
	pthread_mutex_unlock(&r->lock);
	return behind;
}

void pmf_record_keep(struct pmf_record *r, uint64_t keep_us, uint64_t keep_max)
{
	pthread_mutex_lock(&r->lock);
	r->keep = true;
	r->keep_us = keep_us;
	r->keep_max = keep_max;
	r->expired = 0;
	r->news = true;
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
}

/* --- writing --------------------------------------------------------------- */

/* Write the newest version of one; lock held, but not while writing. */
static int save(struct pmf_record *r, struct pmf_record_item *x)
{
	struct pmf_failure *f = TAKE_PTR(x->unsaved), *recorded = NULL;
	struct pmf_record_note n = {
		.news = PMF_RECORD_SAVED, .token = x->token, .final = x->final,
		.added = x->id == 0 && !x->answers, .again = x->told,
	};
	bool answers = x->answers;
	int e;

	f->id = x->id;
	x->writing = f;
	pthread_mutex_unlock(&r->lock);
	e = answers ? pmf_store_slot_answer(&r->slot, f, &recorded) :
		pmf_store_slot_put(&r->slot, f);
	pthread_mutex_lock(&r->lock);
	x = pmf_record_items_find(&r->items, n.token);	/* put may have dropped it meanwhile */
	if (x)
		x->writing = NULL;
	if (e < 0) {
		if (x && !x->unsaved)
			x->unsaved = TAKE_PTR(f);
		else if (x)	/* what has come since must bring all that this has not */
			x->answers &= answers;
		pmf_failure_free(f);
		return e;
	}
	if (recorded) {
		pmf_failure_free(f);
		f = recorded;
	}
	if (x)
		x->id = f->id;
	if (x && x->final && !x->unsaved) {
		pmf_record_items_remove(&r->items, x);
		pmf_record_room_free(x);
	}
	/* The callback only queues, so it may be called with the lock held. */
	n.failure = f;
	tell(r, n);
	return 0;
}

/* Lock held, but not while deleting. */
static int expire(struct pmf_record *r)
{
	uint64_t keep_us = r->keep_us, keep_max = r->keep_max;
	struct timespec now;
	int e;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!r->keep || (r->expired && now.tv_sec < r->expired + EXPIRE_SEC))
		return 0;
	r->expired = now.tv_sec;
	pthread_mutex_unlock(&r->lock);
	e = pmf_store_slot_expire(&r->slot, keep_us, keep_max);
	pthread_mutex_lock(&r->lock);
	return e;
}

/* All that waits. Returns the first error: the store is then closed for now. */
static int save_all(struct pmf_record *r)
{
	struct pmf_record_item *x;
	int e;

	r->news = false;
	pthread_mutex_unlock(&r->lock);
	e = pmf_store_slot_open(&r->slot);
	pthread_mutex_lock(&r->lock);
	while (e >= 0 && (x = pmf_record_items_unsaved(&r->items)))
		e = save(r, x);
	return e < 0 ? e : expire(r);
}

/* Each version that could not be written is told about once all the same. */
static void tell_unsaved(struct pmf_record *r)
{
	for (struct pmf_record_item *x = r->items.first; x; x = x->next) {
		struct pmf_record_note n = { .news = PMF_RECORD_UNSAVED, .token = x->token,
					     .added = !x->told_any && !x->id,
					     .final = x->final };

		if (!x->unsaved || x->told || pmf_failure_copy(x->unsaved, &n.failure) < 0)
			continue;
		x->told = x->told_any = true;
		tell(r, n);
	}
}

static void wait_until(struct pmf_record *r, unsigned int sec)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += sec;
	while (!r->stop && !r->news &&
	       pthread_cond_timedwait(&r->work, &r->lock, &until) == 0)
		;
}

static void *recorder(void *userdata)
{
	struct pmf_record *r = userdata;
	unsigned int wait = RETRY_FIRST_SEC;
	bool told = false;
	int e;

	pthread_mutex_lock(&r->lock);
	for (;;) {
		bool last = r->stop;

		e = save_all(r);
		if (e < 0) {
			char *text;

			/* closing may wait for the disk: not with the lock held */
			pthread_mutex_unlock(&r->lock);
			text = pmf_store_slot_close(&r->slot, e);
			pthread_mutex_lock(&r->lock);

			tell_unsaved(r);
			if (told)
				free(text);
			else
				tell_problem(r, text);
			told = true;
		}
		if (last)
			break;
		if (e < 0) {
			wait_until(r, wait);
			wait = MIN(wait * 2, RETRY_LAST_SEC);
			continue;
		}
		told = false;
		wait = RETRY_FIRST_SEC;
		while (!r->stop && !r->news)
			pthread_cond_wait(&r->work, &r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	(void)pmf_store_slot_close(&r->slot, 0);
	return NULL;
}

/* --- beginning and end ----------------------------------------------------- */

static void slot_tells(struct pmf_record_note n, void *userdata)
{
	tell(userdata, n);
}

static void record_done(struct pmf_record *r)
{
	pmf_record_items_done(&r->items);
	pmf_store_slot_done(&r->slot);
	pthread_cond_destroy(&r->work);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

int pmf_record_start(const char *dir, struct pmf_leftover *leftovers, size_t n,
		     pmf_record_fn fn, void *userdata, struct pmf_record **ret)
{
	struct pmf_record *r = calloc(1, sizeof(*r));
	pthread_condattr_t attr;
	int e;

	if (!r) {
		for (size_t i = 0; i < n; i++)
			pmf_failure_free(leftovers[i].failure);
		free(leftovers);
		return -ENOMEM;
	}
	r->fn = fn;
	r->userdata = userdata;
	pmf_record_items_init(&r->items);
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->work, &attr);
	pthread_condattr_destroy(&attr);
	r->slot = (struct pmf_store_slot){ .leftovers = leftovers, .n_leftovers = n,
					   .tell = slot_tells, .userdata = r };
	e = strdup_to(&r->slot.dir, dir) ? 0 : -ENOMEM;
	if (e >= 0)
		e = -pthread_create(&r->thread, NULL, recorder, r);
	if (e < 0) {
		record_done(r);
		return e;
	}
	*ret = r;
	return 0;
}

struct pmf_record *pmf_record_stop(struct pmf_record *r)
{
	if (!r)
		return NULL;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	record_done(r);
	return NULL;
}
