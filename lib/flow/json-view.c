// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What of a failure's JSON a user may see who is not root: that something was hit, and
 * of processes that are the user's own, all; of others no more than that they are.
 */
#include "flow/json.h"

/* Takes value. NULL, which json-c gives without memory, would be taken for null. */
static int put(struct json_object *o, const char *key, struct json_object *value)
{
	if (value && json_object_object_add(o, key, value) == 0)
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

/* Without what names it; required keys stay, with a value that says nothing. */
static int hide_victim(struct json_object *v)
{
	int r;

	json_object_object_del(v, "unit");
	json_object_object_del(v, "path");
	r = put(v, "comm", json_object_new_string(""));
	if (r == 0)
		r = put(v, "ino", json_object_new_uint64(0));
	if (r == 0)
		r = put(v, "generation", json_object_new_uint64(0));
	return r < 0 ? r : put(v, "address", json_object_new_uint64(0));
}

static bool is_of(struct json_object *v, uint32_t uid)
{
	struct json_object *u;

	return json_object_object_get_ex(v, "uid", &u) && json_object_get_uint64(u) == uid;
}

int pmf_json_hide(struct json_object *failure, uint32_t uid)
{
	struct json_object *cases, *a;
	int r = 0;

	if (uid == 0)
		return 0;
	if (!json_object_object_get_ex(failure, "cases", &cases))
		return 0;
	for (size_t i = 0; i < json_object_array_length(cases); i++) {
		struct json_object *c = json_object_array_get_idx(cases, i);

		for (size_t k = 0; json_object_object_get_ex(c, "targets", &a) &&
		     k < json_object_array_length(a); k++)
			json_object_object_del(json_object_array_get_idx(a, k), "path");
		for (size_t k = 0; r >= 0 && json_object_object_get_ex(c, "victims", &a) &&
		     k < json_object_array_length(a); k++)
			if (!is_of(json_object_array_get_idx(a, k), uid))
				r = hide_victim(json_object_array_get_idx(a, k));
	}
	return r;
}
