// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Mounted filesystems: is there one, a directory of it, unmounting it, and
 * whether it is our own.
 *
 * All of it works while an unbind is held: a device node is opened without the
 * lock of the device below (blkdev_get_by_dev(), bdev_open() take the disk's
 * open_mutex), the rest asks the filesystem only. Only the table of operations
 * (sys.c) refers to this.
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/mount.h>

#include "base/str.h"
#include "sys/mount-open.h"
#include "sys/read.h"
#include "sys/topology-read.h"

int pmf_sys_mounted_fstype(struct pmf_sys *s, const char *block_name, const char **ret)
{
	/* Both name the directory by the superblock's s_id, which is "%pg" of the
	 * block device, and have it from before the first user of a mount until
	 * after the last inode is gone (xfs_mountfs() to xfs_unmountfs();
	 * ext4_register_sysfs() to ext4_put_super()). */
	static const char *const fstypes[] = { "xfs", "ext4" };
	char path[64 + NAME_MAX];
	char *p;
	size_t i;

	(void)s;
	if (!*block_name || block_name[0] == '.' || strlen(block_name) > NAME_MAX)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(fstypes); i++) {
		int n = snprintf(path, sizeof(path), "/sys/fs/%s/", fstypes[i]);

		snprintf(path + n, sizeof(path) - n, "%s", block_name);
		for (p = path + n; *p; p++)
			if (*p == '/')
				*p = '!';
		if (access(path, F_OK) == 0) {
			*ret = fstypes[i];
			return 0;
		}
		if (errno != ENOENT)
			return -errno;
	}
	return -ENOENT;
}

/* --- opening --- */

/*
 * Open what is mounted as m. -ESTALE: something else is there by now, or on top
 * of it. -ENOTDIR: want_dir, and it is a file.
 */
static int open_mount(const struct pmf_mount *m, bool want_dir, int *ret_fd)
{
	_cleanup_close_ int path_fd = -1, fd = -1;
	struct stat st;
	int err, id;

	err = pmf_open_cached(AT_FDCWD, m->target, &path_fd);
	if (err == 0)
		err = pmf_mount_id(path_fd, &id);
	if (err < 0)
		return err;
	if (id != m->id)
		return -ESTALE;
	if (want_dir) {
		fd = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		err = fd < 0 ? -errno : 0;
	} else if (fstat(path_fd, &st) < 0) {
		err = -errno;
	} else {
		/* A FIFO, socket or device node may be mounted by itself, too, and
		 * opening that would do something. O_NONBLOCK: the file may be leased. */
		err = S_ISREG(st.st_mode) ?
			pmf_reopen(path_fd, O_RDONLY | O_NONBLOCK | O_NOCTTY, &fd) :
			-ESTALE;
	}
	if (err == -EIO) {
		/* Shut down: nothing of it opens but as O_PATH (xfs_dir_open()). */
		*ret_fd = TAKE_FD(path_fd);
		return 0;
	}
	if (err < 0)
		return err;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_dev != m->devno)
		return -ESTALE;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* The more telling of two errors: a mount that is there but cannot be opened
 * says more than one that is not there. */
static int worse(int a, int b)
{
	return a == -ENOENT || a == -ESTALE || a == -ENOTDIR || a == -EAGAIN ? b : a;
}

static int open_any(const struct pmf_mount *m, size_t n, bool want_dir, int *ret_fd)
{
	int err, first = -ENOENT;
	size_t i;

	for (i = 0; i < n; i++) {
		err = open_mount(&m[i], want_dir, ret_fd);
		if (err == 0)
			return 0;
		first = worse(first, err);
	}
	return first;
}

static int open_filesystem(struct pmf_sys *s, const struct pmf_site *site, int *ret_fd)
{
	struct pmf_mount *mounts = NULL, first;
	const char *fstype;
	size_t n = 0, i;
	int err, seen;

	/* Always from a fresh table: only that knows the mounts by number, and a
	 * path alone may lead to whatever has been mounted there since. */
	err = pmf_mounts_of(site->fs_devno, &mounts, &n);
	if (err < 0)
		return err;
	for (i = 0; i < n; i++) {
		if (!streq_ptr(mounts[i].target, site->mountpoint))
			continue;
		first = mounts[0];	/* the one that the caller knows goes first */
		mounts[0] = mounts[i];
		mounts[i] = first;
		break;
	}
	err = open_any(mounts, n, true, ret_fd);
	if (err < 0) {
		seen = err;
		/* A log or realtime device is known by a mount alone: name and node
		 * are not those of the superblock. */
		err = site->role == PMF_ROLE_DATA ?
			pmf_sys_mounted_fstype(s, site->name, &fstype) : -ENOENT;
		if (err == 0)
			err = pmf_open_detached(fstype, site->node, site->devno, ret_fd);
		if (err < 0) {
			/* Last, a file that is mounted by itself: it will do as well,
			 * but opening one may bother whoever holds a lease on it. */
			seen = worse(seen, err);
			err = open_any(mounts, n, false, ret_fd);
			if (err < 0)
				err = worse(seen, err);
		}
	}
	pmf_mounts_free(mounts, n);
	return err;
}

