// SPDX-License-Identifier: LGPL-2.1-or-later
/* A filesystem made read-only as a whole. Only the table of operations refers to this. */
#include <fcntl.h>
#include <sys/mount.h>

#include "base/str.h"
#include "sys/sys-internal.h"

int pmf_sys_remount_ro(struct pmf_sys *s, int fs_fd, const struct pmf_site *site)
{
	_cleanup_close_ int fs = -1;

	(void)s;
	(void)site;
	/* Of the superblock: mount_setattr() changes this one mount only. By the fd, so
	 * that it works where there is no path, too. */
	fs = fspick(fs_fd, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC | FSPICK_NO_AUTOMOUNT);
	if (fs < 0)
		return -errno;
	if (fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
	    fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
		return -errno;
	return 0;
}
