/* SPDX-License-Identifier: GPL-2.0-only */
/* A machine whose removals can be delayed, and what its engine tells of them. */
#ifndef PMF_DELAY_BENCH_H
#define PMF_DELAY_BENCH_H

#include <poll.h>
#include <sys/sysmacros.h>

#include "engine-bench.h"
#include "test.h"

#define ROUND_MS	10
#define A_WHILE_MS	150	/* so long nothing may happen */
#define PATIENCE_MS	10000

/* What the engine has told of removals. */
struct told {
	unsigned int begins, ready, ends;
	uint64_t token;		/* of the last that is ready */
	char device[32];	/* of the last that began */
};

static inline void take(struct bench *b, struct told *t)
{
	struct pmemfail_notice *n;

	while (pmemfail_engine_next(b->e, &n) == 0) {
		enum pmemfail_notice_kind kind = pmemfail_notice_get_kind(n);

		t->ends += kind == PMEMFAIL_REMOVAL_ENDS;
		if (kind == PMEMFAIL_REMOVAL_BEGINS) {
			t->begins++;
			(void)snprintf(t->device, sizeof(t->device), "%s",
				       pmemfail_notice_device(n));
		}
		if (kind == PMEMFAIL_REMOVAL_READY) {
			t->ready++;
			t->token = pmemfail_notice_token(n);
		}
		pmemfail_notice_free(n);
	}
}

/* Does *what come to n within ms? */
static inline bool comes(struct bench *b, struct told *t, const unsigned int *what,
			 unsigned int n, unsigned int ms)
{
	struct pollfd p = { .fd = pmemfail_engine_get_fd(b->e), .events = POLLIN };

	for (unsigned int i = 0; i < ms / ROUND_MS; i++) {
		(void)pmemfail_engine_dispatch(b->e);
		take(b, t);
		if (*what >= n)
			return true;
		(void)poll(&p, 1, ROUND_MS);
	}
	return false;
}

#define COMES(what, n)		comes(&b, &t, &(what), (n), PATIENCE_MS)
#define STAYS_AWAY(what, n)	(!comes(&b, &t, &(what), (n), A_WHILE_MS))

static inline char *copy(const char *s)
{
	char *d = strdup(s);

	if (!d)
		abort();
	return d;
}

static inline void add_mount(struct pmf_topology *t, dev_t data, dev_t log, dev_t rt,
			     const char *target)
{
	t->mounts = reallocarray(t->mounts, t->n_mounts + 1, sizeof(*t->mounts));
	if (!t->mounts)
		abort();
	t->mounts[t->n_mounts++] = (struct pmf_mount){
		.devno = data, .log_devno = log, .rt_devno = rt, .target = copy(target),
		.fstype = copy("xfs"), .source = copy("a device"),
	};
}

static inline void add_partition(struct pmf_topology *t)
{
	struct pmf_block *p;

	t->blocks = reallocarray(t->blocks, t->n_blocks + 1, sizeof(*t->blocks));
	if (!t->blocks)
		abort();
	p = &t->blocks[t->n_blocks++];
	*p = (struct pmf_block){
		.devno = makedev(259, 100), .name = copy("pmem0p1"), .node = copy("/dev/pmem0p1"),
		.kind = PMF_BLOCK_PARTITION, .type = copy("partition"), .n_segments = 1,
		.segments = calloc(1, sizeof(*p->segments)),
	};
	if (!p->segments)
		abort();
	p->segments[0] = (struct pmf_segment){ .range = { 0, 1 << 19 }, .below = makedev(259, 0),
					       .start = 1 << 19 };
}

/* pmem0 with a partition that is mounted; pmem1 has the log of another filesystem, and
 * the realtime data of one; pmem2 is not used. */
static inline bool machine(struct bench *b)
{
	struct pmf_topology *t = b->f.topology;

	for (unsigned int i = 0; i < 3; i++)
		fake_holds_add(&b->f, i);
	add_partition(t);
	add_mount(t, makedev(259, 100), 0, 0, "/srv/data");
	add_mount(t, makedev(8, 1), makedev(259, 1), 0, "/srv/log");
	add_mount(t, makedev(8, 2), 0, makedev(259, 1), "/srv/rt");
	return pmemfail_set(b->ctx, "InhibitDelayMaxSec", "14s") == 0 &&
	       pmemfail_engine_new(b->ctx, &b->e) == 0;
}

#define MACHINE()	BENCH(b); struct told t = { 0 }; uint64_t token = 0;		\
			(void)t; (void)token; CHECK(machine(&b))

#endif
