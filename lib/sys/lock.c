/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Locks across processes: the daemon and pmemfailctl must not handle one device
 * at the same time. A flock on a file of run_dir/lock, so that the kernel lets go
 * of it when its owner dies. Also the one place that opens directories of run_dir.
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file.h"
#include "sys/sys-internal.h"

#define LOCK_STEP_US	20000

static int check_private(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if ((st.st_uid != 0 && st.st_uid != geteuid()) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	return 0;
}

int pmf_run_dir_open(const char *run_dir, const char *sub, bool create, int *ret_fd)
{
	_cleanup_close_ int top = -1, fd = -1;
	int r;

	r = pmf_open_dir(run_dir, create, 0755, &top);
	if (r < 0)
		return r;
	r = check_private(top);
	if (r < 0)
		return r;
	if (create && mkdirat(top, sub, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(top, sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = check_private(fd);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Two ids never share a name: every byte that is not plain becomes %XX. */
static int lock_name(const char *id, char *buf, size_t size)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_.:";
	static const char hex[] = "0123456789ABCDEF";
	size_t n = 0;

	if (!*id)
		return -EINVAL;
	for (const char *p = id; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (n + 4 > size)
			return -ENAMETOOLONG;
		/* a leading dot would make "." and ".." possible */
		if (strchr(plain, c) && !(c == '.' && p == id)) {
			buf[n++] = *p;
			continue;
		}
		buf[n++] = '%';
		buf[n++] = hex[c >> 4];
		buf[n++] = hex[c & 15];
	}
	buf[n] = '\0';
	return 0;
}

int pmf_sys_lock_device(struct pmf_sys *s, const char *device_id, uint64_t timeout_us,
			int *ret_fd)
{
	_cleanup_close_ int dir = -1, fd = -1;
	uint64_t begin = pmf_boottime_ns();
	char name[NAME_MAX + 1];
	int r;

	r = lock_name(device_id, name, sizeof(name));
	if (r < 0)
		return r;
	r = pmf_run_dir_open(pmf_real(s)->policy.run_dir, "lock", true, &dir);
	if (r < 0)
		return r;
	/* The file is never removed: a waiter could then hold a lock on a name that
	 * is gone while a third process locks a new file. */
	fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
		    0600);
	if (fd < 0)
		return -errno;

	/* flock() has no time limit, and a timer signal to end it does not belong in a
	 * library with threads. Waiting here is rare and never in the frozen section. */
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		uint64_t waited;

		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return -errno;
		waited = (pmf_boottime_ns() - begin) / PMF_NS_PER_US;
		if (waited >= timeout_us)
			return -EBUSY;
		pmf_sleep_us(MIN(timeout_us - waited, LOCK_STEP_US));
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}
