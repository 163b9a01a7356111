/* SPDX-License-Identifier: GPL-2.0-only */
/* Finding, opening and unmounting a filesystem, wherever it is mounted. */
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <linux/openat2.h>

#include "../unit/test.h"
#include "read-tools.h"
#include "sys/mount-open.h"
#include "sys/sys-internal.h"
#include "sys/topology-read.h"

/* Is fd good for what it is opened for? */
static bool usable(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == devno &&
		(fcntl(fd, F_GETFD) & FD_CLOEXEC) && ioctl(fd, FIFREEZE, 0) == 0 &&
		ioctl(fd, FITHAW, 0) == 0;
}

static int open_it(const char *mountpoint, int *ret_fd)
{
	struct pmf_site site = the_site(mountpoint);

	return pmf_sys_open_site(NULL, &site, ret_fd);
}

#define CHECK_OPENS(mountpoint) do {				\
	_cleanup_close_ int fd_ = -1;				\
	CHECK_EQ(open_it(mountpoint, &fd_), 0);			\
	CHECK(usable(fd_));					\
} while (0)

static int64_t file_sum(void)
{
	_cleanup_close_ int fd = open(device, O_RDONLY);
	static char buf[1 << 20];
	uint64_t sum = 5381;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i += 8)
			sum = sum * 33 + *(uint64_t *)(buf + i);
	return (int64_t)(sum >> 1);
}

TEST(fstype_of_mounted)
{
	const char *got = NULL;

	fresh();
	CHECK(!is_mounted());
	CHECK_EQ(pmf_sys_mounted_fstype(NULL, name, &got), -ENOENT);
	CHECK(!got);
	CHECK(mount_at("m", 0));
	CHECK_EQ(pmf_sys_mounted_fstype(NULL, name, &got), 0);
	CHECK_STR(got, fstype);
	CHECK_EQ(pmf_sys_mounted_fstype(NULL, "../..", &got), -EINVAL);
	CHECK_EQ(pmf_sys_mounted_fstype(NULL, "", &got), -EINVAL);
	CHECK_EQ(pmf_sys_mounted_fstype(NULL, "cciss/c0d0", &got), -ENOENT);
}

TEST(fstype_of_lazily_unmounted)
{
	_cleanup_close_ int fd = -1;
	const char *got = NULL;

	fresh();
	CHECK(mount_at("m", 0));
	fd = open(at("m"), O_RDONLY);
	CHECK(umount2(at("m"), MNT_DETACH) == 0);
	CHECK_EQ(pmf_sys_mounted_fstype(NULL, name, &got), 0);
	fd = safe_close(fd);
	CHECK(!is_mounted());
	CHECK_EQ(pmf_sys_mounted_fstype(NULL, name, &got), -ENOENT);
}

TEST(opens_mounted)
{
	fresh();
	CHECK(mount_at("m", 0));
	CHECK_OPENS(at("m"));
	CHECK_OPENS(NULL);
	CHECK_OPENS("/nonexistent");
	CHECK_OPENS("/");	/* something else is mounted there */
	CHECK(umount2(at("m"), 0) == 0);
}

TEST(opens_read_only)
{
	fresh();
	CHECK(mount_at("m", MS_RDONLY));
	CHECK_OPENS(at("m"));
	CHECK(mount("none", at("m"), "tmpfs", 0, NULL) == 0);
	CHECK_OPENS(at("m"));
}

TEST(opens_overmounted)
{
	fresh();
	CHECK(mount_at("m", 0));
	CHECK(mount("none", at("m"), "tmpfs", 0, NULL) == 0);
	CHECK_OPENS(at("m"));
	CHECK(umount2(at("m"), 0) == 0);
	CHECK(umount2(at("m"), 0) == 0);	/* nothing of ours is left on it */
	CHECK(!is_mounted());
}

TEST(opens_lazily_unmounted)
{
	_cleanup_close_ int fd = -1;

	fresh();
	CHECK(mount_at("m", 0));
	fd = open(at("m"), O_RDONLY);
	CHECK(umount2(at("m"), MNT_DETACH) == 0);
	CHECK_OPENS(at("m"));
	fd = safe_close(fd);
	CHECK(!is_mounted());
}

static bool mount_elsewhere(void *arg)
{
	(void)arg;
	return unshare(CLONE_NEWNS) == 0 && mount_at("m", 0);
}

TEST(opens_in_another_namespace)
{
	pid_t pid;

	fresh();
	pid = child_doing(mount_elsewhere, NULL);
	CHECK(pid > 0);
	CHECK_OPENS(NULL);
	child_end(pid);
	CHECK(!is_mounted());
}

