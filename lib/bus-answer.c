// SPDX-License-Identifier: LGPL-2.1-or-later
/* Answers of pmemfaild to the model, checked; see bus.h. */
#include "bus.h"
#include "flow/json-get.h"
#include "flow/json.h"

static void jsonp(struct json_object **o)
{
	json_object_put(*o);
}
#define _cleanup_json_ _cleanup_(jsonp)

static int read_json(sd_bus_message *m, struct json_object **ret)
{
	const char *text;
	int r = sd_bus_message_read(m, "s", &text);

	if (r <= 0)
		return pmf_bus_malformed("JSON");
	r = pmf_json_parse(text, ret);
	if (r == -EMSGSIZE)
		return pmf_why(-EBADMSG, "pmemfaild's answer is too long to be meant");
	if (r == -ENOMEM)
		return pmf_why_errno(r, "cannot read pmemfaild's answer");
	return r < 0 ? pmf_bus_malformed("JSON") : 0;
}

/* Why a document cannot be taken. */
static int refused(int r, const char *what)
{
	return r == -ENOMEM ? pmf_why_errno(r, "cannot read pmemfaild's answer") :
	       pmf_bus_malformed(what);
}

int pmf_bus_read_failure(sd_bus_message *m, uint64_t id, struct pmf_failure **ret)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;
	_cleanup_json_ struct json_object *o = NULL;
	int r;

	r = read_json(m, &o);
	if (r < 0)
		return r;
	r = pmf_failure_from_json(o, &f);
	if (r < 0)
		return refused(r, "a failure");
	if (id != 0 && f->id != id)
		return pmf_bus_malformed("another failure");
	*ret = TAKE_PTR(f);
	return 0;
}

struct failures {
	struct pmf_failure **v;
	size_t n;
};

void pmf_bus_failures_free(struct pmf_failure **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pmf_failure_free(v[i]);
	free(v);
}

static void failures_done(struct failures *l)
{
	pmf_bus_failures_free(l->v, l->n);
}

int pmf_bus_read_failures(sd_bus_message *m, struct pmf_failure ***ret, size_t *ret_n)
{
	_cleanup_(failures_done) struct failures l = { 0 };
	_cleanup_json_ struct json_object *o = NULL;
	size_t n;
	int r;

	r = read_json(m, &o);
	if (r < 0)
		return r;
	if (!json_object_is_type(o, json_type_array))
		return pmf_bus_malformed("a list of failures");
	n = json_object_array_length(o);
	l.v = calloc(n + 1, sizeof(struct pmf_failure *));
	if (!l.v)
		return refused(-ENOMEM, NULL);
	for (size_t i = 0; i < n; i++) {
		r = pmf_failure_from_json(json_object_array_get_idx(o, i), &l.v[i]);
		if (r < 0)
			return refused(r, "a failure");
		l.n++;
	}
	*ret = TAKE_PTR(l.v);
	*ret_n = TAKE(l.n, 0);
	return 0;
}

int pmf_bus_read_device(sd_bus_message *m, const char *id, struct pmf_device *ret)
{
	_cleanup_json_ struct json_object *o = NULL;
	int r;

	r = read_json(m, &o);
	if (r < 0)
		return r;
	r = pmf_device_from_json(o, ret);
	if (r < 0)
		return refused(r, "a device");
	return streq(ret->id, id) ? 0 : pmf_bus_malformed("another device");
}

int pmf_bus_read_ranges(sd_bus_message *m, struct pmf_ranges *ret)
{
	struct pmf_range range;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "(tt)");
	while (r >= 0 && (r = sd_bus_message_read(m, "(tt)", &range.start, &range.end)) > 0) {
		/* In order, so that adding each costs nothing. */
		if (range.start >= range.end ||
		    (ret->n > 0 && range.start < ret->v[ret->n - 1].end))
			return pmf_bus_malformed("ranges");
		if (pmf_ranges_add(ret, range) < 0)
			return refused(-ENOMEM, NULL);
	}
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r < 0 ? pmf_bus_malformed("ranges") : 0;
}

int pmf_bus_next_value(sd_bus_message *m, const struct pmf_bus_want *want, size_t n,
		       size_t *ret)
{
	const char *key;
	int r;

	while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		size_t i = 0;

		if (sd_bus_message_read(m, "s", &key) <= 0)
			return pmf_bus_malformed("properties");
		while (i < n && !streq(want[i].key, key))
			i++;
		if (i < n) {
			if (sd_bus_message_enter_container(m, 'v', want[i].type) <= 0)
				return pmf_bus_malformed(want[i].key);
			*ret = i;
			return 1;
		}
		if (sd_bus_message_skip(m, "v") < 0 || sd_bus_message_exit_container(m) < 0)
			return pmf_bus_malformed("properties");
	}
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r < 0 ? pmf_bus_malformed("properties") : 0;
}

int pmf_bus_value_done(sd_bus_message *m)
{
	int r = sd_bus_message_exit_container(m);

	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r < 0 ? pmf_bus_malformed("properties") : 0;
}
