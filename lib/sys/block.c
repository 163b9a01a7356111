// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The block devices over pmem devices: disks, partitions, device-mapper, what
 * else holds them, and swap.
 *
 * It grows from the disks upwards until nothing new stands on what is there. The
 * first half reads sysfs; the second serves during a hold, when the sysfs of the
 * device must not be touched, and knows of it only what the old topology says.
 * Only topology-read.c, and dm.c for adding, call this.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "sys/parse.h"
#include "sys/sysfs.h"
#include "sys/topology-read.h"

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

struct pmf_block *pmf_find_block(struct pmf_build *b, dev_t devno)
{
	size_t i;

	for (i = 0; i < b->t->n_blocks; i++)
		if (b->t->blocks[i].devno == devno)
			return &b->t->blocks[i];
	return NULL;
}

int pmf_add_block(struct pmf_build *b, enum pmf_block_kind kind, dev_t devno,
		  const char *name, const char *node, const char *type, size_t *ret_i)
{
	struct pmf_topology *t = b->t;
	struct pmf_block *block;
	int err;

	err = pmf_grow(&t->blocks, &b->cap_blocks, t->n_blocks + 1, sizeof(*block));
	if (err < 0)
		return err;
	block = &t->blocks[t->n_blocks++];	/* freed with t from here on */
	*block = (struct pmf_block){ .kind = kind, .devno = devno };
	if (!strdup_to(&block->name, name) || !strdup_to(&block->node, node) ||
	    !strdup_to(&block->type, type))
		return -ENOMEM;
	if (ret_i)
		*ret_i = t->n_blocks - 1;
	return 0;
}

