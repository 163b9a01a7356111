/* SPDX-License-Identifier: GPL-2.0-only */
/* pmemfailctl show ID: what happened in one failure, step by step. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static void print_head(const struct ctl *c, const struct pmemfail_failure *f)
{
	enum pmemfail_state state = pmemfail_failure_state(f);
	struct report_totals t = report_totals(f);
	const char *reason = pmemfail_failure_reason(f);
	char a[TEXT_NUMBER_MAX], b[TEXT_NUMBER_MAX];

	ctl_say(c, "failure %llu: %s of %s, seen by %s",
		(unsigned long long)pmemfail_failure_id(f), pmemfail_failure_kind(f),
		report_device(f), pmemfail_failure_source(f));
	printf("  state    %s%s%s\n", c->colour ? text_colour(report_state_colour(state)) : "",
	       pmemfail_state_name(state), c->colour ? TEXT_END : "");
	if (reason)
		ctl_say(c, "  reason   %s", reason);
	ctl_say(c, "  device   %s", pmemfail_failure_device_id(f));
	ctl_say(c, "  began    %s", text_time(a, pmemfail_failure_created_us(f)));
	ctl_say(c, "  changed  %s", text_time(a, pmemfail_failure_updated_us(f)));
	if (pmemfail_failure_hold_ns(f) > 0)
		ctl_say(c, "  held     %s: so long the kernel's unbind waited",
			text_duration(a, pmemfail_failure_hold_ns(f)));
	ctl_say(c, "  told     %s on %s",
		text_count(a, t.told, "process", "processes"),
		text_count(b, t.filesystems + t.others, "site", "sites"));
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
		print_head(c, f);
		report_sites(c, f, true);
	}
	pmemfail_failure_free(f);
	return CTL_OK;
}
