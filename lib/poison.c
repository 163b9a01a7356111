// SPDX-License-Identifier: LGPL-2.1-or-later
/* See poison.h. */
#include "poison.h"

#include "base/str.h"

int pmf_poison_lock(struct pmf_sys *sys, const char *device_id, uint64_t timeout_us,
		    int *ret_fd)
{
	_cleanup_free_ char *name = NULL;
	int r = pmf_format(&name, "%s.poison", device_id);

	return r < 0 ? r : sys->ops->lock_device(sys, name, timeout_us, ret_fd);
}

void pmf_poison_handle(const struct pmf_run *run, struct pmf_failure *f)
{
	int r;

	pmf_failure_drop_hooks(f);
	f->state = PMF_STATE_HANDLING;
	r = pmf_handle_poison(run, f);
	f->updated_us = run->sys->ops->now_realtime_us(run->sys);
	if (r >= 0)
		return;
	f->state = PMF_STATE_FAILED;
	if (pmf_format(&f->reason, "the poison of %s was not handled: %s",
		       f->device_name ?: f->device_id, strerror(-r)) < 0)
		(void)strdup_to(&f->reason, "out of memory");
}

int pmf_poison_handle_again(const struct pmf_run *run, struct pmf_failure **f)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *before = NULL;
	int r = pmf_failure_copy(*f, &before);

	if (r < 0)
		return r;
	pmf_poison_handle(run, *f);
	if (!pmf_poison_is_same(before, *f))
		return 1;
	pmf_failure_free(*f);
	*f = TAKE_PTR(before);
	return 0;
}
