/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The targets of a site: who owns its bad bytes. By the filesystem's own knowledge
 * (owners); where it has none, by the files that are in use, or by all of them.
 */
#ifndef PMF_RESOLVE_H
#define PMF_RESOLVE_H

#include "flow/execution.h"
#include "flow/extents.h"

/* An inode that has some of the bytes. */
struct pmf_held {
	struct pmf_file_id id;
	enum pmf_target_kind kind;
	int fd;			/* -1: not open now */
	int error;		/* of opening it */
};

struct pmf_resolution {
	struct pmf_extents found;	/* sorted */
	struct pmf_extents again;	/* room for the second look */
	struct pmf_held *files;		/* sorted by inode */
	size_t n_files, cap_files;
	bool by_files;			/* the filesystem does not know owners */
	bool fixed;			/* nothing to look at twice */
	int error;			/* why owners could not be had though it knows them */
};

/* How a look goes about it. */
struct pmf_resolve_how {
	bool deep;			/* also files that nobody uses */
	pmf_progress_fn progress;
	void *userdata;
};

/* Look. *ret: zeroed memory, for done also on error. */
int pmf_resolve(struct pmf_execution *x, const struct pmf_resolve_how *how,
		struct pmf_resolution *ret);
/* Room for the second look; before a freeze. */
int pmf_resolve_reserve(struct pmf_resolution *res);
/* FROZEN. Look again: 1 when all is as it was, 0 when not (then again says how). */
int pmf_resolve_again(struct pmf_execution *x, struct pmf_resolution *res);
struct pmf_held *pmf_resolve_held(const struct pmf_resolution *res, uint64_t ino);
/* Open it, if it is not. The error is kept. */
int pmf_resolve_open(struct pmf_execution *x, struct pmf_held *h);
void pmf_resolve_close(struct pmf_resolution *res);
void pmf_resolution_done(struct pmf_resolution *res);

#endif
