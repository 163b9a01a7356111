// SPDX-License-Identifier: GPL-2.0-only
/*
 * How an application reads a file on persistent memory through a mapping, and survives
 * when some of it is lost: it copies FILE to standard output, and fills what cannot be
 * read with zeroes, a page at a time, saying so.
 *
 *	cc -o guard guard.c $(pkg-config --cflags --libs libpmemfail)
 *	./guard FILE >COPY
 *
 * Exit status 0: all of it; 1: some was lost; 2: something else went wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pmemfail/guard.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 65536
#define PAGE 4096

/* Returns how many bytes were lost, or a negative error number. */
static long copy_piece(struct pmemfail_guard *guard, const unsigned char *map, size_t at,
		       size_t n)
{
	static unsigned char buffer[PIECE];
	size_t done = 0;
	long lost = 0;

	while (done < n) {
		uint64_t bad;
		size_t hole;
		int r = pmemfail_guard_read(guard, buffer + done, map + at + done, n - done,
					    &bad);

		if (r == 0)
			break;
		if (r != -EIO)
			return r;
		/* what is before it has been copied; its page is lost */
		done = bad - at;
		hole = PAGE - bad % PAGE;
		if (hole > n - done)
			hole = n - done;
		memset(buffer + done, 0, hole);
		fprintf(stderr, "lost: %zu bytes at %" PRIu64 "\n", hole, bad);
		done += hole;
		lost += (long)hole;
	}
	return fwrite(buffer, 1, n, stdout) == n ? lost : -EIO;
}

static int copy(struct pmemfail_guard *guard, const unsigned char *map, size_t size)
{
	long lost = 0;

	for (size_t at = 0; at < size; at += PIECE) {
		long r = copy_piece(guard, map, at, size - at < PIECE ? size - at : PIECE);

		if (r < 0) {
			fprintf(stderr, "%s\n", strerror((int)-r));
			return 2;
		}
		lost += r;
	}
	return lost > 0;
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	struct pmemfail_guard *guard;
	struct stat st;
	void *map;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0 || !st.st_size) {
		fprintf(stderr, "usage: guard FILE, which is not empty\n");
		return 2;
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	/* from here on what is lost is an error, and a notice of it is not the end */
	r = pmemfail_guard_new(map, (size_t)st.st_size, 0, NULL, NULL, &guard);
	if (r < 0) {
		fprintf(stderr, "pmemfail_guard_new: %s\n", strerror(-r));
		return 2;
	}
	r = copy(guard, map, (size_t)st.st_size);
	pmemfail_guard_free(guard);
	munmap(map, (size_t)st.st_size);
	return r;
}
