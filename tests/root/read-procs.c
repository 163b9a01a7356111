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

#define MAP_BYTES (2u << 20)

static void *map_file(const char *path, off_t offset)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	void *p = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, 4 * MAP_BYTES) == 0)
		p = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	safe_close(fd);
	return p;
}

static const struct pmf_victim *find(const struct pmf_victim *v, size_t n, pid_t pid,
				     const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].pid == pid && (!path || streq_ptr(v[i].path, path)))
			return &v[i];
	return NULL;
}

static size_t count(const struct pmf_victim *v, size_t n, pid_t pid)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += v[i].pid == pid;
	return found;
}

static void free_victims(struct pmf_victim *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].unit);
		free(v[i].path);
	}
	free(v);
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
	a = find(v, n, pid, at("m/a"));
	CHECK(a);
	CHECK_EQ(a->vmas, 2);
	CHECK_EQ(a->uid, 65534);
	CHECK_STR(a->comm, ") R 1 (\n");
	CHECK_EQ(pmf_ticks_from_ns(a->start_ns), start_of(pid));
	CHECK(a->address && a->length >= MAP_BYTES && a->ino);
	snprintf(gone, sizeof(gone), "%s/m/b\\012c (deleted)", getenv("PMF_DIR"));
	b = find(v, n, pid, gone);
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

/* --- the unwilling --- */

static int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static int count_children(void)
{
	char path[64];
	FILE *f;
	int n = 0, pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "r");
	while (f && fscanf(f, "%d", &pid) == 1)
		n++;
	if (f)
		fclose(f);
	return n;
}

struct one { const char *path; void *p; };

static bool one_file(void *arg)
{
	struct one *o = arg;

	o->p = map_file(at(o->path), 0);
	return o->p != MAP_FAILED;
}

static void *write_there(void *p)
{
	usleep(200000);
	*(volatile char *)p = 1;
	return NULL;
}

static void *map_more(void *p)
{
	usleep(600000);
	for (;;) {
		p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		usleep(10000);
		if (p != MAP_FAILED)
			munmap(p, 4096);
	}
	return NULL;
}

/* Mapped, and about to write there, when the filesystem will be frozen. */
static bool one_file_and_write(void *arg)
{
	struct one *o = arg;
	pthread_t t;

	return one_file(o) && pthread_create(&t, NULL, write_there, o->p) == 0 &&
		pthread_create(&t, NULL, map_more, NULL) == 0;
}

/*
 * A write fault on a frozen filesystem keeps the process's mmap_lock on 6.1, and
 * the mmap of another thread then keeps everybody from it. Newer kernels have a
 * lock per area, and nothing hangs; the answer must be the same.
 */
TEST(describe_hung)
{
	struct one w = { .path = "m/hung" }, o = { .path = "m/fine" };
	struct pmf_victim d[3] = { 0 }, *v = NULL;
	_cleanup_close_ int fd = -1;
	int fds, children;
	pid_t hung, fine;
	uint64_t begin;
	size_t n = 0, i;

	fresh();
	CHECK(mount_at("m", 0));
	fine = child_doing(one_file, &o);
	hung = child_doing(one_file_and_write, &w);
	CHECK(fine > 0 && hung > 0);
	fd = open(at("m"), O_RDONLY);
	CHECK_EQ(pmf_sys_scan_victims(NULL, devno, &v, &n), 0);
	CHECK_EQ(n, 2);
	CHECK(ioctl(fd, FIFREEZE, 0) == 0);
	usleep(1000000);
	for (i = 0; i < 3; i++) {
		d[i] = *find(v, n, i == 1 ? hung : fine, NULL);
		d[i].unit = d[i].path = NULL;
	}
	/* sorted by pid, so the hung one must not be the last */
	begin = now_ms();
	fds = count_fds();
	children = count_children();
	i = pmf_sys_describe_victims(NULL, d, 3) == 0;
	begin = now_ms() - begin;
	CHECK_EQ(count_fds(), fds);
	CHECK_EQ(count_children(), children);
	CHECK(ioctl(fd, FITHAW, 0) == 0);
	CHECK(i == 1);
	test_say("%llu ms, path of the hung one: %s", (unsigned long long)begin,
		 d[1].path ?: "none");
	CHECK(begin < 1500);
	CHECK(d[0].path && d[2].path);
	child_end(hung);
	child_end(fine);
	for (i = 0; i < 3; i++) {
		free(d[i].unit);
		free(d[i].path);
	}
	free_victims(v, n);
}

