// SPDX-License-Identifier: LGPL-2.1-or-later
/* Many sites at once. Called by handle.c. */
#include <pthread.h>
#include <stdatomic.h>

#include "flow/crew.h"

#define MAX_THREADS 32

struct crew {
	size_t n;
	atomic_size_t next;
	void (*step)(size_t i, void *userdata);
	void *userdata;
};

static void *crew_member(void *userdata)
{
	struct crew *c = userdata;
	size_t i;

	while ((i = atomic_fetch_add(&c->next, 1)) < c->n)
		c->step(i, c->userdata);
	return NULL;
}

/* Threads that cannot be had only cost time: this one does all that is left. */
void pmf_crew(size_t n_steps, void (*step)(size_t i, void *userdata), void *userdata)
{
	struct crew c = { .n = n_steps, .step = step, .userdata = userdata };
	pthread_t threads[MAX_THREADS];
	size_t n = 0;

	while (n + 1 < c.n && n < MAX_THREADS)
		if (pthread_create(&threads[n], NULL, crew_member, &c) == 0)
			n++;
		else
			break;
	crew_member(&c);
	while (n > 0)
		pthread_join(threads[--n], NULL);
}
