// SPDX-License-Identifier: LGPL-2.1-or-later
/* Notes in RuntimeDirectory. See rundir.h. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>

#include "base/file.h"
#include "base/str.h"
#include "sys/rundir.h"
#include "sys/sys-internal.h"

#define NOTES		"handling"
#define LOCK		"engine.lock"
#define LOCK_TRIES	5
#define LOCK_STEP_US	10000
#define MAX_NOTE	(16U << 20)

static pid_t pid_in(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	uint64_t pid = 0;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return pmf_u64_from_string(text, &pid) == 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

static int open_lock(const char *run_dir, bool create, int *ret_fd)
{
	_cleanup_close_ int dir = -1;
	int fd, r;

	/* "." is the directory itself, checked as every one below it */
	r = pmf_run_dir_open(run_dir, ".", create, &dir);
	if (r < 0)
		return r;
	fd = openat(dir, LOCK, (create ? O_RDWR | O_CREAT : O_RDONLY) | O_NOFOLLOW |
		    O_CLOEXEC | O_NONBLOCK, 0600);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int pmf_rundir_lock_engine(const char *run_dir, int *ret_fd, pid_t *ret_pid)
{
	_cleanup_close_ int fd = -1;
	char text[32];
	int r, n;

	r = open_lock(run_dir, true, &fd);
	if (r < 0)
		return r;
	/* More than once: pmf_rundir_find_engine() holds it for an instant. */
	for (unsigned int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (i == LOCK_TRIES) {
			*ret_pid = pid_in(fd);
			return -EBUSY;
		}
		pmf_sleep_us(LOCK_STEP_US);
	}
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return errno > 0 ? -errno : -EIO;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int pmf_rundir_find_engine(const char *run_dir, pid_t *ret_pid)
{
	_cleanup_close_ int fd = -1;
	pid_t pid = 0;
	int r;

	r = open_lock(run_dir, false, &fd);
	if (r < 0 && r != -ENOENT)
		return r;
	/* A shared lock for an instant; an engine that starts just then tries again. */
	if (fd >= 0 && pid_in(fd) > 0) {
		if (flock(fd, LOCK_SH | LOCK_NB) == 0)
			(void)flock(fd, LOCK_UN);
		else if (errno == EWOULDBLOCK)
			pid = pid_in(fd);
		else
			return -errno;
	}
	*ret_pid = pid;
	return 0;
}

static int open_notes(const char *run_dir, bool create, int *ret_fd)
{
	return pmf_run_dir_open(run_dir, NOTES, create, ret_fd);
}

int pmf_rundir_write(const char *run_dir, const char *name, const char *text)
{
	_cleanup_close_ int dir = -1;
	int r = open_notes(run_dir, true, &dir);

	return r < 0 ? r : pmf_write_file_atomic(dir, name, text, strlen(text), 0600);
}

int pmf_rundir_remove(const char *run_dir, const char *name)
{
	_cleanup_close_ int dir = -1;
	int r = open_notes(run_dir, false, &dir);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

int pmf_rundir_foreach(const char *run_dir, pmf_rundir_fn fn, void *userdata)
{
	_cleanup_(closedirp) DIR *d = NULL;
	_cleanup_close_ int dir = -1;
	struct dirent *de;
	int r;

	r = open_notes(run_dir, false, &dir);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	d = fdopendir(dir);
	if (!d)
		return -errno;
	TAKE_FD(dir);
	while ((errno = 0, de = readdir(d))) {
		_cleanup_free_ char *text = NULL;
		size_t n = strlen(de->d_name);

		if (de->d_name[0] == '.' || n < 5 || !streq(de->d_name + n - 5, ".json"))
			continue;
		if (pmf_read_file(dirfd(d), de->d_name, MAX_NOTE, &text, NULL) < 0)
			continue;
		r = fn(de->d_name, text, userdata);
		if (r != 0)
			return r;
	}
	return -errno;
}

int pmf_rundir_frozen(const char *run_dir, pmf_rundir_name_fn fn, void *userdata)
{
	_cleanup_(closedirp) DIR *d = NULL;
	_cleanup_close_ int dir = -1;
	struct dirent *de;
	int r;

	r = pmf_run_dir_open(run_dir, "frozen", false, &dir);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	d = fdopendir(dir);
	if (!d)
		return -errno;
	TAKE_FD(dir);
	while ((errno = 0, de = readdir(d))) {
		_cleanup_close_ int fd = -1;

		if (de->d_name[0] == '.')
			continue;
		fd = openat(dirfd(d), de->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
			    O_NONBLOCK);
		if (fd < 0 || pmf_frozen_state(fd) != PMF_FROZEN_FREEZING)
			continue;
		r = fn(de->d_name, userdata);
		if (r != 0)
			return r;
	}
	return -errno;
}
