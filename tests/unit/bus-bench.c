// SPDX-License-Identifier: GPL-2.0-only
/* See bus-bench.h. */
#include "bus-bench.h"

#include "flow/json.h"
#include "sample.h"

static void write_failure(struct fake_bus_shared *s)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = sample_failure();
	struct json_object *o;

	if (!f)
		abort();
	o = pmf_json_from_failure(f);
	json_object_object_del(o, "id");	/* the server says which */
	(void)snprintf(s->failure, sizeof(s->failure), "%s",
		       json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
}

void bus_bench_init(struct bus_bench *x)
{
	fake_bus_init(&x->b);
	write_failure(x->b.shared);
	strcpy(x->b.shared->device, "{\"schema\":1,\"id\":\"an id\",\"name\":\"pmem0\","
	       "\"node\":\"\\/dev\\/pmem0\",\"mode\":\"fsdax\",\"devno\":\"259:1\",\"size\":1073741824}");
	x->b.shared->ids[0] = 5;
	x->b.shared->updated[0] = 50;
	fake_server_start(&x->b);
	x->ctx = NULL;
	if (pmemfail_connect(&x->ctx) < 0)
		abort();
}

void bus_bench_done(struct bus_bench *x)
{
	pmemfail_unref(x->ctx);
	fake_bus_done(&x->b);
}

int bus_count(const struct pmemfail_failure *f, void *userdata)
{
	size_t *n = userdata;

	if (pmemfail_failure_id(f) == 5 || pmemfail_failure_id(f) == 6)
		(*n)++;
	return 0;
}

int bus_get(struct bus_bench *x)
{
	struct pmemfail_failure *f = NULL;
	int r = pmemfail_get_failure(x->ctx, 5, &f);

	pmemfail_failure_free(f);
	return r;
}

int bus_take_range(uint64_t start, uint64_t end, void *userdata)
{
	*(uint64_t *)userdata += start + end;
	return 0;
}

int bus_take_name(const char *name, void *userdata)
{
	strcat(userdata, name);
	return 0;
}
