// SPDX-License-Identifier: GPL-2.0-only
/*
 * JSON there and back, documents that are damaged in every place, text that is
 * no text, and allocations that fail one by one in all that copies a failure.
 */
#include <sys/sysmacros.h>

#include "flow/json-get.h"
#include "flow/json.h"
#include "sample.h"
#include "test.h"

static int there_and_back(struct json_object *o, struct pmf_failure **ret)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;
	struct json_object *cases = NULL;
	size_t i, n;
	int r;

	r = pmf_failure_head_from_json(o, &f);
	if (r < 0)
		return r;
	if (!json_object_object_get_ex(o, "cases", &cases) ||
	    !json_object_is_type(cases, json_type_array))
		return -EBADMSG;
	n = json_object_array_length(cases);
	f->cases = calloc(n + 1, sizeof(*f->cases));
	if (!f->cases)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		f->n_cases++;
		r = pmf_case_from_json(json_object_array_get_idx(cases, i), &f->cases[i]);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(f);
	return 0;
}

TEST(everything_survives)
{
	struct pmf_failure *f = sample_failure(), *back = NULL;
	struct json_object *o, *parsed;
	const char *d = "no object";
	int r = -1;

	CHECK(f);
	o = pmf_json_from_failure(f);
	parsed = o ? json_tokener_parse(json_object_to_json_string(o)) : NULL;
	if (parsed)
		r = there_and_back(parsed, &back);
	if (r == 0)
		d = failure_difference(f, back);
	json_object_put(o);
	json_object_put(parsed);
	pmf_failure_free(f);
	pmf_failure_free(back);
	CHECK_EQ(r, 0);
	CHECK_STR(d, NULL);
}

TEST(schema_and_keys)
{
	struct pmf_failure *f = sample_failure();
	struct json_object *o, *v;
	bool ok;

	CHECK(f);
	o = pmf_json_from_failure(f);
	ok = json_object_object_get_ex(o, "schema", &v) && json_object_get_int(v) == 1 &&
	     json_object_object_get_ex(o, "state", &v) &&
	     streq(json_object_get_string(v), "failed") &&
	     json_object_object_get_ex(o, "ranges", &v) &&
	     json_object_object_get_ex(json_object_array_get_idx(v, 1), "end", &v) &&
	     json_object_get_uint64(v) == UINT64_MAX;
	json_object_put(o);
	pmf_failure_free(f);
	CHECK(ok);
}

/* As it was written before the first release that knew these. */
static void make_old(struct json_object *o)
{
	static const char *const new_keys[] = {
		"listed", "marked_in", "hooks", "role", "fs_devno", "resolve", "remount_ro",
		"action", "at", "shared", "step",
	};
	struct json_object_iterator it, end;

	if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(o); i++)
			make_old(json_object_array_get_idx(o, i));
		return;
	}
	if (!json_object_is_type(o, json_type_object))
		return;
	if (json_object_object_get_ex(o, "action", NULL)) {	/* a target */
		json_object_object_del(o, "told");
		json_object_object_del(o, "pinned");
	}
	for (size_t i = 0; i < ARRAY_SIZE(new_keys); i++)
		json_object_object_del(o, new_keys[i]);
	it = json_object_iter_begin(o);
	end = json_object_iter_end(o);
	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it))
		make_old(json_object_iter_peek_value(&it));
}

TEST(records_of_an_older_version_are_read)
{
	struct pmf_failure *f = sample_failure(), *back = NULL;
	struct json_object *o = f ? pmf_json_from_failure(f) : NULL;
	int r = -1;

	if (o) {
		make_old(o);
		r = there_and_back(o, &back);
	}
	json_object_put(o);
	pmf_failure_free(f);
	CHECK_EQ(r, 0);
	CHECK_EQ(back->listed.n, 0);
	CHECK_EQ(back->n_hooks, 0);
	CHECK_STR(back->marked_in, NULL);
	CHECK_EQ(back->cases[0].site.role, PMF_ROLE_DATA);
	CHECK_EQ(back->cases[0].outcome.resolve.state, PMF_STEP_SKIPPED);
	CHECK_EQ(back->cases[0].outcome.unmount.state, PMF_STEP_FAILED);
	CHECK_EQ(back->cases[0].targets[0].action, PMF_ACTION_NONE);
	CHECK_EQ(back->cases[0].targets[0].told, 0);
	CHECK_EQ(back->cases[0].targets[0].ino, 1ULL << 63);
	CHECK_EQ(back->cases[0].n_victims, 2);
	pmf_failure_free(back);
}

