/* SPDX-License-Identifier: GPL-2.0-only */
/* Pages that failed, kept over the death of the process; and files that are no such. */
#include <fcntl.h>
#include <sys/stat.h>

#include "sys/trace-keep.h"
#include "test.h"

#define PAGE	4096UL
#define NAME	"memory-failures"

static char dir[200], file[300];

static void new_dir(void)
{
	static unsigned int n;

	(void)snprintf(dir, sizeof(dir), "%s/run%u", test_dir(), n++);
	(void)snprintf(file, sizeof(file), "%s/%s", dir, NAME);
}

static void closep_keep(struct pmf_trace_keep **k)
{
	pmf_trace_keep_close(*k);
}
#define KEEP(k) _cleanup_(closep_keep) struct pmf_trace_keep *k = NULL

/* A predecessor that had page 1, 2, 3 and was reading. */
static bool predecessor(void)
{
	KEEP(k);

	new_dir();
	if (pmf_trace_keep_open(dir, PAGE, &k) != 0)
		return false;
	for (uint64_t i = 1; i <= 3; i++)
		if (!pmf_trace_keep_add(k, i * PAGE))
			return false;
	memset(pmf_trace_keep_buffer(k), 7, PAGE);
	return true;
}

/* Write over what is at offset of the file. */
static bool patch(off_t offset, const void *data, size_t n)
{
	_cleanup_close_ int fd = open(file, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && pwrite(fd, data, n, offset) == (ssize_t)n;
}

static bool patch_u64(off_t offset, uint64_t v)
{
	return patch(offset, &v, sizeof(v));
}

/* Another one took its place: empty, and it can be used. */
static bool is_new(struct pmf_trace_keep *k)
{
	const char *buffer = pmf_trace_keep_buffer(k);
	struct stat st;

	for (size_t i = 0; i < PAGE; i++)
		if (buffer[i])
			return false;
	return pmf_trace_keep_count(k) == 0 && lstat(file, &st) == 0 && S_ISREG(st.st_mode) &&
	       (st.st_mode & 07777) == 0600 && pmf_trace_keep_add(k, PAGE);
}

TEST(outlives)
{
	KEEP(k);

	CHECK(predecessor());
	CHECK_EQ(pmf_trace_keep_open(dir, PAGE, &k), 0);
	CHECK_EQ(pmf_trace_keep_count(k), 3);
	CHECK_EQ(pmf_trace_keep_at(k, 0), PAGE);
	CHECK_EQ(pmf_trace_keep_at(k, 2), 3 * PAGE);
	CHECK_EQ(((char *)pmf_trace_keep_buffer(k))[PAGE - 1], 7);
	pmf_trace_keep_clear_buffer(k);
	pmf_trace_keep_drop(k, 0);
	k = pmf_trace_keep_close(k);
	CHECK_EQ(pmf_trace_keep_open(dir, PAGE, &k), 0);
	CHECK_EQ(pmf_trace_keep_count(k), 2);
	CHECK_EQ(pmf_trace_keep_at(k, 0), 3 * PAGE);
	CHECK_EQ(pmf_trace_keep_at(k, 1), 2 * PAGE);
	CHECK_EQ(((char *)pmf_trace_keep_buffer(k))[PAGE - 1], 0);
}

TEST(any_address)
{
	KEEP(k);

	new_dir();
	CHECK_EQ(pmf_trace_keep_open(dir, PAGE, &k), 0);
	CHECK(pmf_trace_keep_add(k, 0));
	CHECK(pmf_trace_keep_add(k, UINT64_MAX - 2 * PAGE + 1));
	k = pmf_trace_keep_close(k);
	CHECK_EQ(pmf_trace_keep_open(dir, PAGE, &k), 0);
	CHECK_EQ(pmf_trace_keep_count(k), 2);
	CHECK_EQ(pmf_trace_keep_at(k, 0), 0);
	CHECK(pmf_trace_keep_at(k, 1) == UINT64_MAX - 2 * PAGE + 1);
}

TEST(bounded)
{
	KEEP(k);

	new_dir();
	CHECK_EQ(pmf_trace_keep_open(dir, PAGE, &k), 0);
	for (uint64_t i = 0; i < PMF_TRACE_KEEP_MAX; i++)
		CHECK(pmf_trace_keep_add(k, i * PAGE));
	CHECK(!pmf_trace_keep_add(k, PAGE));
	pmf_trace_keep_drop(k, PMF_TRACE_KEEP_MAX - 1);
	CHECK(pmf_trace_keep_add(k, 9 * PAGE));
	CHECK_EQ(pmf_trace_keep_count(k), PMF_TRACE_KEEP_MAX);
	for (size_t i = pmf_trace_keep_count(k); i > 0; i--)
		pmf_trace_keep_drop(k, 0);
	CHECK_EQ(pmf_trace_keep_count(k), 0);
}

/* It died between the two stores of a drop: a hole, or the same page twice. */
TEST(died_in_a_drop)
{
	KEEP(k);

	CHECK(predecessor());
	CHECK(patch_u64(32, 0));
	CHECK_EQ(pmf_trace_keep_open(dir, PAGE, &k), 0);
	CHECK_EQ(pmf_trace_keep_count(k), 2);
	CHECK_EQ(pmf_trace_keep_at(k, 0), 2 * PAGE);
	CHECK_EQ(pmf_trace_keep_at(k, 1), 3 * PAGE);
	/* and what was moved is not there twice */
	k = pmf_trace_keep_close(k);
	CHECK_EQ(pmf_trace_keep_open(dir, PAGE, &k), 0);
	CHECK_EQ(pmf_trace_keep_count(k), 2);
}

TEST(entries_that_are_none)
{
	static const uint64_t bad[] = { PAGE, PAGE + 3, 3, UINT64_MAX, UINT64_MAX - PAGE + 2 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		KEEP(k);

		CHECK(predecessor());
		CHECK(patch_u64(40, bad[i]));
		CHECK_EQ(pmf_trace_keep_open(dir, PAGE, &k), 1);
		CHECK_EQ(pmf_trace_keep_count(k), 2);
		CHECK_EQ(pmf_trace_keep_at(k, 1), 3 * PAGE);
		/* said once */
		k = pmf_trace_keep_close(k);
		CHECK_EQ(pmf_trace_keep_open(dir, PAGE, &k), 0);
		CHECK_EQ(pmf_trace_keep_count(k), 2);
	}
}

TEST(other_heads)
{
	for (off_t word = 0; word < 4; word++) {
		KEEP(k);

		CHECK(predecessor());
		CHECK(patch_u64(word * 8, 0x0216c6961));
		CHECK_EQ(pmf_trace_keep_open(dir, PAGE, &k), 1);
		CHECK(is_new(k));
	}
}

/* The next version, and the one that would be read on another machine. */
TEST(other_versions)
{
	static const unsigned char version[] = { 0, 2, 0xff };

	for (size_t i = 0; i < ARRAY_SIZE(version); i++) {
		KEEP(k);

		CHECK(predecessor());
		CHECK(patch(7, &version[i], 1));
		CHECK_EQ(pmf_trace_keep_open(dir, PAGE, &k), 1);
		CHECK(is_new(k));
	}
}

TEST(other_sizes)
{
	static const off_t size[] = { 0, 1, 4096, 69632, 73727, 73729, 1 << 30 };

	for (size_t i = 0; i < ARRAY_SIZE(size); i++) {
		KEEP(k);

		CHECK(predecessor());
		CHECK_EQ(truncate(file, size[i]), 0);
		CHECK_EQ(pmf_trace_keep_open(dir, PAGE, &k), 1);
		CHECK(is_new(k));
	}
}

TEST(other_page_size)
{
	KEEP(k);

	CHECK(predecessor());
	CHECK_EQ(pmf_trace_keep_open(dir, 16 * PAGE, &k), 1);
	CHECK_EQ(pmf_trace_keep_count(k), 0);
}

TEST(written_by_others)
{
	static const mode_t mode[] = { 0620, 0602, 0640, 0604, 0601 };
	char other[320];

	for (size_t i = 0; i < ARRAY_SIZE(mode); i++) {
		KEEP(k);

		CHECK(predecessor());
		CHECK_EQ(chmod(file, mode[i]), 0);
		CHECK_EQ(pmf_trace_keep_open(dir, PAGE, &k), 1);
		CHECK(is_new(k));
	}
	{
		KEEP(k);

		CHECK(predecessor());
		(void)snprintf(other, sizeof(other), "%s.other", file);
		CHECK_EQ(link(file, other), 0);
		CHECK_EQ(pmf_trace_keep_open(dir, PAGE, &k), 1);
		CHECK(is_new(k));
	}
	if (geteuid() == 0) {
		KEEP(k);

		CHECK(predecessor());
		CHECK_EQ(chown(file, 65534, 65534), 0);
		CHECK_EQ(pmf_trace_keep_open(dir, PAGE, &k), 1);
		CHECK(is_new(k));
	}
}

/* What lies elsewhere is not touched; what blocks, does not. */
TEST(no_file)
{
	char other[320];
	struct stat st;

	{
		KEEP(k);

		CHECK(predecessor());
		(void)snprintf(other, sizeof(other), "%s.other", file);
		CHECK_EQ(rename(file, other), 0);
		CHECK_EQ(symlink(other, file), 0);
		CHECK_EQ(pmf_trace_keep_open(dir, PAGE, &k), 1);
		CHECK(is_new(k));
		CHECK_EQ(stat(other, &st), 0);
		CHECK_EQ(st.st_size, 73728);
	}
	{
		KEEP(k);

		CHECK(predecessor());
		CHECK_EQ(unlink(file), 0);
		CHECK_EQ(mkfifo(file, 0600), 0);
		CHECK_EQ(pmf_trace_keep_open(dir, PAGE, &k), 1);
		CHECK(is_new(k));
	}
	{
		KEEP(k);

		CHECK(predecessor());
		CHECK_EQ(unlink(file), 0);
		CHECK_EQ(mkdir(file, 0700), 0);
		CHECK(pmf_trace_keep_open(dir, PAGE, &k) < 0);
		CHECK(!k);
	}
}
