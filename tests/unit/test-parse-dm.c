/* SPDX-License-Identifier: GPL-2.0-only */
/* Device-mapper table lines: what may be followed, and what must be refused. */
#include <sys/sysmacros.h>

#include "sys/parse.h"
#include "test.h"

struct parsed {
	struct pmf_segment *v;
	size_t n, cap;
	int err;
};

static void parsed_done(struct parsed *p)
{
	free(p->v);
}
#define PARSE(p, start, length, type, params)					\
	_cleanup_(parsed_done) struct parsed p = { 0 };				\
	p.err = pmf_dm_parse_target(start, length, type, params, &p.v, &p.n, &p.cap)

TEST(linear)
{
	PARSE(p, 2048, 4096, "linear", "259:3 1024");

	CHECK_EQ(p.err, 1);
	CHECK_EQ(p.n, 1);
	CHECK_EQ(p.v[0].range.start, 2048 * 512);
	CHECK_EQ(p.v[0].range.end, 6144 * 512);
	CHECK_EQ(p.v[0].start, 1024 * 512);
	CHECK_EQ(p.v[0].chunk, 0);
	CHECK_EQ(p.v[0].stripes, 1);
	CHECK(p.v[0].below == makedev(259, 3));
}

TEST(striped)
{
	PARSE(p, 0, 3 * 256, "striped", "3 128 259:0 0 259:1 2048 253:1048575 7");

	CHECK_EQ(p.err, 1);
	CHECK_EQ(p.n, 3);
	for (size_t i = 0; i < 3; i++) {
		CHECK_EQ(p.v[i].range.start, 0);
		CHECK_EQ(p.v[i].range.end, 768 * 512);
		CHECK_EQ(p.v[i].chunk, 128 * 512);
		CHECK_EQ(p.v[i].stripes, 3);
		CHECK_EQ(p.v[i].stripe, i);
	}
	CHECK_EQ(p.v[1].start, 2048 * 512);
	CHECK(p.v[2].below == makedev(253, 1048575));
	CHECK_EQ(p.v[2].start, 7 * 512);
}

TEST(one_stripe_is_linear)
{
	PARSE(p, 8, 256, "striped", "1 128 259:0 16");

	CHECK_EQ(p.err, 1);
	CHECK_EQ(p.n, 1);
	CHECK_EQ(p.v[0].chunk, 0);
	CHECK_EQ(p.v[0].stripes, 1);
	CHECK_EQ(p.v[0].start, 16 * 512);
}

TEST(appends)
{
	PARSE(p, 0, 8, "linear", "259:0 0");

	CHECK_EQ(pmf_dm_parse_target(8, 8, "linear", "259:1 0", &p.v, &p.n, &p.cap), 1);
	CHECK_EQ(pmf_dm_parse_target(16, 8, "error", "", &p.v, &p.n, &p.cap), 0);
	CHECK_EQ(pmf_dm_parse_target(16, 8, "crypt", "", &p.v, &p.n, &p.cap),
		 -EOPNOTSUPP);
	CHECK_EQ(pmf_dm_parse_target(16, 8, "linear", "x", &p.v, &p.n, &p.cap), -EINVAL);
	CHECK_EQ(p.n, 2);
	CHECK(p.v[1].below == makedev(259, 1));
}

TEST(nonsense)
{
	static const struct {
		uint64_t start, length;
		const char *type, *params;
	} bad[] = {
		{ 0, 0, "linear", "259:0 0" },
		{ 0, 8, "linear", "" },
		{ 0, 8, "linear", "259:0" },
		{ 0, 8, "linear", "259:0 " },
		{ 0, 8, "linear", "259:0 -1" },
		{ 0, 8, "linear", "259:0 0x8" },
		{ 0, 8, "linear", "259:0 8 rest" },
		{ 0, 8, "linear", "259 0 8" },
		{ 0, 8, "linear", "/dev/pmem0 8" },
		{ 0, 8, "linear", "4096:0 8" },
		{ 0, 8, "linear", "259:1048576 8" },
		{ 0, 8, "linear", "259:0 18446744073709551616" },
		{ 0, 8, "linear", "259:0 36028797018963968" },
		{ 0, 8, "linear", "259:0 36028797018963967" },	/* past the end */
		{ UINT64_MAX, 8, "linear", "259:0 0" },
		{ 1ULL << 55, 8, "linear", "259:0 0" },
		{ 0, 256, "striped", "" },
		{ 0, 256, "striped", "0 128 259:0 0" },
		{ 0, 256, "striped", "2 0 259:0 0 259:1 0" },
		{ 0, 256, "striped", "2 128 259:0 0" },
		{ 0, 256, "striped", "2 128 259:0 0 259:1 0 259:2 0" },
		{ 0, 255, "striped", "2 128 259:0 0 259:1 0" },
		{ 0, 200, "striped", "2 128 259:0 0 259:1 0" },
		{ 0, 256, "striped", "4294967295 128 259:0 0" },
		{ 0, 256, "striped", "2 4294967296 259:0 0 259:1 0" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		PARSE(p, bad[i].start, bad[i].length, bad[i].type, bad[i].params);

		if (p.err != -EINVAL)
			test_say("%s %s", bad[i].type, bad[i].params);
		CHECK_EQ(p.err, -EINVAL);
		CHECK_EQ(p.n, 0);
	}
}
