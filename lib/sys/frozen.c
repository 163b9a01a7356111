/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The names in run_dir/frozen: which filesystem is, or may be, frozen by whom.
 * Written before FIFREEZE and removed after FITHAW. The first line is a state of
 * one letter that is overwritten in place, so that whoever is left (the freeze
 * thread, the guard, a later start) sees the same truth: only 'f' is thawed,
 * since FITHAW asks nobody whose freeze it undoes.
 * /run is a tmpfs, so the page with the letter needs no filesystem that could be
 * frozen.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "base/file.h"
#include "base/str.h"
#include "sys/sys-internal.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC	0x58465342
#endif

#define STATE_OFFSET	6	/* behind "state=" */
#define NAME_TRIES	100
#define NAME_LONGEST	(sizeof(((struct pmf_frozen *)0)->name) - sizeof(".99"))
#define RECORD_MAX	1024

int pmf_frozen_mark(int record, enum pmf_frozen_state state)
{
	char c = (char)state;
	ssize_t n;

	do {
		n = pwrite(record, &c, 1, STATE_OFFSET);
	} while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : n < 0 ? -errno : -EIO;
}

enum pmf_frozen_state pmf_frozen_state(int record)
{
	char c;
	ssize_t n;

	do {
		n = pread(record, &c, 1, STATE_OFFSET);
	} while (n < 0 && errno == EINTR);
	/* When in doubt it may be frozen: a thaw too many does less harm. */
	if (n != 1 || (c != PMF_FROZEN_PREPARED && c != PMF_FROZEN_DONE))
		return PMF_FROZEN_FREEZING;
	return (enum pmf_frozen_state)c;
}

void pmf_frozen_remove(int dir, const char *name, int record)
{
	struct stat a, b;

	/* The name may be another's by now, when ours was removed before. */
	if (fstat(record, &a) < 0 || fstatat(dir, name, &b, AT_SYMLINK_NOFOLLOW) < 0 ||
	    a.st_ino != b.st_ino || a.st_dev != b.st_dev)
		return;
	(void)unlinkat(dir, name, 0);	/* what stays is removed by the next start */
}

void pmf_frozen_close(struct pmf_frozen *f)
{
	f->dir = safe_close(f->dir);
	f->record = safe_close(f->record);
}

static void frozen_closep(struct pmf_frozen *f)
{
	pmf_frozen_close(f);
}

int pmf_frozen_check_name(const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_.:+";

	if (!*name || *name == '.' || strlen(name) > NAME_LONGEST)
		return -EINVAL;
	return name[strspn(name, plain)] ? -EINVAL : 0;
}

static const char *fstype_of(int fd)
{
	struct statfs st;

	if (fstatfs(fd, &st) < 0)
		return "";
	switch ((uint32_t)st.f_type) {
	case XFS_SUPER_MAGIC:
		return "xfs";
	case EXT4_SUPER_MAGIC:
		return "ext4";
	default:
		return "";
	}
}

static int compose(int fd, const char *name, char buf[static RECORD_MAX], size_t *ret_n)
{
	char path[32], mountpoint[256], shown[512];
	struct pmf_process_stat self;
	struct stat st;
	ssize_t n;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	r = pmf_process_stat(getpid(), &self);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, mountpoint, sizeof(mountpoint) - 1);
	mountpoint[MAX(n, 0)] = '\0';
	r = snprintf(buf, RECORD_MAX,
		     "state=%c\ndevno=%u:%u\nname=%s\nfstype=%s\npid=%d\nstart=%llu\n"
		     "directory=%s\n",
		     PMF_FROZEN_PREPARED, major(st.st_dev), minor(st.st_dev), name,
		     fstype_of(fd), (int)getpid(), (unsigned long long)self.start_ticks,
		     pmf_str_escape_to(shown, sizeof(shown), mountpoint));
	if (r < 0 || r >= RECORD_MAX)
		return -ENAMETOOLONG;
	*ret_n = (size_t)r;
	return 0;
}

int pmf_frozen_create(const char *run_dir, int fd, const char *name,
		      struct pmf_frozen *ret)
{
	_cleanup_(frozen_closep) struct pmf_frozen f = PMF_FROZEN_NONE;
	char text[RECORD_MAX], self[32];
	size_t n = 0;
	int r;

	r = pmf_frozen_check_name(name);
	if (r < 0)
		return r;
	r = compose(fd, name, text, &n);
	if (r < 0)
		return r;
	r = pmf_run_dir_open(run_dir, "frozen", true, &f.dir);
	if (r < 0)
		return r;

	/* Complete before it has a name: nobody may find half a record. */
	f.record = openat(f.dir, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (f.record < 0)
		return -errno;
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", f.record);
	r = pmf_write_all(f.record, text, n);
	/* A leftover of the same name must not be lost: take the next free one. */
	for (int i = 0; r == 0 && i < NAME_TRIES; i++) {
		if (i == 0)
			(void)snprintf(f.name, sizeof(f.name), "%s", name);
		else
			(void)snprintf(f.name, sizeof(f.name), "%s.%d", name, i);
		if (linkat(AT_FDCWD, self, f.dir, f.name, AT_SYMLINK_FOLLOW) == 0)
			r = 1;
		else if (errno != EEXIST || i == NAME_TRIES - 1)
			r = -errno;
	}
	if (r < 0)
		return r;
	*ret = f;
	f = PMF_FROZEN_NONE;
	return 0;
}
