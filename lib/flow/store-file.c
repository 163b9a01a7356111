// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The files of the store. See store-internal.h.
 */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/str.h"
#include "flow/store-internal.h"

#define JOURNAL PMF_STORE_FILE "-journal"

int pmf_store_lock(int dir_fd)
{
	unsigned int i;

	/* Held only while a store is being opened: whoever has it is soon done. */
	for (i = 0; i < 100; i++) {
		if (flock(dir_fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		(void)nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000 * 1000 }, NULL);
	}
	return -EBUSY;
}

int pmf_store_file_create(int dir_fd)
{
	_cleanup_close_ int fd = -1;

	/*
	 * Only ever opened when it is new: closing any fd of a database drops the
	 * POSIX locks that another handle of this process holds on it.
	 */
	fd = openat(dir_fd, PMF_STORE_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	return fsync(fd) < 0 || fsync(dir_fd) < 0 ? -errno : 0;
}

static bool exists(int dir_fd, const char *name)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/* A name that neither file has been kept under. */
static int find_name(int dir_fd, char **ret)
{
	_cleanup_free_ char *name = NULL, *journal = NULL;
	time_t now = time(NULL);
	char when[32] = "unknown";
	struct tm tm;
	unsigned int i;
	int r;

	if (gmtime_r(&now, &tm))
		(void)strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	for (i = 0; i < 1000; i++) {
		r = i == 0 ? pmf_format(&name, PMF_STORE_FILE ".corrupt-%s", when) :
			pmf_format(&name, PMF_STORE_FILE ".corrupt-%s.%u", when, i);
		if (r == 0)
			r = pmf_format(&journal, "%s-journal", name);
		if (r < 0)
			return r;
		if (exists(dir_fd, name) || exists(dir_fd, journal))
			continue;
		*ret = TAKE_PTR(name);
		return 0;
	}
	return -EEXIST;
}

int pmf_store_file_keep_aside(int dir_fd, char **ret_name)
{
	_cleanup_free_ char *name = NULL, *journal = NULL;
	int r;

	r = find_name(dir_fd, &name);
	if (r == 0)
		r = pmf_format(&journal, "%s-journal", name);
	if (r < 0)
		return r;
	/*
	 * The journal first, and on disk before the database moves: if it stayed
	 * behind, the next opener would play it into the fresh file.
	 */
	if (renameat(dir_fd, JOURNAL, dir_fd, journal) < 0 && errno != ENOENT)
		return -errno;
	if (fsync(dir_fd) < 0)
		return -errno;
	if (renameat(dir_fd, PMF_STORE_FILE, dir_fd, name) < 0)
		return -errno;
	if (fsync(dir_fd) < 0)
		return -errno;
	*ret_name = TAKE_PTR(name);
	return 0;
}
