// SPDX-License-Identifier: LGPL-2.1-or-later
/* See bus-queue.h. */
#include "bus-queue.h"

#define MOST	4096	/* a caller that never asks must not make us grow */

static void drop(struct pmf_bus_queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		pmemfail_notice_free(q->v[q->first + i].notice);
	q->first = q->n = 0;
}

void pmf_bus_queue_done(struct pmf_bus_queue *q)
{
	drop(q);
	free(q->v);
	*q = (struct pmf_bus_queue){ 0 };
}

static int push(struct pmf_bus_queue *q, struct pmf_bus_item item)
{
	if (q->n >= MOST) {
		drop(q);
		return -ENOBUFS;
	}
	if (q->first > q->n) {
		memmove(q->v, q->v + q->first, q->n * sizeof(item));
		q->first = 0;
	}
	if (pmf_grow(&q->v, &q->cap, q->first + q->n + 1, sizeof(item)) < 0)
		return -ENOMEM;
	q->v[q->first + q->n++] = item;
	return 0;
}

int pmf_bus_queue_failure(struct pmf_bus_queue *q, uint64_t id)
{
	/* One that waits already is told as it is then. */
	for (size_t i = 0; i < q->n; i++)
		if (q->v[q->first + i].id == id)
			return 0;
	return push(q, (struct pmf_bus_item){ .id = id });
}

int pmf_bus_queue_notice(struct pmf_bus_queue *q, enum pmemfail_notice_kind kind,
			 const char *device, bool on)
{
	struct pmemfail_notice *n = calloc(1, sizeof(*n));
	int r;

	if (!n || (device && !strdup_to(&n->device, device))) {
		free(n);
		return -ENOMEM;
	}
	n->kind = kind;
	n->on = on;
	r = push(q, (struct pmf_bus_item){ .notice = n });
	if (r < 0)
		pmemfail_notice_free(n);
	return r;
}

struct pmf_bus_item pmf_bus_queue_take(struct pmf_bus_queue *q)
{
	q->n--;
	return q->v[q->first++];
}