TEST(a_device_number_is_as_it_was_written)
{
	static const char *const bad[] = {
		"-1:3", "+1:3", " 259:3", "259: 3", "259:3 ", "0259:3", "4294967555:3", "259",
		"259:", ":3", "",
	};
	struct json_object *o = json_object_new_object();
	bool refused = true;
	dev_t d = 7;
	int good;

	CHECK(o);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		json_object_object_add(o, "devno", json_object_new_string(bad[i]));
		if (pmf_json_get_devno(o, "devno", &d) != -EBADMSG || d != 7) {
			printf("# taken: \"%s\"\n", bad[i]);
			refused = false;
		}
	}
	json_object_object_add(o, "devno", json_object_new_string("4294967295:1048575"));
	good = pmf_json_get_devno(o, "devno", &d);
	json_object_put(o);
	CHECK(refused);
	CHECK_EQ(good, 0);
	CHECK(d == makedev(4294967295, 1048575));
}

TEST(text_that_is_not_utf8_becomes_it)
{
	struct pmf_device d = { .name = (char[]){ "p\xff\xc3(" }, .spa = UINT64_MAX };
	struct json_object *o = pmf_json_from_device(&d), *v = NULL;
	bool name, spa;

	CHECK(o);
	name = json_object_object_get_ex(o, "name", &v) &&
	       streq(json_object_get_string(v), "p\xef\xbf\xbd\xef\xbf\xbd(");
	spa = json_object_object_get_ex(o, "spa", NULL);
	json_object_put(o);
	CHECK(name);
	CHECK(!spa);
}

/* Visit every value of the document; at the nth do one of these. */
static int spoil(struct json_object *o, unsigned int *n, unsigned int how)
{
	struct json_object *new = NULL;
	struct json_object_iterator it, end;
	size_t i;

	if (json_object_is_type(o, json_type_array)) {
		for (i = 0; i < json_object_array_length(o); i++)
			if (spoil(json_object_array_get_idx(o, i), n, how))
				return 1;
		return 0;
	}
	if (!json_object_is_type(o, json_type_object))
		return 0;
	it = json_object_iter_begin(o);
	end = json_object_iter_end(o);
	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
		const char *key = json_object_iter_peek_name(&it);
		struct json_object *v = json_object_iter_peek_value(&it);

		if ((*n)-- == 0) {
			if (how == 1)
				new = json_object_new_int(-1);
			else if (how == 2)
				new = json_object_new_string("nonsense");
			else if (how == 3)
				new = json_object_new_array();
			if (how == 0)
				json_object_object_del(o, key);
			else
				json_object_object_add(o, key, new);	/* how 4: null */
			return 1;
		}
		if (spoil(v, n, how))
			return 1;
	}
	return 0;
}

TEST(damage_anywhere_is_an_error_or_harmless)
{
	struct pmf_failure *f = sample_failure();
	unsigned int at, how, errors = 0, all = 0;
	bool more = true;

	CHECK(f);
	for (at = 0; more; at++)
		for (how = 0; how < 5 && more; how++) {
			struct json_object *o = pmf_json_from_failure(f);
			struct pmf_failure *back = NULL;
			unsigned int n = at;
			int r;

			more = spoil(o, &n, how);
			r = there_and_back(o, &back);
			errors += r == -EBADMSG;
			all += more;
			if (r != 0 && (r != -EBADMSG || back))
				more = false, errors = 0;
			pmf_failure_free(back);
			json_object_put(o);
		}
	pmf_failure_free(f);
	test_say("%u of %u damaged documents refused", errors, all);
	/* What may go unnoticed: text that is missing or other text. */
	CHECK(all > 500 && errors > all * 3 / 4);
}

TEST(failing_allocations_leave_outputs_alone)
{
	struct pmf_failure *f = sample_failure(), *copy = NULL;
	struct json_object *o;
	unsigned int n;
	int r = -1;

	CHECK(f);
	for (n = 1; r != 0; n++) {
		test_alloc_fail(n);
		r = pmf_failure_copy(f, &copy);
		test_alloc_fail(0);
		CHECK(r == 0 || (r == -ENOMEM && !copy));
	}
	test_say("copy: %u allocations", n - 2);
	CHECK(n > 20);
	CHECK_STR(failure_difference(f, copy), NULL);
	copy = pmf_failure_free(copy);

	for (n = 1, o = NULL; !o; n++) {
		test_alloc_fail(n);
		o = pmf_json_from_failure(f);
		CHECK(o || test_alloc_failed());
	}
	test_alloc_fail(0);
	test_say("to JSON: %u allocations", n - 2);
	CHECK(n > 20);
	for (n = 1, r = -1; r != 0; n++) {
		test_alloc_fail(n);
		r = there_and_back(o, &copy);
		test_alloc_fail(0);
		CHECK(r == 0 || (r == -ENOMEM && !copy));
	}
	test_say("from JSON: %u allocations", n - 2);
	CHECK(n > 20);
	copy = pmf_failure_free(copy);
	json_object_put(o);

	f->reason[0] = 'W';
	for (n = 1, r = -1; r != 0; n++) {
		enum pmf_state before = f->state;

		test_alloc_fail(n);
		r = pmf_failure_judge_removal(f);
		test_alloc_fail(0);
		CHECK(r == 0 || (r == -ENOMEM && f->state == before && f->reason[0] == 'W'));
	}
	pmf_failure_free(f);
}
