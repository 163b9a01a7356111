/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The child half of maps-reader.c: only that file calls it, in a child.
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
	char input[PMF_MAPS_INPUT];
	char output[PMF_MAPS_OUTPUT];
	size_t n_output;
};

/* One past the last want that is answered together with that at i. */
size_t pmf_maps_group(const struct pmf_maps_query *q, size_t i);

_Noreturn void pmf_maps_child(struct pmf_maps_child *c);

#endif
