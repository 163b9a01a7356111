/* SPDX-License-Identifier: GPL-2.0-only */
/* What is done in a world in which something goes wrong, and what must be true then. */
#ifndef PMF_SWEEP_CASES_H
#define PMF_SWEEP_CASES_H

#include "sweep-world.h"

struct sweep_case {
	const char *name;
	const char *machine;		/* a scenario of poison; NULL: a removal */
	void (*prepare)(struct world *w);
	world_fn act;
	bool fdstore;			/* systemd keeps its attempt when it dies */
};

extern const struct sweep_case sweep_cases[];
extern const size_t n_sweep_cases;

struct world *sweep_begin(const struct sweep_case *c);

/* Is what is on record handled, so that nothing is left for whoever comes after? */
bool sweep_is_over(struct world *w);
/* Which rule is broken; NULL: none. final: a daemon has come after what went wrong, and
 * had all the time it wanted. killed: a process has died. */
const char *sweep_complaint(const struct sweep_case *c, struct world *w, bool final,
			    bool killed);

#endif
