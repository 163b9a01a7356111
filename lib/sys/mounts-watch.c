// SPDX-License-Identifier: LGPL-2.1-or-later
/* Changes of the mount table. See watch.h. */
#include <fcntl.h>

#include "sys/watch.h"

int pmf_mounts_watch(int *ret_fd)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}
