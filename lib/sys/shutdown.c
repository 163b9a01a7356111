/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shutting a filesystem down cleanly, with its log flushed. One ioctl; may be
 * called frozen: it takes stack memory only.
 */
#include <fcntl.h>
#include <linux/types.h>

#include "sys/sys-internal.h"

/*
 * Both filesystems share number and meaning: XFS_IOC_GOINGDOWN (fs/xfs/xfs_fs.h,
 * which only xfsprogs installs) and EXT4_IOC_SHUTDOWN (fs/ext4/ext4.h, which
 * nobody does). _IOR although it is written: so they are defined.
 */
#define IOC_SHUTDOWN		_IOR('X', 125, __u32)
/*
 * Flag 0 would freeze and thaw the block device around the shutdown; on a frozen
 * 6.1 XFS that gives EBUSY inside and the call returns 0 having done nothing
 * (xfs_fs_goingdown, XFS_FSOP_GOING_FLAGS_DEFAULT). Flag 2 would lose the log.
 */
#define SHUTDOWN_LOGFLUSH	1

/* open_site() could get no other: the filesystem is shut down. */
bool pmf_is_path_fd(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && flags & O_PATH;
}

int pmf_sys_shutdown(struct pmf_sys *s, int fd, const char *fstype)
{
	__u32 flag = SHUTDOWN_LOGFLUSH;
	int r;

	(void)s;
	/* The number means other things elsewhere, so never try it blindly. */
	if (!fstype || (!streq(fstype, "xfs") && !streq(fstype, "ext4")))
		return -EOPNOTSUPP;
	r = pmf_ioctl(fd, IOC_SHUTDOWN, &flag);
	/*
	 * Shut down already is success. Both kernels' handlers return 0 then
	 * (xfs_force_shutdown tests the bit, ext4_shutdown too) and pass on no error
	 * of the flush itself, so an EIO can only be somebody's refusal to touch a
	 * filesystem that is down.
	 */
	if (r == -EIO || (r == -EBADF && pmf_is_path_fd(fd)))
		return 0;
	return r;
}