/* Stops the first child of ours that is none of ours, as if it hung. */
static void *stop_reader(void *arg)
{
	pid_t known = *(pid_t *)arg;
	char path[64];
	int pid, i;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	for (i = 0; i < 200000; i++) {
		f = fopen(path, "r");
		while (f && fscanf(f, "%d", &pid) == 1)
			if (pid > known && kill(pid, SIGSTOP) == 0) {
				fclose(f);
				return arg;
			}
		if (f)
			fclose(f);
	}
	return NULL;
}

static int count_hits(const struct pmf_maps_hit *hit, void *userdata)
{
	(void)hit;
	++*(size_t *)userdata;
	return 0;
}

TEST(reader_that_hangs)
{
	struct one o = { .path = "m/fine" };
	size_t hits = 0, left_out = 0, i;
	struct pmf_maps_want *w;
	struct pmf_maps_query q = {
		.devno = devno, .n = 20000, .stall_ms = 300, .total_ms = 20000,
		.fn = count_hits, .userdata = &hits,
	};
	void *stopped = NULL;
	uint64_t begin;
	pthread_t t;
	pid_t pid;

	fresh();
	CHECK(mount_at("m", 0));
	pid = child_doing(one_file, &o);
	CHECK(pid > 0);
	w = calloc(q.n, sizeof(*w));
	for (i = 0; i < q.n; i++)
		w[i] = (struct pmf_maps_want){ .pid = pid, .start_ticks = PMF_ANY_START };
	q.wants = w;
	CHECK(pthread_create(&t, NULL, stop_reader, &pid) == 0);
	begin = now_ms();
	CHECK_EQ(pmf_read_maps(&q, &left_out), 0);
	begin = now_ms() - begin;
	pthread_join(t, &stopped);
	test_say("%zu of %zu, %zu left out, %llu ms", hits, q.n, left_out,
		 (unsigned long long)begin);
	CHECK(stopped);
	CHECK(left_out == 1);
	CHECK(hits == q.n - 1 || hits == q.n);
	CHECK(begin >= 300);

	/* no time at all: everything is left out, and said to be */
	q.total_ms = 0;
	hits = 0;
	CHECK_EQ(pmf_read_maps(&q, &left_out), 0);
	CHECK_EQ(hits, 0);
	CHECK_EQ(left_out, q.n);
	child_end(pid);
	free(w);
}

static int refuse(const struct pmf_maps_hit *hit, void *userdata)
{
	(void)hit;
	(void)userdata;
	return -ENOMEM;
}

TEST(reader_is_told_to_stop)
{
	struct one o = { .path = "m/fine" };
	struct pmf_maps_want w = { .start_ticks = PMF_ANY_START };
	struct pmf_maps_query q = {
		.devno = devno, .n = 1, .wants = &w, .stall_ms = 3000, .total_ms = 3000,
		.fn = refuse,
	};
	size_t left_out = 77;
	int fds, children;
	pid_t pid;

	fresh();
	CHECK(mount_at("m", 0));
	pid = child_doing(one_file, &o);
	CHECK(pid > 0);
	w.pid = pid;
	fds = count_fds();
	children = count_children();
	CHECK_EQ(pmf_read_maps(&q, &left_out), -ENOMEM);
	CHECK_EQ(left_out, 77);
	CHECK_EQ(count_fds(), fds);
	CHECK_EQ(count_children(), children);
	child_end(pid);
}
