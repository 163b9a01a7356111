// SPDX-License-Identifier: GPL-2.0-only
/*
 * modtest-map: files that were mapped, and are no longer
 *
 *	modtest-map FILE...		read one page of each through a mapping, end
 *	modtest-map --pin DEV FILE	begin a direct read from DEV into a mapping of
 *					FILE, unmap it, print "pinned"; when the read
 *					is done, print "read N" and end
 *	modtest-map --crowd N FILE	N processes that map a page of FILE and count the
 *					SIGBUS they are sent; "ready", and at SIGTERM
 *					"told once=N more=0"
 *	modtest-map --present PID ADDRESS PAGES
 *					print how many of these pages of a process
 *					are in its page tables
 *
 * The first leaves inodes in memory with DAX entries, that nobody has open. The
 * second has pages pinned in a file that nobody maps.
 */
#include "modtest.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <linux/aio_abi.h>

#define PIN_SIZE (64UL << 10)

static void *map(const char *path, int prot, size_t size)
{
	int fd = open(path, (prot & PROT_WRITE ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	void *p;

	if (fd < 0)
		broken("open %s", path);
	p = mmap(NULL, size, prot, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		broken("mmap %s", path);
	close(fd);
	return p;
}

static void pin(const char *source, const char *path)
{
	void *p = map(path, PROT_READ | PROT_WRITE, PIN_SIZE);
	struct iocb cb = { .aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = (uintptr_t)p,
			   .aio_nbytes = PIN_SIZE }, *cbs = &cb;
	aio_context_t aio = 0;
	struct io_event done;
	int fd = open(source, O_RDONLY | O_DIRECT | O_CLOEXEC);

	if (fd < 0)
		broken("open %s", source);
	cb.aio_fildes = fd;
	if (syscall(SYS_io_setup, 1, &aio) || syscall(SYS_io_submit, aio, 1, &cbs) != 1)
		broken("direct read from %s", source);
	munmap(p, PIN_SIZE);
	printf("pinned\n");
	if (syscall(SYS_io_getevents, aio, 1, 1, &done, NULL) != 1)
		broken("io_getevents");
	printf("read %lld\n", (long long)done.res);
}

static volatile sig_atomic_t told;

static void on_bus(int sig)
{
	(void)sig;
	told++;
}

static void member(const char *path, int ready, int go, int count)
{
	volatile char *p = map(path, PROT_READ, 4096);
	char c;

	signal(SIGBUS, on_bus);
	(void)*p;
	if (write(ready, "x", 1) != 1)
		_exit(1);
	while (read(go, &c, 1) < 0 && errno == EINTR)
		;
	c = told;
	_exit(write(count, &c, 1) != 1);
}

static void crowd(unsigned int n, const char *path)
{
	unsigned int i, once = 0, more = 0;
	int ready[2], go[2], count[2], sig;
	sigset_t set;
	char c;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (pipe(ready) || pipe(go) || pipe(count))
		broken("pipe");
	for (i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			broken("fork");
		if (!pid) {
			close(go[1]);
			member(path, ready[1], go[0], count[1]);
		}
	}
	for (i = 0; i < n; i++)
		if (read(ready[0], &c, 1) != 1)
			broken("read");
	printf("ready\n");
	sigwait(&set, &sig);
	close(go[1]);
	for (i = 0; i < n; i++) {
		if (read(count[0], &c, 1) != 1)
			broken("read");
		once += c == 1;
		more += c > 1;
	}
	printf("told once=%u more=%u\n", once, more);
}

static unsigned int present(const char *pid, uint64_t address, unsigned int pages)
{
	unsigned int i, n = 0;
	char path[64];
	uint64_t entry;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		broken("open %s", path);
	for (i = 0; i < pages; i++) {
		if (pread(fd, &entry, 8, (address / 4096 + i) * 8) != 8)
			broken("read %s", path);
		n += entry >> 63;
	}
	return n;
}

int main(int argc, char **argv)
{
	int i;

	setlinebuf(stdout);
	if (argc == 5 && !strcmp(argv[1], "--present")) {
		printf("%u\n", present(argv[2], strtoull(argv[3], NULL, 0), atoi(argv[4])));
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "--pin")) {
		pin(argv[2], argv[3]);
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "--crowd")) {
		crowd(atoi(argv[2]), argv[3]);
		return 0;
	}
	for (i = 1; i < argc; i++) {
		volatile char *p = map(argv[i], PROT_READ, 4096);

		(void)*p;
		munmap((void *)p, 4096);
	}
	return 0;
}
