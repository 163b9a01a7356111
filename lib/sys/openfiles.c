// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which files of a filesystem some process holds open, by /proc/PID/fdinfo: it names
 * mount and inode of an open file and asks no filesystem for it, so no process can
 * make us wait. Not found: threads with a descriptor table of their own, and files
 * that are on their way through a socket. Only sys.c refers to this.
 */
#include <dirent.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/str.h"
#include "sys/mount-ids.h"
#include "sys/sys-internal.h"

/* Sort and drop doubles before growing beyond this, each time it has doubled. */
#define MANY	4096

struct found {
	struct pmf_mount_ids mounts;
	uint64_t *inos;
	size_t n, cap, sorted_at;
};

static void found_done(struct found *f)
{
	pmf_mount_ids_done(&f->mounts);
	free(f->inos);
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

static int compare_inos(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void sort_unique(struct found *f)
{
	size_t i, kept = 0;

	if (f->n == 0)
		return;
	qsort(f->inos, f->n, sizeof(*f->inos), compare_inos);
	for (i = 1; i < f->n; i++)
		if (f->inos[i] != f->inos[kept])
			f->inos[++kept] = f->inos[i];
	f->n = kept + 1;
}

static int add(struct found *f, uint64_t ino)
{
	int err;

	if (f->n > 0 && f->inos[f->n - 1] == ino)
		return 0;
	if (f->n >= MAX(MANY, 2 * f->sorted_at)) {
		sort_unique(f);
		f->sorted_at = f->n;
	}
	err = pmf_grow(&f->inos, &f->cap, f->n + 1, sizeof(*f->inos));
	if (err < 0)
		return err;
	f->inos[f->n++] = ino;
	return 0;
}

/* The first lines are the same for every kind of file (fs/proc/fd.c seq_show). */
static int read_fdinfo(int dir_fd, const char *name, int *ret_mount, uint64_t *ret_ino)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	const char *mount, *ino;
	unsigned long long number;
	char text[512];
	ssize_t n;

	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	mount = strstr(text, "\nmnt_id:");
	ino = strstr(text, "\nino:");
	if (!mount || !ino || sscanf(mount, "\nmnt_id: %d", ret_mount) != 1 ||
	    sscanf(ino, "\nino: %llu", &number) != 1)
		return -EBADMSG;
	*ret_ino = number;
	return 0;
}

/* task: /proc/PID or /proc/PID/task/TID. Returns how many it has open. */
static int read_task(struct found *f, const char *task)
{
	_cleanup_(closedirp) DIR *d = NULL;
	int mount = 0, n = 0, err;
	char path[320];
	struct dirent *e;
	uint64_t ino = 0;
	bool ours;

	snprintf(path, sizeof(path), "%s/fdinfo", task);
	d = opendir(path);
	if (!d)
		return errno == ENOMEM || errno == EMFILE || errno == ENFILE ? -errno : 0;
	while ((e = readdir(d))) {
		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		n++;
		if (read_fdinfo(dirfd(d), e->d_name, &mount, &ino) < 0)
			continue;	/* closed by now */
		snprintf(path, sizeof(path), "%s/fd/%.16s", task, e->d_name);
		err = pmf_mount_ids_ask(&f->mounts, mount, path, &ours);
		if (err == 0 && ours)
			err = add(f, ino);
		if (err < 0)
			return err;
	}
	return n;
}

/* All threads share what is open, unless the first has ended before the others. */
static int read_process(struct found *f, const char *pid)
{
	_cleanup_(closedirp) DIR *d = NULL;
	char path[64], task[320];
	struct dirent *e;
	int n;

	snprintf(path, sizeof(path), "/proc/%.16s", pid);
	n = read_task(f, path);
	if (n != 0)
		return n;
	snprintf(path, sizeof(path), "/proc/%.16s/task", pid);
	d = opendir(path);
	while (n == 0 && d && (e = readdir(d))) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9' || streq(e->d_name, pid))
			continue;
		snprintf(task, sizeof(task), "%s/%s", path, e->d_name);
		n = read_task(f, task);
	}
	return n;
}

/* Every process but this one. */
static int each_process(struct found *f, int (*fn)(struct found *f, const char *pid))
{
	_cleanup_(closedirp) DIR *d = opendir("/proc");
	struct dirent *e;
	uint64_t pid;
	int err;

	if (!d)
		return -errno;
	while ((errno = 0, e = readdir(d))) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9' ||
		    pmf_u64_from_string(e->d_name, &pid) < 0 || pid == (uint64_t)getpid())
			continue;
		err = fn(f, e->d_name);
		if (err < 0)
			return err;
	}
	return -errno;
}

static int read_mounts(struct found *f, const char *pid)
{
	return pmf_mount_ids_read(&f->mounts, pid);
}

int pmf_sys_open_files(struct pmf_sys *s, dev_t fs_devno, struct pmf_file_id **ret,
		       size_t *ret_n)
{
	_cleanup_(found_done) struct found f = { .mounts.devno = fs_devno };
	struct pmf_file_id *v;
	size_t i;
	int err;

	(void)s;
	/* Descriptors pass from one namespace to another, so know all mounts first. */
	err = pmf_mount_ids_read(&f.mounts, "self");
	if (err == 0)
		err = each_process(&f, read_mounts);
	if (err == 0)
		err = each_process(&f, read_process);
	if (err < 0)
		return err;
	sort_unique(&f);
	v = calloc(MAX(f.n, 1), sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (i = 0; i < f.n; i++)
		v[i].ino = f.inos[i];
	*ret = v;
	*ret_n = f.n;
	return 0;
}
