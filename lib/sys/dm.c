// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Device-mapper: which devices there are and what lies below them.
 *
 * Everything is asked of the driver by ioctl, never of sysfs, so it works while
 * an unbind is held. Listing and reading the live table neither flush nor wait
 * for a suspended device (table_status(), dm_get_live_table()); a device that is
 * still being made has no table and stands on nothing. libdevmapper keeps global
 * state, hence the lock. Only block.c calls this.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <libdevmapper.h>

#include "base/file.h"
#include "base/str.h"
#include "sys/parse.h"
#include "sys/topology-read.h"

static pthread_mutex_t dm_lock = PTHREAD_MUTEX_INITIALIZER;

static void unlockp(pthread_mutex_t **m)
{
	pthread_mutex_unlock(*m);
}

static void dm_task_destroyp(struct dm_task **task)
{
	if (*task)
		dm_task_destroy(*task);
}

/* A library does not print: the error comes back as a number. */
static _printf_(5, 6) void no_log(int level, const char *file, int line, int dm_errno,
				  const char *fmt, ...)
{
	(void)level;
	(void)file;
	(void)line;
	(void)dm_errno;
	(void)fmt;
}

/* Is the driver there? Asking libdevmapper instead would load it. */
static int driver_present(bool *ret)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	int err;

	fd = open("/proc/devices", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = pmf_read_fd(fd, 1 << 20, &text, NULL);
	if (err < 0)
		return err;
	*ret = strstr(text, " device-mapper\n");
	return 0;
}

static int run(int type, const dev_t *devno, struct dm_task **ret)
{
	_cleanup_(dm_task_destroyp) struct dm_task *task = dm_task_create(type);
	int err;

	if (!task)
		return -ENOMEM;
	if (devno && !dm_task_set_major_minor(task, major(*devno), minor(*devno), 0))
		return -ENOMEM;
	if (!dm_task_no_open_count(task) || !dm_task_no_flush(task))
		return -ENOMEM;
	if (!dm_task_run(task)) {
		err = dm_task_get_errno(task);
		return err > 0 ? -err : -EIO;
	}
	*ret = TAKE_PTR(task);
	return 0;
}

static int read_deps(struct pmf_dm *dm)
{
	_cleanup_(dm_task_destroyp) struct dm_task *task = NULL;
	struct dm_deps *deps;
	uint32_t i;
	int err;

	err = run(DM_DEVICE_DEPS, &dm->devno, &task);
	if (err < 0)
		return err;
	deps = dm_task_get_deps(task);
	if (!deps || deps->count == 0)
		return 0;
	dm->deps = calloc(deps->count, sizeof(*dm->deps));
	if (!dm->deps)
		return -ENOMEM;
	for (i = 0; i < deps->count; i++)
		/* huge_encode_dev() is how libc encodes small numbers, too */
		dm->deps[dm->n_deps++] = (dev_t)deps->device[i];
	return 0;
}

static int read_table(struct pmf_dm *dm)
{
	_cleanup_(dm_task_destroyp) struct dm_task *task = NULL;
	char *type, *params;
	uint64_t start, length;
	void *next = NULL;
	int err;

	err = run(DM_DEVICE_TABLE, &dm->devno, &task);
	if (err < 0)
		return err;
	do {
		type = params = NULL;
		next = dm_get_next_target(task, next, &start, &length, &type, &params);
		if (!type)
			break;	/* no live table */
		err = pmf_dm_parse_target(start, length, type, params ? params : "",
					  &dm->segments, &dm->n_segments,
					  &dm->cap_segments);
		if (err == -EOPNOTSUPP || err == -EINVAL) {
			if (!dm->odd && !strdup_to(&dm->odd, type))
				return -ENOMEM;
		} else if (err < 0) {
			return err;
		}
	} while (next);
	return dm->odd ? read_deps(dm) : 0;
}

static void dm_done(struct pmf_dm *dm)
{
	free(dm->name);
	free(dm->odd);
	free(dm->segments);
	free(dm->deps);
	*dm = (struct pmf_dm){ 0 };
}

void pmf_dm_free(struct pmf_dm *dm, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		dm_done(&dm[i]);
	free(dm);
}

