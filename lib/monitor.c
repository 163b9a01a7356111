// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The record's changes as they come. Public.
 */
#include "context.h"

_public_ int pmemfail_monitor_new(struct pmemfail *ctx, struct pmemfail_monitor **ret)
{
	if (!ctx || !ret)
		return pmf_why(-EINVAL, "pmemfail_monitor_new() needs a context and a place for "
			       "the monitor");
	return pmf_why(-EOPNOTSUPP, "the record cannot be monitored yet");
}

_public_ struct pmemfail_monitor *pmemfail_monitor_free(struct pmemfail_monitor *m)
{
	(void)m;
	return NULL;
}

_public_ int pmemfail_monitor_get_fd(const struct pmemfail_monitor *m)
{
	(void)m;
	return pmf_why(-EINVAL, "pmemfail_monitor_get_fd() needs a monitor");
}

_public_ int pmemfail_monitor_next(struct pmemfail_monitor *m, struct pmemfail_failure **ret)
{
	(void)m, (void)ret;
	return pmf_why(-EINVAL, "pmemfail_monitor_next() needs a monitor");
}
