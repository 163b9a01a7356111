/* SPDX-License-Identifier: GPL-2.0-only */
/* Who maps a file, and what can be told of them, also of the unwilling. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "../unit/test.h"
#include "read-tools.h"
#include "sys/maps-reader.h"
#include "sys/process.h"

static size_t count(const struct pmf_victim *v, size_t n, pid_t pid)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += v[i].pid == pid;
	return found;
}

static bool two_files(void *arg)
{
	(void)arg;
	/* at() of the mounted filesystem; b is mapped thrice, and with its name gone */
	if (map_file(at("m/a"), 0) == MAP_FAILED ||
	    map_file(at("m/b\nc"), 0) == MAP_FAILED ||
	    map_file(at("m/b\nc"), MAP_BYTES) == MAP_FAILED ||
	    map_file(at("m/a"), 2 * MAP_BYTES) == MAP_FAILED ||
	    map_file(at("m/b\nc"), 3 * MAP_BYTES) == MAP_FAILED)
		return false;
	prctl(PR_SET_NAME, ") R 1 (\n");
	return unlink(at("m/b\nc")) == 0 && setresuid(65534, 0, 0) == 0;
}

static uint64_t start_of(pid_t pid)
{
	char path[64], text[1024] = "";
	struct pmf_proc_stat st = { 0 };
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
		(void)pmf_parse_proc_stat(text, &st);
	safe_close(fd);
	return st.start_ticks;
}

TEST(scan)
{
	const struct pmf_victim *a, *b;
	struct pmf_victim *v = NULL;
	char gone[512];
	size_t n = 0;
	void *own;
	pid_t pid;

	fresh();
	CHECK(mount_at("m", 0));
	pid = child_doing(two_files, NULL);
	CHECK(pid > 0);
	/* ourselves must not be in it */
	own = map_file(at("m/own"), 0);
	CHECK(own != MAP_FAILED);
	CHECK_EQ(pmf_sys_scan_victims(NULL, devno, &v, &n), 0);
	munmap(own, MAP_BYTES);		/* or later children have it */
	CHECK_EQ(n, 2);
	CHECK_EQ(count(v, n, pid), 2);
	a = find_victim(v, n, pid, at("m/a"));
	CHECK(a);
	CHECK_EQ(a->vmas, 2);
	CHECK_EQ(a->uid, 65534);
	CHECK_STR(a->comm, ") R 1 (\n");
	CHECK_EQ(pmf_ticks_from_ns(a->start_ns), start_of(pid));
	CHECK(a->address && a->length >= MAP_BYTES && a->ino);
	snprintf(gone, sizeof(gone), "%s/m/b\\012c (deleted)", getenv("PMF_DIR"));
	b = find_victim(v, n, pid, gone);
	CHECK(b);
	CHECK_EQ(b->vmas, 3);
	CHECK(b->ino != a->ino);
	child_end(pid);
	free_victims(v, n);
}

TEST(scan_of_nothing)
{
	struct pmf_victim *v = NULL;
	size_t n = 99;

	CHECK_EQ(pmf_sys_scan_victims(NULL, makedev(4000, 77777), &v, &n), 0);
	CHECK_EQ(n, 0);
	free(v);
}

/* So many files that records are dropped, with names that are as long as can be. */
static bool many_files(void *arg)
{
	char path[4096];
	void *p;
	int i;

	for (i = 0; i < *(int *)arg; i++) {
		snprintf(path, sizeof(path), "%s-%0*d", at("m/x"), 200, i);
		p = map_file(path, 0);
		if (p == MAP_FAILED)
			return false;
	}
	return true;
}

TEST(scan_many)
{
	struct pmf_victim *v = NULL;
	int files = 3000;
	size_t n = 0;
	pid_t pid;

	fresh();
	CHECK(mount_at("m", 0));
	pid = child_doing(many_files, &files);
	CHECK(pid > 0);
	CHECK_EQ(pmf_sys_scan_victims(NULL, devno, &v, &n), 0);
	CHECK_EQ(n, files);
	for (size_t i = 0; i < n; i++) {
		CHECK_EQ(v[i].vmas, 1);
		CHECK(v[i].path && strlen(v[i].path) > 200);
	}
	/* and described again, all at once, from one pass over its maps */
	for (size_t i = 0; i < n; i++) {
		free(v[i].path);
		v[i].path = NULL;
	}
	CHECK_EQ(pmf_sys_describe_victims(NULL, v, n), 0);
	for (size_t i = 0; i < n; i++)
		CHECK(v[i].path && strlen(v[i].path) > 200);
	child_end(pid);
	free_victims(v, n);
}

TEST(describe)
{
	struct pmf_victim *v = NULL;
	struct pmf_victim d[6];
	char gone[512];
	size_t n = 0, i;
	pid_t pid;

	fresh();
	CHECK(mount_at("m", 0));
	pid = child_doing(two_files, NULL);
	CHECK(pid > 0);
	CHECK_EQ(pmf_sys_scan_victims(NULL, devno, &v, &n), 0);
	CHECK_EQ(n, 2);
	for (i = 0; i < ARRAY_SIZE(d); i++) {
		d[i] = v[i % 2];
		d[i].unit = d[i].path = NULL;
	}
	d[0].start_ns += 3000000;	/* the module's are finer than a tick */
	d[2].start_ns += 10000000;	/* another process */
	d[3].ino++;			/* another file by now */
	d[4].address = 4096;		/* nothing there */
	d[4].ino = 0;
	d[5].pid = 0;
	CHECK_EQ(pmf_sys_describe_victims(NULL, d, ARRAY_SIZE(d)), 0);
	snprintf(gone, sizeof(gone), "%s/m/b\\012c (deleted)", getenv("PMF_DIR"));
	CHECK_STR(d[0].path, v[0].path);
	CHECK_STR(d[1].path, v[1].path);
	CHECK(streq(d[0].path, gone) || streq(d[1].path, gone));
	for (i = 2; i < ARRAY_SIZE(d); i++)
		CHECK(!d[i].path);
	CHECK_STR(d[0].unit, v[0].unit);
	CHECK_STR(d[3].unit, v[0].unit);
	CHECK(!d[2].unit && !d[5].unit);
	child_end(pid);
	CHECK_EQ(pmf_sys_describe_victims(NULL, NULL, 0), 0);
	for (i = 0; i < ARRAY_SIZE(d); i++) {
		free(d[i].unit);
		free(d[i].path);
	}
	free_victims(v, n);
}
