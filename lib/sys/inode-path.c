// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A path of an open file, for people: what the kernel has cached, else what XFS's
 * parent pointers tell. Only the table of operations (sys.c) refers to this.
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/str.h"
#include "sys/mount-open.h"
#include "sys/sys-internal.h"
#include "sys/xfs-abi.h"

static int read_link(int fd, char *buf, size_t size)
{
	char link[40];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	/* a mount can have an odd place, never a path without a root */
	return buf[0] == '/' ? 0 : -ENOENT;
}

enum meaning { THE_FILE, NOTHING, ANOTHER, NOT_CACHED };

static enum meaning meaning(int dir_fd, const char *path, const struct stat *file)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int err;

	err = pmf_open_cached(dir_fd, path, &fd);
	if (err == -ENOENT || err == -ENOTDIR)
		return NOTHING;
	if (err < 0)
		return NOT_CACHED;
	if (fstat(fd, &st) < 0)
		return ANOTHER;
	return st.st_dev == file->st_dev && st.st_ino == file->st_ino ? THE_FILE : ANOTHER;
}

/*
 * The kernel's word is not always to be taken: a dentry made for a handle alone has
 * no parents and is called "/", what lies outside a bind mount is named as if it lay
 * in the root, and the name may be of a link that is gone. So see what it means. A
 * mount that is attached nowhere counts from its root, which is fs_fd.
 */
static bool is_path_of(int fs_fd, const char *path, const struct stat *file)
{
	return meaning(AT_FDCWD, path, file) == THE_FILE ||
		meaning(fs_fd, path[1] ? path + 1 : ".", file) == THE_FILE;
}

/* The last name of a file that has none any more, unless it means another by now. */
static bool was_path_of(int fs_fd, char *path, const struct stat *file)
{
	static const char suffix[] = " (deleted)";
	size_t n = strlen(path), k = strlen(suffix);

	if (file->st_nlink > 0 || n <= k || !streq(path + n - k, suffix))
		return false;
	path[n - k] = '\0';
	return path[1] && meaning(AT_FDCWD, path, file) != ANOTHER &&
		meaning(fs_fd, path + 1, file) != ANOTHER;
}

static int cached_path(int fs_fd, int fd, const struct stat *file, char **ret)
{
	char path[PATH_MAX];
	int err;

	err = read_link(fd, path, sizeof(path));
	if (err < 0)
		return err == -ENAMETOOLONG ? -ENOENT : err;
	if (!is_path_of(fs_fd, path, file) && !was_path_of(fs_fd, path, file))
		return -ENOENT;
	return strdup_to(ret, path) ? 0 : -ENOMEM;
}

/* The kernel knows the way from a directory up to the root, and from a file to its
 * directory by a parent pointer: the first is as good as any. */
static int parent_path(int fs_fd, int fd, const struct stat *file, char **ret)
{
	struct pmf_xfs_parents q = {
		.bufsize = sizeof(q.buffer),
		.buffer_address = (uintptr_t)q.buffer,
	};
	const struct pmf_xfs_parent *p = (const void *)q.buffer;
	_cleanup_free_ char *dir = NULL, *path = NULL;
	_cleanup_close_ int dir_fd = -1;
	size_t head = offsetof(struct pmf_xfs_parent, name);
	struct stat st;
	int err;

	err = pmf_ioctl(fd, PMF_XFS_GETPARENTS, &q);
	if (err < 0)
		return -ENOENT;
	/* the root has none, and a file may have lost its last */
	if (q.oflags & PMF_XFS_PARENTS_ROOT || p->reclen <= head ||
	    p->reclen > sizeof(q.buffer) || !memchr(p->name, '\0', p->reclen - head) ||
	    !p->name[0] || strchr(p->name, '/'))
		return -ENOENT;
	err = pmf_open_handle(fs_fd, PMF_HANDLE_INO64_GEN, p->ino, p->generation, &dir_fd);
	if (err < 0 || fstat(dir_fd, &st) < 0)
		return -ENOENT;
	err = cached_path(fs_fd, dir_fd, &st, &dir);
	if (err < 0)
		return err;
	err = pmf_format(&path, "%s/%s", streq(dir, "/") ? "" : dir, p->name);
	if (err < 0)
		return err;
	/* Most likely it is not cached, or its path would have been: then believe it. */
	switch (meaning(dir_fd, p->name, file)) {
	case NOTHING:
	case ANOTHER:
		return -ENOENT;
	case THE_FILE:
	case NOT_CACHED:
		break;
	}
	*ret = TAKE_PTR(path);
	return 0;
}

int pmf_sys_inode_path(struct pmf_sys *s, int fs_fd, int file_fd, char **ret)
{
	_cleanup_free_ char *path = NULL;
	struct pmf_xfs_geometry g;
	struct stat st;
	int err;

	(void)s;
	if (fstat(file_fd, &st) < 0)
		return -errno;
	err = cached_path(fs_fd, file_fd, &st, &path);
	if (err == -ENOENT && pmf_xfs_geometry(fs_fd, &g) == 0)
		err = parent_path(fs_fd, file_fd, &st, &path);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(path);
	return 0;
}
