// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-resolve: how fast the owners of a filesystem's bytes are found.
 *
 *	bench-resolve DIRECTORY BYTES RUNS
 *
 * BYTES is the size of the device. Prints lines of JSON: what "bare" (the ioctl
 * alone, with a buffer of the kernel's own batch) and "owners" (the seam's call)
 * took for all of it, and "small", for 4 KiB in the middle. scripts/bench reads it.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fsmap.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sys/sys-internal.h"

#define BATCH		2048	/* fs/xfs/xfs_ioctl.c xfs_ioc_getfsmap(): 128 KiB */
#define SMALL_RUNS	1000
#define EXTENTS_MAX	(4U << 20)

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "bench-resolve: %s: %s\n", what, strerror(error));
	return 1;
}

static void say(const char *what, uint64_t ns, uint64_t records)
{
	printf("{\"what\": \"%s\", \"ns\": %" PRIu64 ", \"records\": %" PRIu64 "}\n", what, ns,
	       records);
}

static int bare(int fd, uint32_t device, uint64_t bytes)
{
	struct fsmap_head *head = calloc(1, fsmap_sizeof(BATCH));
	uint64_t begin = now_ns(), records = 0;

	if (!head)
		return fail("bare", ENOMEM);
	head->fmh_count = BATCH;
	head->fmh_keys[0].fmr_device = device;
	head->fmh_keys[1] = (struct fsmap){ .fmr_device = device, .fmr_flags = UINT32_MAX,
		.fmr_physical = bytes - 1, .fmr_owner = UINT64_MAX, .fmr_offset = UINT64_MAX };
	do {
		if (ioctl(fd, FS_IOC_GETFSMAP, head) < 0) {
			free(head);
			return fail("FS_IOC_GETFSMAP", errno);
		}
		records += head->fmh_entries;
		if (head->fmh_entries)
			fsmap_advance(head);
	} while (head->fmh_entries &&
		 !(head->fmh_recs[head->fmh_entries - 1].fmr_flags & FMR_OF_LAST));
	say("bare", now_ns() - begin, records);
	free(head);
	return 0;
}

static int owners(int fd, struct pmf_range at, const char *what, struct pmf_extent *v)
{
	uint64_t begin = now_ns();
	size_t n = 0;
	int r;

	r = pmf_sys_owners(NULL, fd, PMF_ROLE_DATA, at, v, EXTENTS_MAX, &n);
	if (r < 0)
		return fail(what, -r);
	say(what, now_ns() - begin, n);
	return 0;
}

int main(int argc, char **argv)
{
	struct pmf_range all = { 0, 0 }, small;
	struct pmf_extent *v;
	struct stat st;
	int fd, runs, r = 0;

	if (argc != 4)
		return fail("DIRECTORY BYTES RUNS", EINVAL);
	fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(argv[1], errno);
	all.end = strtoull(argv[2], NULL, 0);
	runs = atoi(argv[3]);
	v = malloc(EXTENTS_MAX * sizeof(*v));
	if (!v)
		return fail("memory", ENOMEM);
	/* memory that is there, as that of a daemon is: its first touch is not measured */
	memset(v, 0, EXTENTS_MAX * sizeof(*v));
	small.start = all.end / 8192 * 4096;
	small.end = small.start + 4096;
	for (int i = 0; i < runs && r == 0; i++) {
		r = bare(fd, (uint32_t)st.st_dev, all.end);
		if (r == 0)
			r = owners(fd, all, "owners", v);
	}
	for (int i = 0; i < SMALL_RUNS && r == 0; i++)
		r = owners(fd, small, "small", v);
	free(v);
	close(fd);
	return r;
}
