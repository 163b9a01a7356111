// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Poison that a person names: by device and offset, or by physical address. Acts in
 * the caller's own thread, as prepare-remove does. Public; works beside a running
 * daemon.
 */
#include "context.h"

_public_ int pmemfail_assess_range(struct pmemfail *ctx, const char *device, uint64_t offset,
				   uint64_t length, bool deep, pmemfail_progress_fn progress,
				   void *userdata, struct pmemfail_failure **ret)
{
	(void)offset, (void)length, (void)deep, (void)progress, (void)userdata;
	if (!ctx || !device || !ret)
		return pmf_why(-EINVAL, "pmemfail_assess_range() needs a context, a device and "
			       "a place for the answer");
	return pmf_why(-EOPNOTSUPP, "poison cannot be assessed yet");
}

_public_ int pmemfail_report(struct pmemfail *ctx, const char *device, uint64_t offset,
			     uint64_t length, pmemfail_failure_fn fn, void *userdata)
{
	(void)offset, (void)length, (void)userdata;
	if (!ctx || !device || !fn)
		return pmf_why(-EINVAL, "pmemfail_report() needs a context, a device and a "
			       "function");
	return pmf_why(-EOPNOTSUPP, "poison cannot be reported yet");
}

_public_ int pmemfail_report_spa(struct pmemfail *ctx, uint64_t address, uint64_t length,
				 pmemfail_failure_fn fn, void *userdata)
{
	(void)address, (void)length, (void)userdata;
	if (!ctx || !fn)
		return pmf_why(-EINVAL, "pmemfail_report_spa() needs a context and a function");
	return pmf_why(-EOPNOTSUPP, "poison cannot be reported yet");
}
