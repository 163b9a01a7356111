/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the engine and the calls that act at once share about poison. Only lib/
 * itself includes this.
 */
#ifndef PMF_POISON_H
#define PMF_POISON_H

#include "context.h"
#include "flow/handle.h"
#include "flow/reconcile.h"
#include "flow/store.h"

/*
 * One at a time looks at a device's failures, from reading them off the record until
 * they are on it again: else two would tell the same processes. Not the lock of the
 * device, which a removal takes: that must never wait for this.
 */
int pmf_poison_lock(struct pmf_sys *sys, const char *device_id, uint64_t timeout_us,
		    int *ret_fd);
#define PMF_POISON_PATIENCE_US 60000000

/* Handle it for the first time; f says what came of it, on errors too. */
void pmf_poison_handle(const struct pmf_run *run, struct pmf_failure *f);
/* Handle it again. Returns 1 with f as it is now; 0: nothing new, f is as it was. */
int pmf_poison_handle_again(const struct pmf_run *run, struct pmf_failure **f);

/* --- act.c --- */

/* The rescue never waits for the record: without it, it goes on, and says so. *store is
 * opened when it is needed first. */
void pmf_act_record(struct pmemfail *ctx, struct pmf_store **store, struct pmf_failure *f);
/* Run the hooks and record their answers. */
void pmf_act_hooks(struct pmemfail *ctx, struct pmf_store **store, struct pmf_failure *f);

/* --- replay.c --- */

/* Failures to tell the caller of. Zero-initialise; ends by tell. */
struct pmf_found {
	struct pmf_failure **v;
	size_t n, cap;
};
/* Takes f, also on failure. */
int pmf_found_add(struct pmf_found *found, struct pmf_failure *f);
/* Calls fn until it says non-zero, frees all. Returns how many there were. */
int pmf_found_tell(struct pmf_found *found, pmemfail_failure_fn fn, void *userdata);

/*
 * Look again at the device's open failures, those that have some of ranges (NULL: all),
 * and add them to found. What of ranges they have is taken out of it. The caller has
 * the poison lock.
 */
int pmf_replay_device(struct pmemfail *ctx, const struct pmf_run *run, const char *device_id,
		      struct pmf_ranges *ranges, struct pmf_found *found);

/* --- hooks.c --- */

/* Run every hook on the failure; their answers go into f->hooks. Blocks for as long as
 * they take. An error only without memory. */
int pmf_hooks_run(struct pmf_sys *sys, const struct pmf_policy *p, struct pmf_failure *f);

#endif
