// SPDX-License-Identifier: LGPL-2.1-or-later
/* What waits to be written. See record-internal.h; record.c has the lock. */
#include "flow/record-internal.h"

struct pmf_record_item *pmf_record_room(void)
{
	return calloc(1, sizeof(struct pmf_record_item));
}

struct pmf_record_item *pmf_record_room_free(struct pmf_record_item *x)
{
	if (x) {
		pmf_failure_free(x->unsaved);
		free(x);
	}
	return NULL;
}

void pmf_record_items_init(struct pmf_record_items *items)
{
	*items = (struct pmf_record_items){ .tail = &items->first };
}

void pmf_record_items_done(struct pmf_record_items *items)
{
	struct pmf_record_item *x;

	while ((x = items->first)) {
		items->first = x->next;
		pmf_record_room_free(x);
	}
}

void pmf_record_items_remove(struct pmf_record_items *items, struct pmf_record_item *x)
{
	struct pmf_record_item **p = &items->first;

	while (*p != x)
		p = &(*p)->next;
	*p = x->next;
	if (items->tail == &x->next)
		items->tail = p;
	items->n--;
}

struct pmf_record_item *pmf_record_items_find(struct pmf_record_items *items, uint64_t token)
{
	struct pmf_record_item *x = items->first;

	while (x && x->token != token)
		x = x->next;
	return x;
}

struct pmf_record_item *pmf_record_items_unsaved(struct pmf_record_items *items)
{
	struct pmf_record_item *x = items->first;

	while (x && !x->unsaved)
		x = x->next;
	return x;
}

/* The oldest that is over. One that is being handled is needed for its end. */
static struct pmf_record_item *over_the_bound(struct pmf_record_items *items)
{
	struct pmf_record_item *x = items->first;

	if (items->n < PMF_RECORD_MAX)
		return NULL;
	while (x && !(x->final && x->unsaved))
		x = x->next;
	if (x)
		pmf_record_items_remove(items, x);
	return x;
}

struct pmf_record_item *pmf_record_items_get(struct pmf_record_items *items,
					     uint64_t token,
					     struct pmf_record_item **room,
					     struct pmf_record_item **ret_dropped)
{
	struct pmf_record_item *x = pmf_record_items_find(items, token);

	*ret_dropped = NULL;
	if (x || !*room)
		return x;
	*ret_dropped = over_the_bound(items);
	x = TAKE_PTR(*room);
	x->token = token;
	*items->tail = x;
	items->tail = &x->next;
	items->n++;
	return x;
}

static bool is_poison_of(const struct pmf_failure *f, const char *device_id)
{
	return f && f->kind == PMF_KIND_POISON && streq_ptr(f->device_id, device_id);
}

bool pmf_record_items_have_end(const struct pmf_record_items *items, const char *device_id)
{
	for (const struct pmf_record_item *x = items->first; x; x = x->next)
		if (x->final && (is_poison_of(x->unsaved, device_id) ||
				 is_poison_of(x->writing, device_id)))
			return true;
	return false;
}
