/* SPDX-License-Identifier: GPL-2.0-only */
/* See freeze-tools.h. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>

#include "freeze-tools.h"

const char *run_dir;
unsigned int failed;

void ok(const char *test, const struct fs *fs)
{
	printf("ok %s%s%s\n", test, fs ? " " : "", fs ? fs->name : "");
	fflush(stdout);
}

void not_ok(const char *test, const struct fs *fs, int line, const char *what)
{
	failed++;
	printf("not ok %s%s%s: line %d: %s\n", test, fs ? " " : "", fs ? fs->name : "",
	       line, what);
	fflush(stdout);
}

static void die(const char *what)
{
	printf("not ok setup: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

uint64_t now_ms(void)
{
	return pmf_boottime_ns() / 1000000;
}

struct pmf_sys *sys_open(void)
{
	struct pmf_policy p = { .fs.freeze = true };
	struct pmf_sys *s;

	(void)snprintf(p.run_dir, sizeof(p.run_dir), "%s", run_dir);
	errno = -pmf_sys_new(&p, &s);
	if (errno)
		die("pmf_sys_new");
	return s;
}

int open_dir(const struct fs *fs)
{
	int fd = open(fs->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		die(fs->dir);
	return fd;
}

unsigned int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (d && readdir(d))
		n++;
	closedir(d);
	return n;
}

static bool wait_end(pid_t pid, unsigned int ms, int *status)
{
	uint64_t end = now_ms() + ms;

	for (;;) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		if (now_ms() >= end)
			return false;
		pmf_sleep_us(2000);
	}
}

bool writable(const struct fs *fs, unsigned int ms)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		char path[256];
		int fd;

		(void)snprintf(path, sizeof(path), "%s/probe", fs->dir);
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		_exit(fd < 0 || write(fd, "x", 1) != 1);
	}
	if (wait_end(pid, ms, &status))
		return WIFEXITED(status) && WEXITSTATUS(status) == 0;
	kill(pid, SIGKILL);	/* ends when thawed; not waited for */
	return false;
}

bool freezes(const struct fs *fs, unsigned int ms)
{
	uint64_t end = now_ms() + ms;

	while (writable(fs, 200))
		if (now_ms() >= end)
			return false;
	return true;
}

bool records(bool wanted, unsigned int ms)
{
	uint64_t end = now_ms() + ms;
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/frozen", run_dir);
	for (;;) {
		DIR *d = opendir(path);
		struct dirent *e;
		bool any = false;

		while (d && (e = readdir(d)))
			any |= e->d_name[0] != '.';
		if (d)
			closedir(d);
		if (any == wanted)
			return true;
		if (now_ms() >= end)
			return false;
		pmf_sleep_us(2000);
	}
}

bool remount(const struct fs *fs, unsigned int ms)
{
	uint64_t end = now_ms() + ms;
	bool good;

	while (!(good = umount2(fs->dir, 0) == 0) && errno == EBUSY && now_ms() < end)
		pmf_sleep_us(2000);
	if (good && mount(fs->device, fs->dir, fs->fstype, 0, NULL) < 0)
		die("mount again");
	return good;
}

void mount_fresh(const struct fs *fs)
{
	if (!remount(fs, 2000))
		die("unmount");
}

struct blocker blocker_start(const struct fs *fs)
{
	struct blocker b;
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		die("pipe");
	b.pipe = p[1];
	b.pid = fork();
	if (b.pid == 0) {
		char path[256];
		int fd;

		close(p[1]);
		(void)snprintf(path, sizeof(path), "%s/blocker", fs->dir);
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		/* fs/splice.c do_splice: file_start_write(), then it waits for data */
		(void)splice(p[0], NULL, fd, NULL, 4096, 0);
		_exit(0);
	}
	close(p[0]);
	pmf_sleep_us(100000);
	return b;
}

void blocker_end(struct blocker *b)
{
	if (write(b->pipe, "x", 1) != 1)
		die("blocker");
	close(b->pipe);
	(void)waitpid(b->pid, NULL, 0);
}

static pid_t find_guard(pid_t owner)
{
	char path[64], line[64];
	DIR *d = opendir("/proc");
	struct dirent *e;
	pid_t found = 0;

	while (!found && d && (e = readdir(d))) {
		bool name = false, child = false;
		int ppid;
		FILE *f;

		(void)snprintf(path, sizeof(path), "/proc/%.10s/status", e->d_name);
		f = e->d_name[0] >= '0' && e->d_name[0] <= '9' ? fopen(path, "re") : NULL;
		while (f && fgets(line, sizeof(line), f)) {
			name |= streq(line, "Name:\tpmemfail-guard\n");
			child |= sscanf(line, "PPid: %d", &ppid) == 1 && ppid == owner;
		}
		if (f)
			fclose(f);
		if (name && child)
			found = atoi(e->d_name);
	}
	closedir(d);
	return found;
}

/* One just forked has not its own name yet. */
pid_t guard_of(pid_t owner)
{
	uint64_t end = now_ms() + 1000;
	pid_t pid;

	while (!(pid = find_guard(owner)) && now_ms() < end)
		pmf_sleep_us(5000);
	return pid;
}

void kill_guard(int sig)
{
	pid_t pid = guard_of(getpid());

	if (pid <= 0)
		die("no guard to kill");
	kill(pid, sig);
}

struct owner owner_start(const struct fs *fs, enum stage stage)
{
	struct owner o;
	int p[2];
	char c;

	if (pipe2(p, O_CLOEXEC) < 0)
		die("pipe");
	o.pid = fork();
	if (o.pid == 0) {
		struct pmf_sys *s = sys_open();
		struct pmf_freeze *f;
		int fd = open_dir(fs);

		if (s->ops->freeze_prepare(s, fd, fs->name, 60000000, &f) < 0)
			_exit(1);
		if (stage == AT_FREEZING)
			(void)!write(p[1], "x", 1);
		if (stage != AT_PREPARED && s->ops->freeze(s, f) < 0)
			_exit(1);
		(void)!write(p[1], "x", 1);
		for (;;)
			pause();
	}
	close(p[1]);
	if (read(p[0], &c, 1) != 1)
		die("owner");
	if (stage == AT_FREEZING)
		pmf_sleep_us(100000);
	close(p[0]);
	o.guard = guard_of(o.pid);
	if (!o.guard)
		die("owner has no guard");
	return o;
}

void owner_kill(struct owner *o)
{
	kill(o->pid, SIGKILL);
}

/* Not our child, so its end can only be looked for. A zombie is gone. */
void kill_and_wait_gone(pid_t pid)
{
	struct pmf_process_stat st;

	kill(pid, SIGKILL);
	while (pmf_process_stat(pid, &st) == 0 && st.state != 'Z' && st.state != 'X')
		pmf_sleep_us(1000);
}
