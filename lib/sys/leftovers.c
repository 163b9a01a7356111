/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Thawing what a process left frozen that died together with its guard: by the
 * names in run_dir/frozen (frozen.c). Called at start, by ExecStopPost= and by
 * "pmemfailctl thaw". Names of living processes are left alone.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <linux/fs.h>

#include "base/file.h"
#include "sys/sys-internal.h"

#define STEP_US		20000
#define DYING_TRY_US	2000000
#define RECORD_MAX	4096

struct record {
	dev_t devno;
	char name[64], fstype[16];
	pid_t pid;
	uint64_t start_ticks;
};

enum owner { OWNER_ALIVE, OWNER_DYING, OWNER_DEAD };

/*
 * DYING: killed, but a thread is still inside FIFREEZE, which no signal ends. Its
 * freeze may come yet.
 */
static enum owner owner_of(const struct record *rec)
{
	struct pmf_process_stat st;

	if (pmf_process_stat(rec->pid, &st) < 0 || st.start_ticks != rec->start_ticks)
		return OWNER_DEAD;
	if (st.state != 'Z' && st.state != 'X')
		return OWNER_ALIVE;
	return st.threads > 1 ? OWNER_DYING : OWNER_DEAD;
}

/* The value of "key=" at the begin of a line; false when it is not there or too long. */
static bool value_of(const char *text, const char *key, char *buf, size_t size)
{
	size_t k = strlen(key);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		size_t n;

		line += *line == '\n';
		if (strncmp(line, key, k) || line[k] != '=')
			continue;
		n = strcspn(line + k + 1, "\n");
		if (n >= size)
			return false;
		memcpy(buf, line + k + 1, n);
		buf[n] = '\0';
		return true;
	}
	return false;
}

static int record_read(int fd, struct record *ret)
{
	_cleanup_free_ char *text = NULL;
	unsigned int ma, mi;
	unsigned long long start;
	struct record rec = { 0 };
	char devno[32], pid[16], ticks[24];
	size_t n;
	int r;

	r = pmf_read_fd(fd, RECORD_MAX, &text, &n);
	if (r < 0)
		return r;
	if (!value_of(text, "devno", devno, sizeof(devno)) ||
	    !value_of(text, "name", rec.name, sizeof(rec.name)) ||
	    pmf_frozen_check_name(rec.name) < 0 ||
	    !value_of(text, "fstype", rec.fstype, sizeof(rec.fstype)) ||
	    !value_of(text, "pid", pid, sizeof(pid)) ||
	    !value_of(text, "start", ticks, sizeof(ticks)) ||
	    sscanf(devno, "%u:%u", &ma, &mi) != 2 || sscanf(pid, "%d", &rec.pid) != 1 ||
	    sscanf(ticks, "%llu", &start) != 1 || rec.pid <= 0)
		return -EBADMSG;
	rec.devno = makedev(ma, mi);
	rec.start_ticks = start;
	*ret = rec;
	return 0;
}

static int record_open_site(struct pmf_sys *s, const struct record *rec, int *ret_fd)
{
	struct record copy = *rec;
	char node[sizeof(copy.name) + 8];
	struct pmf_site site = {
		.kind = PMF_SITE_FILESYSTEM,
		.devno = rec->devno,
		.fs_devno = rec->devno,
		.name = copy.name,
		.node = node,
		.fstype = copy.fstype[0] ? copy.fstype : NULL,
	};

	(void)snprintf(node, sizeof(node), "/dev/%s", rec->name);
	return s->ops->open_site(s, &site, ret_fd);
}

/* 1: it was frozen and is not any more. 0: it was not. */
static int thaw_one(struct pmf_sys *s, const struct record *rec)
{
	_cleanup_close_ int fd = -1;
	uint64_t begin = pmf_boottime_ns();
	const char *fstype;
	int r;

	r = record_open_site(s, rec, &fd);
	if (r < 0) {
		/* Gone from the machine together with its freeze? */
		if (s->ops->mounted_fstype(s, rec->name, &fstype) == -ENOENT)
			return 0;
		return r;
	}
	for (;;) {
		enum owner owner = owner_of(rec);	/* before the try, not after */

		r = pmf_ioctl(fd, FITHAW, NULL);
		if (r == 0)
			return 1;
		if (r == -EINVAL && owner != OWNER_DYING)
			return 0;
		if ((pmf_boottime_ns() - begin) / PMF_NS_PER_US >= DYING_TRY_US)
			return r == -EINVAL ? -EBUSY : r;
		pmf_sleep_us(STEP_US);
	}
}

/* Returns as thaw_one. */
static int leftover(struct pmf_sys *s, int dir, const char *name)
{
	_cleanup_close_ int fd = -1;
	struct record rec;
	struct stat st;
	int r;

	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;	/* its owner was quicker */
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	r = record_read(fd, &rec);
	if (r < 0)
		return r;
	switch (owner_of(&rec)) {
	case OWNER_ALIVE:
		return 0;
	case OWNER_DYING:
	case OWNER_DEAD:
		break;
	}
	r = 0;
	if (pmf_frozen_state(fd) == PMF_FROZEN_FREEZING)
		r = thaw_one(s, &rec);
	if (r >= 0)
		pmf_frozen_remove(dir, name, fd);
	return r;
}

int pmf_sys_thaw_leftovers(struct pmf_sys *s, unsigned int *ret_n)
{
	_cleanup_close_ int dir = -1;
	struct dirent *e;
	unsigned int n = 0;
	int r, first = 0, copy;
	DIR *d;

	r = pmf_run_dir_open(pmf_real(s)->policy.run_dir, "frozen", false, &dir);
	if (r == -ENOENT) {
		*ret_n = 0;
		return 0;
	}
	if (r < 0) {
		*ret_n = 0;
		return r;
	}
	copy = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	d = copy < 0 ? NULL : fdopendir(copy);
	if (!d) {
		first = -errno;
		(void)safe_close(copy);
		*ret_n = 0;
		return first;
	}
	for (;;) {
		errno = 0;
		e = readdir(d);
		if (!e) {
			if (errno && first == 0)
				first = -errno;
			break;
		}
		if (e->d_name[0] == '.')
			continue;
		r = leftover(s, dir, e->d_name);
		if (r < 0 && first == 0)
			first = r;
		n += r > 0;
	}
	(void)closedir(d);
	*ret_n = n;
	return first;
}
