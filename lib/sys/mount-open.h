/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opening things of a mount without being led astray and without waiting.
 * Only mount.c calls these.
 */
#ifndef PMF_SYS_MOUNT_OPEN_H
#define PMF_SYS_MOUNT_OPEN_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base/base.h"

/*
 * A handle (O_PATH) on what is at path below dir_fd, if that can be found in the
 * kernel's cache alone: a mount point and its parents always can. So neither a
 * hung network filesystem nor a FUSE server that somebody has put above it makes
 * this wait. Follows no symlink. -EAGAIN: it cannot be found so.
 */
int pmf_open_cached(int dir_fd, const char *path, int *ret_fd);

/* Which mount an fd is on, as mountinfo numbers them. Asks no filesystem, so it
 * neither waits nor fails on one that is shut down. */
int pmf_mount_id(int fd, int *ret);

/* Open an O_PATH fd for real. */
int pmf_reopen(int path_fd, int flags, int *ret_fd);

/*
 * The root directory of a filesystem that is mounted somewhere, by a mount of
 * the same superblock that is attached nowhere. Never mounts anything anew. An
 * O_PATH fd when it is shut down. fstype as mounted_fstype() says it. -ENOENT: it
 * is not mounted.
 */
int pmf_open_detached(const char *fstype, const char *node, dev_t devno, int *ret_fd);

#endif
