/* SPDX-License-Identifier: GPL-2.0-only */
/* An engine on a made-up machine, with directories of its own, and its caller. */
#ifndef PMF_ENGINE_BENCH_H
#define PMF_ENGINE_BENCH_H

#include "context.h"
#include "engine.h"
#include "fake-holds.h"

struct bench {
	struct fake_holds f;
	struct pmemfail *ctx;
	struct pmemfail_engine *e;
	char run[200], state[200];
	/* what notices have told */
	unsigned int added, changed, devices, problems;
	struct pmf_failure *last;	/* of the last notice about one */
	size_t most_ranges;		/* of any */
};

void bench_init(struct bench *b);
void bench_done(struct bench *b);
#define BENCH(b) _cleanup_(bench_done) struct bench b; bench_init(&(b))

void take_notices(struct bench *b);
/* Dispatch as a daemon would, until *what is n; false after ten seconds. */
bool run_until(struct bench *b, const unsigned int *what, unsigned int n);
/* Until a failure has reached its end. */
bool run_to_end(struct bench *b);
/* Until the version that names a site is recorded, alone or after one without. */
bool run_to_sites(struct bench *b);

/* How many notes lie in RuntimeDirectory. */
unsigned int files_in(const char *run);
/* How many failures of that state are recorded; state < 0: all. */
unsigned int recorded(struct bench *b, int state);

#endif
