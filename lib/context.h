/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of the public API share: the context, why a call failed, the
 * log, and how public objects are made of the model's. Only lib/ itself includes
 * this.
 */
#ifndef PMF_CONTEXT_H
#define PMF_CONTEXT_H

#include <pthread.h>
#include <stdatomic.h>

#include <pmemfail/pmemfail.h>

#include "sys/sys.h"

#define PMF_MAX_SETTINGS 32

struct pmf_ops;
struct pmf_bus;

struct pmemfail {
	atomic_uint refs;
	const struct pmf_ops *ops;		/* which way its calls go */
	struct pmf_bus *bus;			/* NULL: directly */
	pthread_mutex_t lock;			/* settings, acted, sys */
	struct pmf_policy policy;		/* constant once acted */
	char *values[PMF_MAX_SETTINGS];		/* as they were set; NULL: the default */
	bool acted;
	struct pmf_sys *sys;			/* NULL until the first act */
	bool sys_borrowed;			/* a test's: not ours to free */
	pthread_mutex_t log_lock;
	pmemfail_log_fn log_fn;
	void *log_userdata;
	/* How many handlings are under way. While one is, a filesystem may be frozen,
	 * and whoever reads the log may wait for it: nothing is logged. */
	atomic_uint quiet;
};

/*
 * Set what pmemfail_why() says in this thread; returns error (negative), so that
 * a call can end with it.
 */
int pmf_why(int error, const char *fmt, ...) _printf_(2, 3);
/* The same with the error's own words behind: "cannot X: Y". */
int pmf_why_errno(int error, const char *fmt, ...) _printf_(2, 3);

void pmf_log(struct pmemfail *ctx, const char *fmt, ...) _printf_(2, 3);

/* The machine; made at the first call, after which settings stand. -EOPNOTSUPP: it is a
 * connection. */
int pmf_act(struct pmemfail *ctx, struct pmf_sys **ret);
/* For tests: act on this one instead, which the caller keeps and frees. */
void pmf_act_on(struct pmemfail *ctx, struct pmf_sys *sys);

/* Set one from a file; names why on error. The caller holds no lock. */
int pmf_context_set(struct pmemfail *ctx, const char *key, const char *value,
		    char ret_why[static 160]);

/* Those of filesystems instead of the context's own, all at once. Names why. */
int pmf_context_take_overrides(struct pmemfail *ctx, struct pmf_policy *from);

/* The device a person named, in a fresh topology. Names why on error. */
int pmf_find_device(const struct pmf_topology *t, const char *name,
		    const struct pmf_device **ret);
/* For getters of ranges: -ENOENT past the end. */
int pmf_get_range(const struct pmf_ranges *set, size_t i, uint64_t *ret_start,
		  uint64_t *ret_end);
int pmf_read_all(struct pmf_sys *sys, struct pmf_topology **ret);

/*
 * Public objects are the model's under another name: nobody outside knows what is
 * in them, nobody inside has to copy them.
 */
static inline const struct pmf_failure *pmf_failure_from_public(const struct pmemfail_failure *f)
{
	return (const struct pmf_failure *)f;
}

static inline struct pmemfail_failure *pmf_failure_to_public(struct pmf_failure *f)
{
	return (struct pmemfail_failure *)f;
}

#endif
