/* SPDX-License-Identifier: GPL-2.0-only */
/* A connection to a pmemfaild that is none, and the little that tests do with it. */
#ifndef PMF_BUS_BENCH_H
#define PMF_BUS_BENCH_H

#include <pmemfail/pmemfail.h>

#include "fake-bus.h"
#include "test.h"

struct bus_bench {
	struct fake_bus b;
	struct pmemfail *ctx;
};

/* On record is failure 5, the sample; there is the device "an id". */
void bus_bench_init(struct bus_bench *x);
void bus_bench_done(struct bus_bench *x);
#define BENCH(x) _cleanup_(bus_bench_done) struct bus_bench x; bus_bench_init(&x)

/* pmemfail_get_failure() of that one. */
int bus_get(struct bus_bench *x);
/* For calls that call back: count failures, add up ranges, append names. */
int bus_count(const struct pmemfail_failure *f, void *size);
int bus_take_range(uint64_t start, uint64_t end, void *sum);
int bus_take_name(const char *name, void *text);

#endif
