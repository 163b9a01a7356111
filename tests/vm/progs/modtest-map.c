// SPDX-License-Identifier: GPL-2.0-only
/*
 * modtest-map: files that were mapped, and are no longer
 *
 *	modtest-map FILE...		read one page of each through a mapping, end
 *	modtest-map --pin DEV FILE	begin a direct read from DEV into a mapping of
 *					FILE, unmap it, print "pinned"; when the read
 *					is done, print "read N" and end
 *	modtest-map --present PID ADDRESS PAGES
 *					print how many of these pages of a process
 *					are in its page tables
 *
 * The first leaves inodes in memory with DAX entries, that nobody has open. The
 * second has pages pinned in a file that nobody maps.
 */
#include "modtest.h"

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
	for (i = 1; i < argc; i++) {
		volatile char *p = map(argv[i], PROT_READ, 4096);

		(void)*p;
		munmap((void *)p, 4096);
	}
	return 0;
}
