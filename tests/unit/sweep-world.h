/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine that outlives the processes that work on it: the fake one (fake-sys.h) in
 * memory that forked children share, with what the engine asks of it as well, and a record
 * and a RuntimeDirectory on disk. In it a child does something, in which a call fails or
 * at which it dies; then another one comes after it, and the test looks what there is.
 */
#ifndef PMF_SWEEP_WORLD_H
#define PMF_SWEEP_WORLD_H

#include "context.h"
#include "engine.h"
#include "poison-machine.h"

struct world {
	struct bench b;
	bool hold;		/* an unbind waits; when it does not, the device is gone */
	char dir[64], run[96], state[96];
	max_align_t private[];	/* of the fake machine */
};

/* The one that this process works in; NULL: none. */
extern struct world *world_here;

/* What is done in it, in a process of its own. */
typedef void (*world_fn)(struct world *w, struct pmemfail *ctx);

/* One world, made anew from the scenario of poison-machine.c that is so called; NULL: a
 * removal's. */
struct world *world_begin(const char *scenario);
void world_end(struct world *w);
/* Its status as waitpid() says: 0, FAKE_DEATH << 8, or something bad. */
int world_do(struct world *w, world_fn fn);
/* What a pmemfaild does that has just been started, until it has nothing left to do; the
 * successor waits however long that takes. */
void world_daemon(struct world *w, struct pmemfail *ctx);
void world_successor(struct world *w, struct pmemfail *ctx);
/* The unbind begins under its eyes. */
void world_daemon_unbind(struct world *w, struct pmemfail *ctx);
/* All that is on record, with cases; -errno. */
struct records {
	struct pmf_failure *v[8];
	size_t n;
};
int world_records(struct world *w, struct records *ret);
void records_done(struct records *r);

#endif
