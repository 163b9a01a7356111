// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Opening a mount by its path, or a superblock without any; see mount-open.h.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "sys/mount-open.h"

int pmf_open_cached(int dir_fd, const char *path, int *ret_fd)
{
	const struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_CACHED | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd, tries;

	/* EAGAIN also comes from a rename somewhere at the same moment */
	for (tries = 0; tries < 16; tries++) {
		fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
		if (fd >= 0) {
			*ret_fd = fd;
			return 0;
		}
		if (errno != EAGAIN)
			return -errno;
	}
	return -EAGAIN;
}

int pmf_mount_id(int fd, int *ret)
{
	_cleanup_free_ char *text = NULL;
	char path[40];
	const char *p;
	int err;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	err = pmf_read_file(AT_FDCWD, path, 1 << 16, &text, NULL);
	if (err < 0)
		return err;
	p = strstr(text, "mnt_id:");
	if (!p || sscanf(p, "mnt_id: %d", ret) != 1)
		return -EBADMSG;
	return 0;
}

int pmf_reopen(int path_fd, int flags, int *ret_fd)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* --- detached mounts --- */

/*
 * A tripwire per filesystem: an option that the parser takes and that makes
 * reading a superblock in fail, before anything is written. get_tree_bdev() hands
 * out a superblock that exists without looking at it (only fill_super would), so
 * with it the call finds what is mounted and can mount nothing: there is no moment
 * in which an unmount could make it do so.
 * xfs: xfs_fs_validate_params() wants sunit with swidth. ext4: ext4_load_super()
 * finds no superblock at byte 0, where the boot block is.
 */
struct variant {
	const char *fstype;	/* that mounted_fstype() says */
	const char *type;	/* of the superblock */
	const char *key, *value;
};

static const struct variant variants[] = {
	{ "xfs", "xfs", "swidth", "8" },
	{ "ext4", "ext4", "sb", "0" },
	/* ext4's driver serves these, too, and lists them in /sys/fs/ext4 */
	{ "ext4", "ext3", "sb", "0" },
	{ "ext4", "ext2", "sb", "0" },
};

/* A mount of the superblock of v on source, attached nowhere. */
static int mount_detached(const struct variant *v, const char *source, bool ro,
			  int *ret_fd)
{
	_cleanup_close_ int fs = -1;
	int fd;

	fs = fsopen(v->type, FSOPEN_CLOEXEC);
	if (fs < 0)
		return -errno;
	if (fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, v->key, v->value, 0) < 0)
		return -errno == -EINVAL ? -EOPNOTSUPP : -errno;
	if (ro && fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0)
		return -errno;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
		     MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOATIME);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* Not mounted as this type: the tripwire (EINVAL, or EIO when even that cannot be
 * read), claimed by another one (EBUSY), or no such type in this kernel. */
static bool is_other(int err)
{
	return err == -EINVAL || err == -EIO || err == -EBUSY || err == -ENODEV;
}

static int try_variant(const struct variant *v, const char *source, dev_t devno,
		       int *ret_fd)
{
	_cleanup_close_ int mount_fd = -1, fd = -1;
	struct stat st;
	int err;

	err = mount_detached(v, source, false, &mount_fd);
	/* An existing superblock is handed out only for the same SB_RDONLY; a
	 * read-only device cannot be opened for writing to begin with. */
	if (err == -EBUSY || err == -EACCES || err == -EROFS)
		err = mount_detached(v, source, true, &mount_fd);
	if (err < 0)
		return err;
	fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == EIO) {
		/* shut down: the fd of the mount, which is O_PATH, is all there is */
		*ret_fd = TAKE_FD(mount_fd);
		return 0;
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_dev != devno)
		return -ESTALE;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int pmf_open_detached(const char *fstype, const char *node, dev_t devno, int *ret_fd)
{
	_cleanup_close_ int node_fd = -1;
	int err, busy = -ENOENT;
	char source[32];
	struct stat st;
	size_t i;

	node_fd = open(node, O_PATH | O_CLOEXEC);
	if (node_fd < 0 || fstat(node_fd, &st) < 0)
		return -errno;
	if (!S_ISBLK(st.st_mode) || st.st_rdev != devno)
		return -ESTALE;
	snprintf(source, sizeof(source), "/proc/self/fd/%d", node_fd);

	for (i = 0; i < ARRAY_SIZE(variants); i++) {
		if (!streq(variants[i].fstype, fstype))
			continue;
		err = try_variant(&variants[i], source, devno, ret_fd);
		if (!is_other(err))
			return err;
		if (err == -EBUSY)
			busy = err;
	}
	return busy;
}
