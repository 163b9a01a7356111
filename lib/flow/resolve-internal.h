/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the resolution share: resolve.c and resolve-files.c. */
#ifndef PMF_RESOLVE_INTERNAL_H
#define PMF_RESOLVE_INTERNAL_H

#include "flow/resolve.h"

#define PMF_FIRST_ROOM	64
#define PMF_MAX_FOUND	(1U << 20)

/* One more inode to hold; twice in a row is once. */
int pmf_resolve_add_file(struct pmf_resolution *res, const struct pmf_file_id *id);
/* By inode, each once. */
void pmf_resolve_sort_files(struct pmf_resolution *res);

/* --- where the filesystem does not know owners --- */

int pmf_resolve_files(struct pmf_execution *x, const struct pmf_resolve_how *how,
		      struct pmf_resolution *res);
/* FROZEN. Adds to res->again. */
int pmf_resolve_files_again(struct pmf_execution *x, struct pmf_resolution *res);
/* FROZEN. How many of what was found can be seen again. */
size_t pmf_resolve_files_comparable(const struct pmf_resolution *res);

#endif
