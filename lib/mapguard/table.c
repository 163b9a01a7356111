// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which guard has that address? A sorted array, replaced as a whole by writers, who
 * hold a lock, and read by signal handlers, which must not take one.
 *
 * Readers count themselves in one of two counters, the one that the phase names.
 * A writer publishes its array, and then waits twice: it turns the phase and waits for
 * the counter that new readers do not use now. One wait is not enough: a reader that
 * was held up between looking at the phase and counting itself is in the counter of the
 * turn before, with this array, and the next writer has to wait for it in either.
 * All of it is sequentially consistent: a reader that a writer did not see has
 * counted itself after the array was published.
 */
#include <pthread.h>
#include <time.h>

#include "mapguard/mapguard.h"

struct table {
	size_t n;
	struct pmemfail_guard *guards[];	/* by start; they do not overlap */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* spare: as large, so that removing needs no memory. Both under the lock. */
static struct table *_Atomic current;
static struct table *spare;
static uint64_t last_id;

static atomic_uint phase;
static atomic_uint readers[2];

unsigned int pmf_mapguard_enter(void)
{
	unsigned int token = atomic_load(&phase) & 1;

	atomic_fetch_add(&readers[token], 1);
	return token;
}

void pmf_mapguard_leave(unsigned int token)
{
	atomic_fetch_sub(&readers[token], 1);
}

/* How many begin at or before that address. */
static size_t count_up_to(const struct table *t, uintptr_t address)
{
	size_t low = 0, high = t ? t->n : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->guards[middle]->start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct pmemfail_guard *pmf_mapguard_find(uintptr_t address)
{
	const struct table *t = atomic_load(&current);
	size_t n = count_up_to(t, address);

	return n && address < t->guards[n - 1]->end ? t->guards[n - 1] : NULL;
}

/* Readers are done in no time, unless they were preempted or run a callback. */
static void wait_for_readers(void)
{
	const struct timespec pause = { .tv_nsec = 50000 };

	for (int turn = 0; turn < 2; turn++) {
		unsigned int old = atomic_fetch_add(&phase, 1) & 1;

		while (atomic_load(&readers[old]))
			(void)nanosleep(&pause, NULL);	/* asked again anyway */
	}
}

static struct table *publish(struct table *t)
{
	struct table *old = atomic_exchange(&current, t);

	wait_for_readers();
	return old;
}

static void fork_prepare(void)
{
	(void)pthread_mutex_lock(&lock);
}

static void fork_parent(void)
{
	(void)pthread_mutex_unlock(&lock);
}

/* Readers in other threads are not there any more to leave. */
static void fork_child(void)
{
	atomic_store(&readers[0], 0);
	atomic_store(&readers[1], 0);
	(void)pthread_mutex_unlock(&lock);
}

static int prepare_process(void)
{
	static bool prepared;
	int r = prepared ? 0 : pthread_atfork(fork_prepare, fork_parent, fork_child);

	if (r)
		return -r;
	if (!prepared)
		pmf_mapguard_install();
	prepared = true;
	return 0;
}

static struct table *table_new(size_t n)
{
	return calloc(1, sizeof(struct table) + n * sizeof(struct pmemfail_guard *));
}

static bool overlaps(const struct table *t, size_t at, const struct pmemfail_guard *g)
{
	return (at && t->guards[at - 1]->end > g->start) ||
	       (t && at < t->n && t->guards[at]->start < g->end);
}

static int insert_locked(struct pmemfail_guard *g)
{
	struct table *t = atomic_load(&current);
	_cleanup_free_ struct table *new = NULL, *new_spare = NULL;
	size_t n = t ? t->n : 0, at = count_up_to(t, g->start);
	int r;

	if (overlaps(t, at, g))
		return -EEXIST;
	r = prepare_process();
	if (r < 0)
		return r;
	new = table_new(n + 1);
	new_spare = table_new(n + 1);
	if (!new || !new_spare)
		return -ENOMEM;
	g->id = ++last_id;
	new->n = n + 1;
	for (size_t i = 0; i < n; i++)
		new->guards[i + (i >= at)] = t->guards[i];
	new->guards[at] = g;
	free(publish(TAKE_PTR(new)));
	free(spare);
	spare = TAKE_PTR(new_spare);
	return 0;
}

int pmf_mapguard_insert(struct pmemfail_guard *g)
{
	int r;

	(void)pthread_mutex_lock(&lock);
	r = insert_locked(g);
	(void)pthread_mutex_unlock(&lock);
	return r;
}

void pmf_mapguard_remove(struct pmemfail_guard *g)
{
	struct table *t;

	(void)pthread_mutex_lock(&lock);
	t = atomic_load(&current);
	spare->n = 0;
	for (size_t i = 0; i < t->n; i++)
		if (t->guards[i] != g)
			spare->guards[spare->n++] = t->guards[i];
	spare = publish(spare);
	(void)pthread_mutex_unlock(&lock);
}
