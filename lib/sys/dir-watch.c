// SPDX-License-Identifier: LGPL-2.1-or-later
/* Files of a directory that go or are renamed. See watch.h. */
#include <sys/inotify.h>
#include <unistd.h>

#include "sys/watch.h"

int pmf_dir_watch(const char *dir, int *ret_fd)
{
	_cleanup_close_ int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0 || inotify_add_watch(fd, dir, IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
					IN_ONLYDIR) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

void pmf_dir_watch_drain(int fd)
{
	_Alignas(struct inotify_event) char buf[4096];

	while (read(fd, buf, sizeof(buf)) > 0)
		;
}
