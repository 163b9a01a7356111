/* SPDX-License-Identifier: GPL-2.0-only */
/* Unmounting a filesystem wherever it is mounted, and knowing our own. */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "../unit/test.h"
#include "read-tools.h"
#include "sys/read.h"

/* --- unmounting --- */

TEST(unmounts_all)
{
	unsigned int n = 77;

	fresh();
	CHECK(mount_at("m", 0));
	mkdir(at("m/in"), 0755);
	CHECK(bind_at("m", "m/in"));
	CHECK(bind_at("m/in", "n"));
	CHECK(mount_at("o", 0));
	CHECK(bind_at("m", "o"));	/* on top of each other */
	CHECK_EQ(pmf_sys_unmount(NULL, devno, &n), 0);
	CHECK_EQ(n, 5);
	CHECK(!is_mounted());
	CHECK_EQ(pmf_sys_unmount(NULL, devno, &n), 0);
	CHECK_EQ(n, 0);
}

TEST(unmounts_shared)
{
	unsigned int n = 77;

	/* unmounting one takes the other along */
	fresh();
	CHECK(mount("none", at("o"), "tmpfs", 0, NULL) == 0);
	CHECK(mount(NULL, at("o"), NULL, MS_SHARED, NULL) == 0);
	CHECK(bind_at("o", "n"));
	mkdir(at("o/x"), 0755);
	CHECK(mount_at("o/x", 0));
	CHECK_EQ(pmf_sys_unmount(NULL, devno, &n), 0);
	CHECK_EQ(n, 1);
	CHECK(!is_mounted());
}

TEST(unmount_busy)
{
	_cleanup_close_ int fd = -1;
	unsigned int n = 77;
	struct stat st;

	fresh();
	CHECK(mount_at("m", 0));
	CHECK(bind_at("m", "n"));
	fd = open(at("m"), O_RDONLY);
	CHECK_EQ(pmf_sys_unmount(NULL, devno, &n), -EBUSY);
	CHECK_EQ(n, 77);
	CHECK(stat(at("m"), &st) == 0 && st.st_dev == devno);
	CHECK(stat(at("n"), &st) == 0 && st.st_dev != devno);
	fd = safe_close(fd);
	CHECK_EQ(pmf_sys_unmount(NULL, devno, &n), 0);
	CHECK_EQ(n, 1);
}

TEST(unmount_leaves_others)
{
	unsigned int n = 77;
	struct stat st;

	fresh();
	CHECK(mount_at("m", 0));
	CHECK(mount("none", at("m"), "tmpfs", 0, NULL) == 0);
	close(open(at("m/mark"), O_CREAT | O_WRONLY, 0600));
	CHECK_EQ(pmf_sys_unmount(NULL, devno, &n), -EBUSY);
	CHECK(stat(at("m/mark"), &st) == 0);
}

/* --- our own --- */

TEST(is_own)
{
	_cleanup_close_ int fd = -1, tmp = -1;
	struct pmf_policy p = { 0 };
	bool own = true;

	fresh();
	CHECK(mount_at("m", 0));
	fd = open(at("m"), O_RDONLY);
	CHECK_EQ(pmf_sys_is_own(NULL, fd, &p, &own), 0);
	CHECK(!own);
	snprintf(p.state_dir, sizeof(p.state_dir), "%s", at("m/not/yet/there"));
	CHECK_EQ(pmf_sys_is_own(NULL, fd, &p, &own), 0);
	CHECK(own);
	p.state_dir[0] = '\0';
	snprintf(p.run_dir, sizeof(p.run_dir), "%s", at("m"));
	own = false;
	CHECK_EQ(pmf_sys_is_own(NULL, fd, &p, &own), 0);
	CHECK(own);
	tmp = open("/usr", O_RDONLY);
	own = false;
	CHECK_EQ(pmf_sys_is_own(NULL, tmp, &p, &own), 0);
	CHECK(own);
}
