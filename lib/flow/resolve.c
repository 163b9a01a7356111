// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who owns the bad bytes of a site. Called by poison.c.
 * Where the filesystem does not know: resolve-files.c.
 */
#include "flow/resolve-internal.h"

void pmf_resolve_close(struct pmf_resolution *res)
{
	for (size_t i = 0; i < res->n_files; i++)
		res->files[i].fd = safe_close(res->files[i].fd);
}

void pmf_resolution_done(struct pmf_resolution *res)
{
	pmf_resolve_close(res);
	free(res->files);
	pmf_extents_done(&res->found);
	pmf_extents_done(&res->again);
	*res = (struct pmf_resolution){};
}

/* --- the inodes --- */

static int compare_held(const void *a, const void *b)
{
	const struct pmf_held *x = a, *y = b;

	return x->id.ino < y->id.ino ? -1 : x->id.ino > y->id.ino ? 1 :
	       x->id.generation < y->id.generation ? -1 : x->id.generation > y->id.generation;
}

int pmf_resolve_add_file(struct pmf_resolution *res, const struct pmf_file_id *id)
{
	int r;

	if (res->n_files > 0 && res->files[res->n_files - 1].id.ino == id->ino &&
	    res->files[res->n_files - 1].id.generation == id->generation)
		return 0;
	r = pmf_grow(&res->files, &res->cap_files, res->n_files + 1, sizeof(*res->files));
	if (r < 0)
		return r;
	res->files[res->n_files++] = (struct pmf_held){ .id = *id, .fd = -1 };
	return 0;
}

void pmf_resolve_sort_files(struct pmf_resolution *res)
{
	size_t n = 0;

	if (res->n_files > 1)
		qsort(res->files, res->n_files, sizeof(*res->files), compare_held);
	for (size_t i = 0; i < res->n_files; i++)
		if (n == 0 || compare_held(&res->files[n - 1], &res->files[i]) != 0)
			res->files[n++] = res->files[i];
	res->n_files = n;
}

struct pmf_held *pmf_resolve_held(const struct pmf_resolution *res, uint64_t ino)
{
	size_t low = 0, high = res->n_files;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (res->files[mid].id.ino == ino)
			return &res->files[mid];
		if (res->files[mid].id.ino < ino)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

int pmf_resolve_open(struct pmf_execution *x, struct pmf_held *h)
{
	struct pmf_inode inode;
	int r;

	if (h->fd >= 0)
		return 0;
	r = x->run->sys->ops->open_inode(x->run->sys, x->fd, x->c->site.fstype, &h->id,
					 &inode, &h->fd);
	h->error = r;
	if (r < 0)
		return r;
	h->id.generation = inode.generation;
	h->id.known = true;
	h->kind = inode.kind;
	return 0;
}

/* --- owners --- */

static int owners_of(struct pmf_execution *x, struct pmf_range at, struct pmf_extents *e,
		     size_t max)
{
	size_t n = 0;
	int r;

	r = x->run->sys->ops->owners(x->run->sys, x->fd, x->c->site.role, at, e->v + e->n,
				     max - e->n, &n);
	if (r >= 0)
		e->n += n;
	return r;
}

static int collect_owners(struct pmf_execution *x, struct pmf_extents *e)
{
	const struct pmf_ranges *ranges = &x->c->site.ranges;
	int r = 0;

	for (size_t i = 0; i < ranges->n && r >= 0; i++) {
		r = pmf_extents_reserve(e, e->n + PMF_FIRST_ROOM);
		while (r >= 0 && (r = owners_of(x, ranges->v[i], e, e->cap)) == -ENOBUFS)
			r = e->cap >= PMF_MAX_FOUND ? -E2BIG :
			    pmf_extents_reserve(e, e->cap * 2);
	}
	return r;
}

/* Generation and nature of each inode that owns some of it. One that cannot be
 * opened is kept, with the reason. */
static int know_inodes(struct pmf_execution *x, struct pmf_resolution *res)
{
	int r;

	for (size_t i = 0; i < res->found.n; i++) {
		struct pmf_file_id id = { .ino = res->found.v[i].ino };

		r = id.ino ? pmf_resolve_add_file(res, &id) : 0;
		if (r < 0)
			return r;
	}
	pmf_resolve_sort_files(res);
	for (size_t i = 0; i < res->n_files; i++) {
		r = pmf_resolve_open(x, &res->files[i]);
		if (r == -ENOMEM)
			return r;
		res->files[i].fd = safe_close(res->files[i].fd);
	}
	return 0;
}

int pmf_resolve(struct pmf_execution *x, const struct pmf_resolve_how *how,
		struct pmf_resolution *res)
{
	int r;

	/* A device-DAX node is one file, and a log is a log wherever it is hit. */
	res->fixed = x->c->site.kind == PMF_SITE_DEVDAX || x->c->site.role == PMF_ROLE_LOG;
	if (res->fixed)
		return 0;
	r = collect_owners(x, &res->found);
	if (r >= 0) {
		r = know_inodes(x, res);
	} else if (r != -ENOMEM && r != -E2BIG && r != -EBADF) {
		/* Poison in what it would look up itself is an EIO here: then, too, the
		 * files that are in use can still be asked. */
		res->error = r == -EOPNOTSUPP ? 0 : r;
		res->by_files = true;
		res->found.n = 0;
		r = pmf_resolve_files(x, how, res);
	}
	pmf_extents_sort(&res->found);
	return r;
}

/* --- again, frozen --- */

int pmf_resolve_reserve(struct pmf_resolution *res)
{
	return pmf_extents_reserve(&res->again, res->found.n + res->found.n / 4 + PMF_FIRST_ROOM);
}


int pmf_resolve_again(struct pmf_execution *x, struct pmf_resolution *res)
{
	const struct pmf_ranges *ranges = &x->c->site.ranges;
	struct pmf_extents *e = &res->again;
	int r = 0;

	if (res->fixed)
		return 1;
	e->n = 0;
	for (size_t i = 0; i < ranges->n && r >= 0 && !res->by_files; i++)
		r = owners_of(x, ranges->v[i], e, e->cap);
	if (res->by_files)
		r = pmf_resolve_files_again(x, res);
	if (r < 0)
		return 0;	/* does not fit any more, or cannot be told */
	pmf_extents_sort(e);
	if (e->n != (res->by_files ? pmf_resolve_files_comparable(res) : res->found.n))
		return 0;
	for (size_t i = 0; i < e->n; i++)
		if (!pmf_extents_have(&res->found, &e->v[i]))
			return 0;
	return 1;
}
