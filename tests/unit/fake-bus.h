/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A message bus of the test's own and a pmemfaild on it that is none: it answers from
 * what the test puts into shared memory, sensibly or as a hostile one would. The library
 * finds both by DBUS_SYSTEM_BUS_ADDRESS.
 */
#ifndef PMF_FAKE_BUS_H
#define PMF_FAKE_BUS_H

#include <stdatomic.h>
#include <sys/types.h>

#include "model/failure.h"

#define FAKE_MOST_JSON	(40U << 20)

/* How it answers; what one is about, the others do sensibly. */
enum fake_manner {
	FAKE_SENSIBLE,
	FAKE_SILENT,		/* never */
	FAKE_OTHER_SIGNATURE,	/* each method a value of another type */
	FAKE_ERROR,		/* by error_name */
	FAKE_JOB_ELSEWHERE,	/* a job has a path that is no job's */
	FAKE_JOB_MAD,		/* its state is no word */
	FAKE_JOB_WRONG_TYPE,	/* a property of it is of another type */
	FAKE_JOB_FAILS,
	FAKE_JOB_TOLD,		/* is over by the command 'j' */
	FAKE_JOB_ENDLESS,	/* is over when it is canceled only */
	FAKE_JOB_DIES,		/* the daemon, in the middle */
	FAKE_BAD_RANGES,	/* backwards */
	FAKE_BAD_STATE,		/* of a failure in the list */
	FAKE_SAME_AGAIN,	/* it tells the newest failures whatever it is asked for */
	FAKE_NO_COUNTS,		/* it does not know how many events there were */
};

/* Shared with the server. */
struct fake_bus_shared {
	_Atomic(enum fake_manner) manner;
	char error_name[128];
	char failure[1U << 16];		/* what DescribeFailure says but for the id */
	char device[4096];		/* Device.Describe */
	_Atomic size_t huge;		/* instead: so many bytes */
	_Atomic uint64_t ids[8], updated[8];	/* on record; 0: no more */
	atomic_uint calls, canceled, released, lists;
	char options[64];		/* of the last Assess: "deep offset length" */
};

struct fake_bus {
	pid_t bus, server;
	int commands;			/* to the server */
	struct fake_bus_shared *shared;
	char dir[256];
};

/* The bus alone, with the environment set. */
void fake_bus_init(struct fake_bus *b);
void fake_bus_done(struct fake_bus *b);
void fake_bus_stop(struct fake_bus *b);
void fake_bus_start(struct fake_bus *b);
void fake_server_start(struct fake_bus *b);
void fake_server_kill(struct fake_bus *b);
/* Have it emit a signal: 'a' FailureAdded, 'c' FailureChanged, 'r' PrepareForRemoval,
 * 'p' DeviceProtectionChanged, 'x' one of another signature;
 * 'j' that the job is over. */
void fake_server_emit(struct fake_bus *b, char what, uint64_t id);

#endif