TEST(opens_bind_of_directory)
{
	fresh();
	CHECK(mount_at("m", 0));
	mkdir(at("m/sub"), 0755);
	CHECK(bind_at("m/sub", "n"));
	CHECK(umount2(at("m"), 0) == 0);
	CHECK_OPENS(at("m"));
}

TEST(opens_where_special_files_are_mounted)
{
	int i, fd;

	/* a FIFO or a file mounted by itself must not be opened while there is more */
	fresh();
	CHECK(mount_at("m", 0));
	(void)mkfifo(at("m/fifo"), 0600);
	close(open(at("m/file"), O_CREAT | O_WRONLY, 0600));
	for (i = 0; i < 2; i++) {
		fd = open(at(i ? "file" : "fifo"), O_CREAT | O_WRONLY, 0600);
		CHECK(fd >= 0);
		close(fd);
	}
	CHECK(bind_at("m/fifo", "fifo"));
	CHECK(bind_at("m/file", "file"));
	CHECK(umount2(at("m"), 0) == 0);
	alarm(10);
	CHECK_OPENS(at("fifo"));
	CHECK_OPENS(at("file"));
	CHECK(umount2(at("fifo"), 0) == 0);
	CHECK_OPENS(at("file"));
	alarm(0);
}

TEST(opens_single_file)
{
	struct pmf_site site = the_site(at("file"));
	_cleanup_close_ int fd = -1;

	/* the node leads nowhere, so the file is all there is */
	site.node = (char *)"/dev/null";
	fresh();
	CHECK(mount_at("m", 0));
	close(open(at("m/file"), O_CREAT | O_WRONLY, 0600));
	close(open(at("file"), O_CREAT | O_WRONLY, 0600));
	CHECK(bind_at("m/file", "file"));
	CHECK(umount2(at("m"), 0) == 0);
	CHECK_EQ(pmf_sys_open_site(NULL, &site, &fd), 0);
	CHECK(usable(fd));
}

/* A FUSE mount whose server answers nothing, as any user can make one. */
static bool mount_dead_fuse(const char *path)
{
	int fd = open("/dev/fuse", O_RDWR);
	char options[128];

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0",
		 fd);
	return fd >= 0 && mount("dead", at(path), "fuse", 0, options) == 0;
}

static bool open_below_fuse(void *arg)
{
	_cleanup_close_ int fd = -1;

	alarm(5);
	return open_it(arg, &fd) == 0 && usable(fd);
}

TEST(opens_below_hung_fuse)
{
	char target[256];
	pid_t pid;

	fresh();
	mkdir(at("m/deep"), 0755);
	snprintf(target, sizeof(target), "%s", at("m/deep"));
	CHECK(mount_at("m/deep", 0));
	if (!mount_dead_fuse("m"))
		SKIP("no FUSE");
	pid = child_doing(open_below_fuse, target);
	CHECK(pid > 0);
	child_end(pid);
}

TEST(never_mounts)
{
	const char *types[] = { "xfs", "ext4" };
	int fd = -7, i;
	int64_t sum;

	fresh();
	CHECK(!is_mounted());
	sum = file_sum();
	CHECK_EQ(open_it(NULL, &fd), -ENOENT);
	CHECK_EQ(open_it(at("m"), &fd), -ENOENT);
	/* Past the check, as if the unmount came right behind it. */
	for (i = 0; i < 2; i++)
		CHECK_EQ(pmf_open_detached(types[i], device, devno, &fd), -ENOENT);
	CHECK_EQ(fd, -7);
	CHECK(!is_mounted());
	CHECK_EQ(file_sum(), sum);
}

TEST(refuses_wrong_node)
{
	struct pmf_site site = the_site(NULL);
	int fd = -7;

	fresh();
	CHECK(mount_at("m", 0));
	CHECK(mount("none", at("m"), "tmpfs", 0, NULL) == 0);
	site.node = (char *)"/dev/null";
	CHECK_EQ(pmf_sys_open_site(NULL, &site, &fd), -ESTALE);
	site.kind = PMF_SITE_DEVDAX;
	CHECK_EQ(pmf_sys_open_site(NULL, &site, &fd), -ESTALE);
	site.node = (char *)device;
	CHECK_EQ(pmf_sys_open_site(NULL, &site, &fd), -ESTALE);
	site.kind = PMF_SITE_HOLDER;
	CHECK_EQ(pmf_sys_open_site(NULL, &site, &fd), -EOPNOTSUPP);
	CHECK_EQ(fd, -7);
	site.kind = PMF_SITE_DEVDAX;
	site.node = (char *)"/dev/null";
	site.devno = site.fs_devno = 0x103;
	CHECK_EQ(pmf_sys_open_site(NULL, &site, &fd), 0);
	close(fd);
}

static bool shut_down(int fd)
{
	uint32_t how = 1;	/* log flushed; both filesystems use XFS's number */

	return ioctl(fd, _IOR('X', 125, uint32_t), &how) == 0;
}

