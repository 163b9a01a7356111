// SPDX-License-Identifier: LGPL-2.1-or-later
/* How far a call is, for other threads to look at. Public. */
#include "flow/progress.h"

#include "context.h"

_public_ int pmemfail_progress_new(struct pmemfail_progress **ret)
{
	struct pmf_progress *p;

	if (!ret)
		return pmf_why(-EINVAL, "pmemfail_progress_new() needs a place for it");
	p = calloc(1, sizeof(*p));
	if (!p)
		return pmf_why_errno(-ENOMEM, "cannot look on");
	*ret = (struct pmemfail_progress *)p;
	return 0;
}

_public_ struct pmemfail_progress *pmemfail_progress_free(struct pmemfail_progress *p)
{
	free(p);
	return NULL;
}

_public_ int pmemfail_progress_get(const struct pmemfail_progress *progress, uint64_t *ret_done,
				   uint64_t *ret_total)
{
	const struct pmf_progress *p = (const struct pmf_progress *)progress;

	if (!p || !ret_done || !ret_total)
		return pmf_why(-EINVAL, "pmemfail_progress_get() needs a progress and outputs");
	/* In this order what is done is never more than all there was. */
	*ret_done = atomic_load(&p->done);
	*ret_total = atomic_load(&p->total);
	return 0;
}