static int open_devdax(const struct pmf_site *site, int *ret_fd)
{
	_cleanup_close_ int path_fd = -1;
	struct stat st;

	path_fd = open(site->node, O_PATH | O_CLOEXEC);
	if (path_fd < 0 || fstat(path_fd, &st) < 0)
		return -errno;
	if (!S_ISCHR(st.st_mode) || st.st_rdev != site->devno)
		return -ESTALE;
	return pmf_reopen(path_fd, O_RDWR | O_NOCTTY, ret_fd);
}

int pmf_sys_open_site(struct pmf_sys *s, const struct pmf_site *site, int *ret_fd)
{
	switch (site->kind) {
	case PMF_SITE_FILESYSTEM:
		return open_filesystem(s, site, ret_fd);
	case PMF_SITE_DEVDAX:
		return open_devdax(site, ret_fd);
	default:
		return -EOPNOTSUPP;	/* whatever holds it, it cannot be talked to */
	}
}

/* --- unmounting --- */

/*
 * Unmount m, unless something else is on top of it. The directory above is held
 * by a handle and the mount is checked through it, so that nobody who owns a
 * directory further up can exchange it for a symlink in between.
 */
static int unmount_one(const struct pmf_mount *m)
{
	_cleanup_close_ int dir_fd = -1, fd = -1;
	_cleanup_free_ char *dir = NULL, *path = NULL;
	const char *slash = strrchr(m->target, '/');
	int err, id;

	if (!slash || !slash[1])
		return -EBUSY;	/* our root */
	dir = strndup(m->target, slash == m->target ? 1 : (size_t)(slash - m->target));
	if (!dir)
		return -ENOMEM;
	err = pmf_open_cached(AT_FDCWD, dir, &dir_fd);
	if (err == 0)
		err = pmf_open_cached(dir_fd, slash + 1, &fd);
	if (err == 0)
		err = pmf_mount_id(fd, &id);
	if (err < 0)
		return err;
	if (id != m->id)
		return -EBUSY;	/* covered by another mount */
	fd = safe_close(fd);	/* which would keep it busy */

	err = pmf_format(&path, "/proc/self/fd/%d/%s", dir_fd, slash + 1);
	if (err < 0)
		return err;
	if (umount2(path, UMOUNT_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

int pmf_sys_unmount(struct pmf_sys *s, dev_t devno, unsigned int *ret_n)
{
	struct pmf_mount *mounts = NULL;
	unsigned int done = 0;
	int err, first = 0;
	size_t n = 0, i;

	(void)s;
	err = pmf_mounts_of(devno, &mounts, &n);
	if (err < 0)
		return err;
	/* Backwards: what was mounted later lies deeper or on top. */
	for (i = n; i > 0; i--) {
		err = unmount_one(&mounts[i - 1]);
		if (err == 0)
			done++;
		else if (first == 0 || first == -ENOENT)
			first = err;
	}
	pmf_mounts_free(mounts, n);
	if (first < 0) {
		/* Unmounting one may have taken its copies elsewhere along, by
		 * propagation: what counts is that none is left. */
		err = pmf_mounts_of(devno, &mounts, &n);
		if (err < 0)
			return err;
		pmf_mounts_free(mounts, n);
		if (n > 0)
			return first;
	}
	*ret_n = done;
	return 0;
}

/* --- our own --- */

/* The filesystem of path, or of where it would be made. */
static int filesystem_of(const char *path, dev_t *ret)
{
	char buf[PATH_MAX];
	struct stat st;
	char *slash;

	if (strlen(path) >= sizeof(buf))
		return -ENAMETOOLONG;
	strcpy(buf, path);
	for (;;) {
		if (stat(buf, &st) == 0) {
			*ret = st.st_dev;
			return 0;
		}
		slash = strrchr(buf, '/');
		if (errno != ENOENT || !slash || streq(buf, "/"))
			return -errno;
		slash[slash == buf ? 1 : 0] = '\0';
	}
}

int pmf_sys_is_own(struct pmf_sys *s, int fd, const struct pmf_policy *p, bool *ret)
{
	/* The last three are where libraries and settings come from. */
	const char *const paths[] = {
		p->state_dir, p->run_dir, "/proc/self/exe", "/", "/usr", "/etc",
	};
	struct stat st;
	bool own = false;
	dev_t devno;
	size_t i;
	int err;

	(void)s;
	if (fstat(fd, &st) < 0) {
		if (errno != EIO)
			return -errno;
		*ret = false;	/* shut down: nobody will freeze it */
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(paths) && !own; i++) {
		if (!*paths[i])
			continue;
		err = filesystem_of(paths[i], &devno);
		if (err < 0)
			return err;
		own = devno == st.st_dev;
	}
	*ret = own;
	return 0;
}
