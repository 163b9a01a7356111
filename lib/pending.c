// SPDX-License-Identifier: LGPL-2.1-or-later
/* What others are still building, so that the rest can be built against it. */
#include "base/str.h"
#include "flow/handle.h"

#define PENDING __attribute__((weak))

PENDING int pmf_handle_poison(const struct pmf_run *run, struct pmf_failure *f)
{
	(void)run;
	f->state = PMF_STATE_UNSUPPORTED;
	return pmf_format(&f->reason, "poison cannot be handled yet");
}

PENDING int pmf_assess_poison(const struct pmf_run *run, struct pmf_failure *f, bool deep,
			      pmf_progress_fn progress, void *userdata)
{
	(void)run, (void)f, (void)deep, (void)progress, (void)userdata;
	return -EOPNOTSUPP;
}
