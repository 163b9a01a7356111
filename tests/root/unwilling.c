// SPDX-License-Identifier: GPL-2.0-only
/*
 * unwilling: what a process has open is asked of processes that make the asker wait.
 * One thread of each waits for a FUSE server that never answers, and has the mutex of
 * an epoll instance meanwhile, which fdinfo of that instance wants, too
 * (fs/eventpoll.c). Run by unwilling.sh: unwilling DIRECTORY, which is empty.
 */
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/base.h"
#include "sys/sys-internal.h"

static char mountpoint[256], honest[256], racing[256], dull[256];

static void die(const char *what)
{
	fprintf(stderr, "unwilling: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- a FUSE filesystem of one file, which is not answered when it is polled --- */

static void answer(int fd, uint64_t unique, int error, const void *data, size_t n)
{
	char buf[512];
	struct fuse_out_header *h = (void *)buf;

	*h = (struct fuse_out_header){ sizeof(*h) + (uint32_t)n, error, unique };
	memcpy(buf + sizeof(*h), data, n);
	(void)!write(fd, buf, h->len);
}

static void serve(int fd)
{
	static char buf[1 << 17];
	const struct fuse_in_header *in = (void *)buf;
	const struct fuse_attr dir = { .ino = 1, .mode = S_IFDIR | 0755, .nlink = 2 };
	const struct fuse_attr file = { .ino = 2, .mode = S_IFREG | 0644, .nlink = 1 };

	while (read(fd, buf, sizeof(buf)) > 0)
		switch (in->opcode) {
		case FUSE_INIT:
			answer(fd, in->unique, 0, &(struct fuse_init_out){
				.major = 7, .minor = 26, .max_write = 4096 },
				sizeof(struct fuse_init_out));
			break;
		case FUSE_GETATTR:
			answer(fd, in->unique, 0, &(struct fuse_attr_out){
				.attr = in->nodeid == 1 ? dir : file },
				sizeof(struct fuse_attr_out));
			break;
		case FUSE_LOOKUP:
			answer(fd, in->unique, 0, &(struct fuse_entry_out){
				.nodeid = 2, .attr = file }, sizeof(struct fuse_entry_out));
			break;
		case FUSE_OPEN:
			answer(fd, in->unique, 0, &(struct fuse_open_out){ .fh = 1 },
			       sizeof(struct fuse_open_out));
			break;
		case FUSE_POLL:
			break;		/* never */
		default:
			answer(fd, in->unique, -ENOSYS, "", 0);
		}
}

static pid_t start_server(void)
{
	char options[128];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	pid_t pid;

	(void)snprintf(options, sizeof(options), "fd=%d,rootmode=040000,user_id=0,group_id=0",
		       fd);
	if (fd < 0 || mount("unwilling", mountpoint, "fuse", MS_NOSUID | MS_NODEV, options) < 0) {
		printf("skip no FUSE here: %s\n", strerror(errno));
		exit(77);
	}
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(fd);
		exit(0);
	}
	close(fd);
	return pid;
}

/* --- processes --- */

static int epoll_fd, polled_fd;

static void *poll_it(void *arg)
{
	struct epoll_event e = { .events = EPOLLIN };

	(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, polled_fd, &e);
	return arg;
}

static void hang_epoll(void)
{
	char path[300];
	pthread_t t;

	(void)snprintf(path, sizeof(path), "%s/f", mountpoint);
	polled_fd = open(path, O_RDONLY);
	epoll_fd = epoll_create1(0);
	if (polled_fd < 0 || epoll_fd < 0 || pthread_create(&t, NULL, poll_it, NULL) != 0)
		die("cannot poll");
	usleep(300000);
}

/* exchange: its descriptor is the epoll instance half of the time. */
static pid_t start(const char *path, bool hangs, bool exchange)
{
	pid_t pid = fork();
	int fd;

	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	if (fd < 0)
		die(path);
	if (hangs)
		hang_epoll();
	while (exchange) {
		(void)dup2(epoll_fd, 100);
		(void)dup2(fd, 100);
	}
	for (;;)
		pause();
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static bool found(const char *path, const struct pmf_file_id *v, size_t n)
{
	struct stat st;

	if (stat(path, &st) < 0)
		die(path);
	for (size_t i = 0; i < n; i++)
		if (v[i].ino == st.st_ino)
			return true;
	return false;
}

/* In a child, which may hang: what it finds out it prints. */
static void ask(dev_t devno, bool race)
{
	struct pmf_file_id *v = NULL;
	uint64_t begin = now_ms();
	size_t n = 0;
	int r = pmf_sys_open_files(NULL, devno, &v, &n);

	begin = now_ms() - begin;
	printf("%s %s: %d, %zu files, %llu ms\n", r == 0 && found(honest, v, n) &&
	       (race || found(dull, v, n)) ? "ok" : "not ok", race ? "who_exchanges_descriptors" :
	       "who_waits_for_fuse", r, n, (unsigned long long)begin);
	exit(0);
}

static void ask_bounded(dev_t devno, bool race)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		ask(devno, race);
	for (int i = 0; i < 300; i++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return;
		usleep(100000);
	}
	printf("not ok %s: it hangs\n", race ? "who_exchanges_descriptors" :
	       "who_waits_for_fuse");
}

int main(int argc, char **argv)
{
	pid_t server, pids[3];
	struct stat st;

	if (argc != 2)
		return 2;
	(void)snprintf(mountpoint, sizeof(mountpoint), "%s/fuse", argv[1]);
	(void)snprintf(honest, sizeof(honest), "%s/honest", argv[1]);
	(void)snprintf(racing, sizeof(racing), "%s/racing", argv[1]);
	(void)snprintf(dull, sizeof(dull), "%s/dull", argv[1]);
	if (mkdir(mountpoint, 0700) < 0 || stat(argv[1], &st) < 0)
		die(argv[1]);
	server = start_server();
	pids[0] = start(dull, true, false);
	pids[1] = start(honest, false, false);
	usleep(1000000);
	ask_bounded(st.st_dev, false);
	pids[2] = start(racing, true, true);
	usleep(1000000);
	ask_bounded(st.st_dev, true);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		(void)kill(pids[i], SIGKILL);
	(void)kill(server, SIGKILL);	/* which ends what waits for it */
	(void)umount2(mountpoint, MNT_DETACH);
	while (wait(NULL) > 0)
		;
	return 0;
}
