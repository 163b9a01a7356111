// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Looking again at poison that is known. Public.
 */
#include "context.h"

_public_ int pmemfail_replay(struct pmemfail *ctx, const char *device, pmemfail_failure_fn fn,
			     void *userdata)
{
	(void)device, (void)userdata;
	if (!ctx || !fn)
		return pmf_why(-EINVAL, "pmemfail_replay() needs a context and a function");
	return pmf_why(-EOPNOTSUPP, "poison cannot be replayed yet");
}
