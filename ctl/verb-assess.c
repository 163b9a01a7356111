/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pmemfailctl assess DEVICE: the dry run of a removal; with OFFSET and LENGTH that of
 * poison in that range. Changes nothing.
 */
#include <errno.h>
#include <signal.h>

#include "ctl.h"
#include "report.h"
#include "size.h"
#include "spinner.h"

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

static int assess_removal(struct ctl *c, const char *device)
{
	struct pmemfail_failure *f = NULL;
	int r;

	if (c->deep)
		return ctl_error(CTL_USAGE, "--deep is for a range: give OFFSET and LENGTH, too. A"
				 " removal hits what is in use, and that is always found.");
	r = pmemfail_assess(c->lib, device, &f);
	if (r < 0)
		return ctl_error_device(c, r, "assess the removal", device);
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

static void print_poison_totals(const struct ctl *c, const struct pmemfail_failure *f)
{
	struct report_totals t = report_totals(f);
	char size[TEXT_NUMBER_MAX], sites[TEXT_NUMBER_MAX], targets[TEXT_NUMBER_MAX],
	     processes[TEXT_NUMBER_MAX];

	if (t.filesystems + t.others == 0) {
		ctl_say(c, "Nothing uses these %s of %s.", text_size(size, report_bytes(f)),
			report_device(f));
		return;
	}
	ctl_say(c, "Poison in these %s of %s would reach %s with %s, and %s.",
		text_size(size, report_bytes(f)), report_device(f),
		text_count(sites, t.filesystems + t.others, "site", "sites"),
		text_count(targets, t.targets, "owner", "owners"),
		text_count(processes, t.processes, "process", "processes"));
}

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static int show_progress(uint64_t done, uint64_t total, void *userdata)
{
	spinner_progress(userdata, done, total);
	return interrupted ? -EINTR : 0;
}

/* pmemfaild does the work: it is to hear of Ctrl-C. Directly that ends this process, and
 * with it the work; as the second Ctrl-C does. */
static void take_interrupts(const struct ctl *c)
{
	const struct sigaction act = { .sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND };

	if (pmemfail_is_connection(c->lib))
		sigaction(SIGINT, &act, NULL);
}

static int assess_range(struct ctl *c, char **args)
{
	static const char *const names[2] = { "OFFSET", "LENGTH" };
	struct pmemfail_failure *f = NULL;
	struct spinner *s = NULL;
	uint64_t offset, length;
	const char *wrong;
	int arg, r;

	wrong = size_range_from_strings((const char *const *)args + 1, &offset, &length, &arg);
	if (wrong)
		return ctl_error(CTL_USAGE, "%s '%s' %s.", names[arg], args[1 + arg], wrong);
	if (!c->quiet)
		s = spinner_start(c->deep ? "looking through every file" :
				  "looking for who has it", NULL);
	take_interrupts(c);
	r = pmemfail_assess_range(c->lib, args[0], offset, length, c->deep, show_progress, s,
				  &f);
	spinner_stop(s);
	if (r == -EINTR && interrupted)
		return ctl_error(CTL_FAILED, "interrupted: nothing was found out.");
	if (r < 0)
		return ctl_error_device(c, r, "assess that range", args[0]);
	if (c->json) {
		report_json(f, "assessment");
	} else if (!c->quiet) {
		print_poison_totals(c, f);
		report_sites(c, f, false);
	}
	pmemfail_failure_free(f);
	return CTL_OK;
}

int ctl_assess(struct ctl *c, char **args)
{
	if (args[1] && !args[2])
		return ctl_error(CTL_USAGE, "'assess' needs LENGTH after OFFSET.");
	return args[1] ? assess_range(c, args) : assess_removal(c, args[0]);
}
