/* SPDX-License-Identifier: GPL-2.0-only */
/* See read-tools.h. */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "read-tools.h"

const char *fstype, *device, *name;
dev_t devno;
static const char *dir;
static pid_t children[16];
static unsigned int n_children;

/* Before main, which is the harness's. */
__attribute__((constructor)) static void setup(void)
{
	struct stat st;

	fstype = getenv("PMF_FSTYPE");
	device = getenv("PMF_DEVICE");
	dir = getenv("PMF_DIR");
	if (!fstype || !device || !dir || stat(device, &st) < 0 ||
	    unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		printf("Bail out! no setup: run read.sh\n");
		exit(1);
	}
	name = strrchr(device, '/') + 1;
	devno = st.st_rdev;
}

const char *at(const char *path)
{
	static char buf[8][PATH_MAX];
	static unsigned int i;
	char *p = buf[i++ % ARRAY_SIZE(buf)];

	snprintf(p, PATH_MAX, "%s/%s", dir, path);
	return p;
}

static bool below(const char *target)
{
	return strncmp(target, dir, strlen(dir)) == 0;
}

static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++, to++) {
		*to = *s;
		if (*s == '\\') {
			*to = (s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0');
			s += 3;
		}
	}
	*to = '\0';
}

/* What was mounted last goes first: it may be a FUSE mount that hides the way to
 * those below, and hangs whoever goes it. */
static bool unmount_last(void)
{
	char line[4096], target[4096], last[4096] = "";
	FILE *f = fopen("/proc/self/mountinfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*d %*d %*s %*s %4095s", target) == 1 && below(target))
			strcpy(last, target);
	if (f)
		fclose(f);
	unescape(last);
	return last[0] && umount2(last, MNT_DETACH) == 0;
}

void fresh(void)
{
	while (n_children > 0)
		child_end(children[n_children - 1]);
	while (unmount_last())
		;
	mkdir(at("m"), 0755);
	mkdir(at("n"), 0755);
	mkdir(at("o"), 0755);
}

bool mount_at(const char *path, unsigned long flags)
{
	return mount(device, at(path), fstype, flags, NULL) == 0;
}

bool bind_at(const char *from, const char *to)
{
	return mount(at(from), at(to), NULL, MS_BIND, NULL) == 0;
}

struct pmf_site the_site(const char *mountpoint)
{
	return (struct pmf_site){
		.kind = PMF_SITE_FILESYSTEM,
		.devno = devno,
		.fs_devno = devno,
		.name = (char *)name,
		.node = (char *)device,
		.fstype = (char *)fstype,
		.mountpoint = (char *)mountpoint,
	};
}

/* The kernel frees it a moment after the last user is gone. */
bool is_mounted(void)
{
	char path[128];
	int i;

	snprintf(path, sizeof(path), "/sys/fs/%s/%s", fstype, name);
	for (i = 0; i < 100 && access(path, F_OK) == 0; i++)
		usleep(10000);
	return i == 100;
}

uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

pid_t child_doing(bool (*fn)(void *), void *arg)
{
	char c = 0;
	int p[2];
	pid_t pid;

	if (pipe(p) < 0)
		return -1;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(p[0]);
		c = fn(arg) ? 'y' : 'n';
		if (write(p[1], &c, 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(p[1]);
	if (read(p[0], &c, 1) != 1)
		c = 'n';
	close(p[0]);
	assert(n_children < ARRAY_SIZE(children));
	children[n_children++] = pid;
	if (c == 'y')
		return pid;
	child_end(pid);
	return -1;
}

void child_end(pid_t pid)
{
	unsigned int i;

	for (i = 0; i < n_children && children[i] != pid; i++)
		;
	if (i == n_children)
		return;
	children[i] = children[--n_children];
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void *map_file(const char *path, off_t offset)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	void *p = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, 4 * MAP_BYTES) == 0)
		p = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	safe_close(fd);
	return p;
}

void free_victims(struct pmf_victim *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].unit);
		free(v[i].path);
	}
	free(v);
}

const struct pmf_victim *find_victim(const struct pmf_victim *v, size_t n, pid_t pid,
				     const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].pid == pid && (!path || streq_ptr(v[i].path, path)))
			return &v[i];
	return NULL;
}
