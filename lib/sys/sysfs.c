// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Facts about block devices from /sys/class/block; see sysfs.h.
 */
#include <fcntl.h>
#include <sys/sysmacros.h>

#include "base/file.h"
#include "base/str.h"
#include "sys/sysfs.h"

#define SECTOR 512u

static int read_attribute(const char *name, const char *file, char **ret)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	_cleanup_close_ int fd = -1;
	int err;

	err = pmf_format(&path, PMF_SYS_CLASS_BLOCK "/%s/%s", name, file);
	if (err < 0)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = pmf_read_fd(fd, 4096, &text, NULL);
	if (err < 0)
		return err;
	text[strcspn(text, "\n")] = '\0';
	*ret = TAKE_PTR(text);
	return 0;
}

int pmf_sysfs_block_devno(const char *name, dev_t *ret)
{
	_cleanup_free_ char *text = NULL;
	uint64_t major, minor;
	char *colon;
	int err;

	err = read_attribute(name, "dev", &text);
	if (err < 0)
		return err;
	colon = strchr(text, ':');
	if (!colon)
		return -EINVAL;
	*colon = '\0';
	if (pmf_u64_from_string(text, &major) < 0 ||
	    pmf_u64_from_string(colon + 1, &minor) < 0 ||
	    major > UINT32_MAX || minor > UINT32_MAX)
		return -EINVAL;
	*ret = makedev(major, minor);
	return 0;
}

int pmf_sysfs_block_sectors(const char *name, const char *file, uint64_t *ret_bytes)
{
	_cleanup_free_ char *text = NULL;
	uint64_t v;
	int err;

	err = read_attribute(name, file, &text);
	if (err < 0)
		return err;
	err = pmf_u64_from_string(text, &v);
	if (err < 0)
		return err;
	if (v > UINT64_MAX / SECTOR)
		return -ERANGE;
	*ret_bytes = v * SECTOR;
	return 0;
}

int pmf_sysfs_block_size(const char *name, uint64_t *ret_bytes)
{
	return pmf_sysfs_block_sectors(name, "size", ret_bytes);
}

int pmf_sysfs_block_seq(const char *name, uint64_t *ret)
{
	_cleanup_free_ char *text = NULL;
	int err;

	*ret = 0;
	err = read_attribute(name, "diskseq", &text);
	if (err == -ENOENT)
		return 0;	/* a kernel before 5.15 */
	return err < 0 ? err : pmf_u64_from_string(text, ret);
}

int pmf_sysfs_block_node(const char *name, char **ret)
{
	char *p;
	int err;

	err = pmf_format(ret, "/dev/%s", name);
	if (err < 0)
		return err;
	/* kobject_set_name_vargs() puts '!' for '/', devtmpfs has the '/' */
	for (p = *ret; *p; p++)
		if (*p == '!')
			*p = '/';
	return 0;
}
