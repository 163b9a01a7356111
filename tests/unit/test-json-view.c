// SPDX-License-Identifier: GPL-2.0-only
/*
 * What of a failure a user may see who is not root: nobody else's file or process by any
 * name, and all the rest as it is.
 */
#include "flow/json.h"
#include "sample.h"
#include "test.h"

#define SOMEBODY	1000

static const char *const secrets[] = {
	"file (deleted)", "\\u20ac", "\xe2\x82\xac", "x.service", "sixteen", "b\\\\c",
	"18446744073699065856",		/* the address */
};

static const char *text_of(struct json_object *o)
{
	return json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
}

static bool has(struct json_object *o, const char *s)
{
	return strstr(text_of(o), s);
}

/* The same by hand: what of the model is hidden from somebody else. */
static void hide_target(struct pmf_target *t)
{
	free(t->path);
	t->path = NULL;
}

static void hide_victim(struct pmf_victim *v)
{
	free(v->unit);
	free(v->path);
	v->unit = v->path = NULL;
	memset(v->comm, 0, sizeof(v->comm));
	v->ino = v->address = 0;
	v->generation = 0;
}

static void hide(struct pmf_failure *f, uint32_t uid)
{
	for (size_t i = 0; i < f->n_cases; i++) {
		struct pmf_case *c = &f->cases[i];

		for (size_t k = 0; k < c->n_targets; k++)
			hide_target(&c->targets[k]);
		for (size_t k = 0; k < c->n_victims; k++)
			if (c->victims[k].uid != uid)
				hide_victim(&c->victims[k]);
	}
}

/* Keys may stand in another order: what is hidden is put in anew. Reading it is also what
 * shows that the reader has all that it requires. */
static const char *differs(struct json_object *o, const struct pmf_failure *want)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *got = NULL;

	if (pmf_failure_from_json(o, &got) < 0)
		return "it cannot be read";
	return failure_difference(got, want);
}

TEST(root_sees_all)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = sample_failure();
	struct json_object *a = pmf_json_from_failure(f), *b = pmf_json_from_failure(f);

	CHECK(a && b);
	CHECK_EQ(pmf_json_hide(a, 0), 0);
	CHECK_STR(text_of(a), text_of(b));
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		if (!streq(secrets[i], "\\u20ac"))	/* it is written as it is */
			CHECK(has(a, secrets[i]));
	json_object_put(a);
	json_object_put(b);
}

TEST(others_see_that_something_was_hit_and_not_what)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = sample_failure();
	struct json_object *o = pmf_json_from_failure(f);

	CHECK_EQ(pmf_json_hide(o, SOMEBODY), 0);
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		if (has(o, secrets[i]))
			test_say("%s is still there", secrets[i]);
		CHECK(!has(o, secrets[i]));
	}
	hide(f, SOMEBODY);
	CHECK_STR(differs(o, f), NULL);
	CHECK_EQ(f->cases[0].victims[0].pid, 4194304);	/* that they are stays */
	CHECK(f->cases[0].victims[0].told);
	/* and once more */
	CHECK_EQ(pmf_json_hide(o, SOMEBODY), 0);
	CHECK_STR(differs(o, f), NULL);
	json_object_put(o);
}

TEST(ones_own_processes_are_ones_own)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = sample_failure();
	struct json_object *o;

	f->cases[0].victims[0].uid = SOMEBODY;		/* the other one is root's */
	o = pmf_json_from_failure(f);
	CHECK_EQ(pmf_json_hide(o, SOMEBODY), 0);
	CHECK(has(o, "file (deleted)"));
	CHECK(has(o, "x.service"));
	CHECK(!has(o, "sixteen"));
	hide(f, SOMEBODY);
	CHECK(f->cases[0].victims[0].path && f->cases[0].victims[0].ino == 99);
	CHECK(!f->cases[0].targets[0].path);		/* that file may be anybody's */
	CHECK_STR(differs(o, f), NULL);
	json_object_put(o);
	/* one less is another user */
	o = pmf_json_from_failure(f);
	CHECK_EQ(pmf_json_hide(o, SOMEBODY - 1), 0);
	CHECK(!has(o, "file (deleted)"));
	json_object_put(o);
}

/* Each filesystem, each owner and each process of it, wherever they stand. */
TEST(nobody_is_forgotten)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = sample_failure();
	struct pmf_case *c = &f->cases[1];
	struct json_object *o;

	c->targets = calloc(2, sizeof(*c->targets));
	c->victims = calloc(3, sizeof(*c->victims));
	CHECK(c->targets && c->victims);
	c->n_targets = 2;
	c->n_victims = 3;
	for (size_t i = 0; i < 3; i++) {
		c->victims[i].uid = i == 1 ? SOMEBODY : SOMEBODY + 1;
		c->victims[i].pid = 1 + (int32_t)i;
		CHECK(strdup_to(&c->victims[i].path, i == 1 ? "/own" : "/secret"));
	}
	for (size_t i = 0; i < 2; i++)
		CHECK(strdup_to(&c->targets[i].path, "/secret"));
	o = pmf_json_from_failure(f);
	CHECK(has(o, "secret"));
	CHECK_EQ(pmf_json_hide(o, SOMEBODY), 0);
	CHECK(!has(o, "secret"));
	CHECK(has(o, "own\""));
	hide(f, SOMEBODY);
	CHECK_STR(differs(o, f), NULL);
	json_object_put(o);
}

TEST(what_has_no_sites_has_nothing_to_hide)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = sample_failure();
	struct json_object *head = pmf_json_from_failure_head(f), *same;
	struct json_object *bare = json_tokener_parse("{\"cases\":[{},{\"targets\":[]},"
						      "{\"victims\":[]}]}");

	same = pmf_json_from_failure_head(f);
	CHECK(head && same && bare);
	CHECK_EQ(pmf_json_hide(head, SOMEBODY), 0);
	CHECK_STR(text_of(head), text_of(same));
	CHECK_EQ(pmf_json_hide(bare, SOMEBODY), 0);
	CHECK_STR(text_of(bare), "{\"cases\":[{},{\"targets\":[]},{\"victims\":[]}]}");
	json_object_put(head);
	json_object_put(same);
	json_object_put(bare);
}

/* --- without memory ----------------------------------------------------------- */

static unsigned int allowed = UINT32_MAX;	/* so many values may be made */

static bool fails(void)
{
	return allowed == 0 || allowed-- == 0;
}

struct json_object *__real_json_object_new_string(const char *s);
struct json_object *__wrap_json_object_new_string(const char *s);
struct json_object *__wrap_json_object_new_string(const char *s)
{
	return fails() ? NULL : __real_json_object_new_string(s);
}

struct json_object *__real_json_object_new_uint64(uint64_t v);
struct json_object *__wrap_json_object_new_uint64(uint64_t v);
struct json_object *__wrap_json_object_new_uint64(uint64_t v)
{
	return fails() ? NULL : __real_json_object_new_uint64(v);
}

TEST(without_memory_it_says_so)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = sample_failure();
	unsigned int n = 0;
	int r;

	do {
		struct json_object *o = pmf_json_from_failure(f);

		allowed = n++;
		r = pmf_json_hide(o, SOMEBODY);
		allowed = UINT32_MAX;
		if (r == 0)
			CHECK(!has(o, "sixteen"));
		json_object_put(o);
	} while (r == -ENOMEM);
	CHECK_EQ(r, 0);
	CHECK_EQ(n, 9);		/* four values of each of two processes, and then all */
}
