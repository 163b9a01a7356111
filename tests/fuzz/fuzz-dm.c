// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device-mapper tables, a target a line: "START LENGTH TYPE PARAMETERS". What a table
 * maps must lie in it, and a byte of what is below must come up to a byte of it, and
 * to that alone.
 */
#include <inttypes.h>

#include "fuzz.h"
#include "sys/parse.h"

static void check_segment(const struct pmf_segment *s, struct pmf_range target,
			  struct fuzz *f)
{
	uint64_t length = s->range.end - s->range.start, below;
	struct pmf_ranges own = { 0 };
	struct pmf_range r;

	CHECK(s->range.start == target.start && s->range.end == target.end);
	CHECK(s->stripes >= 1 && s->stripe < s->stripes && (s->chunk > 0) == (s->stripes > 1));
	CHECK(length % s->stripes == 0);
	below = length / s->stripes;
	CHECK(s->start <= UINT64_MAX - below && (s->stripes == 1 || below % s->chunk == 0));

	/* all of it below is as much above */
	r = (struct pmf_range){ s->start, s->start + below };
	CHECK(pmf_segment_up(s, r, &own) == 0);
	fuzz_check_ranges(&own, target.end);
	CHECK(own.n > 0 && own.v[0].start >= target.start);
	CHECK(own.n == 1 || pmf_ranges_bytes(&own) == below);
	pmf_ranges_done(&own);

	/* and one byte of it is one byte */
	r.start = s->start + fuzz_u64(f) % below;
	r.end = r.start + 1;
	own = (struct pmf_ranges){ 0 };
	CHECK(pmf_segment_up(s, r, &own) == 0);
	CHECK(pmf_ranges_bytes(&own) == 1 && own.v[0].start >= target.start &&
	      own.v[0].end <= target.end);
	if (s->stripes > 1)
		CHECK((own.v[0].start - target.start) / s->chunk % s->stripes == s->stripe);
	pmf_ranges_done(&own);
}

static void check_target(const char *line, struct pmf_segment **segments, size_t *n,
			 size_t *cap, struct fuzz *f)
{
	uint64_t start, length;
	char type[16];
	int params = 0, r;
	size_t before = *n;
	struct pmf_range at;

	if (sscanf(line, "%" SCNu64 " %" SCNu64 " %15s%n", &start, &length, type,
		   &params) != 3)
		return;
	r = pmf_dm_parse_target(start, length, type, line + params, segments, n, cap);
	if (r != 1) {
		CHECK(r <= 0 && *n == before);
		CHECK(r != 0 || streq(type, "error") || streq(type, "zero"));
		return;
	}
	CHECK(*n > before && (streq(type, "linear") || streq(type, "striped")));
	CHECK(!streq(type, "linear") || *n == before + 1);
	at = (struct pmf_range){ start << 9, (start + length) << 9 };
	CHECK(at.end >> 9 == start + length);
	for (size_t i = before; i < *n; i++) {
		CHECK((*segments)[i].stripe == i - before);
		check_segment(*segments + i, at, f);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { data, size }, numbers = { data, size };
	_cleanup_free_ struct pmf_segment *segments = NULL;
	size_t n = 0, cap = 0;

	while (f.n > 0) {
		_cleanup_free_ char *line = fuzz_line(&f);

		check_target(line, &segments, &n, &cap, &numbers);
	}
	return 0;
}
