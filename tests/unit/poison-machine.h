/* SPDX-License-Identifier: GPL-2.0-only */
/* What poison meets, for the test of its logic: one device, and a machine for each
 * scenario. */
#ifndef PMF_POISON_MACHINE_H
#define PMF_POISON_MACHINE_H

#include "fake-sys.h"
#include "flow/handle.h"

struct bench {
	struct fake f;
	struct pmf_topology topology;
	struct pmf_policy policy;
	struct pmf_run run;
	struct pmf_failure *failure;
	bool moving;		/* what is bad of a file changes: once each time is right */
};

struct scenario {
	const char *name;
	void (*change)(struct bench *b);
	enum pmf_state want;
};

extern const struct scenario scenarios[];
extern const size_t n_scenarios;

void bench_start(const struct scenario *sc, struct bench *b);
void bench_stop(struct bench *b);

/* What a bad extent that is called handled should have had done to it, and has not;
 * NULL: nothing. blind: it could not be seen what it is. */
const char *left_undone(const struct fake *f, const struct fake_extent *x, bool blind);

#endif
