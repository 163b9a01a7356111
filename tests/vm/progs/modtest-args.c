// SPDX-License-Identifier: GPL-2.0-only
/*
 * modtest-args: what /dev/pmemfail refuses, and how
 *
 *	modtest-args DAXFILE PMEMDISK PARTITION|- DAXNODE|-
 *
 * DAXFILE is a regular file of a mounted DAX filesystem. Prints a line for each
 * check, "ok NAME" or "FAILED NAME: ..."; ends with 1 if any failed. With the
 * environment variable BREAK=NAME that check expects the opposite of what is right,
 * so that the test of the test is a run away.
 */
#include "modtest.h"

#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/capability.h>

static unsigned int failed;
static int module;

static void check(const char *name, int got, int want)
{
	const char *invert = getenv("BREAK");

	if (invert && !strcmp(invert, name))
		want = want ? 0 : EIO;
	if (got == want) {
		printf("ok %s\n", name);
		return;
	}
	printf("FAILED %s: %s, not %s\n", name, error_name(got), error_name(want));
	failed++;
}

static int open_or(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		broken("open %s", path);
	return fd;
}

/* One kind of struct, with a good content and every way to spoil it. */
static void check_struct(const char *name, unsigned long cmd, const void *good, size_t size,
			 int good_error)
{
	unsigned char *buf = calloc(1, 8192);
	char text[128];

#define CHECK(what, want) \
	(snprintf(text, sizeof(text), "%s-%s", name, what), \
	 check(text, call(module, cmd, buf), want))
#define SIZE(n) (*(uint32_t *)buf = (n))
#define RESET() (memset(buf, 0, 8192), memcpy(buf, good, size))

	RESET();
	CHECK("as-is", good_error);
	RESET(); SIZE(0);
	CHECK("size-0", EINVAL);
	RESET(); SIZE(size - 1);
	CHECK("size-short", EINVAL);
	RESET(); SIZE(size + 8);
	CHECK("tail-zero", good_error);
	RESET(); SIZE(size + 8); buf[size + 7] = 1;
	CHECK("tail-set", E2BIG);
	RESET(); SIZE(8192);
	CHECK("size-huge", E2BIG);
	snprintf(text, sizeof(text), "%s-null", name);
	check(text, call(module, cmd, NULL), EFAULT);
	/* the size _IOC() encodes is not looked at */
	RESET();
	snprintf(text, sizeof(text), "%s-ioc-size", name);
	check(text, call(module, _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), size + 64), buf),
	      good_error);
	free(buf);
}

static void again(void)
{
	close(module);
	module = module_open(O_NONBLOCK);
}

static void check_info(void)
{
	struct pmemfail_info info = { .size = sizeof(info) };

	check_struct("info", PMEMFAIL_IOC_INFO, &info, sizeof(info), 0);
	check("info", call(module, PMEMFAIL_IOC_INFO, &info), 0);
	check("info-abi", info.abi == PMEMFAIL_ABI ? 0 : EIO, 0);
	check("info-features", info.features == 0x1f ? 0 : EIO, 0);
}

static void check_commands(int fd)
{
	struct pmemfail_info info = { .size = sizeof(info) };
	struct pmemfail_release release = { .size = sizeof(release), .id = 1 };
	struct pmemfail_guard guard = { .size = sizeof(guard),
					.flags = PMEMFAIL_GUARD_DISARM, .fd = fd };
	char event[sizeof(struct pmemfail_event)];

	check("unknown-nr", call(module, _IOWR(PMEMFAIL_IOC_MAGIC, 0x07, info), &info), ENOTTY);
	check("unknown-type", call(module, _IOWR('X', 0x00, info), &info), ENOTTY);
	check("read-empty", read(module, event, sizeof(event)) < 0 ? errno : 0, EAGAIN);
	check("read-short", read(module, event, sizeof(event) - 1) < 0 ? errno : 0, EINVAL);
	check("release-unknown", call(module, PMEMFAIL_IOC_RELEASE, &release), ENOENT);
	check("guard-on-watcher", call(module, PMEMFAIL_IOC_GUARD, &guard), EINVAL);
	check("info-on-watcher", call(module, PMEMFAIL_IOC_INFO, &info), 0);
	again();
	check("guard-unarmed", call(module, PMEMFAIL_IOC_GUARD, &guard), 0);
	check("release-on-attempt", call(module, PMEMFAIL_IOC_RELEASE, &release), EINVAL);
	again();
}

static int watch(int fd, unsigned int flags, unsigned int timeout_ms)
{
	struct pmemfail_watch arg = { .size = sizeof(arg), .flags = flags, .fd = fd,
				      .timeout_ms = timeout_ms };

	return call(module, PMEMFAIL_IOC_WATCH, &arg);
}

