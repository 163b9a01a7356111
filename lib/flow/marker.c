// SPDX-License-Identifier: LGPL-2.1-or-later
/* A failure as a note, and back. See marker.h. */
#include "flow/json.h"
#include "flow/marker.h"

static void putp(struct json_object **o)
{
	json_object_put(*o);
}

int pmf_marker_from_failure(const struct pmf_failure *f, char **ret)
{
	_cleanup_(putp) struct json_object *o = pmf_json_from_failure(f);
	const char *s = o ? json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN) : NULL;
	char *copy = s ? strdup(s) : NULL;

	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

int pmf_failure_from_marker(const char *text, struct pmf_failure **ret)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;
	_cleanup_(putp) struct json_object *o = NULL;
	struct json_object *cases;
	size_t n;
	int r;

	o = json_tokener_parse(text);
	if (!o || !json_object_is_type(o, json_type_object))
		return -EBADMSG;
	r = pmf_failure_head_from_json(o, &f);
	if (r < 0)
		return r;
	if (json_object_object_get_ex(o, "cases", &cases) &&
	    json_object_is_type(cases, json_type_array)) {
		n = json_object_array_length(cases);
		f->cases = calloc(n + 1, sizeof(*f->cases));	/* calloc(0) may be NULL */
		if (!f->cases)
			return -ENOMEM;
		for (size_t i = 0; i < n; i++) {
			f->n_cases++;	/* before: done is due even for half a case */
			r = pmf_case_from_json(json_object_array_get_idx(cases, i),
					       &f->cases[i]);
			if (r < 0)
				return r;
		}
	}
	*ret = TAKE_PTR(f);
	return 0;
}
