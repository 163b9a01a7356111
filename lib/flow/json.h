/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The model as JSON, schema 1: bytes, lower-case keys, words as in the design. */
#ifndef PMF_JSON_H
#define PMF_JSON_H

#include <json-c/json.h>

#include "model/failure.h"

/* NULL on ENOMEM. The caller owns the result (json_object_put). */
struct json_object *pmf_json_from_failure(const struct pmf_failure *f);
struct json_object *pmf_json_from_device(const struct pmf_device *d);

#endif
