// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The store as the record's thread has it. See record-internal.h.
 *
 * The comparison at the first opening: a predecessor that died leaves rows in
 * state handling, notes in RuntimeDirectory, or both. A note is newer than its row
 * and the two are one failure when device and time of creation are the same.
 */
#include <time.h>

#include "base/str.h"
#include "flow/record-internal.h"

struct comparison {
	struct pmf_store_slot *slot;
	uint64_t *unfinished;		/* ids of rows without a note */
	size_t n, cap;
	int error;
};

static struct pmf_leftover *leftover_for(struct pmf_store_slot *s,
					 const struct pmf_failure *row)
{
	for (size_t i = 0; i < s->n_leftovers; i++) {
		struct pmf_leftover *l = &s->leftovers[i];

		if (l->failure && l->failure->created_us == row->created_us &&
		    streq_ptr(l->failure->device_id, row->device_id))
			return l;
	}
	return NULL;
}

/* Marks only, so that it can be done again when the store fails in the middle. */
static int compare_row(const struct pmf_failure *row, void *userdata)
{
	struct comparison *c = userdata;
	struct pmf_leftover *l = leftover_for(c->slot, row);

	if (row->kind == PMF_KIND_POISON)
		return 0;
	if (l) {
		l->known = row->state != PMF_STATE_HANDLING &&
			   row->state != PMF_STATE_PENDING;
		l->failure->id = row->id;
	} else if (row->state == PMF_STATE_HANDLING) {
		c->error = pmf_grow(&c->unfinished, &c->cap, c->n + 1,
				    sizeof(*c->unfinished));
		if (c->error < 0)
			return 1;
		c->unfinished[c->n++] = row->id;
	}
	return 0;
}

static void tell_leftovers(struct pmf_store_slot *s)
{
	for (size_t i = 0; i < s->n_leftovers; i++) {
		struct pmf_leftover *l = &s->leftovers[i];
		struct pmf_record_note n = { .news = PMF_RECORD_KNOWN, .token = l->token };

		if (l->known) {
			l->failure = pmf_failure_free(l->failure);
		} else {
			n.news = PMF_RECORD_UNFINISHED;
			n.failure = TAKE_PTR(l->failure);
		}
		s->tell(n, s->userdata);
	}
	s->n_leftovers = 0;
}

static int compare(struct pmf_store_slot *s)
{
	struct comparison c = { .slot = s };
	_cleanup_free_ struct pmf_failure **rows = NULL;
	size_t n = 0;
	int r;

	r = pmf_store_foreach(s->store, -1, compare_row, &c);
	if (r >= 0)
		r = c.error;
	rows = calloc(c.n + 1, sizeof(*rows));
	if (r >= 0 && !rows)
		r = -ENOMEM;
	for (; r >= 0 && n < c.n; n++) {
		r = pmf_store_get(s->store, c.unfinished[n], &rows[n]);
		if (r < 0)
			break;
	}
	free(c.unfinished);
	for (size_t i = 0; i < n; i++)
		if (r >= 0)
			s->tell((struct pmf_record_note){ .news = PMF_RECORD_UNFINISHED,
							  .failure = rows[i] },
				s->userdata);
		else
			pmf_failure_free(rows[i]);
	if (r < 0)
		return r;
	tell_leftovers(s);
	s->compared = true;
	s->tell((struct pmf_record_note){ .news = PMF_RECORD_READY }, s->userdata);
	return 0;
}

int pmf_store_slot_open(struct pmf_store_slot *s)
{
	_cleanup_free_ char *kept = NULL;
	char *text = NULL;
	int r;

	if (!s->store) {
		r = pmf_store_open(s->dir, true, &s->store, &kept);
		if (r < 0)
			return r;
	}
	if (kept && pmf_format(&text, "the record in %s was damaged; it was kept as %s and a "
			       "new one was begun", s->dir, kept) >= 0)
		s->tell((struct pmf_record_note){ .news = PMF_RECORD_PROBLEM, .text = text },
			s->userdata);
	return s->compared ? 0 : compare(s);
}

int pmf_store_slot_put(struct pmf_store_slot *s, struct pmf_failure *f)
{
	int r = pmf_store_slot_open(s);

	if (r >= 0)
		r = pmf_store_put(s->store, f);
	if (r == -ENOENT && f->id != 0) {
		/* Deleted, or in a file that was damaged and put aside. */
		f->id = 0;
		r = pmf_store_put(s->store, f);
	}
	return r;
}

int pmf_store_slot_answer(struct pmf_store_slot *s, const struct pmf_failure *f,
			  struct pmf_failure **ret)
{
	int r = pmf_store_slot_open(s);

	*ret = NULL;
	if (r >= 0)
		r = pmf_store_answer(s->store, f, ret);
	return r == -ENOENT ? 0 : r;
}

int pmf_store_slot_expire(struct pmf_store_slot *s, uint64_t keep_us, uint64_t keep_max)
{
	struct timespec now;
	uint64_t n, us;

	clock_gettime(CLOCK_REALTIME, &now);
	us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	return pmf_store_expire(s->store, us, keep_us, keep_max, &n);
}

char *pmf_store_slot_close(struct pmf_store_slot *s, int error)
{
	char *text = NULL;

	s->store = pmf_store_close(s->store);
	if (error < 0)
		(void)pmf_format(&text, "failures cannot be recorded in %s: %s; they are kept "
				 "in memory and tried again", s->dir, strerror(-error));
	return text;	/* NULL without memory: the problem is then told without words */
}

void pmf_store_slot_done(struct pmf_store_slot *s)
{
	pmf_store_close(s->store);
	for (size_t i = 0; i < s->n_leftovers; i++)
		pmf_failure_free(s->leftovers[i].failure);
	free(s->leftovers);
	free(s->dir);
}
