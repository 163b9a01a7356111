// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who owns the bad bytes where the filesystem does not know owners: ext4, and XFS
 * without rmapbt. Called by resolve.c.
 *
 * The files in use stand in for all: who has no file open or mapped has nothing of it in
 * his address space. A file that is mapped after the look is no gap: the range was in
 * badblocks before it, and a fault on such a range fails (dax_direct_access(),
 * __pmem_direct_access()). What is free, metadata or the log is known all the same.
 */
#include "flow/resolve-internal.h"
#include "flow/victims.h"

static int walked(const struct pmf_file_id *id, void *userdata)
{
	return pmf_resolve_add_file(userdata, id);
}

static int list_mapped(struct pmf_execution *x, struct pmf_resolution *res)
{
	struct pmf_case look = { .site = x->c->site };	/* borrowed */
	int r;

	r = pmf_victims_look(x->run->sys, x->attempt, x->fd, &look, 0);
	for (size_t i = 0; i < look.n_victims && r >= 0; i++) {
		struct pmf_file_id id = { look.victims[i].ino, look.victims[i].generation,
					  x->attempt >= 0 };

		r = pmf_resolve_add_file(res, &id);
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
		r = pmf_resolve_add_file(res, &ids[i]);
	return r;
}

/* The questions that are put here have this form, of sys.h. */
typedef int (*ask_fn)(struct pmf_sys *s, int fd, enum pmf_site_role role,
		      struct pmf_range at, struct pmf_extent *v, size_t max, size_t *ret_n);

/* grow: not frozen, so room is no reason to fail. */
static int ask_one(struct pmf_execution *x, ask_fn ask, int fd, struct pmf_range at,
		   struct pmf_extents *e, bool grow)
{
	size_t n;
	int r = grow ? pmf_extents_reserve(e, e->n + PMF_FIRST_ROOM) : 0;

	for (; r >= 0; r = pmf_extents_reserve(e, e->cap * 2)) {
		r = ask(x->run->sys, fd, x->c->site.role, at, e->v + e->n, e->cap - e->n, &n);
		if (r != -ENOBUFS || !grow)
			break;
		if (e->cap >= PMF_MAX_FOUND)
			return -E2BIG;
	}
	if (r >= 0)
		e->n += n;
	return r;
}

/* For each bad range. */
static int ask_all(struct pmf_execution *x, ask_fn ask, int fd, struct pmf_extents *e,
		   bool grow)
{
	const struct pmf_ranges *ranges = &x->c->site.ranges;
	int r = 0;

	for (size_t i = 0; i < ranges->n && r >= 0; i++)
		r = ask_one(x, ask, fd, ranges->v[i], e, grow);
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
			r = ask_all(x, x->run->sys->ops->file_extents, h.fd, &res->found,
				    true);
			h.fd = safe_close(h.fd);
		}
		if (r == -ENOMEM || r == -E2BIG)
			return r;
		/* a directory of XFS cannot be asked, and nobody maps it */
		if (r < 0 && r != -ENOENT && r != -ESTALE && first == 0 &&
		    !(r == -EOPNOTSUPP && h.kind == PMF_TARGET_DIRECTORY))
			first = r;
		if (res->found.n > before)
			res->files[kept++] = h;
	}
	res->n_files = kept;
	return first;
}

/* --- what is no file's --- */

/* A file may have moved to what was free, so that is looked at later; what the
 * filesystem keeps for itself stays where it is, but nothing is done unseen. */
static void keep(struct pmf_extents *e, size_t from, bool again)
{
	size_t kept = from;

	for (size_t i = from; i < e->n; i++)
		if (again ? e->v[i].kind == PMF_TARGET_METADATA :
			    e->v[i].kind != PMF_TARGET_UNKNOWN)
			e->v[kept++] = e->v[i];
	e->n = kept;
}

static int ask_space(struct pmf_execution *x, struct pmf_extents *e, bool again)
{
	size_t before = e->n;
	int r;

	r = ask_all(x, x->run->sys->ops->known_space, x->fd, e, !again);
	keep(e, before, again);
	return r == -EOPNOTSUPP ? 0 : r;
}

/* Asked once for all that nobody has, since each time it is read from the device. */
static int add_journal(struct pmf_execution *x, const struct pmf_ranges *gaps,
		       struct pmf_extents *found)
{
	_cleanup_(pmf_extents_done) struct pmf_extents log = {};
	struct pmf_range all = { gaps->v[0].start, gaps->v[gaps->n - 1].end };
	int r;

	r = ask_one(x, x->run->sys->ops->journal, x->fd, all, &log, true);
	if (r < 0)
		return r == -EOPNOTSUPP ? 0 : r;
	for (size_t i = 0; i < log.n; i++)
		for (size_t k = 0; k < gaps->n; k++) {
			struct pmf_extent e = log.v[i];

			e.at = pmf_range_clip(e.at, gaps->v[k]);
			if (pmf_range_empty(e.at))
				continue;
			r = pmf_extents_reserve(found, found->n + 1);
			if (r < 0)
				return r;
			found->v[found->n++] = e;
		}
	return 0;
}

/* The first failure is told, but what the other answers is worth having alone. */
static int ask_all_space(struct pmf_execution *x, struct pmf_resolution *res)
{
	_cleanup_(pmf_ranges_done) struct pmf_ranges gaps = {};
	int r, first;

	first = ask_space(x, &res->found, false);
	if (first == -ENOMEM || first == -E2BIG)
		return first;
	r = pmf_extents_gaps(&res->found, &x->c->site.ranges, &gaps);
	if (r < 0 || gaps.n == 0)
		return r < 0 ? r : first;
	r = add_journal(x, &gaps, &res->found);
	if (r == -ENOMEM || r == -E2BIG)
		return r;
	return first < 0 ? first : r;
}

int pmf_resolve_files(struct pmf_execution *x, const struct pmf_resolve_how *how,
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
	pmf_resolve_sort_files(res);
	r = ask_files(x, res);
	if (r == -ENOMEM || r == -E2BIG)
		return r;
	first = first < 0 ? first : r < 0 ? r : 0;
	r = ask_all_space(x, res);
	if (r == -ENOMEM || r == -E2BIG)
		return r;
	res->error = res->error < 0 ? res->error : first < 0 ? first : r < 0 ? r : 0;
	return 0;
}

/* --- again, frozen --- */

static bool seen_again(const struct pmf_resolution *res, const struct pmf_extent *e)
{
	const struct pmf_held *h = e->ino ? pmf_resolve_held(res, e->ino) : NULL;

	return e->ino ? h && h->fd >= 0 : e->kind == PMF_TARGET_METADATA;
}

size_t pmf_resolve_files_comparable(const struct pmf_resolution *res)
{
	size_t n = 0;

	for (size_t i = 0; i < res->found.n; i++)
		n += seen_again(res, &res->found.v[i]);
	return n;
}

int pmf_resolve_files_again(struct pmf_execution *x, struct pmf_resolution *res)
{
	int r = 0;

	for (size_t i = 0; i < res->n_files && r >= 0; i++)
		if (res->files[i].fd >= 0)
			r = ask_all(x, x->run->sys->ops->file_extents, res->files[i].fd,
				    &res->again, false);
	return r < 0 ? r : ask_space(x, &res->again, true);
}
