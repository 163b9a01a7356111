// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's lists of victims, fetched in parts while they grow: by a module that
 * answers too much, too little, or with a total that shrinks.
 */
#include <linux/pmemfail.h>

#include "fuzz.h"
#include "sys/sys-internal.h"

int __wrap_ioctl(int fd, unsigned long request, void *arg);

static struct fuzz input;
static uint32_t told;	/* records so far: each has its number as pid */
static unsigned int calls;
static bool lied;

static int answer_victims(struct pmemfail_victims *u)
{
	uint32_t total = fuzz_u8(&input), n = fuzz_u8(&input);
	struct pmemfail_victim *v = (void *)(uintptr_t)u->victims;

	if (fuzz_u8(&input) == 0xff || ++calls > 64) {
		errno = EIO;
		return -1;
	}
	u->total = total;
	u->max = MIN(u->max, n);
	CHECK(lied || u->first == told);
	told = u->first;
	for (uint32_t i = 0; v && i < u->max; i++) {
		fuzz_take(&input, &v[i], sizeof(v[i]));
		v[i].pid = (int32_t)told++;
	}
	if (fuzz_u8(&input) == 0xfe) {
		u->max = fuzz_u32(&input);	/* so many were not written */
		lied = true;
	}
	return 0;
}

static int answer_revoke(struct pmemfail_revoke *u)
{
	struct pmemfail_victim *v = (void *)(uintptr_t)u->victims;
	uint32_t n;

	fuzz_take(&input, &u->files, 8);
	u->victims_total = fuzz_u32(&input) % 64;
	n = MIN(u->victims_total, u->victims_max);
	for (uint32_t i = 0; v && i < n; i++)
		fuzz_take(&input, &v[i], sizeof(v[i]));
	u->victims_total = fuzz_u8(&input) & 1 ? fuzz_u32(&input) : u->victims_total;
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	(void)fd;
	return request == PMEMFAIL_IOC_VICTIMS ? answer_victims(arg) : answer_revoke(arg);
}

static void check(const struct pmf_victim *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		CHECK(memchr(v[i].comm, '\0', sizeof(v[i].comm)));
}

static void fetch_all(void)
{
	_cleanup_free_ struct pmf_victim *v = NULL;
	size_t n;

	told = calls = 0;
	lied = false;
	if (pmf_sys_attempt_victims(NULL, -1, &v, &n) < 0) {
		CHECK(!v);
		return;
	}
	check(v, n);
	for (size_t i = 0; i < n; i++)
		CHECK(lied || v[i].pid == (int32_t)i);
}

static void with_revoke(void)
{
	size_t max = fuzz_u8(&input) % 16;
	_cleanup_free_ struct pmf_victim *v = calloc(max + 1, sizeof(*v));
	struct pmf_revoke_result result;
	struct pmf_range r = { 0, 4096 };

	CHECK(v);
	memset(v, 0, (max + 1) * sizeof(*v));
	if (pmf_sys_revoke_file(NULL, -1, -1, r, 0, PMF_SIGNAL_ALL, v, max, &result) == 0)
		check(v, MIN(max, (size_t)result.victims_total));
	CHECK(v[max].pid == 0 && v[max].ino == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = (struct fuzz){ data, size };
	if (fuzz_u8(&input) & 1)
		fetch_all();
	else
		with_revoke();
	return 0;
}