static void check_watch(int file, int disk, const char *partition, const char *node)
{
	struct pmemfail_watch good = { .size = sizeof(good), .fd = disk, .timeout_ms = 1000 };
	int null = open_or("/dev/null", O_RDWR), other = module, pipes[2];

	check_struct("watch", PMEMFAIL_IOC_WATCH, &good, sizeof(good), 0);
	check("watch-flags", watch(disk, 1, 1000), EINVAL);
	check("watch-timeout-0", watch(disk, 0, 0), EINVAL);
	check("watch-timeout-max", watch(disk, 0, PMEMFAIL_HOLD_MAX_MS), 0);
	check("watch-timeout-more", watch(disk, 0, PMEMFAIL_HOLD_MAX_MS + 1), EINVAL);
	check("watch-bad-fd", watch(-1, 0, 1000), EBADF);
	check("watch-file", watch(file, 0, 1000), ENOTBLK);
	check("watch-chardev", watch(null, 0, 1000), ENOTBLK);
	check("watch-itself", watch(module, 0, 1000), ENOTBLK);
	if (pipe(pipes))
		broken("pipe");
	check("watch-pipe", watch(pipes[0], 0, 1000), ENOTBLK);
	check("watch-dir", watch(open_or("/", O_RDONLY), 0, 1000), ENOTBLK);
	check("watch-path-fd", watch(open_or("/dev/pmem0", O_PATH), 0, 1000), EBADF);
	if (!access("/dev/vda", F_OK))
		check("watch-no-pmem", watch(open_or("/dev/vda", O_RDONLY), 0, 1000), ENODEV);
	if (strcmp(partition, "-"))
		check("watch-partition", watch(open_or(partition, O_RDONLY), 0, 1000), EINVAL);
	if (strcmp(node, "-")) {
		check("watch-node", watch(open_or(node, O_RDWR), 0, 1000), 0);
		check("watch-node-twice", watch(open_or(node, O_RDWR), 0, 1000), 0);
	}

	module = module_open(O_NONBLOCK);
	check("watch-busy", watch(disk, 0, 1000), EBUSY);
	if (strcmp(node, "-"))
		check("watch-node-busy", watch(open_or(node, O_RDWR), 0, 1000), EBUSY);
	close(other);
	check("watch-freed", watch(disk, 0, 1000), 0);
	again();
}

static int take(unsigned long cmd, int fd, uint64_t start, uint64_t end, unsigned int flags,
		  unsigned int signal)
{
	struct pmemfail_revoke arg = {
		.size = sizeof(arg), .flags = flags, .fd = fd, .signal = signal,
		.start = start, .end = end,
	};

	return call(module, cmd, &arg);
}

#define FS(...) take(PMEMFAIL_IOC_REVOKE_FS, __VA_ARGS__)
#define RANGE(...) take(PMEMFAIL_IOC_REVOKE_FILE, __VA_ARGS__)
#define LOOK PMEMFAIL_REVOKE_LOOK

static void check_revoke(const char *path, int file, int disk)
{
	struct pmemfail_revoke good = { .size = sizeof(good), .flags = LOOK, .fd = file };
	int null = open_or("/dev/null", O_RDWR), memory = memfd_create("x", MFD_CLOEXEC);

	check_struct("fs", PMEMFAIL_IOC_REVOKE_FS, &good, sizeof(good), 0);
	good.end = 4096;
	check_struct("file", PMEMFAIL_IOC_REVOKE_FILE, &good, sizeof(good), 0);
	check("fs-flags", FS(file, 0, 0, 1U << 3, 0), EINVAL);
	check("fs-look-dirty", FS(file, 0, 0, LOOK | PMEMFAIL_REVOKE_DROP_DIRTY, 0), EINVAL);
	check("fs-look-stop", FS(file, 0, 0, LOOK | PMEMFAIL_REVOKE_STOP_DAX, 0), EINVAL);
	check("fs-signal", FS(file, 0, 0, LOOK, PMEMFAIL_SIGNAL_EVERY + 1), EINVAL);
	check("fs-range", FS(file, 0, 4096, LOOK, 0), EINVAL);
	check("fs-bad-fd", FS(-1, 0, 0, LOOK, 0), EBADF);
	check("fs-null", FS(null, 0, 0, LOOK, 0), EINVAL);
	check("fs-disk", FS(disk, 0, 0, LOOK, 0), EINVAL);
	check("fs-memory", FS(memory, 0, 0, LOOK, 0), EINVAL);
	check("fs-path-fd", FS(open_or(path, O_PATH), 0, 0, LOOK, 0), 0);
	check("file-stop", RANGE(file, 0, 4096, PMEMFAIL_REVOKE_STOP_DAX, 0), EINVAL);
	check("file-empty", RANGE(file, 0, 0, LOOK, 0), EINVAL);
	check("file-reversed", RANGE(file, 8192, 4096, LOOK, 0), EINVAL);
	check("file-max", RANGE(file, 0, UINT64_MAX, LOOK, 0), 0);
	check("file-last-byte", RANGE(file, UINT64_MAX - 1, UINT64_MAX, LOOK, 0), 0);
	check("file-path-fd", RANGE(open_or(path, O_PATH), 0, 4096, LOOK, 0), EBADF);
	check("file-disk", RANGE(disk, 0, 4096, LOOK, 0), EINVAL);
	check("file-memory", RANGE(memory, 0, 4096, LOOK, 0), EINVAL);
	check("file-null", RANGE(null, 0, 4096, LOOK, 0), EINVAL);
	good.end = 4096;
	good.victims_max = 1;
	check("file-victims-0", call(module, PMEMFAIL_IOC_REVOKE_FILE, &good), EINVAL);
}

