// SPDX-License-Identifier: GPL-2.0-only
/*
 * fsstorm: processes that create, rename, link, truncate, write, map and remove
 * files in a tree without a pause, until the filesystem is gone.
 *
 *	fsstorm --status FILE [--procs N] [--seed N] DIR
 *
 * Why: a removal must work in the middle of everything that changes metadata,
 * with inodes that are being made, evicted and truncated. Each process draws
 * its operations from its own seed. It ends by itself at the first EIO, EROFS or
 * ENODEV, which is what a filesystem answers once it is shut down, and says
 * "proc n=0 ops=1234 error=5 told=1"; the parent then "end procs=4". A path is
 * opened only for the operation, and no process stays inside DIR, so that the
 * filesystem can be unmounted.
 */
#include "report.h"

#include <getopt.h>
#include <sys/wait.h>

#define PROCS_MAX 64
#define NAMES 40
#define FILE_MAX (256UL << 10)

static const char *dir;
static unsigned int seed;
static volatile sig_atomic_t stop;

static unsigned int draw(unsigned int n)
{
	return (unsigned int)rand_r(&seed) % n;
}

static void draw_path(char path[static 512], unsigned int proc)
{
	/* most in a tree of its own, some where the others are */
	snprintf(path, 512, "%s/p%u/d%u/f%u", dir, draw(8) ? proc : draw(4), draw(4),
		 draw(NAMES));
}

static int op_write(const char *path)
{
	char buf[16384];
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644), r = 0;

	if (fd < 0)
		return -errno;
	memset(buf, draw(256), sizeof(buf));
	if (pwrite(fd, buf, 1 + draw(sizeof(buf)), draw(FILE_MAX)) < 0)
		r = -errno;
	else if (!draw(6) && fsync(fd))
		r = -errno;
	close(fd);
	return r;
}

static int op_truncate(const char *path)
{
	return truncate(path, draw(FILE_MAX)) ? -errno : 0;
}

static int op_fallocate(const char *path)
{
	static const int how[] = { 0, 1 /* KEEP_SIZE */, 3 /* PUNCH_HOLE */, 0x10 /* ZERO */ };
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644), r;

	if (fd < 0)
		return -errno;
	r = fallocate(fd, how[draw(4)], draw(FILE_MAX), 4096 + draw(65536)) ? -errno : 0;
	close(fd);
	return r;
}

/* Map, touch, unmap: the file may shrink below us, which is SIGBUS, and fine. */
static int op_map(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), r = 0;
	volatile unsigned char *p;
	struct stat st;
	size_t i;

	if (fd < 0 || fstat(fd, &st)) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	p = mmap(NULL, FILE_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return -errno;
	for (i = 0; i < 16 && st.st_size; i++) {
		volatile unsigned char *at = p + draw((unsigned int)st.st_size) % FILE_MAX;
		unsigned char v;

		if (draw(2) ? try_write(at, (unsigned char)i) : try_read(at, &v))
			break;
	}
	munmap((void *)p, FILE_MAX);
	return r;
}

static int op_rename(const char *path, const char *other)
{
	return rename(path, other) ? -errno : 0;
}

static int op_link(const char *path, const char *other)
{
	if (draw(2))
		return link(path, other) ? -errno : 0;
	return symlink(path, other) ? -errno : 0;
}

static int op_unlink(const char *path)
{
	return unlink(path) ? -errno : 0;
}

/* An unlinked file that is still open: its last reference evicts it. */
static int op_orphan(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644), r = 0;
	char c = 'o';

	if (fd < 0)
		return -errno;
	if (unlink(path) || pwrite(fd, &c, 1, draw(FILE_MAX)) < 0)
		r = -errno;
	close(fd);
	return r;
}

static int op_dir(unsigned int proc)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/p%u/x%u", dir, proc, draw(8));
	if (mkdir(path, 0755) == 0 || rmdir(path) == 0)
		return 0;
	return -errno;
}

static bool fatal(int error)
{
	return error == -EIO || error == -EROFS || error == -ENODEV || error == -ENXIO ||
	       error == -ESHUTDOWN || error == -EUCLEAN;
}

static int one(unsigned int proc)
{
	char path[512], other[512];

	draw_path(path, proc);
	draw_path(other, proc);
	switch (draw(12)) {
	case 0: case 1: case 2: return op_write(path);
	case 3: return op_truncate(path);
	case 4: return op_fallocate(path);
	case 5: case 6: return op_map(path);
	case 7: return op_rename(path, other);
	case 8: return op_link(path, other);
	case 9: return op_unlink(path);
	case 10: return op_orphan(path);
	default: return op_dir(proc);
	}
}

static void run(unsigned int proc)
{
	unsigned long ops = 0;
	char path[512];
	unsigned int i;
	int r;

	snprintf(path, sizeof(path), "%s/p%u", dir, proc);
	r = mkdir(path, 0755) && errno != EEXIST ? -errno : 0;
	for (i = 0; i < 4 && !r; i++) {
		snprintf(path, sizeof(path), "%s/p%u/d%u", dir, proc, i);
		r = mkdir(path, 0755) && errno != EEXIST ? -errno : 0;
	}
	while (!stop && !fatal(r)) {
		r = one(proc);
		if (++ops == 50)
			report("started n=%u", proc);
	}
	report("proc n=%u ops=%lu error=%d told=%u", proc, ops, fatal(r) ? -r : 0, told);
	_exit(0);
}

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "status", 1, NULL, 'S' }, { "procs", 1, NULL, 'p' }, { "seed", 1, NULL, 's' },
		{ NULL, 0, NULL, 0 }
	};
	struct sigaction sa = { .sa_handler = on_term };
	unsigned int procs = 4, first = 1, i, n, failed = 0;
	pid_t pids[PROCS_MAX];
	int c, status;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'S': report_to(optarg); break;
		case 'p': procs = atoi(optarg); break;
		case 's': first = atoi(optarg); break;
		default: return 2;
		}
	errno = EINVAL;
	if (optind + 1 != argc || procs > PROCS_MAX)
		broken("usage: fsstorm [OPTION...] DIR");
	dir = argv[optind];
	handle_sigbus();
	sigaction(SIGTERM, &sa, NULL);
	for (i = 0; i < procs; i++) {
		pid_t pid = fork();

		if (pid < 0)
			broken("fork");
		if (!pid) {
			/* not left hammering the next case */
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			seed = first * 1000 + i;
			run(i);
		}
		pids[i] = pid;
		report("worker pid=%d n=%u", pid, i);
	}
	report("ready");
	for (i = 0; i < procs;) {
		pid_t pid = wait(&status);

		if (pid < 0 && errno == EINTR) {
			for (n = 0; n < procs; n++)
				kill(pids[n], SIGTERM);
			continue;
		}
		if (pid < 0)
			broken("wait");
		i++;
		if (!WIFEXITED(status) || WEXITSTATUS(status)) {
			report("died pid=%d status=0x%x", pid, status);
			failed++;
		}
	}
	report("end procs=%u failed=%u", procs, failed);
	return failed != 0;
}