TEST(opens_shut_down)
{
	_cleanup_close_ int fd = -1, got = -1, hidden = -1, held = -1;
	struct pmf_policy p = { .state_dir = "/" };
	bool own = true;
	int id;

	fresh();
	CHECK(mount_at("m", 0));
	fd = open(at("m"), O_RDONLY);
	CHECK(shut_down(fd));
	CHECK_EQ(open_it(at("m"), &got), 0);
	CHECK_EQ(pmf_mount_id(got, &id), 0);
	CHECK_EQ(pmf_sys_is_own(NULL, got, &p, &own), 0);
	CHECK(!own);
	if (streq(fstype, "xfs"))
		CHECK(fcntl(got, F_GETFL) & O_PATH);
	held = TAKE_FD(fd);
	CHECK(umount2(at("m"), MNT_DETACH) == 0);
	CHECK_EQ(open_it(at("m"), &hidden), 0);
	if (streq(fstype, "xfs"))
		CHECK(fcntl(hidden, F_GETFL) & O_PATH);
}

TEST(remounts_read_only)
{
	_cleanup_close_ int fd = -1, writer = -1, held = -1, hidden = -1;
	struct pmf_site site = the_site(at("m"));

	fresh();
	CHECK(mount_at("m", 0) && bind_at("m", "n"));
	CHECK_EQ(open_it(at("m"), &fd), 0);
	writer = open(at("m/f"), O_WRONLY | O_CREAT, 0600);
	CHECK(writer >= 0);
	CHECK_EQ(pmf_sys_remount_ro(NULL, fd, &site), -EBUSY);
	writer = safe_close(writer);
	CHECK(ioctl(fd, FIFREEZE, 0) == 0);
	CHECK_EQ(pmf_sys_remount_ro(NULL, fd, &site), -EBUSY);
	CHECK(ioctl(fd, FITHAW, 0) == 0);
	CHECK_EQ(pmf_sys_remount_ro(NULL, fd, &site), 0);
	CHECK_EQ(pmf_sys_remount_ro(NULL, fd, &site), 0);
	/* wherever it is mounted */
	CHECK(open(at("m/f"), O_WRONLY) < 0 && errno == EROFS);
	CHECK(open(at("n/f"), O_WRONLY) < 0 && errno == EROFS);

	/* and where it is not mounted for anybody to see */
	fd = safe_close(fd);
	CHECK(umount(at("n")) == 0 && umount(at("m")) == 0 && mount_at("m", 0));
	held = open(at("m"), O_RDONLY | O_DIRECTORY);
	CHECK(held >= 0 && umount2(at("m"), MNT_DETACH) == 0);
	CHECK_EQ(open_it(NULL, &hidden), 0);
	CHECK_EQ(pmf_sys_remount_ro(NULL, hidden, &site), 0);
	CHECK(openat(held, "f", O_WRONLY) < 0 && errno == EROFS);
}

/* --- the mount table --- */

TEST(mounts_of)
{
	struct pmf_mount *m = NULL;
	size_t n = 0;

	fresh();
	CHECK(mount_at("m", 0));
	mkdir(at("m/a b\tc\\d\ne"), 0755);
	mkdir(at("odd x\ny"), 0755);
	CHECK(bind_at("m/a b\tc\\d\ne", "odd x\ny"));
	CHECK_EQ(pmf_mounts_of(devno, &m, &n), 0);
	CHECK_EQ(n, 2);
	CHECK_STR(m[0].target, at("m"));
	CHECK_STR(m[0].fstype, fstype);
	CHECK_STR(m[0].source, device);
	CHECK_STR(m[0].root, "/");
	CHECK(strstr(m[0].options, "rw"));
	CHECK(m[0].devno == devno);
	CHECK(!m[0].dax);
	CHECK_STR(m[1].target, at("odd x\ny"));
	CHECK_STR(m[1].root, "/a b\tc\\d\ne");
	CHECK(m[1].id != m[0].id);
	pmf_mounts_free(m, n);
}

TEST(dax_options)
{
	CHECK(pmf_options_dax("xfs", "rw,attr2,dax=always,inode64"));
	CHECK(pmf_options_dax("xfs", "rw,dax"));
	CHECK(pmf_options_dax("ext4", "dax"));
	CHECK(pmf_options_dax("ext4", "rw,dax=inode"));
	CHECK(!pmf_options_dax("ext4", "rw,dax=never"));
	CHECK(!pmf_options_dax("xfs", "rw,nodax,daxx,xdax=always"));
	CHECK(!pmf_options_dax("xfs", "rw"));
	CHECK(!pmf_options_dax("xfs", NULL));
	CHECK(!pmf_options_dax("virtiofs", "rw,dax"));
}
