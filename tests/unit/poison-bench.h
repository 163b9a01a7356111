/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An engine whose handling of poison is made up: it notes who was told of which
 * byte, and every byte has an owner. Link with --wrap=pmf_handle_poison.
 */
#ifndef PMF_POISON_BENCH_H
#define PMF_POISON_BENCH_H

#include "engine-bench.h"

#define PAGE	4096ULL

struct world {
	pthread_mutex_t lock;
	struct pmf_ranges told;
	unsigned int calls, at_once, most_at_once, twice;
	unsigned int ms;	/* how long it takes */
	bool stuck;		/* as long as this */
	bool nobody;		/* nothing is mounted */
	const char *path;	/* of the files that are hit; NULL: not known */
	/* what who looks on was told when the nth call of these was made */
	uint64_t done[8], total[8];
};
extern struct world world;

void begin(void);
/* All that is bad of pmemI, as its list says. */
void set_bad(struct bench *b, unsigned int i, uint64_t start, uint64_t end);
/* One of the first device, as a memory failure tells it. */
void event(struct bench *b, uint64_t start, uint64_t end);
/* Until nothing is under way, and all of it is on record. */
bool settle(struct bench *b);

#endif
