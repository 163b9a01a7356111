// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Counters that outlive the daemon, until the next boot: a file in RuntimeDirectory
 * that is mapped by who counts and read by who wants to know. So counting is one
 * addition, costs no write and wakes nobody. See rundir.h.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "sys/rundir.h"
#include "sys/sys-internal.h"

#define COUNTERS "counters"
/* Of the file: "pmfcount", and its version. Another one is begun anew. */
#define MAGIC 0x01746e756f63666dULL

static int open_counters(const char *run_dir, bool create, int *ret_fd)
{
	_cleanup_close_ int dir = -1, fd = -1;
	struct stat st;
	int r = pmf_run_dir_open(run_dir, ".", create, &dir);

	if (r < 0)
		return r;
	fd = openat(dir, COUNTERS, (create ? O_RDWR | O_CREAT : O_RDONLY) | O_NOFOLLOW |
		    O_CLOEXEC | O_NONBLOCK, 0600);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EUCLEAN;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int pmf_rundir_map_counters(const char *run_dir, struct pmf_counters **ret)
{
	_cleanup_close_ int fd = -1;
	struct pmf_counters *c;
	int r = open_counters(run_dir, true, &fd);

	if (r < 0)
		return r;
	if (ftruncate(fd, sizeof(*c)) < 0)
		return -errno;
	c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (c == MAP_FAILED)
		return -errno;
	if (c->magic != MAGIC) {
		c->events = c->merges = 0;
		c->magic = MAGIC;
	}
	*ret = c;
	return 0;
}

void pmf_rundir_unmap_counters(struct pmf_counters *c)
{
	if (c)
		munmap(c, sizeof(*c));
}

int pmf_rundir_read_counters(const char *run_dir, struct pmf_counters *ret)
{
	_cleanup_close_ int fd = -1;
	struct pmf_counters c;
	int r = open_counters(run_dir, false, &fd);

	if (r < 0)
		return r;
	if (pread(fd, &c, sizeof(c), 0) != sizeof(c) || c.magic != MAGIC)
		return -ENOENT;
	*ret = c;
	return 0;
}
