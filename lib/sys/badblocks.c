// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The kernel's lists of bad blocks: that of the block device, which the driver asks
 * before every access (pmem_do_read(), __pmem_direct_access()), and that of the
 * region, which the bus fills from what the firmware knows. Only the table of
 * operations (sys.c) refers to this.
 */
#include <fcntl.h>
#include <sys/sysmacros.h>

#include "base/file.h"
#include "base/str.h"
#include "sys/parse.h"
#include "sys/read.h"

#define LIST_MAX	(1 << 20)	/* bytes; a page in truth */

static void ranges_donep(struct pmf_ranges *r)
{
	pmf_ranges_done(r);
}
#define _cleanup_ranges_ _cleanup_(ranges_donep)

/* The directory of the device's node in sysfs. -ENODEV: there is none. */
static int sysfs_dir(const struct pmf_device *d, char **ret)
{
	_cleanup_free_ char *path = NULL;
	int err;

	if (!d->name || !d->devno)
		return -ENODEV;
	err = pmf_format(&path, "/sys/dev/%s/%u:%u",
			 d->mode == PMF_MODE_DEVDAX ? "char" : "block", major(d->devno),
			 minor(d->devno));
	if (err < 0)
		return err;
	if (access(path, F_OK) < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	*ret = TAKE_PTR(path);
	return 0;
}

/* -ENOENT: it has no list. */
static int read_list(const char *path, struct pmf_ranges *ret, bool *ret_full)
{
	_cleanup_free_ char *text = NULL;
	size_t n;
	int err;

	err = pmf_read_file(AT_FDCWD, path, LIST_MAX, &text, &n);
	if (err == -ENXIO)	/* a region without its driver */
		return -ENOENT;
	if (err < 0)
		return err;
	return pmf_parse_badblocks(text, n, (size_t)sysconf(_SC_PAGESIZE), ret, ret_full);
}

static int read_disk(const char *dir, struct pmf_ranges *ret, bool *ret_full)
{
	_cleanup_free_ char *path = NULL;
	int err;

	err = pmf_format(&path, "%s/badblocks", dir);
	return err < 0 ? err : read_list(path, ret, ret_full);
}

static int add_region(const struct pmf_device *d, struct pmf_ranges *to, bool *full)
{
	_cleanup_ranges_ struct pmf_ranges list = { 0 };
	_cleanup_free_ char *path = NULL;
	bool region_full = false;
	int err;

	if (!d->region || strchr(d->region, '/'))
		return 0;
	err = pmf_format(&path, "/sys/bus/nd/devices/%s/badblocks", d->region);
	if (err == 0)
		err = read_list(path, &list, &region_full);
	if (err == -ENOENT || err == -ENODEV)
		return 0;
	if (err == 0)
		err = pmf_badblocks_of_region(&list, d->region_spa, d->spa, d->size, to);
	if (err == 0)
		*full = *full || region_full;
	return err;
}

int pmf_sys_read_badblocks(struct pmf_sys *s, const struct pmf_device *d,
			   struct pmf_ranges *ret, bool *ret_full)
{
	_cleanup_ranges_ struct pmf_ranges disk = { 0 }, list = { 0 };
	_cleanup_free_ char *dir = NULL;
	bool full = false;
	int err;

	(void)s;
	err = sysfs_dir(d, &dir);
	if (err < 0)
		return err;
	err = read_disk(dir, &disk, &full);
	if (err < 0 && err != -ENOENT)
		return err;
	/* clipped like the other */
	err = pmf_badblocks_of_region(&disk, 0, 0, d->size, &list);
	if (err == 0)
		err = add_region(d, &list, &full);
	if (err < 0)
		return err;
	pmf_ranges_done(ret);
	*ret = TAKE(list, (struct pmf_ranges){ 0 });
	*ret_full = full;
	return 0;
}

static int write_pieces(int fd, const struct pmf_ranges *missing)
{
	unsigned int count;
	uint64_t sector;
	char line[48];

	for (size_t i = 0; i < missing->n; i++) {
		struct pmf_range rest = missing->v[i];

		while (pmf_badblocks_piece(&rest, &sector, &count)) {
			/* badblocks_store() takes one entry with one write */
			int n = snprintf(line, sizeof(line), "%llu %u\n",
					 (unsigned long long)sector, count);

			if (write(fd, line, (size_t)n) != n)
				return errno == ENXIO || errno == EOPNOTSUPP ?
					-EOPNOTSUPP : -errno;
		}
	}
	return 0;
}

/* What of r is not in the list of dir. *ret_known: up to where that is certain, for the
 * end of a long list is not printed. */
static int find_missing(const char *dir, struct pmf_range r, struct pmf_ranges *ret,
			uint64_t *ret_known)
{
	_cleanup_ranges_ struct pmf_ranges list = { 0 };
	bool full;
	int err;

	err = read_disk(dir, &list, &full);
	if (err < 0)
		return err == -ENOENT ? -EOPNOTSUPP : err;
	*ret_known = full && list.n > 0 ? list.v[list.n - 1].end : UINT64_MAX;
	err = pmf_ranges_add(ret, r);
	return err < 0 ? err : pmf_ranges_subtract(ret, &list);
}

int pmf_sys_mark_bad(struct pmf_sys *s, const struct pmf_device *d, struct pmf_range r)
{
	_cleanup_ranges_ struct pmf_ranges missing = { 0 }, left = { 0 };
	_cleanup_free_ char *dir = NULL, *path = NULL;
	_cleanup_close_ int fd = -1;
	uint64_t known;
	int err;

	(void)s;
	err = sysfs_dir(d, &dir);
	if (err == 0)
		err = pmf_badblocks_widen(r, d->size, &r);
	if (err == 0)
		err = find_missing(dir, r, &missing, &known);
	if (err == 0)
		err = pmf_format(&path, "%s/badblocks", dir);
	if (err < 0)
		return err;
	if (missing.n == 0)
		return 0;	/* what is written twice would wake all who watch, twice */
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	err = write_pieces(fd, &missing);
	if (err < 0)
		return err;
	/* Before 6.15 the kernel may say yes when only part of a piece found room. */
	err = find_missing(dir, r, &left, &known);
	if (err < 0)
		return err;
	return left.n > 0 && left.v[0].start < known ? -ENOSPC : 0;
}

int pmf_sys_binding_id(struct pmf_sys *s, const struct pmf_device *d, char **ret)
{
	_cleanup_free_ char *dir = NULL, *path = NULL, *boot = NULL, *seq = NULL, *id = NULL;
	uint64_t v;
	int err;

	(void)s;
	err = sysfs_dir(d, &dir);
	if (err < 0)
		return err;
	if (d->mode == PMF_MODE_DEVDAX)
		return -EOPNOTSUPP;	/* no list that a bind would empty, either */
	err = pmf_format(&path, "%s/diskseq", dir);
	if (err == 0)
		err = pmf_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 256, &boot,
				    NULL);
	if (err < 0)
		return err;
	err = pmf_read_file(AT_FDCWD, path, 256, &seq, NULL);
	if (err == -ENOENT)	/* gone, or a kernel before 5.15 */
		return access(dir, F_OK) < 0 ? -ENODEV : -EOPNOTSUPP;
	if (err < 0)
		return err;
	boot[strcspn(boot, "\n")] = '\0';
	seq[strcspn(seq, "\n")] = '\0';
	if (!*boot || pmf_u64_from_string(seq, &v) < 0)
		return -EBADMSG;
	err = pmf_format(&id, "%s/%s", boot, seq);
	if (err == 0)
		*ret = TAKE_PTR(id);
	return err;
}
