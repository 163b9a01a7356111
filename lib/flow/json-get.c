// SPDX-License-Identifier: LGPL-2.1-or-later
/* Values out of JSON that may be damaged or hostile; see json-get.h. */
#include <sys/sysmacros.h>

#include "flow/json-get.h"

int pmf_json_parse(const char *text, struct json_object **ret)
{
	struct json_tokener *tok;
	struct json_object *o;
	size_t n = strlen(text);
	int r = 0;

	if (n > PMF_JSON_MOST)
		return -EMSGSIZE;
	tok = json_tokener_new();
	if (!tok)
		return -ENOMEM;
	/* With its end: else a number that ends there seems to go on. */
	o = json_tokener_parse_ex(tok, text, (int)n + 1);
	if (json_tokener_get_error(tok) != json_tokener_success ||
	    json_tokener_get_parse_end(tok) < n) {
		json_object_put(o);
		r = -EBADMSG;
	} else {
		*ret = o;
	}
	json_tokener_free(tok);
	return r;
}

struct json_object *pmf_json_get(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *v;

	if (!json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, type))
		return NULL;
	return v;
}

bool pmf_json_has(struct json_object *o, const char *key)
{
	return json_object_is_type(o, json_type_object) &&
	       json_object_object_get_ex(o, key, NULL);
}

int pmf_json_get_u64(struct json_object *o, const char *key, uint64_t most, uint64_t *ret)
{
	struct json_object *v = pmf_json_get(o, key, json_type_int);
	uint64_t n;

	/* A negative one reads as 0 with ERANGE nowhere said: ask as signed too. */
	if (!v || json_object_get_int64(v) < 0)
		return -EBADMSG;
	n = json_object_get_uint64(v);
	if (n > most)
		return -EBADMSG;
	*ret = n;
	return 0;
}

int pmf_json_get_u32(struct json_object *o, const char *key, uint32_t *ret)
{
	uint64_t v;
	int r = pmf_json_get_u64(o, key, UINT32_MAX, &v);

	if (r == 0)
		*ret = (uint32_t)v;
	return r;
}

int pmf_json_get_string(struct json_object *o, const char *key, char **ret)
{
	struct json_object *v;

	if (!pmf_json_has(o, key))
		return 0;
	v = pmf_json_get(o, key, json_type_string);
	if (!v)
		return -EBADMSG;
	return strdup_to(ret, json_object_get_string(v)) ? 0 : -ENOMEM;
}

int pmf_json_get_bool(struct json_object *o, const char *key, bool *ret)
{
	struct json_object *v = pmf_json_get(o, key, json_type_boolean);

	if (!v)
		return -EBADMSG;
	*ret = json_object_get_boolean(v);
	return 0;
}

const char *pmf_json_peek(struct json_object *o, const char *key)
{
	struct json_object *v = pmf_json_get(o, key, json_type_string);

	return v ? json_object_get_string(v) : "";
}

int pmf_json_get_devno(struct json_object *o, const char *key, dev_t *ret)
{
	unsigned int maj, min;
	char again[32];
	const char *s;

	if (!pmf_json_has(o, key))
		return 0;
	s = pmf_json_peek(o, key);
	if (sscanf(s, "%u:%u", &maj, &min) != 2)
		return -EBADMSG;
	/* scanf() also takes signs, spaces and what does not fit: another device */
	(void)snprintf(again, sizeof(again), "%u:%u", maj, min);
	if (!streq(again, s))
		return -EBADMSG;
	*ret = makedev(maj, min);
	return 0;
}

int pmf_json_get_range(struct json_object *o, struct pmf_range *ret)
{
	struct pmf_range r = {};

	if (pmf_json_get_u64(o, "start", UINT64_MAX, &r.start) < 0 ||
	    pmf_json_get_u64(o, "end", UINT64_MAX, &r.end) < 0 || r.start > r.end)
		return -EBADMSG;
	*ret = r;
	return 0;
}

int pmf_json_get_ranges(struct json_object *o, const char *key, struct pmf_ranges *set)
{
	struct json_object *a = pmf_json_get(o, key, json_type_array);
	struct pmf_range range;
	size_t i;
	int r;

	if (!a)
		return -EBADMSG;
	for (i = 0; i < json_object_array_length(a); i++) {
		r = pmf_json_get_range(json_object_array_get_idx(a, i), &range);
		if (r == 0)
			r = pmf_ranges_add(set, range);
		if (r < 0)
			return r;
	}
	return 0;
}
