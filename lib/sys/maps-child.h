/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The child half of maps-reader.c: only that file calls it, in a child. maps-child.c,
 * and files-child.c for what is open.
 */
#ifndef PMF_SYS_MAPS_CHILD_H
#define PMF_SYS_MAPS_CHILD_H

#include "sys/maps-reader.h"

#define PMF_MAPS_PATH_MAX	8192
#define PMF_MAPS_INPUT		65536
#define PMF_MAPS_OUTPUT		65536

/* How far the child is; shared memory. */
struct pmf_maps_progress {
	size_t index;		/* want being answered */
	uint64_t steps;		/* grows with every answer of the kernel */
	bool done;
};

/* What it writes into the pipe: this, then path_len bytes. */
struct pmf_maps_message {
	struct pmf_maps_hit hit;
	uint32_t path_len;
};

/* All that it uses, made by the parent: a child of a process with threads must
 * not allocate. */
struct pmf_maps_child {
	const struct pmf_maps_query *q;
	struct pmf_maps_progress *progress;
	size_t first;		/* want to begin with */
	int out;
	_Alignas(16) char input[PMF_MAPS_INPUT];
	char output[PMF_MAPS_OUTPUT];
	size_t n_output;
};

/* One past the last want that is answered together with that at i. */
size_t pmf_maps_group(const struct pmf_maps_query *q, size_t i);

/* For what it reads: one more answer of the kernel; and one for the parent, with a path
 * unless that is NULL. */
void pmf_maps_step(struct pmf_maps_child *c);
void pmf_maps_emit(struct pmf_maps_child *c, const struct pmf_maps_hit *hit,
		   const char *path, size_t path_len);
/* n, which is not negative, as text. snprintf() is not for here. */
void pmf_maps_number(char buf[static 12], int32_t n);

/* files-child.c: of the process of hit, whose directory this is */
void pmf_files_child(struct pmf_maps_child *c, struct pmf_maps_hit *hit, int dir);

_Noreturn void pmf_maps_child(struct pmf_maps_child *c);

#endif