static int read_all(struct dm_names *names, struct pmf_dm **dm, size_t *n, size_t *cap)
{
	struct pmf_dm *d;
	int err;

	for (;; names = (struct dm_names *)((char *)names + names->next)) {
		err = pmf_grow(dm, cap, *n + 1, sizeof(**dm));
		if (err < 0)
			return err;
		d = &(*dm)[(*n)++];
		*d = (struct pmf_dm){ .devno = (dev_t)names->dev };
		if (!strdup_to(&d->name, names->name))
			return -ENOMEM;
		err = read_table(d);
		if (err == -ENXIO) {	/* removed since it was listed */
			dm_done(d);
			(*n)--;
		} else if (err < 0) {
			return err;
		}
		if (!names->next)
			return 0;
	}
}

int pmf_read_dm(struct pmf_dm **ret, size_t *ret_n)
{
	_cleanup_(unlockp) pthread_mutex_t *lock = &dm_lock;	/* let go last */
	_cleanup_(dm_task_destroyp) struct dm_task *task = NULL;
	struct pmf_dm *dm = NULL;
	struct dm_names *names;
	size_t n = 0, cap = 0;
	bool present = false;
	int err;

	pthread_mutex_lock(lock);
	err = driver_present(&present);
	if (err < 0)
		return err;
	if (present) {
		if (!dm_log_is_non_default())
			dm_log_with_errno_init(no_log);
		err = run(DM_DEVICE_LIST, NULL, &task);
		if (err < 0)
			return err;
		names = dm_task_get_names(task);
		if (names && names->dev)
			err = read_all(names, &dm, &n, &cap);
		if (err < 0) {
			pmf_dm_free(dm, n);
			return err;
		}
	}
	*ret = dm;
	*ret_n = n;
	return 0;
}

/* --- into the topology --- */

static bool stands_on_ours(struct pmf_build *b, const struct pmf_dm *dm)
{
	size_t i;

	for (i = 0; i < dm->n_segments; i++)
		if (pmf_find_block(b, dm->segments[i].below))
			return true;
	for (i = 0; i < dm->n_deps; i++)
		if (pmf_find_block(b, dm->deps[i]))
			return true;
	return false;
}

/* /dev/mapper/NAME when udev has made it, else the kernel's own node. */
static int node_of(const struct pmf_dm *dm, const char *kernel_name, char **ret)
{
	struct stat st;
	int err;

	err = pmf_format(ret, "%s/%s", dm_dir(), dm->name);
	if (err < 0)
		return err;
	if (stat(*ret, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == dm->devno)
		return 0;
	return pmf_format(ret, "/dev/%s", kernel_name);
}

static int add_one(struct pmf_build *b, struct pmf_dm *dm)
{
	_cleanup_free_ char *node = NULL;
	struct pmf_block *block;
	char name[32];
	size_t at;
	int err;

	/* alloc_dev() names the disk by its minor; no need to ask sysfs */
	snprintf(name, sizeof(name), "dm-%u", minor(dm->devno));
	err = node_of(dm, name, &node);
	if (err < 0)
		return err;
	err = pmf_add_block(b, dm->odd ? PMF_BLOCK_HOLDER : PMF_BLOCK_DM, dm->devno, name,
			    node, dm->odd ? dm->odd : dm->segments[0].stripes > 1 ?
			    "striped" : "linear", &at);
	if (err < 0)
		return err;
	block = &b->t->blocks[at];
	if (!dm->odd) {
		block->segments = TAKE_PTR(dm->segments);
		block->n_segments = dm->n_segments;
		dm->n_segments = 0;
	}
	return 0;
}

int pmf_add_dm(struct pmf_build *b, struct pmf_dm *dm, size_t n)
{
	int err, added = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (dm[i].added || !stands_on_ours(b, &dm[i]))
			continue;
		dm[i].added = true;
		err = add_one(b, &dm[i]);
		if (err < 0)
			return err;
		added++;
	}
	return added;
}

int pmf_link_dm(struct pmf_build *b, const struct pmf_dm *dm, size_t n)
{
	struct pmf_block *block;
	size_t i, j;
	int err;

	for (i = 0; i < n; i++) {
		if (!dm[i].added || !dm[i].odd)
			continue;
		block = pmf_find_block(b, dm[i].devno);
		for (j = 0; j < dm[i].n_deps; j++) {
			if (!pmf_find_block(b, dm[i].deps[j]))
				continue;
			err = pmf_block_stand_on(b, block - b->t->blocks, dm[i].deps[j]);
			if (err < 0)
				return err;
		}
	}
	return 0;
}
