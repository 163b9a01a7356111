// SPDX-License-Identifier: GPL-2.0-only
/*
 * Documents of failures and devices, as they come from the record, from notes in
 * RuntimeDirectory and over D-Bus. Whatever is taken must be a failure that can be
 * written, read again and be the same; and a user sees no more of it than is theirs.
 */
#include <sys/sysmacros.h>

#include "flow/json-get.h"
#include "flow/json.h"
#include "fuzz.h"

#include "../unit/sample.h"

static void check_case(const struct pmf_case *c)
{
	CHECK(c->site.kind < PMF_SITE_N && c->site.role < PMF_ROLE_N);
	fuzz_check_ranges(&c->site.ranges, UINT64_MAX);
	CHECK(memchr(c->outcome.problem, '\0', sizeof(c->outcome.problem)));
	for (size_t i = 0; i < c->n_targets; i++)
		CHECK(c->targets[i].kind < PMF_TARGET_N && c->targets[i].action < PMF_ACTION_N &&
		      c->targets[i].at.start <= c->targets[i].at.end);
	for (size_t i = 0; i < c->n_victims; i++)
		CHECK(c->victims[i].pid >= 0 && c->victims[i].lsb <= 64);
}

/* Written and read. */
static struct pmf_failure *once_more(const struct pmf_failure *f)
{
	struct json_object *o = pmf_json_from_failure(f), *parsed = NULL;
	struct pmf_failure *again = NULL;

	CHECK(o && pmf_json_parse(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN),
				  &parsed) == 0);
	CHECK(pmf_failure_from_json(parsed, &again) == 0);
	CHECK(pmf_json_hide(o, 1000) == 0);
	json_object_put(parsed);
	json_object_put(o);
	return again;
}

static void check_failure(const struct pmf_failure *f)
{
	/* The first writing makes text valid UTF-8, so the second must not differ. */
	_cleanup_(pmf_failure_freep) struct pmf_failure *clean = NULL, *again = NULL, *copy = NULL;
	const char *difference;

	CHECK( f->device_id && f->kind < PMF_KIND_N && f->state < PMF_STATE_N &&
	      f->source < PMF_SOURCE_N);
	fuzz_check_ranges(&f->ranges, UINT64_MAX);
	fuzz_check_ranges(&f->listed, UINT64_MAX);
	for (size_t i = 0; i < f->n_cases; i++)
		check_case(&f->cases[i]);
	clean = once_more(f);
	again = once_more(clean);
	CHECK(pmf_failure_copy(f, &copy) == 0);
	difference = failure_difference(clean, again) ?: failure_difference(f, copy);
	if (difference)
		fprintf(stderr, "differs: %s\n", difference);
	CHECK(!difference && clean->id == f->id && clean->n_cases == f->n_cases);
}

static void device_once_more(const struct pmf_device *d, struct pmf_device *ret)
{
	struct json_object *o = pmf_json_from_device(d);

	CHECK(o && d->id && d->mode < PMF_MODE_N);
	CHECK(pmf_device_from_json(o, ret) == 0);
	CHECK(d->devno == ret->devno && d->size == ret->size && d->spa == ret->spa &&
	      d->mode == ret->mode);
	json_object_put(o);
}

static void check_device(struct json_object *doc)
{
	struct pmf_device d = { 0 }, clean = { 0 }, again = { 0 };

	if (pmf_device_from_json(doc, &d) == 0) {
		char devno[32];

		/* a number of a device is as it is written, or none */
		snprintf(devno, sizeof(devno), "%u:%u", major(d.devno), minor(d.devno));
		CHECK(!pmf_json_has(doc, "devno") || streq(pmf_json_peek(doc, "devno"), devno));
		device_once_more(&d, &clean);
		device_once_more(&clean, &again);
		CHECK(streq(clean.id, again.id) && streq_ptr(clean.node, again.node) &&
		      streq_ptr(clean.name, again.name) && streq_ptr(clean.uuid, again.uuid));
	}
	pmf_device_done(&clean);
	pmf_device_done(&d);
	pmf_device_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { data, size };
	_cleanup_(pmf_failure_freep) struct pmf_failure *failure = NULL;
	_cleanup_free_ char *text = fuzz_rest(&f);
	struct json_object *o = NULL;

	if (pmf_json_parse(text, &o) < 0) {
		CHECK(!o);
		return 0;
	}
	if (pmf_failure_from_json(o, &failure) == 0)
		check_failure(failure);
	else
		CHECK(!failure);
	check_device(o);
	json_object_put(o);
	return 0;
}
