// SPDX-License-Identifier: GPL-2.0-only
/*
 * badpages: how many pages of a block device cannot be read, past the page cache.
 *
 *	badpages DEVICE OFFSET BYTES
 *
 * Why: what the kernel holds for bad is not all in the file "badblocks", which ends at
 * one page of text (sysfs_kf_seq_show()); the driver asks the list itself before each
 * read (pmem_do_read()).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PAGE 4096UL

int main(int argc, char **argv)
{
	static unsigned char page[PAGE] __attribute__((aligned(PAGE)));
	unsigned long at, end, bad = 0;
	int fd;

	if (argc != 4) {
		fprintf(stderr, "usage: badpages DEVICE OFFSET BYTES\n");
		return 2;
	}
	at = strtoul(argv[2], NULL, 0);
	end = at + strtoul(argv[3], NULL, 0);
	fd = open(argv[1], O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0) {
		perror(argv[1]);
		return 2;
	}
	for (; at < end; at += PAGE) {
		ssize_t n = pread(fd, page, PAGE, (off_t)at);

		if (n == (ssize_t)PAGE)
			continue;
		if (n >= 0 || errno != EIO) {
			fprintf(stderr, "badpages: %lu: %zd, errno %d\n", at, n, errno);
			return 1;
		}
		bad++;
	}
	printf("%lu\n", bad);
	return 0;
}
