// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Inodes by their numbers, without a path: by file handles, made here as the
 * filesystems make them. Works on a frozen filesystem, but opens. Only the table of
 * operations (sys.c) and the files of lib/sys that deal with inodes call these.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "sys/mount-open.h"
#include "sys/sys-internal.h"
#include "sys/xfs-abi.h"

struct handle {
	unsigned int bytes;
	int type;
	union {
		struct { uint32_t ino, generation; } ino32;
		struct { uint64_t ino; uint32_t generation; } __attribute__((packed)) ino64;
		unsigned char room[MAX_HANDLE_SZ];
	};
};
static_assert(offsetof(struct handle, room) == sizeof(struct file_handle), "no gap");

int pmf_file_id_of(int fd, struct pmf_file_id *ret)
{
	struct handle h = { .bytes = sizeof(h.room) };
	int mount_id;

	if (name_to_handle_at(fd, "", (struct file_handle *)&h, &mount_id,
			      AT_EMPTY_PATH) < 0)
		return -errno;
	if (h.type == PMF_HANDLE_INO32_GEN)
		*ret = (struct pmf_file_id){ h.ino32.ino, h.ino32.generation, true };
	else if (h.type == PMF_HANDLE_INO64_GEN)
		*ret = (struct pmf_file_id){ h.ino64.ino, h.ino64.generation, true };
	else
		return -EOPNOTSUPP;
	return 0;
}

int pmf_open_handle(int fs_fd, int type, uint64_t ino, uint32_t generation, int *ret_fd)
{
	struct handle h = { .type = type };
	int fd;

	if (type == PMF_HANDLE_INO64_GEN) {
		h.bytes = sizeof(h.ino64);
		h.ino64.ino = ino;
		h.ino64.generation = generation;
	} else {
		if (ino > UINT32_MAX)
			return -ESTALE;
		h.bytes = sizeof(h.ino32);
		h.ino32.ino = (uint32_t)ino;
		h.ino32.generation = generation;
	}
	fd = open_by_handle_at(fs_fd, (struct file_handle *)&h, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* --- generations of XFS --- */

/* Is the inode in use, though BULKSTAT leaves it out? */
static int is_internal(int fs_fd, uint64_t ino, bool *ret)
{
	struct {
		struct pmf_xfs_bulk_head head;
		struct pmf_xfs_inumbers chunk;
	} q = { .head = { .ino = ino, .icount = 1 } };
	int err;

	err = pmf_ioctl(fs_fd, PMF_XFS_INUMBERS, &q);
	if (err < 0)
		return err;
	*ret = q.head.ocount > 0 && ino >= q.chunk.startino &&
		ino - q.chunk.startino < 64 &&
		q.chunk.allocmask >> (ino - q.chunk.startino) & 1;
	return 0;
}

static int xfs_generation(int fs_fd, uint64_t ino, uint32_t *ret)
{
	struct {
		struct pmf_xfs_bulk_head head;
		struct pmf_xfs_bulkstat inode;
	} q = { .head = { .ino = ino, .icount = 1 } };
	bool internal = false;
	int err;

	err = pmf_ioctl(fs_fd, PMF_XFS_BULKSTAT, &q);
	/* EINVAL: a number that lies behind the end of the filesystem */
	if (err < 0)
		return err == -EINVAL ? -ENOENT : err;
	/* It goes on to the next inode when this one is not in use. */
	if (q.head.ocount > 0 && q.inode.ino == ino) {
		*ret = q.inode.gen;
		return 0;
	}
	err = is_internal(fs_fd, ino, &internal);
	if (err < 0 && err != -EINVAL)
		return err;
	return internal ? -EPERM : -ENOENT;
}

/* --- opening --- */

static int open_known(int fs_fd, const char *fstype, const struct pmf_file_id *id,
		      int *ret_fd)
{
	uint32_t generation = id->generation;
	int err;

	if (streq(fstype, "xfs")) {
		if (!id->known) {
			err = xfs_generation(fs_fd, id->ino, &generation);
			if (err < 0)
				return err;
		}
		return pmf_open_handle(fs_fd, PMF_HANDLE_INO64_GEN, id->ino, generation,
				       ret_fd);
	}
	if (!streq(fstype, "ext4"))
		return -EOPNOTSUPP;
	/* Generation 0 is any one to it (ext4_nfs_get_inode). */
	return pmf_open_handle(fs_fd, PMF_HANDLE_INO32_GEN, id->ino,
			       id->known ? generation : 0, ret_fd);
}

int pmf_sys_open_inode(struct pmf_sys *s, int fs_fd, const char *fstype,
		       const struct pmf_file_id *id, struct pmf_inode *ret, int *ret_fd)
{
	_cleanup_close_ int path_fd = -1;
	struct pmf_inode inode;
	struct pmf_file_id is;
	struct stat st;
	int err;

	(void)s;
	err = open_known(fs_fd, fstype, id, &path_fd);
	if (err == -ESTALE && !id->known)
		err = -ENOENT;
	if (err < 0)
		return err;
	err = pmf_file_id_of(path_fd, &is);
	if (err < 0)
		return err;
	if (is.ino != id->ino || (id->known && is.generation != id->generation))
		return -ESTALE;
	if (fstat(path_fd, &st) < 0)
		return -errno;
	inode.generation = is.generation;
	inode.kind = S_ISREG(st.st_mode) ? PMF_TARGET_FILE :
		     S_ISDIR(st.st_mode) ? PMF_TARGET_DIRECTORY : PMF_TARGET_UNKNOWN;
	if (inode.kind == PMF_TARGET_UNKNOWN) {
		/* opening a device or a FIFO does things: the handle is enough */
		*ret_fd = TAKE_FD(path_fd);
	} else {
		/* O_NONBLOCK: not to wait for the holder of a lease (break_lease) */
		err = pmf_reopen(path_fd, O_RDONLY | O_NONBLOCK | O_NOATIME, ret_fd);
		if (err < 0)
			return err;
	}
	*ret = inode;
	return 0;
}
