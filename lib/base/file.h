/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Small files, whole: read with a limit, written so that a reader or a power
 * cut sees the old content or the new, never half. Any layer but the model may
 * call.
 */
#ifndef PMF_FILE_H
#define PMF_FILE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base/base.h"

/* All of it, across short transfers and EINTR. -EIO when write stops at 0. */
int pmf_write_all(int fd, const void *data, size_t n);

/*
 * Read name below dir_fd (AT_FDCWD: as open(2)), at most max bytes: -EFBIG beyond.
 * Follows no symlink in the last component, never blocks on a FIFO, takes only
 * regular files: -EINVAL for others. *ret is terminated; ret_n may be NULL.
 */
int pmf_read_file(int dir_fd, const char *name, size_t max, char **ret, size_t *ret_n);
/* The same from an open fd of any kind, from where it stands to its end. */
int pmf_read_fd(int fd, size_t max, char **ret, size_t *ret_n);

/*
 * Replace name below dir_fd: temporary file, fsync, rename, fsync of the
 * directory. The name is one component. On failure the old file stands.
 */
int pmf_write_file_atomic(int dir_fd, const char *name, const void *data, size_t n,
			  mode_t mode);

/*
 * Open dir, making its last component with the mode when it is not there. Only a
 * real directory is opened, not a symlink to one (-ENOTDIR or -ELOOP).
 */
int pmf_open_dir(const char *dir, bool create, mode_t mode, int *ret_fd);

#endif
