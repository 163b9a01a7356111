// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The mounts of our own namespace, through libmount, which decodes the paths.
 * Reading /proc/self/mountinfo touches no device and no filesystem, and looking a
 * name up in /dev none but that one, so it works during a hold. topology-read.c and mount.c call this.
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/openat2.h>

#include <libmount.h>

#include "sys/parse.h"
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

/*
 * The number of a block device by its path, which must be below /dev and stay there:
 * whatever a symlink elsewhere or a mount inside it could lead to may hang, or lie.
 * 0: none.
 */
static dev_t devno_of(const char *path)
{
	static const char dev[] = "/dev/";
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
	};
	_cleanup_close_ int dir = -1, fd = -1;
	struct stat st;
	int tries;

	if (strncmp(path, dev, strlen(dev)) != 0)
		return 0;
	path += strlen(dev);
	dir = open(dev, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* EAGAIN: a rename somewhere at the same moment */
	for (tries = 0; dir >= 0 && fd < 0 && tries < 16; tries++) {
		fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
		if (fd < 0 && errno != EAGAIN)
			return 0;
	}
	return fd >= 0 && fstat(fd, &st) == 0 && S_ISBLK(st.st_mode) ? st.st_rdev : 0;
}

/* The device that an option of the mount names, if it is among those of pmem. */
static dev_t option_devno(struct pmf_build *b, const struct pmf_mount *m, const char *key)
{
	char path[PATH_MAX];
	dev_t devno;

	/* xfs_fs_show_options() */
	if (!m->options || !streq_ptr(m->fstype, "xfs") ||
	    pmf_parse_mount_option(m->options, key, path, sizeof(path)) < 0)
		return 0;
	devno = devno_of(path);
	return devno && pmf_find_block(b, devno) ? devno : 0;
}

/* Which mounts to take; fn may complete what it takes. */
typedef bool (*wanted_fn)(struct pmf_mount *m, void *userdata);

static int read_matching(wanted_fn fn, void *userdata, struct pmf_mount **v, size_t *n,
			 size_t *cap)
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
		struct pmf_mount m = { 0 };

		err = pmf_grow(v, cap, *n + 1, sizeof(**v));
		if (err == 0)
			err = from_fs(fs, &m);
		if (err == 0 && fn(&m, userdata))
			(*v)[(*n)++] = m;
		else
			mount_done(&m);
		if (err < 0)
			return err;
	}
	return 0;
}

static bool on_block(struct pmf_mount *m, void *userdata)
{
	m->log_devno = option_devno(userdata, m, "logdev");
	m->rt_devno = option_devno(userdata, m, "rtdev");
	return m->log_devno || m->rt_devno || pmf_find_block(userdata, m->devno);
}

int pmf_read_mounts(struct pmf_build *b)
{
	return read_matching(on_block, b, &b->t->mounts, &b->t->n_mounts, &b->cap_mounts);
}

static bool is_devno(struct pmf_mount *m, void *userdata)
{
	return m->devno == *(dev_t *)userdata;
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
