// SPDX-License-Identifier: LGPL-2.1-or-later
/* Lists of targets. Called by poison.c and replay.c. */
#include "flow/targets.h"

#define MAX_TARGETS 65536

void pmf_targets_done(struct pmf_targets *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i].path);
	free(t->v);
	*t = (struct pmf_targets){};
}

bool pmf_target_acts(const struct pmf_target *t)
{
	return t->action == PMF_ACTION_REVOKE || t->action == PMF_ACTION_SHUTDOWN ||
	       t->action == PMF_ACTION_REMOUNT_RO;
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_place(const void *x, const void *y)
{
	const struct pmf_target *a = x, *b = y;

	return compare_u64(a->at.start, b->at.start) ?: compare_u64(a->at.end, b->at.end) ?:
	       compare_u64(a->kind, b->kind) ?: compare_u64(a->ino, b->ino) ?:
	       compare_u64(a->generation, b->generation) ?:
	       compare_u64(a->range.start, b->range.start);
}

/* Where byte 0 of the file would be: the same for two pieces of one extent. */
static uint64_t origin(const struct pmf_target *t)
{
	return pmf_range_empty(t->range) ? 0 : t->at.start - t->range.start;
}

static int by_owner(const struct pmf_target *a, const struct pmf_target *b)
{
	return compare_u64(a->kind, b->kind) ?: compare_u64(a->ino, b->ino) ?:
	       compare_u64(a->generation, b->generation) ?:
	       compare_u64(pmf_range_empty(a->range), pmf_range_empty(b->range));
}

static int by_piece(const void *x, const void *y)
{
	const struct pmf_target *a = x, *b = y;

	return by_owner(a, b) ?: compare_u64(origin(a), origin(b)) ?:
	       compare_u64(a->at.start, b->at.start);
}

void pmf_targets_sort(struct pmf_target *v, size_t n)
{
	if (n > 1)
		qsort(v, n, sizeof(*v), by_place);
}

bool pmf_targets_equal(const struct pmf_target *a, const struct pmf_target *b)
{
	return by_place(a, b) == 0 && a->range.end == b->range.end &&
	       a->shared == b->shared && a->action == b->action &&
	       a->step.state == b->step.state && a->step.error == b->step.error;
}

static int add(struct pmf_targets *t, const struct pmf_target *x)
{
	int r = pmf_grow(&t->v, &t->cap, t->n + 1, sizeof(*t->v));

	if (r >= 0)
		t->v[t->n++] = *x;
	return r;
}

/* --- from a look --- */

static struct pmf_target from_extent(const struct pmf_resolution *res,
				     const struct pmf_extent *e)
{
	const struct pmf_held *h = e->ino ? pmf_resolve_held(res, e->ino) : NULL;
	struct pmf_target t = { .kind = e->kind, .at = e->at, .ino = e->ino,
				.shared = e->shared };

	if (h && (h->error == -ENOENT || h->error == -ESTALE)) {
		/* Deleted and about to be freed: nobody can have it any more. */
		t.kind = PMF_TARGET_FREE;
		t.ino = 0;
		return t;
	}
	if (h)
		t.generation = h->id.generation;
	if (h && h->error >= 0 && t.kind == PMF_TARGET_FILE)
		t.kind = h->kind;
	else if (h && h->error == -EPERM)
		t.kind = PMF_TARGET_METADATA;	/* quota: see open_inode */
	if (t.kind == PMF_TARGET_FILE)
		t.range = (struct pmf_range){ e->offset,
					      e->offset + (e->at.end - e->at.start) };
	return t;
}

static int add_gaps(const struct pmf_site *site, const struct pmf_extents *found,
		    struct pmf_targets *t)
{
	_cleanup_(pmf_ranges_done) struct pmf_ranges gaps = {};
	int r;

	r = pmf_extents_gaps(found, &site->ranges, &gaps);
	for (size_t i = 0; i < gaps.n && r >= 0; i++) {
		struct pmf_target gap = { .kind = PMF_TARGET_UNKNOWN, .at = gaps.v[i] };

		/* without owners nobody has looked at it: a log, a node, is one whole */
		if (site->kind == PMF_SITE_DEVDAX) {
			gap.kind = PMF_TARGET_FILE;
			gap.range = gap.at;
		} else if (site->role == PMF_ROLE_LOG) {
			gap.kind = PMF_TARGET_LOG;
		}
		r = add(t, &gap);
	}
	return r;
}

static void widen(struct pmf_range *r, struct pmf_range by)
{
	*r = (struct pmf_range){ MIN(r->start, by.start), MAX(r->end, by.end) };
}

static void merge(struct pmf_targets *t)
{
	size_t n = 0;

	qsort(t->v, t->n, sizeof(*t->v), by_piece);
	for (size_t i = 0; i < t->n; i++) {
		if (n > 0 && by_owner(&t->v[n - 1], &t->v[i]) == 0) {
			widen(&t->v[n - 1].at, t->v[i].at);
			if (!pmf_range_empty(t->v[i].range))
				widen(&t->v[n - 1].range, t->v[i].range);
			t->v[n - 1].shared |= t->v[i].shared;
		} else {
			t->v[n++] = t->v[i];
		}
	}
	t->n = n;
}

int pmf_targets_from(const struct pmf_site *site, const struct pmf_resolution *res,
		     struct pmf_targets *ret)
{
	struct pmf_targets t = {};
	int r = 0;

	for (size_t i = 0; i < res->found.n && r >= 0; i++) {
		struct pmf_target x = from_extent(res, &res->found.v[i]);

		r = add(&t, &x);
	}
	if (r >= 0)
		r = add_gaps(site, &res->found, &t);
	if (r < 0) {
		pmf_targets_done(&t);
		return r;
	}
	if (t.n > MAX_TARGETS)
		merge(&t);
	pmf_targets_sort(t.v, t.n);
	*ret = t;
	return 0;
}

/* --- against what was before --- */

/* The pieces of x that no target of the sorted list covers, into t. */
static int add_rest(struct pmf_targets *t, const struct pmf_target *x,
		    const struct pmf_target *const *old, size_t n)
{
	struct pmf_range left = x->at;
	size_t low = 0, high = n;
	int r = 0;

	while (low < high) {	/* the first of this owner and origin */
		size_t mid = low + (high - low) / 2;
		int c = by_owner(old[mid], x) ?: compare_u64(origin(old[mid]), origin(x));

		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low <= n && r >= 0 && !pmf_range_empty(left); low++) {
		bool any = low < n && by_owner(old[low], x) == 0 &&
			   origin(old[low]) == origin(x);
		struct pmf_target piece = *x;

		piece.at = pmf_range_clip((struct pmf_range){ 0, any ? old[low]->at.start :
							      UINT64_MAX }, left);
		if (!pmf_range_empty(x->range)) {
			piece.range.start = piece.at.start - origin(x);
			piece.range.end = piece.at.end - origin(x);
		}
		if (pmf_range_empty(piece.at))
			;
		else
			r = add(t, &piece);
		if (!any)
			break;
		left.start = MIN(MAX(left.start, old[low]->at.end), left.end);
	}
	return r;
}

static int by_piece_of(const void *x, const void *y)
{
	return by_piece(*(const struct pmf_target *const *)x,
			*(const struct pmf_target *const *)y);
}

int pmf_targets_drop(struct pmf_targets *t, const struct pmf_target *old, size_t n_old,
		     bool tried)
{
	_cleanup_free_ const struct pmf_target **sorted = NULL;
	struct pmf_targets rest = {};
	size_t n = 0;
	int r = 0;

	if (n_old == 0)
		return 0;
	sorted = calloc(n_old, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < n_old; i++)
		if (pmf_target_acts(&old[i]) && (old[i].step.state == PMF_STEP_DONE ||
				(tried && old[i].step.state != PMF_STEP_SKIPPED)))
			sorted[n++] = &old[i];
	if (n > 1)
		qsort(sorted, n, sizeof(*sorted), by_piece_of);
	for (size_t i = 0; i < t->n && r >= 0; i++)
		r = add_rest(&rest, &t->v[i], sorted, n);
	if (r < 0) {
		pmf_targets_done(&rest);
		return r;
	}
	free(t->v);	/* paths come later: there are none yet */
	*t = rest;
	pmf_targets_sort(t->v, t->n);
	return 0;
}

int pmf_targets_move(struct pmf_targets *t, struct pmf_case *c, bool all)
{
	struct pmf_target *v;
	size_t kept = 0;

	v = realloc(c->targets, (c->n_targets + t->n + 1) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	c->targets = v;
	for (size_t i = 0; i < t->n; i++)
		if (all || t->v[i].step.state != PMF_STEP_SKIPPED)
			v[c->n_targets++] = t->v[i];
		else
			t->v[kept++] = t->v[i];
	t->n = kept;
	if (all) {
		free(t->v);
		*t = (struct pmf_targets){};
	}
	return 0;
}
