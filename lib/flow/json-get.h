/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values out of JSON that somebody else wrote, or a damaged disk: nothing is believed.
 * -EBADMSG for another type, a number out of range or a missing value, unless said
 * otherwise. An object that is none has no members.
 */
#ifndef PMF_JSON_GET_H
#define PMF_JSON_GET_H

#include <json-c/json.h>

#include "model/range.h"

/* A whole document of one value. -EBADMSG: it is none, or too deep; -EMSGSIZE: it is longer
 * than any that is meant; -ENOMEM. */
#define PMF_JSON_MOST (32U << 20)
int pmf_json_parse(const char *text, struct json_object **ret);

/* NULL when it is missing or of another type. */
struct json_object *pmf_json_get(struct json_object *o, const char *key, enum json_type type);
bool pmf_json_has(struct json_object *o, const char *key);
int pmf_json_get_u64(struct json_object *o, const char *key, uint64_t most, uint64_t *ret);
int pmf_json_get_u32(struct json_object *o, const char *key, uint32_t *ret);
/* Absent: NULL. Takes the place of *ret, which is freed. */
int pmf_json_get_string(struct json_object *o, const char *key, char **ret);
int pmf_json_get_bool(struct json_object *o, const char *key, bool *ret);
/* "" when absent or of another type: is no word and no device number. */
const char *pmf_json_peek(struct json_object *o, const char *key);
/* "MAJOR:MINOR"; absent: left as it is. */
int pmf_json_get_devno(struct json_object *o, const char *key, dev_t *ret);
/* Of the object itself. */
int pmf_json_get_range(struct json_object *o, struct pmf_range *ret);
/* Added to set. */
int pmf_json_get_ranges(struct json_object *o, const char *key, struct pmf_ranges *set);

#endif