static void check_rest(int file)
{
	struct pmemfail_victims victims = { .size = sizeof(victims) };
	struct pmemfail_guard guard = { .size = sizeof(guard),
					.flags = PMEMFAIL_GUARD_ARM, .fd = file };

	check_struct("victims", PMEMFAIL_IOC_VICTIMS, &victims, sizeof(victims), 0);
	victims.max = 1;
	check("victims-0", call(module, PMEMFAIL_IOC_VICTIMS, &victims), EINVAL);
	victims = (struct pmemfail_victims) { .size = sizeof(victims), .flags = 1 };
	check("victims-flags", call(module, PMEMFAIL_IOC_VICTIMS, &victims), EINVAL);
	victims = (struct pmemfail_victims) { .size = sizeof(victims), .reserved = 1 };
	check("victims-reserved", call(module, PMEMFAIL_IOC_VICTIMS, &victims), EINVAL);

	check_struct("guard", PMEMFAIL_IOC_GUARD, &guard, sizeof(guard), 0);
	guard.flags = 0;
	check("guard-none", call(module, PMEMFAIL_IOC_GUARD, &guard), EINVAL);
	guard.flags = PMEMFAIL_GUARD_ARM | PMEMFAIL_GUARD_DISARM;
	check("guard-both", call(module, PMEMFAIL_IOC_GUARD, &guard), EINVAL);
	guard.flags = PMEMFAIL_GUARD_ARM;
	guard.reserved = 1;
	check("guard-reserved", call(module, PMEMFAIL_IOC_GUARD, &guard), EINVAL);
	guard.reserved = 0;
	guard.fd = -1;
	check("guard-bad-fd", call(module, PMEMFAIL_IOC_GUARD, &guard), EBADF);
	guard.fd = file;
	guard.flags = PMEMFAIL_GUARD_DISARM;
	check("guard-disarm", call(module, PMEMFAIL_IOC_GUARD, &guard), 0);
}

/* Root without the one capability; the file's mode does not stop it. */
static void check_capability(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];
	int status, fd;
	pid_t pid = fork();

	if (!pid) {
		if (syscall(SYS_capget, &head, caps))
			_exit(200);
		caps[0].effective &= ~(1U << CAP_SYS_ADMIN);
		if (syscall(SYS_capset, &head, caps))
			_exit(201);
		fd = open(PMEMFAIL_DEV_PATH, O_RDWR);
		_exit(fd < 0 ? errno : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		broken("fork");
	check("capability", WEXITSTATUS(status), EPERM);
}

/* Root of a user namespace, as in a container: it has all capabilities there, and none
 * that count. */
static void check_container(void)
{
	int status, fd;
	pid_t pid = fork();

	if (!pid) {
		if (unshare(CLONE_NEWUSER))
			_exit(200);
		fd = open(PMEMFAIL_DEV_PATH, O_RDWR);
		_exit(fd < 0 ? errno : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		broken("fork");
	check("container", WEXITSTATUS(status), EPERM);
}

int main(int argc, char **argv)
{
	int file, disk;

	setlinebuf(stdout);
	if (argc != 5)
		broken("usage: modtest-args DAXFILE PMEMDISK PARTITION|- DAXNODE|-");
	file = open_or(argv[1], O_RDWR);
	disk = open_or(argv[2], O_RDONLY);
	module = module_open(O_NONBLOCK);
	check_info();
	check_commands(file);
	check_watch(file, disk, argv[3], argv[4]);
	check_revoke(argv[1], file, disk);
	check_rest(file);
	check_capability();
	check_container();
	printf("%u failed\n", failed);
	return failed ? 1 : 0;
}
