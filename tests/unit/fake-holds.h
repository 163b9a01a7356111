/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine for the engine: devices that come and go, unbinds that are held, a
 * module that may be missing, sysfs that hangs. What is done to a filesystem is
 * fake-sys.c's affair; here a removal only meets filesystems that cannot be opened.
 */
#ifndef PMF_FAKE_HOLDS_H
#define PMF_FAKE_HOLDS_H

#include <pthread.h>

#include "sys/sys.h"

#define FAKE_WATCHES 16
#define FAKE_BAD 32	/* devices that may have bad ranges */

struct fake_holds {
	struct pmf_sys sys;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct pmf_topology *topology;	/* what is there */
	int read_error;			/* of read_topology */
	bool stuck;			/* reading devices hangs until it is false */
	unsigned int reads;		/* of the topology */
	unsigned int parts;		/* of all reads so far */
	unsigned int reading;		/* under way */
	bool module;
	int pipe[2];			/* events to the engine */
	int watch_error;
	unsigned int watch_calls;
	struct {
		char node[32];
		uint64_t cookie;
	} watches[FAKE_WATCHES];
	size_t n_watches;
	bool slow;			/* handling waits in lock_device until it is false */
	unsigned int handling, most_handling;
	unsigned int released;		/* how many holds */
	bool ended;			/* what release answers */
	bool mounted;			/* mounted_fstype finds xfs */
	bool locked;			/* lock_device without patience finds it busy */
	unsigned int thaws;
	uint64_t finished;		/* the last failure whose attempt is over */
	/* badblocks of pmem0 and so on, and in which binding each is */
	struct pmf_ranges bad[FAKE_BAD];
	unsigned int binding[FAKE_BAD];
	bool bad_full;			/* each list claims to be full */
	int bad_error;
	unsigned int bad_reads, marks;
	int mark_error;
	bool removing;			/* another has the devices' locks */
	bool bad_stuck;			/* reading pmem0's list hangs until it is false */
	const char *hook;		/* the one there is; NULL: none */
	unsigned int hooking, hook_runs;	/* begun; ended */
	bool hook_stuck;		/* it runs until this is false */
	char hook_env[300];		/* as it was run last: KEY=VALUE, lines */
	char hook_text[64];		/* the beginning of its stdin */
};

void fake_holds_init(struct fake_holds *f);
void fake_holds_done(struct fake_holds *f);
/* Add pmemI, bound, at 259:I. */
void fake_holds_add(struct fake_holds *f, unsigned int i);
/* An unbind of pmemI waits (or its hold ends); the cookie is its watch's. */
void fake_holds_unbind(struct fake_holds *f, unsigned int i, uint64_t id, bool ended);
void fake_holds_set(struct fake_holds *f, bool *what, bool value);
/* Wait until *what is at least n; false after ten seconds. */
bool fake_holds_wait(struct fake_holds *f, const unsigned int *what, unsigned int n);

#endif
