// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who maps files of a filesystem, without the module: by reading the maps of
 * every process. It misses what is mapped while it reads, and processes that keep
 * their maps from being read. It never names the calling process: the answer is
 * there to be signalled. Only the table of operations (sys.c) refers to this.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/str.h"
#include "sys/maps-reader.h"
#include "sys/process.h"
#include "sys/read.h"

#define STALL_MS	500
#define TOTAL_MS	10000

/* Beyond this many records or bytes of paths, only the first record of a process
 * is kept: all are told, and no user can make this grow without bound. */
#define MAX_RECORDS	65536
#define MAX_PATHS	(16u << 20)

struct scan {
	const struct pmf_maps_want *wants;
	dev_t devno;
	bool dax;
	struct pmf_victim *v;
	size_t n, cap;
	size_t first;		/* record of the process being read */
	size_t current;		/* its want */
	size_t paths;		/* bytes */
};

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

static void free_records(struct pmf_victim *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(v[i].unit);
		free(v[i].path);
	}
	free(v);
}

static int compare_files(const void *a, const void *b)
{
	const struct pmf_victim *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->address < y->address ? -1 : x->address > y->address;
}

/* The process is read to its end: one record per file, and say whose it is. */
static int finish(struct scan *s)
{
	struct pmf_victim *v = s->v + s->first, *last;
	size_t n = s->n - s->first, i, kept = 0;
	_cleanup_free_ char *unit = NULL;
	_cleanup_close_ int dir = -1;
	uint32_t uid = 0;
	int err;

	if (n == 0)
		return 0;
	qsort(v, n, sizeof(*v), compare_files);
	for (i = 1; i < n; i++) {
		last = &v[kept];
		if (v[i].ino != last->ino) {
			v[++kept] = v[i];
			continue;
		}
		last->vmas += v[i].vmas;
		if (!last->path)
			last->path = TAKE_PTR(v[i].path);
		free(v[i].path);
	}
	n = kept + 1;
	s->n = s->first + n;

	err = pmf_process_open(v->pid, pmf_ticks_from_ns(v->start_ns), &dir);
	if (err == 0) {
		(void)pmf_process_uid(dir, &uid);	/* it may be gone by now */
		err = pmf_process_unit(dir, &unit);
	}
	if (err == -ENOMEM)
		return err;
	for (i = 0; i < n; i++) {
		v[i].uid = uid;
		if (!strdup_to(&v[i].unit, unit))
			return -ENOMEM;
	}
	return 0;
}

static bool is_the_node(struct scan *s, const char *path)
{
	struct stat st;

	return path && stat(path, &st) == 0 && S_ISCHR(st.st_mode) &&
		st.st_rdev == s->devno;
}

static int take_area(const struct pmf_maps_hit *hit, void *userdata)
{
	const struct pmf_maps_line *l = &hit->line;
	struct scan *s = userdata;
	struct pmf_victim *v, *last;
	size_t n;
	int err;

	if (s->dax && !is_the_node(s, l->path))
		return 0;
	if (hit->index != s->current) {
		err = finish(s);
		if (err < 0)
			return err;
		s->current = hit->index;
		s->first = s->n;
	}
	/* areas come by address, so neighbours are often of one file */
	last = s->n > s->first ? &s->v[s->n - 1] : NULL;
	if (last && last->ino == l->ino) {
		last->vmas++;
		return 0;
	}
	if (last && s->n >= MAX_RECORDS)
		return 0;
	err = pmf_grow(&s->v, &s->cap, s->n + 1, sizeof(*s->v));
	if (err < 0)
		return err;
	v = &s->v[s->n++];
	*v = (struct pmf_victim){
		.pid = s->wants[hit->index].pid,
		.start_ns = pmf_ns_from_ticks(hit->start_ticks),
		.ino = l->ino,
		.address = l->start,
		.length = l->end - l->start,
		.offset = l->offset,
		.vmas = 1,
	};
	memcpy(v->comm, hit->comm, sizeof(v->comm));
	n = l->path ? l->path_len : 0;
	if (n == 0 || s->paths + n > MAX_PATHS)
		return 0;
	s->paths += n;
	return strdup_to(&v->path, l->path) ? 0 : -ENOMEM;
}

/* Every process but this one. */
static int list_processes(struct pmf_maps_want **ret, size_t *ret_n)
{
	_cleanup_free_ struct pmf_maps_want *v = NULL;
	_cleanup_(closedirp) DIR *d = NULL;
	size_t n = 0, cap = 0;
	struct dirent *e;
	uint64_t pid;
	int err;

	d = opendir("/proc");
	if (!d)
		return -errno;
	while ((errno = 0, e = readdir(d))) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9' ||
		    pmf_u64_from_string(e->d_name, &pid) < 0 || pid > INT32_MAX ||
		    pid == (uint64_t)getpid())
			continue;
		err = pmf_grow(&v, &cap, n + 1, sizeof(*v));
		if (err < 0)
			return err;
		v[n++] = (struct pmf_maps_want){
			.pid = (int32_t)pid,
			.start_ticks = PMF_ANY_START,
		};
	}
	if (errno > 0)
		return -errno;
	*ret = TAKE_PTR(v);
	*ret_n = n;
	return 0;
}

/*
 * Block and character devices have numbers of their own, so a number alone does
 * not say which it is. Should both exist, the block device is meant.
 */
static bool is_character_device(dev_t devno)
{
	char block[64], character[64];

	snprintf(block, sizeof(block), "/sys/dev/block/%u:%u", major(devno),
		 minor(devno));
	snprintf(character, sizeof(character), "/sys/dev/char/%u:%u", major(devno),
		 minor(devno));
	return faccessat(AT_FDCWD, block, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
		faccessat(AT_FDCWD, character, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int pmf_sys_scan_victims(struct pmf_sys *sys, dev_t devno, struct pmf_victim **ret,
			 size_t *ret_n)
{
	_cleanup_free_ struct pmf_maps_want *wants = NULL;
	struct scan s = {
		.devno = devno,
		.dax = is_character_device(devno),
		.current = SIZE_MAX,
	};
	struct pmf_maps_query q = {
		.devno = devno,
		.dax = s.dax,
		.stall_ms = STALL_MS,
		.total_ms = TOTAL_MS,
		.fn = take_area,
		.userdata = &s,
	};
	size_t left_out;
	int err;

	(void)sys;
	err = list_processes(&wants, &q.n);
	if (err < 0)
		return err;
	q.wants = s.wants = wants;
	err = pmf_read_maps(&q, &left_out);
	if (err == 0)
		err = finish(&s);
	if (err < 0) {
		free_records(s.v, s.n);
		return err;
	}
	*ret = s.v;
	*ret_n = s.n;
	return 0;
}
