// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers of GETFSMAP, in as many calls as the kernel likes. Records as a filesystem has
 * them (in order, nothing but file data has two owners): then each byte that was asked
 * for is whose the records say, and no other. And wild ones: then what comes out at
 * least lies in what was asked for.
 */
#include <linux/fsmap.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "fuzz.h"
#include "sys/sys-internal.h"
#include "sys/xfs-abi.h"

#define MOST		64
#define REALTIME	0x7001u

int __wrap_ioctl(int fd, unsigned long request, void *arg);
int __wrap_fstatfs(int fd, struct statfs *st);
int __wrap_fstatfs64(int fd, struct statfs *st);

static struct fuzz input;
static struct pmf_xfs_geometry geometry;
static struct fsmap records[MOST];
static uint32_t n_records, at_record, device;
static bool wild;

int __wrap_fstatfs(int fd, struct statfs *st)
{
	(void)fd;
	memset(st, 0, sizeof(*st));
	st->f_type = PMF_XFS_MAGIC;
	return 0;
}

int __wrap_fstatfs64(int fd, struct statfs *st)
{
	return __wrap_fstatfs(fd, st);
}

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	struct fsmap_head *h = arg;
	uint32_t batch = 1 + fuzz_u8(&input) % 8;

	(void)fd;
	if (request == PMF_XFS_GEOMETRY) {
		memcpy(arg, &geometry, sizeof(geometry));
		return 0;
	}
	CHECK(request == FS_IOC_GETFSMAP);
	h->fmh_entries = 0;
	if (h->fmh_keys[1].fmr_device == UINT32_MAX) {	/* where is the realtime device? */
		h->fmh_recs[0] = (struct fsmap){ .fmr_device = REALTIME };
		h->fmh_entries = 1;
		return 0;
	}
	while (at_record < n_records && h->fmh_entries < MIN(batch, h->fmh_count))
		h->fmh_recs[h->fmh_entries++] = records[at_record++];
	return 0;
}

static void make_records(void)
{
	static const uint64_t special[] = { FMR_OWN_FREE, FMR_OWN_UNKNOWN, FMR_OWNER('X', 2),
					    FMR_OWNER('X', 7), FMR_OWNER('X', 5) };
	uint64_t end = 0;

	for (n_records = 0, at_record = 0; n_records < MOST && input.n > 1; n_records++) {
		struct fsmap *r = &records[n_records];
		uint8_t how = fuzz_u8(&input);
		bool again = how & 1 && n_records > 0 && !(r[-1].fmr_flags & ~FMR_OF_SHARED);

		*r = again ? r[-1] : (struct fsmap){
			.fmr_device = device,
			.fmr_physical = end + ((uint64_t)(fuzz_u8(&input) % 8) << 9),
			.fmr_length = (uint64_t)(1 + fuzz_u8(&input)) << 9,
		};
		if (how & 2 && !again) {
			r->fmr_flags = FMR_OF_SPECIAL_OWNER;
			r->fmr_owner = special[how / 4 % ARRAY_SIZE(special)];
		} else {
			r->fmr_owner = 1 + fuzz_u8(&input) % 4;
			r->fmr_offset = (uint64_t)fuzz_u8(&input) << 9;
			r->fmr_flags = again || how & 4 ? FMR_OF_SHARED : how & 8 ?
				FMR_OF_EXTENT_MAP : how & 16 ? FMR_OF_ATTR_FORK : 0;
		}
		end = r->fmr_physical + r->fmr_length;
		if (wild)
			fuzz_take(&input, r, sizeof(*r));
		if (wild && how & 32)
			r->fmr_device = device;
	}
}

#include "fuzz-fsmap-check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct stat st;
	enum pmf_site_role role;

	input = (struct fuzz){ data, size };
	if (fd < 0)
		fd = memfd_create("fsmap", MFD_CLOEXEC);
	CHECK(fstat(fd, &st) == 0);
	wild = fuzz_u8(&input) & 1;
	role = fuzz_u8(&input) % PMF_ROLE_N;
	device = role == PMF_ROLE_REALTIME ? REALTIME : (uint32_t)st.st_dev;
	ask_and_check(fd, role);
	return 0;
}
