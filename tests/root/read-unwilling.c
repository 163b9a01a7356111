/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes that do not want to be read, or cannot be. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../unit/test.h"
#include "read-tools.h"
#include "sys/maps-reader.h"
#include "sys/process.h"

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
		d[i] = *find_victim(v, n, i == 1 ? hung : fine, NULL);
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
	const int *error = userdata;

	(void)hit;
	return *error;
}

TEST(reader_is_told_to_stop)
{
	struct one o = { .path = "m/fine" };
	struct pmf_maps_want w = { .start_ticks = PMF_ANY_START };
	struct pmf_maps_query q = {
		.devno = devno, .n = 1, .wants = &w, .stall_ms = 3000, .total_ms = 3000,
		.fn = refuse,
	};
	/* also one that reading the pipe has a meaning of its own for */
	int errors[] = { -ENOMEM, -EAGAIN };
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
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		q.userdata = &errors[i];
		CHECK_EQ(pmf_read_maps(&q, &left_out), errors[i]);
		CHECK_EQ(left_out, 77);
	}
	CHECK_EQ(count_fds(), fds);
	CHECK_EQ(count_children(), children);
	child_end(pid);
}

/* --- the other end of the pipe is kept open --- */

static atomic_bool enough;

/* As a thread that freezes, and hangs in it. */
static void *keep_files(void *unused)
{
	(void)unused;
	if (unshare(CLONE_FILES) == 0)
		while (!atomic_load(&enough))
			usleep(10000);
	return NULL;
}

static void *make_keepers(void *unused)
{
	pthread_t t[400];
	size_t n = 0;

	(void)unused;
	while (n < ARRAY_SIZE(t) && !atomic_load(&enough)) {
		if (pthread_create(&t[n], NULL, keep_files, NULL) == 0)
			n++;
		usleep(500);
	}
	while (!atomic_load(&enough))
		usleep(10000);
	while (n > 0)
		pthread_join(t[--n], NULL);
	return NULL;
}

TEST(reader_waits_for_its_child_only)
{
	struct pmf_maps_want w = { .pid = getpid(), .start_ticks = PMF_ANY_START };
	struct pmf_maps_query q = {
		.devno = devno, .n = 1, .wants = &w, .stall_ms = 5000, .total_ms = 5000,
		.fn = refuse,
	};
	uint64_t begin, most = 0;
	size_t left_out;
	pthread_t t;

	fresh();
	atomic_store(&enough, false);
	CHECK(pthread_create(&t, NULL, make_keepers, NULL) == 0);
	for (int i = 0; i < 300; i++) {
		begin = now_ms();
		CHECK_EQ(pmf_read_maps(&q, &left_out), 0);
		most = MAX(most, now_ms() - begin);
		CHECK_EQ(left_out, 0);
	}
	atomic_store(&enough, true);
	pthread_join(t, NULL);
	test_say("%llu ms at most", (unsigned long long)most);
	CHECK(most < 5000);
}
