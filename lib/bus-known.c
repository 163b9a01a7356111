// SPDX-License-Identifier: LGPL-2.1-or-later
/* See bus-known.h. */
#include "bus-known.h"

void pmf_bus_known_done(struct pmf_bus_known *k)
{
	free(k->v);
	*k = (struct pmf_bus_known){ 0 };
}

/* Where the first stands whose id is not lower. */
static size_t place(const struct pmf_bus_known *k, uint64_t id)
{
	size_t low = 0, high = k->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (k->v[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int pmf_bus_known_set(struct pmf_bus_known *k, const struct pmf_bus_row *row)
{
	size_t i = place(k, row->id);

	if (i < k->n && k->v[i].id == row->id) {
		k->v[i] = *row;
		return 0;
	}
	if (pmf_grow(&k->v, &k->cap, k->n + 1, sizeof(*k->v)) < 0)
		return -ENOMEM;
	memmove(&k->v[i + 1], &k->v[i], (k->n - i) * sizeof(*k->v));
	k->v[i] = *row;
	k->n++;
	return 1;
}

bool pmf_bus_known_same(const struct pmf_bus_known *k, const struct pmf_bus_row *row)
{
	size_t i = place(k, row->id);

	return i < k->n && k->v[i].id == row->id && k->v[i].state == row->state &&
	       k->v[i].updated_us == row->updated_us;
}

static int by_id(const void *a, const void *b)
{
	const struct pmf_bus_row *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

void pmf_bus_known_keep(struct pmf_bus_known *k, struct pmf_bus_row *rows, size_t n)
{
	size_t kept = 0, j = 0;

	if (n > 0)
		qsort(rows, n, sizeof(*rows), by_id);
	for (size_t i = 0; i < k->n; i++) {
		while (j < n && rows[j].id < k->v[i].id)
			j++;
		if (j < n && rows[j].id == k->v[i].id)
			k->v[kept++] = k->v[i];
	}
	k->n = kept;
}
