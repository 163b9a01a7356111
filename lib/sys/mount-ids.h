/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which mounts, by their ids, are of one filesystem, in every mount namespace and in
 * none. Only openfiles.c calls this.
 */
#ifndef PMF_SYS_MOUNT_IDS_H
#define PMF_SYS_MOUNT_IDS_H

#include <sys/types.h>

#include "base/base.h"

struct pmf_mount_id {
	int id;
	bool ours;
};

/* Zero-initialise but for devno; end with done. */
struct pmf_mount_ids {
	dev_t devno;
	struct pmf_mount_id *v;	/* sorted by id */
	size_t n, cap;
	uint64_t *namespaces;	/* read already */
	size_t n_namespaces, cap_namespaces;
	unsigned int waited_ms;	/* for mounts that no namespace has */
};

/* Learn the mounts of a process's namespace. One that is gone has none. */
int pmf_mount_ids_read(struct pmf_mount_ids *m, const char *pid);
/* Is this mount of our filesystem? link: a /proc/PID/fd/N that is open on it. When no
 * namespace has it, a child looks, for a bounded time: else it is not. */
int pmf_mount_ids_ask(struct pmf_mount_ids *m, int id, const char *link, bool *ret);
void pmf_mount_ids_done(struct pmf_mount_ids *m);

#endif
