// SPDX-License-Identifier: GPL-2.0-only
/*
 * badstorm: single pages of persistent memory fail, many and in random order, as
 * the kernel would handle a machine check on each.
 *
 *	badstorm SPA BYTES COUNT SEED
 *
 * Why: each write to hard_offline_page runs memory_failure() for real, with its
 * trace event. Says "hit N" at the end: how many different pages there were, and of
 * each "page SPA SECONDS", by CLOCK_MONOTONIC when it was hit last.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL
#define INTERFACE "/sys/devices/system/memory/hard_offline_page"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	unsigned long spa, pages, count, hit = 0, i;
	double *seen;
	unsigned int seed;
	int fd;

	if (argc != 5) {
		fprintf(stderr, "usage: badstorm SPA BYTES COUNT SEED\n");
		return 2;
	}
	spa = strtoul(argv[1], NULL, 0);
	pages = strtoul(argv[2], NULL, 0) / PAGE;
	count = strtoul(argv[3], NULL, 0);
	seed = (unsigned int)strtoul(argv[4], NULL, 0);
	seen = calloc(pages, sizeof(*seen));
	fd = open(INTERFACE, O_WRONLY | O_CLOEXEC);
	if (!seen || fd < 0) {
		perror(INTERFACE);
		return 2;
	}
	for (i = 0; i < count; i++) {
		unsigned long page = (unsigned long)rand_r(&seed) % pages;
		char text[32];
		int n = snprintf(text, sizeof(text), "0x%lx\n", spa + page * PAGE);

		/* EBUSY, EOPNOTSUPP, EIO: what the kernel made of it is its affair, the
		 * event was there. Only a page it does not know has none. */
		if (pwrite(fd, text, (size_t)n, 0) < 0 && errno == ENXIO) {
			fprintf(stderr, "badstorm: %s", text);
			return 1;
		}
		hit += seen[page] == 0;
		seen[page] = now();
	}
	printf("hit %lu\n", hit);
	for (i = 0; i < pages; i++)
		if (seen[i] != 0)
			printf("page %lu %.6f\n", spa + i * PAGE, seen[i]);
	return 0;
}
