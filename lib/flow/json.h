/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The model as JSON, schema 1: bytes, lower-case keys, words as in the design. */
#ifndef PMF_JSON_H
#define PMF_JSON_H

#include <json-c/json.h>

#include "model/failure.h"

#define PMF_JSON_SCHEMA 1

/* NULL on ENOMEM. The caller owns the result (json_object_put). */
struct json_object *pmf_json_from_failure(const struct pmf_failure *f);
struct json_object *pmf_json_from_device(const struct pmf_device *d);
/* Take out of it what this user may not see. -ENOMEM: it may still be there. */
int pmf_json_hide(struct json_object *failure, uint32_t uid);
/* The two parts that the store keeps apart: a failure without cases; a case. */
struct json_object *pmf_json_from_failure_head(const struct pmf_failure *f);
struct json_object *pmf_json_from_case(const struct pmf_case *c);

/*
 * And back. -EBADMSG when it is not what the above writes: a wrong schema or type,
 * an unknown word, a number out of range. Text comes back as valid UTF-8.
 */
int pmf_failure_head_from_json(struct json_object *o, struct pmf_failure **ret);
/* With its cases. */
int pmf_failure_from_json(struct json_object *o, struct pmf_failure **ret);
/* Into *d, zeroed before; pmf_device_done also after an error. */
int pmf_device_from_json(struct json_object *o, struct pmf_device *d);
/* Into *c, zeroed before; pmf_case_done also after an error. */
int pmf_case_from_json(struct json_object *o, struct pmf_case *c);

/* Which fields of struct pmf_outcome are steps, which are counts: for both ways. */
struct pmf_json_field {
	const char *key;
	size_t offset;
};
extern const struct pmf_json_field pmf_json_steps[], pmf_json_counts[];
extern const size_t pmf_json_n_steps, pmf_json_n_counts;

#endif