static int add_segment(struct pmf_block *block, const struct pmf_segment *s)
{
	struct pmf_segment *v;

	v = reallocarray(block->segments, block->n_segments + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v[block->n_segments] = *s;
	block->segments = v;
	block->n_segments++;
	return 0;
}

/* UINT64_MAX when it cannot be told. */
static uint64_t size_of(struct pmf_build *b, dev_t devno)
{
	struct pmf_block *block = pmf_find_block(b, devno);
	uint64_t size = 0;
	size_t i;

	for (i = 0; i < b->t->n_devices; i++)
		if (b->t->devices[i].name && b->t->devices[i].devno == devno)
			return b->t->devices[i].size;
	if (block && block->kind == PMF_BLOCK_HOLDER)
		return UINT64_MAX;
	for (i = 0; block && i < block->n_segments; i++)
		size = MAX(size, block->segments[i].range.end);
	return size ? size : UINT64_MAX;
}

int pmf_block_stand_on(struct pmf_build *b, size_t at, dev_t below)
{
	struct pmf_block *block = &b->t->blocks[at];
	struct pmf_segment s = {
		.range = { 0, size_of(b, below) },
		.below = below,
		.stripes = 1,
	};
	size_t i;

	for (i = 0; i < block->n_segments; i++)
		if (block->segments[i].below == below)
			return 0;
	return add_segment(block, &s);
}

static int add_disks(struct pmf_build *b)
{
	const struct pmf_device *d;
	size_t i;
	int err;

	for (i = 0; i < b->t->n_devices; i++) {
		d = &b->t->devices[i];
		if (!d->name || d->mode == PMF_MODE_DEVDAX || pmf_find_block(b, d->devno))
			continue;
		err = pmf_add_block(b, PMF_BLOCK_DISK, d->devno, d->name, d->node, "disk",
				    NULL);
		if (err < 0)
			return err;
	}
	return 0;
}

/* Is it gone, rather than unreadable? */
static bool vanished(int err)
{
	return err == -ENOENT || err == -ENODEV;
}

/* name is a partition of the block at index below. */
static int add_partition(struct pmf_build *b, dev_t below, const char *name)
{
	_cleanup_free_ char *node = NULL;
	uint64_t start, size;
	dev_t devno;
	size_t at;
	int err;

	err = pmf_sysfs_block_devno(name, &devno);
	if (err == 0)
		err = pmf_sysfs_block_sectors(name, "start", &start);
	if (err == 0)
		err = pmf_sysfs_block_size(name, &size);
	if (err < 0)
		return vanished(err) ? 0 : err;
	if (size > UINT64_MAX - start)
		return -ERANGE;
	if (pmf_find_block(b, devno))
		return 0;
	err = pmf_sysfs_block_node(name, &node);
	if (err == 0)
		err = pmf_add_block(b, PMF_BLOCK_PARTITION, devno, name, node,
				    "partition", &at);
	if (err < 0)
		return err;
	return add_segment(&b->t->blocks[at], &(struct pmf_segment){
		.range = { 0, size }, .below = below, .start = start, .stripes = 1,
	});
}

/* name holds the block: md, bcache, drbd. Device-mapper is left to its driver. */
static int add_holder(struct pmf_build *b, dev_t below, const char *name)
{
	_cleanup_free_ char *node = NULL;
	struct pmf_block *block;
	char type[32];
	dev_t devno;
	size_t at;
	int err;

	if (strncmp(name, "dm-", 3) == 0)
		return 0;
	err = pmf_sysfs_block_devno(name, &devno);
	if (err < 0)
		return vanished(err) ? 0 : err;
	block = pmf_find_block(b, devno);
	if (block) {
		at = block - b->t->blocks;
	} else {
		/* "md127" is an "md" */
		snprintf(type, sizeof(type), "%.*s", (int)strcspn(name, "0123456789_"),
			 name);
		err = pmf_sysfs_block_node(name, &node);
		if (err == 0)
			err = pmf_add_block(b, PMF_BLOCK_HOLDER, devno, name, node,
					    *type ? type : name, &at);
		if (err < 0)
			return err;
	}
	return pmf_block_stand_on(b, at, below);
}

/* What sysfs says stands on the block at index i: its partitions and holders. */
static int look_above(struct pmf_build *b, size_t i)
{
	_cleanup_free_ char *dir = NULL, *holders = NULL, *path = NULL, *name = NULL;
	_cleanup_(closedirp) DIR *d = NULL, *h = NULL;
	dev_t below = b->t->blocks[i].devno;
	struct dirent *e;
	int err;

	/* blocks may move in memory below */
	if (!strdup_to(&name, b->t->blocks[i].name))
		return -ENOMEM;
	err = pmf_format(&dir, PMF_SYS_CLASS_BLOCK "/%s", name);
	if (err == 0)
		err = pmf_format(&holders, "%s/holders", dir);
	if (err < 0)
		return err;

	d = opendir(dir);
	if (!d)
		return vanished(-errno) ? 0 : -errno;
	while ((e = readdir(d))) {
		if (strncmp(e->d_name, name, strlen(name)) != 0)
			continue;
		err = pmf_format(&path, "%s/%s/partition", dir, e->d_name);
		if (err == 0 && access(path, F_OK) == 0)
			err = add_partition(b, below, e->d_name);
		if (err < 0)
			return err;
	}
	h = opendir(holders);
	if (!h)
		return vanished(-errno) ? 0 : -errno;
	while ((e = readdir(h))) {
		err = e->d_name[0] == '.' ? 0 : add_holder(b, below, e->d_name);
		if (err < 0)
			return err;
	}
	return 0;
}

/* --- swap --- */

static int read_swap(struct pmf_build *b)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	struct pmf_block *block;
	char path[PATH_MAX];
	const char *pos;
	struct stat st;
	bool is_block;
	size_t i;
	int err;

	for (i = 0; i < b->t->n_blocks; i++)
		b->t->blocks[i].swap = false;
	fd = open("/proc/swaps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;	/* a kernel without swap */
	err = pmf_read_fd(fd, 1 << 20, &text, NULL);
	if (err < 0)
		return err;
	/* Only whole devices. A swap file belongs to its filesystem, which is told
	 * of as such, and its path may lead anywhere. */
	for (pos = text; pmf_parse_swaps(&pos, path, sizeof(path), &is_block) > 0;) {
		if (!is_block || stat(path, &st) < 0 || !S_ISBLK(st.st_mode))
			continue;
		block = pmf_find_block(b, st.st_rdev);
		if (block)
			block->swap = true;
	}
	return 0;
}

/* --- both ways --- */

/* Grow: device-mapper from the driver, the rest from sysfs when allowed. */
static int grow(struct pmf_build *b, bool sysfs)
{
	struct pmf_dm *dm = NULL;
	size_t n_dm = 0, seen = 0;
	int err, added;

	err = pmf_read_dm(&dm, &n_dm);
	if (err < 0)
		return err;
	do {
		for (; sysfs && seen < b->t->n_blocks && err == 0; seen++)
			err = look_above(b, seen);
		added = err < 0 ? err : pmf_add_dm(b, dm, n_dm);
	} while (added > 0);
	err = added < 0 ? added : pmf_link_dm(b, dm, n_dm);
	pmf_dm_free(dm, n_dm);
	return err;
}

int pmf_read_blocks(struct pmf_build *b)
{
	int err;

	err = add_disks(b);
	if (err == 0)
		err = grow(b, true);
	return err < 0 ? err : read_swap(b);
}

/* Device-mapper's own names its disks so; nothing else does. */
static bool is_dm(const struct pmf_block *block)
{
	return block->kind == PMF_BLOCK_DM || strncmp(block->name, "dm-", 3) == 0;
}

static int copy_old(struct pmf_build *b, const struct pmf_topology *old)
{
	const struct pmf_block *o;
	size_t i, j, at;
	int err;

	for (i = 0; i < old->n_blocks; i++) {
		o = &old->blocks[i];
		if (is_dm(o))
			continue;
		err = pmf_add_block(b, o->kind, o->devno, o->name, o->node, o->type, &at);
		for (j = 0; err == 0 && j < o->n_segments; j++)
			err = add_segment(&b->t->blocks[at], &o->segments[j]);
		if (err < 0)
			return err;
	}
	return 0;
}

static bool stands_on_something(struct pmf_build *b, const struct pmf_block *block)
{
	size_t i;

	for (i = 0; i < block->n_segments; i++)
		if (pmf_find_block(b, block->segments[i].below))
			return true;
	return block->kind == PMF_BLOCK_DISK;
}

/* Drop what stood on a device-mapper device that is not there any more: its
 * number may be given to another. Repeated, since others may stand on that. */
static void drop_fallen(struct pmf_build *b)
{
	struct pmf_topology *t = b->t;
	size_t i, j;

	for (i = 0; i < t->n_blocks; i++) {
		struct pmf_block gone = t->blocks[i];

		if (stands_on_something(b, &gone))
			continue;
		for (j = i + 1; j < t->n_blocks; j++)
			t->blocks[j - 1] = t->blocks[j];
		t->n_blocks--;
		free(gone.name);
		free(gone.node);
		free(gone.type);
		free(gone.segments);
		i = -1;		/* from the start again */
	}
}

int pmf_read_stack(struct pmf_build *b, const struct pmf_topology *old)
{
	int err;

	err = copy_old(b, old);
	if (err == 0)
		err = grow(b, false);
	if (err < 0)
		return err;
	drop_fallen(b);
	return read_swap(b);
}
