// SPDX-License-Identifier: GPL-2.0-only
/*
 * guarded: a process that maps a file and is guarded by libpmemfail, with no handler of
 * its own: what the guard is not for ends it.
 *
 *	guarded read|zero FILE [SIZE]
 *
 * maps it (SIZE: that much, at a 2 MiB boundary), reads all of it and says "ready". On
 * SIGUSR1 it reads each page once more, by pmemfail_guard_read() or just so, and says
 *	scan pages=512 failed=1 first=4096 zeroes=0 told=1 told_at=4096 replaced=0
 *		replaced_at=0 length=0
 * in one line. On SIGTERM it says "end" and ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pmemfail/guard.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096
#define HUGE_PAGE ((size_t)2 << 20)

static unsigned char *map;
static size_t size;
static struct pmemfail_guard *guard;

__attribute__((noreturn))
static void broken(const char *what)
{
	printf("broken: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void map_file(const char *path, const char *length)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	unsigned char *room;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		broken(path);
	size = length ? strtoull(length, NULL, 0) : (size_t)st.st_size;
	room = mmap(NULL, size + HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		broken("room");
	room += HUGE_PAGE - (uintptr_t)room % HUGE_PAGE;
	map = mmap(room, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	if (map == MAP_FAILED)
		broken("mmap");
	close(fd);
}

static void note_of(enum pmemfail_guard_kind kind, uint64_t *ret_offset, uint64_t *ret_length)
{
	int k;

	*ret_offset = *ret_length = 0;
	for (size_t i = 0; (k = pmemfail_guard_get(guard, i, ret_offset, ret_length)) >= 0; i++)
		if (k == (int)kind)
			return;
	*ret_offset = *ret_length = 0;
}

static void scan(bool zero)
{
	static const unsigned char zeroes[PAGE];
	uint64_t failed = 0, first = 0, empty = 0, told_at, replaced_at, length, n;
	unsigned char page[PAGE];

	for (size_t at = 0; at < size; at += PAGE) {
		uint64_t bad;
		int r = 0;

		if (zero)
			memcpy(page, map + at, PAGE);
		else
			r = pmemfail_guard_read(guard, page, map + at, PAGE, &bad);
		if (r == -EIO && !failed++)
			first = bad;
		if (r == 0 && !memcmp(page, zeroes, PAGE))
			empty++;
	}
	note_of(PMEMFAIL_GUARD_TOLD, &told_at, &n);
	note_of(PMEMFAIL_GUARD_REPLACED, &replaced_at, &length);
	printf("scan pages=%zu failed=%" PRIu64 " first=%" PRIu64 " zeroes=%" PRIu64
	       " told=%" PRIu64 " told_at=%" PRIu64 " replaced=%" PRIu64
	       " replaced_at=%" PRIu64 " length=%" PRIu64 "\n", size / PAGE, failed, first,
	       empty, pmemfail_guard_count(guard, PMEMFAIL_GUARD_TOLD), told_at,
	       pmemfail_guard_count(guard, PMEMFAIL_GUARD_REPLACED), replaced_at, length);
}

int main(int argc, char **argv)
{
	bool zero = argc > 1 && !strcmp(argv[1], "zero");
	sigset_t commands;
	int sig, r;

	setvbuf(stdout, NULL, _IOLBF, 0);
	errno = EINVAL;
	if (argc < 3)
		broken("usage");
	sigemptyset(&commands);
	sigaddset(&commands, SIGUSR1);
	sigaddset(&commands, SIGTERM);
	sigprocmask(SIG_BLOCK, &commands, NULL);
	map_file(argv[2], argv[3]);
	r = pmemfail_guard_new(map, size, zero ? PMEMFAIL_GUARD_ZERO : 0, NULL, NULL, &guard);
	if (r < 0) {
		errno = -r;
		broken("pmemfail_guard_new");
	}
	for (size_t at = 0; at < size; at += PAGE)
		(void)*(volatile unsigned char *)(map + at);
	printf("ready\n");
	/* EINTR: a notice was taken */
	while ((sig = sigwaitinfo(&commands, NULL)) != SIGTERM)
		if (sig == SIGUSR1)
			scan(zero);
	pmemfail_guard_free(guard);
	printf("end\n");
	return 0;
}
