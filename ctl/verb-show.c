/* SPDX-License-Identifier: GPL-2.0-only */
/* pmemfailctl show ID: what happened in one failure, step by step. */
#include <errno.h>
#include <stdlib.h>

#include "ctl.h"
#include "report.h"

/* Digits only: strtoull() alone would take "-1" and " 7". */
static bool id_from_string(const char *s, uint64_t *ret)
{
	unsigned long long id;
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	id = strtoull(s, &end, 10);
	if (errno != 0 || *end || id == 0)
		return false;
	*ret = id;
	return true;
}

int ctl_show(struct ctl *c, char **args)
{
	struct pmemfail_failure *f = NULL;
	uint64_t id;
	int r;

	if (!id_from_string(args[0], &id))
		return ctl_error(CTL_USAGE, "'%s' is no failure's id: ids are numbers."
				 " 'pmemfailctl list' shows them.", args[0]);
	r = pmemfail_get_failure(c->lib, id, &f);
	if (r == -ENOENT)
		return ctl_error(CTL_NOT_FOUND, "no failure has the id %s. 'pmemfailctl list'"
				 " shows those that were recorded.", args[0]);
	if (r < 0)
		return ctl_error_library(r, "read the record of failures");
	if (c->json) {
		report_json(f, "failure");
	} else if (!c->quiet) {
		report_whole(c, f);
	}
	pmemfail_failure_free(f);
	return CTL_OK;
}
