// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who owns the bad bytes of a site. Called by poison.c.
 *
 * Where the filesystem does not know owners, the files in use stand in for them: who
 * has no file open or mapped has nothing of it in his address space. A file that
 * is mapped after the look is no gap: the range was in badblocks before it, and a
 * fault on such a range fails (dax_direct_access(), __pmem_direct_access()).
 */
#include "flow/resolve.h"
#include "flow/victims.h"

#define FIRST_ROOM	64
#define MAX_FOUND	(1U << 20)

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

static int add_file(struct pmf_resolution *res, const struct pmf_file_id *id)
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

static void sort_files(struct pmf_resolution *res)
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
		r = pmf_extents_reserve(e, e->n + FIRST_ROOM);
		while (r >= 0 && (r = owners_of(x, ranges->v[i], e, e->cap)) == -ENOBUFS)
			r = e->cap >= MAX_FOUND ? -E2BIG :
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

		r = id.ino ? add_file(res, &id) : 0;
		if (r < 0)
			return r;
	}
	sort_files(res);
	for (size_t i = 0; i < res->n_files; i++) {
		r = pmf_resolve_open(x, &res->files[i]);
		if (r == -ENOMEM)
			return r;
		res->files[i].fd = safe_close(res->files[i].fd);
	}
	return 0;
}

/* --- files in use, or all of them --- */

static int walked(const struct pmf_file_id *id, void *userdata)
{
	return add_file(userdata, id);
}

static int list_mapped(struct pmf_execution *x, struct pmf_resolution *res)
{
	struct pmf_case look = { .site = x->c->site };	/* borrowed */
	int r;

	r = pmf_victims_look(x->run->sys, x->attempt, x->fd, &look, 0);
	for (size_t i = 0; i < look.n_victims && r >= 0; i++) {
		struct pmf_file_id id = { look.victims[i].ino, look.victims[i].generation,
					  x->attempt >= 0 };

		r = add_file(res, &id);
	}
	look.site = (struct pmf_site){};
	pmf_case_done(&look);
	return r;
}

static int list_open(struct pmf_execution *x, struct pmf_resolution *res)
{
	_cleanup_free_ struct pmf_file_id *ids = NULL;
	size_t n = 0;
	int r;

	r = x->run->sys->ops->open_files(x->run->sys, x->c->site.fs_devno, &ids, &n);
	for (size_t i = 0; i < n && r >= 0; i++)
		r = add_file(res, &ids[i]);
	return r;
}

static int extents_of(struct pmf_execution *x, int fd, struct pmf_extents *e, bool grow)
{
	const struct pmf_ranges *ranges = &x->c->site.ranges;
	struct pmf_sys *sys = x->run->sys;
	size_t n;
	int r = 0;

	for (size_t i = 0; i < ranges->n && r >= 0; i++) {
		if (grow)
			r = pmf_extents_reserve(e, e->n + FIRST_ROOM);
		for (; r >= 0; r = pmf_extents_reserve(e, e->cap * 2)) {
			r = sys->ops->file_extents(sys, fd, x->c->site.role, ranges->v[i],
						   e->v + e->n, e->cap - e->n, &n);
			if (r != -ENOBUFS || !grow)
				break;
			if (e->cap >= MAX_FOUND)
				return -E2BIG;
		}
		if (r >= 0)
			e->n += n;
	}
	return r;
}

/* Keep of the files those that have some of it. One that goes meanwhile has not. */
static int ask_files(struct pmf_execution *x, struct pmf_resolution *res)
{
	size_t kept = 0;
	int first = 0, r = 0;

	for (size_t i = 0; i < res->n_files; i++) {
		struct pmf_held h = res->files[i];
		size_t before = res->found.n;

		/* by two generations, one of them a guess of a look without the module */
		if (kept > 0 && res->files[kept - 1].id.ino == h.id.ino)
			continue;
		r = pmf_resolve_open(x, &h);
		if (r >= 0) {
			r = extents_of(x, h.fd, &res->found, true);
			h.fd = safe_close(h.fd);
		}
		if (r == -ENOMEM || r == -E2BIG)
			return r;
		if (r < 0 && r != -ENOENT && r != -ESTALE && first == 0)
			first = r;
		if (res->found.n > before)
			res->files[kept++] = h;
	}
	res->n_files = kept;
	return first;
}

static int collect_files(struct pmf_execution *x, const struct pmf_resolve_how *how,
			 struct pmf_resolution *res)
{
	struct pmf_sys *sys = x->run->sys;
	int r, first = 0;

	if (how->deep) {
		r = sys->ops->walk_files(sys, x->fd, x->c->site.fstype, walked, res,
					 how->progress, how->userdata);
		if (r < 0)
			return r;
	}
	/* Both, and one is better than none: mapped files need not be open, and files
	 * that are open may be mapped in a moment. */
	r = list_mapped(x, res);
	if (r == -ENOMEM)
		return r;
	first = r < 0 ? r : 0;
	r = list_open(x, res);
	if (r == -ENOMEM)
		return r;
	first = first < 0 ? first : r < 0 ? r : 0;
	sort_files(res);
	r = ask_files(x, res);
	if (r == -ENOMEM || r == -E2BIG)
		return r;
	res->error = res->error < 0 ? res->error : first < 0 ? first : r < 0 ? r : 0;
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
		r = collect_files(x, how, res);
	}
	pmf_extents_sort(&res->found);
	return r;
}

/* --- again, frozen --- */

int pmf_resolve_reserve(struct pmf_resolution *res)
{
	return pmf_extents_reserve(&res->again, res->found.n + res->found.n / 4 + FIRST_ROOM);
}

/* How many of what was found can be seen again: all, or of the files that are open. */
static size_t comparable(const struct pmf_resolution *res)
{
	size_t n = 0;

	for (size_t i = 0; i < res->found.n && res->by_files; i++) {
		const struct pmf_held *h = pmf_resolve_held(res, res->found.v[i].ino);

		n += h && h->fd >= 0;
	}
	return res->by_files ? n : res->found.n;
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
	for (size_t i = 0; i < res->n_files && r >= 0 && res->by_files; i++)
		if (res->files[i].fd >= 0)
			r = extents_of(x, res->files[i].fd, e, false);
	if (r < 0)
		return 0;	/* does not fit any more, or cannot be told */
	pmf_extents_sort(e);
	if (e->n != comparable(res))
		return 0;
	for (size_t i = 0; i < e->n; i++)
		if (!pmf_extents_have(&res->found, &e->v[i]))
			return 0;
	return 1;
}
