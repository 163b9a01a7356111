/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the engine and the calls that act at once share about poison. Only lib/
 * itself includes this.
 */
#ifndef PMF_POISON_H
#define PMF_POISON_H

#include "flow/handle.h"
#include "flow/reconcile.h"

/*
 * One at a time looks at a device's failures, from reading them off the record until
 * they are on it again: else two would tell the same processes. Not the lock of the
 * device, which a removal takes: that must never wait for this.
 */
int pmf_poison_lock(struct pmf_sys *sys, const char *device_id, uint64_t timeout_us,
		    int *ret_fd);
#define PMF_POISON_PATIENCE_US 60000000

/* The device so called, if it is bound. */
const struct pmf_device *pmf_poison_device(const struct pmf_topology *t, const char *id);

/* Write into the device's list what is not in it, if MarkBad= says so for all that the
 * failure reaches. f->listed and f->marked_in say what became of it. */
void pmf_poison_mark(const struct pmf_run *run, struct pmf_failure *f);
/* The same for f->listed again, after a rebind. */
void pmf_poison_mark_again(const struct pmf_run *run, struct pmf_failure *f);

/* Handle it for the first time; f says what came of it, on errors too. */
void pmf_poison_handle(const struct pmf_run *run, struct pmf_failure *f);
/* Handle it again. Returns 1 with f as it is now; 0: nothing new, f is as it was. */
int pmf_poison_handle_again(const struct pmf_run *run, struct pmf_failure **f);

/* --- hooks.c --- */

/* Run every hook on the failure; their answers go into f->hooks. Blocks for as long as
 * they take. An error only without memory. */
int pmf_hooks_run(struct pmf_sys *sys, const struct pmf_policy *p, struct pmf_failure *f);

#endif
