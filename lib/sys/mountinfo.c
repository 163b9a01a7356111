// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The mounts of our own namespace, through libmount, which decodes the paths.
 * Reading /proc/self/mountinfo touches no device and no filesystem, so it works
 * during a hold. topology-read.c and mount.c call this.
 */
#include <errno.h>

#include <libmount.h>

#include "sys/topology-read.h"

static void table_unrefp(struct libmnt_table **t)
{
	mnt_unref_table(*t);
}

static void iter_freep(struct libmnt_iter **i)
{
	mnt_free_iter(*i);
}

static void mount_done(struct pmf_mount *m)
{
	free(m->fstype);
	free(m->source);
	free(m->root);
	free(m->target);
	free(m->options);
	*m = (struct pmf_mount){ 0 };
}

void pmf_mounts_free(struct pmf_mount *m, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		mount_done(&m[i]);
	free(m);
}

bool pmf_options_dax(const char *fstype, const char *options)
{
	char *value = NULL;
	size_t n = 0;

	/* "dax", "dax=always", "dax=inode"; "dax=never" is the only one that rules
	 * it out. Without the option either kind decides by the inode's flag
	 * (xfs_inode_should_enable_dax(), ext4_should_enable_dax()): possible, but
	 * nobody asked for it. */
	if (!options || (!streq_ptr(fstype, "xfs") && !streq_ptr(fstype, "ext4") &&
			 !streq_ptr(fstype, "ext3") && !streq_ptr(fstype, "ext2")))
		return false;
	if (mnt_optstr_get_option(options, "dax", &value, &n) != 0)
		return false;
	return !(value && n == strlen("never") && strncmp(value, "never", n) == 0);
}

static int from_fs(struct libmnt_fs *fs, struct pmf_mount *m)
{
	m->id = mnt_fs_get_id(fs);
	m->devno = mnt_fs_get_devno(fs);
	if (!strdup_to(&m->fstype, mnt_fs_get_fstype(fs)) ||
	    !strdup_to(&m->source, mnt_fs_get_source(fs)) ||
	    !strdup_to(&m->root, mnt_fs_get_root(fs)) ||
	    !strdup_to(&m->target, mnt_fs_get_target(fs)) ||
	    !strdup_to(&m->options, mnt_fs_get_options(fs)))
		return -ENOMEM;
	m->dax = pmf_options_dax(m->fstype, m->options);
	return 0;
}

/* fn says which to take. */
static int read_matching(bool (*fn)(dev_t devno, void *userdata), void *userdata,
			 struct pmf_mount **v, size_t *n, size_t *cap)
{
	_cleanup_(table_unrefp) struct libmnt_table *table = NULL;
	_cleanup_(iter_freep) struct libmnt_iter *iter = NULL;
	struct libmnt_fs *fs;
	int err;

	errno = 0;
	table = mnt_new_table_from_file("/proc/self/mountinfo");
	if (!table)
		return errno > 0 ? -errno : -EIO;
	iter = mnt_new_iter(MNT_ITER_FORWARD);
	if (!iter)
		return -ENOMEM;
	while (mnt_table_next_fs(table, iter, &fs) == 0) {
		if (!fn(mnt_fs_get_devno(fs), userdata))
			continue;
		err = pmf_grow(v, cap, *n + 1, sizeof(**v));
		if (err < 0)
			return err;
		(*v)[*n] = (struct pmf_mount){ 0 };
		err = from_fs(fs, &(*v)[(*n)++]);
		if (err < 0)
			return err;
	}
	return 0;
}

static bool on_block(dev_t devno, void *userdata)
{
	return pmf_find_block(userdata, devno);
}

int pmf_read_mounts(struct pmf_build *b)
{
	return read_matching(on_block, b, &b->t->mounts, &b->t->n_mounts, &b->cap_mounts);
}

static bool is_devno(dev_t devno, void *userdata)
{
	return devno == *(dev_t *)userdata;
}

int pmf_mounts_of(dev_t devno, struct pmf_mount **ret, size_t *ret_n)
{
	struct pmf_mount *v = NULL;
	size_t n = 0, cap = 0;
	int err;

	err = read_matching(is_devno, &devno, &v, &n, &cap);
	if (err < 0) {
		pmf_mounts_free(v, n);
		return err;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}
