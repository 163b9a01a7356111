// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers of FIEMAP. What comes out lies in what was asked for, and is what one of the
 * extents says that are on the device at all.
 */
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "sys/sys-internal.h"

#define MOST	64
#define NOWHERE	(FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_ENCODED | \
		 FIEMAP_EXTENT_DATA_INLINE | FIEMAP_EXTENT_DATA_TAIL)

int __wrap_ioctl(int fd, unsigned long request, void *arg);

static struct fuzz input;
static struct fiemap_extent given[MOST];
static uint32_t n_given, at_given;
static bool circle;		/* after the last extent come the first ones again */

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	struct fiemap *m = arg;
	uint32_t batch = 1 + fuzz_u8(&input) % 8;

	(void)fd;
	if (request != FS_IOC_FIEMAP) {
		((struct fsxattr *)arg)->fsx_xflags = 0;
		return 0;
	}
	m->fm_mapped_extents = 0;
	if (circle && at_given == n_given)
		at_given = 0;
	while (at_given < n_given && m->fm_mapped_extents < MIN(batch, m->fm_extent_count))
		m->fm_extents[m->fm_mapped_extents++] = given[at_given++];
	return 0;
}

static void make_extents(bool wild)
{
	uint64_t logical = 0;

	for (n_given = 0, at_given = 0; n_given < MOST && input.n > 1; n_given++) {
		struct fiemap_extent *x = &given[n_given];
		static const uint32_t flags[] = { 0, FIEMAP_EXTENT_SHARED, FIEMAP_EXTENT_DELALLOC,
						  FIEMAP_EXTENT_UNWRITTEN };

		*x = (struct fiemap_extent){
			.fe_logical = logical + ((uint64_t)(fuzz_u8(&input) % 4) << 9),
			.fe_physical = (uint64_t)fuzz_u8(&input) << 9,
			.fe_length = (uint64_t)(1 + fuzz_u8(&input)) << 9,
			.fe_flags = flags[fuzz_u8(&input) % ARRAY_SIZE(flags)],
		};
		logical = x->fe_logical + x->fe_length;
		if (wild)
			fuzz_take(&input, x, sizeof(*x));
	}
}

static bool is_so(const struct pmf_extent *e, uint64_t byte)
{
	for (uint32_t i = 0; i < n_given; i++) {
		const struct fiemap_extent *x = &given[i];

		if (byte >= x->fe_physical && byte - x->fe_physical < x->fe_length &&
		    !(x->fe_flags & NOWHERE) &&
		    e->offset + (byte - e->at.start) == x->fe_logical + (byte - x->fe_physical) &&
		    e->shared == !!(x->fe_flags & FIEMAP_EXTENT_SHARED))
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct pmf_extent v[MOST];
	struct pmf_range at;
	uint64_t bytes = 0, want = 0;
	uint8_t how;
	size_t n = 0;

	input = (struct fuzz){ data, size };
	if (fd < 0)
		fd = memfd_create("fiemap", MFD_CLOEXEC);
	how = fuzz_u8(&input);
	circle = how & 8;
	at = (struct pmf_range){ fuzz_edge(&input), fuzz_edge(&input) };
	make_extents(how & 1);
	if (pmf_sys_file_extents(NULL, fd, how & 2 ? PMF_ROLE_REALTIME : PMF_ROLE_DATA, at, v,
				 how & 4 ? 3 : MOST, &n) < 0)
		return 0;
	CHECK(!(how & 2) || n == 0);
	for (size_t i = 0; i < n; i++) {
		CHECK(v[i].at.start < v[i].at.end && v[i].kind == PMF_TARGET_FILE);
		CHECK(v[i].at.start >= at.start && v[i].at.end <= at.end);
		CHECK(how & 1 || (is_so(&v[i], v[i].at.start) && is_so(&v[i], v[i].at.end - 1)));
		bytes += v[i].at.end - v[i].at.start;
	}
	for (uint32_t i = 0; i < n_given; i++) {
		struct pmf_range x = { given[i].fe_physical,
				       given[i].fe_physical + given[i].fe_length };

		x = pmf_range_clip(x, at);
		want += given[i].fe_flags & NOWHERE ? 0 : x.end - x.start;
	}
	CHECK(how & 3 || bytes == want);	/* nothing left out */
	return 0;
}
