// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Small files, whole. See file.h.
 */
#include <fcntl.h>

#include "base/file.h"
#include "base/str.h"

int pmf_write_all(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (w == 0)
			return -EIO;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

int pmf_read_fd(int fd, size_t max, char **ret, size_t *ret_n)
{
	_cleanup_free_ char *buf = NULL;
	size_t cap = 0, n = 0;
	ssize_t got;
	int r;

	for (;;) {
		r = pmf_grow(&buf, &cap, n + 512, 1);
		if (r < 0)
			return r;
		got = read(fd, buf + n, cap - n - 1);
		if (got < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (got == 0)
			break;
		n += (size_t)got;
		if (n > max)
			return -EFBIG;
	}
	buf[n] = '\0';
	*ret = TAKE_PTR(buf);
	if (ret_n)
		*ret_n = n;
	return 0;
}

int pmf_read_file(int dir_fd, const char *name, size_t max, char **ret, size_t *ret_n)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	/* O_NONBLOCK: somebody may have put a FIFO where a file is expected. */
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return pmf_read_fd(fd, max, ret, ret_n);
}

static int fill_and_rename(int dir_fd, int fd, const char *temp, const char *name,
			   const void *data, size_t n, mode_t mode)
{
	int r;

	r = pmf_write_all(fd, data, n);
	if (r < 0)
		return r;
	if (fchmod(fd, mode) < 0)	/* whatever the umask says */
		return -errno;
	if (fsync(fd) < 0)
		return -errno;
	if (renameat(dir_fd, temp, dir_fd, name) < 0)
		return -errno;
	return 0;
}

int pmf_write_file_atomic(int dir_fd, const char *name, const void *data, size_t n,
			  mode_t mode)
{
	_cleanup_free_ char *temp = NULL;
	_cleanup_close_ int fd = -1, sync_fd = -1;
	unsigned int i;
	int r;

	assert(!strchr(name, '/'));
	for (i = 0; ; i++) {
		/* The pid keeps writers apart; the number steps over what one left. */
		r = pmf_format(&temp, ".%s.%ld.%u.new", name, (long)getpid(), i);
		if (r < 0)
			return r;
		fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			    0600);
		if (fd >= 0)
			break;
		if (errno != EEXIST || i == 100)
			return -errno;
	}
	r = fill_and_rename(dir_fd, fd, temp, name, data, n, mode);
	if (r < 0) {
		(void)unlinkat(dir_fd, temp, 0);	/* the error before it counts */
		return r;
	}
	/* dir_fd may be O_PATH, which cannot be synced. */
	sync_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sync_fd < 0 || fsync(sync_fd) < 0)
		return -errno;
	return 0;
}

int pmf_open_dir(const char *dir, bool create, mode_t mode, int *ret_fd)
{
	int fd;

	if (create && mkdir(dir, mode) < 0 && errno != EEXIST)
		return -errno;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}
