/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pmemfaild on a bus of the test's own, on a made-up machine: its bus code whole, with
 * the engine, in the test's main thread; and a client in another. What the daemon tells
 * and what it logs is noted.
 *
 * Link with --wrap=sd_journal_sendv and as poison-bench.h says.
 */
#ifndef PMF_DAEMON_BENCH_H
#define PMF_DAEMON_BENCH_H

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "../../daemon/bus.h"
#include "fake-bus.h"
#include "poison-bench.h"

struct daemon_bench {
	struct bench b;
	struct fake_bus bus;
	sd_event *event;
	sd_event_source *engine;
	struct bus *daemon;
	sd_bus *watch;		/* sees what the daemon tells */
	/* of the job that there is, by its signals alone */
	uint64_t done, total;
	unsigned int told;	/* how often how far it is */
	char state[16];
	/* the client */
	pthread_t thread;
	atomic_bool called;
	struct pmemfail *ctx;
	int (*call)(struct daemon_bench *d);	/* in its thread */
	struct pmemfail_progress *progress;
	int r;
	char why[256];		/* of an error */
	uint64_t until_us;
};

#define DAEMON(d)	_cleanup_(daemon_bench_done) struct daemon_bench d;	\
			if (!daemon_bench_init(&(d)))				\
				SKIP("needs root, as whom polkit is not asked")

/* There are three failures of pmem0 that wait for somebody to have them. */
bool daemon_three_wait(struct daemon_bench *d);

/* A polkit that lets everybody do everything; before the begin. */
void daemon_bench_polkit(struct daemon_bench *d);
/* In the client's thread: connect as another user, who is nobody. */
int daemon_client_as_nobody(struct daemon_bench *d);

/* False: not root, and the daemon would ask polkit. */
bool daemon_bench_init(struct daemon_bench *d);
void daemon_bench_done(struct daemon_bench *d);

/* The daemon starts, and a client calls. */
void daemon_begin(struct daemon_bench *d, int (*call)(struct daemon_bench *d));
/* One round of the main loop; false when it is ten seconds since the begin. */
bool daemon_round(struct daemon_bench *d);
/* Until the client's call has returned, and the daemon has told how the job ended. */
bool daemon_end(struct daemon_bench *d);

/* Does the journal have an entry with all of these fields ("KEY=VALUE", NULL at the end)? */
bool journal_has(const char *const *fields);

#endif
