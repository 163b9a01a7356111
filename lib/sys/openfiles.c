// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which files of a filesystem some process holds open, by /proc/PID/fdinfo: it names
 * mount and inode of an open file and asks no filesystem for it. A process that makes
 * it wait all the same (files-child.c) is left out. Not found: threads with a
 * descriptor table of their own, and files that are on their way through a socket. Only
 * sys.c refers to this.
 */
#include <dirent.h>

#include "base/str.h"
#include "sys/maps-reader.h"
#include "sys/mount-ids.h"
#include "sys/sys-internal.h"

/* Sort and drop doubles before growing beyond this, each time it has doubled. */
#define MANY	4096

#define STALL_MS	300
#define TOTAL_MS	60000	/* of what is honest, a million files do not take it */

struct found {
	struct pmf_maps_want *wants;
	size_t n_wants, cap_wants;
	struct pmf_mount_ids mounts;
	uint64_t *inos;
	size_t n, cap, sorted_at;
};

static void found_done(struct found *f)
{
	pmf_mount_ids_done(&f->mounts);
	free(f->inos);
	free(f->wants);
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

static int take_file(const struct pmf_maps_hit *hit, void *userdata)
{
	const struct pmf_open_file *o = &hit->file;
	struct found *f = userdata;
	char path[64];
	int32_t pid;
	bool ours;
	int err;

	pid = f->wants[hit->index].pid;
	if (o->task)
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/fd/%d", pid, o->task, o->fd);
	else
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, o->fd);
	err = pmf_mount_ids_ask(&f->mounts, o->mount, path, &ours);
	return err == 0 && ours ? add(f, o->ino) : err;
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

static int list_process(struct found *f, const char *name)
{
	uint64_t pid;
	int err;

	if (pmf_u64_from_string(name, &pid) < 0 || pid > INT32_MAX)
		return 0;
	err = pmf_grow(&f->wants, &f->cap_wants, f->n_wants + 1, sizeof(*f->wants));
	if (err < 0)
		return err;
	f->wants[f->n_wants++] = (struct pmf_maps_want){
		.pid = (int32_t)pid,
		.start_ticks = PMF_ANY_START,
	};
	return pmf_mount_ids_read(&f->mounts, name);
}

static int read_all(struct found *f)
{
	const struct pmf_maps_query q = {
		.wants = f->wants,
		.n = f->n_wants,
		.files = true,
		.stall_ms = STALL_MS,
		.total_ms = TOTAL_MS,
		.fn = take_file,
		.userdata = f,
	};
	size_t left_out;

	return q.n > 0 ? pmf_read_maps(&q, &left_out) : 0;
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
		err = each_process(&f, list_process);
	if (err == 0)
		err = read_all(&f);
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
