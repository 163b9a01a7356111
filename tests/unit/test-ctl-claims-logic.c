// SPDX-License-Identifier: GPL-2.0-only
/* Who owns the bad bytes: nothing bad is left out, nothing that is well is named. */
#include "../../ctl/claims.c"
#include "../../ctl/text.c"
#include "test.h"

/* "0-10 F, 10-20 !" by numbers of owners, freed by the next call. */
static const char *settled(const struct claims *c)
{
	static char *last;
	struct strip_range *v;
	size_t n, size;
	FILE *f;

	free(last);
	last = NULL;
	f = open_memstream(&last, &size);
	v = claims_settle(c, &n);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%llu-%llu:%d", i ? " " : "", (unsigned long long)v[i].start,
			(unsigned long long)v[i].end, v[i].owner);
	free(v);
	fclose(f);
	return last;
}

TEST(claims_cut)
{
	_cleanup_(claims_done) struct claims c = { 0 };

	CHECK_STR(settled(&c), "");
	claims_add(&c, CLAIM_FAILURE, 0, 100, STRIP_FREE);
	CHECK_STR(settled(&c), "");	/* on record, but not bad any more */
	claims_add(&c, CLAIM_BAD, 10, 20, STRIP_UNRECORDED);
	claims_add(&c, CLAIM_BAD, 90, 110, STRIP_UNRECORDED);
	CHECK_STR(settled(&c), "10-20:7 90-100:7 100-110:0");
	claims_add(&c, CLAIM_TARGET, 12, 14, STRIP_FILE);
	CHECK_STR(settled(&c), "10-12:7 12-14:3 14-20:7 90-100:7 100-110:0");
}

TEST(claims_weigh)
{
	_cleanup_(claims_done) struct claims c = { 0 };

	claims_add(&c, CLAIM_BAD, 0, 8, STRIP_UNRECORDED);
	claims_add(&c, CLAIM_FAILURE, 0, 8, STRIP_METADATA);
	claims_add(&c, CLAIM_TARGET, 0, 4, STRIP_FREE);
	CHECK_STR(settled(&c), "0-4:7 4-8:1");	/* what is known outweighs what is worse */
	claims_add(&c, CLAIM_TARGET, 2, 4, STRIP_DIRECTORY);
	CHECK_STR(settled(&c), "0-2:7 2-4:2 4-8:1");
}

TEST(claims_join)
{
	_cleanup_(claims_done) struct claims c = { 0 };

	/* Reflinked files, and pieces that touch or lie over each other, are one. */
	claims_add(&c, CLAIM_BAD, 0, 4, STRIP_UNRECORDED);
	claims_add(&c, CLAIM_BAD, 4, 8, STRIP_UNRECORDED);
	claims_add(&c, CLAIM_BAD, 2, 6, STRIP_UNRECORDED);
	claims_add(&c, CLAIM_TARGET, 0, 4, STRIP_FILE);
	claims_add(&c, CLAIM_TARGET, 0, 4, STRIP_FILE);
	claims_add(&c, CLAIM_TARGET, 4, 8, STRIP_FILE);
	claims_add(&c, CLAIM_TARGET, 9, 9, STRIP_METADATA);	/* empty */
	CHECK_STR(settled(&c), "0-8:3");
}

/* Against the plain way: byte by byte. */
TEST(claims_as_painted)
{
	for (int round = 0; round < 200; round++) {
		_cleanup_(claims_done) struct claims c = { 0 };
		struct strip_range *v;
		size_t n, k = 0;

		for (uint64_t i = test_below(12); i > 0; i--) {
			uint64_t start = test_below(32);

			claims_add(&c, (enum claim_kind)test_below(N_KINDS), start,
				   start + test_below(12), (enum strip_owner)test_below(STRIP_N));
		}
		v = claims_settle(&c, &n);
		for (uint64_t at = 0; at < 48; at++) {
			int kind = CLAIM_BAD;
			enum strip_owner o = STRIP_UNRECORDED;
			bool bad = false;

			for (size_t i = 0; i < c.n; i++) {
				const struct claim *m = &c.v[i];

				if (at < m->at.start || at >= m->at.end)
					continue;
				if (m->kind == CLAIM_BAD) {
					bad = true;
				} else if ((int)m->kind > kind ||
					   ((int)m->kind == kind && m->at.owner < o)) {
					kind = (int)m->kind;
					o = m->at.owner;
				}
			}
			while (k < n && v[k].end <= at)
				k++;
			if (bad != (k < n && v[k].start <= at) ||
			    (bad && v[k].owner != o)) {
				free(v);
				CHECK(!"settled as painted");
			}
		}
		free(v);
	}
}
