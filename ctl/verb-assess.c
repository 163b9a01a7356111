/* SPDX-License-Identifier: GPL-2.0-only */
/* pmemfailctl assess DEVICE: the dry run of a removal. Changes nothing. */
#include "ctl.h"
#include "report.h"

static void print_totals(const struct ctl *c, const struct pmemfail_failure *f)
{
	struct report_totals t = report_totals(f);
	char fs[TEXT_NUMBER_MAX], others[TEXT_NUMBER_MAX], files[TEXT_NUMBER_MAX],
	     processes[TEXT_NUMBER_MAX];

	if (t.filesystems + t.others == 0) {
		ctl_say(c, "Nothing uses %s: it can be removed.", report_device(f));
		return;
	}
	ctl_say(c, "Removing %s would hit %s, %s, %s and %s.", report_device(f),
		text_count(fs, t.filesystems, "filesystem", "filesystems"),
		text_count(others, t.others, "other user", "other users"),
		text_count(files, t.files, "file in use", "files in use"),
		text_count(processes, t.processes, "process", "processes"));
}

static void print_consequence(const struct pmemfail_failure *f)
{
	struct report_totals t = report_totals(f);

	if (t.filesystems + t.others == 0)
		return;
	putchar('\n');
	if (t.filesystems > 0)
		puts("A removal freezes each filesystem for a moment, takes the mappings away, and"
		     "\nshuts it down; what was synced is kept.");
	if (t.processes > 0)
		puts("Each of these processes gets one SIGBUS with the address. It ends those that"
		     "\ndo not handle it.");
	if (t.holders > 0)
		puts("What is used by swap, md, dm-crypt or the like must be stopped by hand first.");
}

int ctl_assess(struct ctl *c, char **args)
{
	struct pmemfail_failure *f = NULL;
	int r;

	r = pmemfail_assess(c->lib, args[0], &f);
	if (r < 0)
		return ctl_error_device(c, r, "assess the removal", args[0]);
	if (c->json) {
		report_json(f, "assessment");
	} else if (!c->quiet) {
		print_totals(c, f);
		report_sites(c, f, false);
		print_consequence(f);
	}
	pmemfail_failure_free(f);
	return CTL_OK;
}
