/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pmemfailctl prepare-remove DEVICE: make it safe to remove, now.
 *
 * The one verb that takes something away from running programs. So it shows first
 * what will be hit, asks, and once begun is not to be interrupted: half a removal
 * is worse than either end of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "report.h"
#include "spinner.h"

/* Did it stay undone for want of the module? The diagnosis knows by the word. */
static bool module_is_missing(const struct ctl *c)
{
	const char *about, *code, *what, *advice;
	struct pmemfail_diagnosis *d = NULL;
	bool missing = false;
	int r;

	if (ctl_diagnose(c, &d) < 0)
		return false;
	for (size_t i = 0; (r = pmemfail_diagnosis_get(d, i, &about, &code, &what,
						       &advice)) >= 0; i++)
		if (r >= PMEMFAIL_WARNING && strncmp(code, "module-", 7) == 0)
			missing = true;
	pmemfail_diagnosis_free(d);
	return missing;
}

static bool ask(const char *device)
{
	char answer[16] = "", *safe = text_escape(device);
	bool yes;

	fprintf(stderr, "\nMake %s safe to remove now? Type 'yes' to go on: ", safe);
	free(safe);
	fflush(stderr);
	yes = fgets(answer, sizeof(answer), stdin) &&
	      (strcmp(answer, "yes\n") == 0 || strcmp(answer, "y\n") == 0);
	return yes;
}

/* CTL_OK to go on. */
static int confirm(const struct ctl *c, const char *device)
{
	struct pmemfail_failure *f = NULL;
	struct report_totals t;
	char a[TEXT_NUMBER_MAX], b[TEXT_NUMBER_MAX];
	int r;

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return ctl_error(CTL_USAGE, "prepare-remove takes '%s' away from the programs that"
				 " use it: give --yes when there is no terminal to ask on."
				 " 'pmemfailctl assess' shows them.", device);
	r = pmemfail_assess(c->lib, device, &f);
	if (r < 0)
		return ctl_error_device(c, r, "assess the removal", device);
	t = report_totals(f);
	if (!c->json && !c->quiet)
		report_sites(c, f, false);
	fflush(stdout);
	fprintf(stderr, "\nThis shuts down and unmounts %s; %s will get SIGBUS.\n",
		text_count(a, t.filesystems, "filesystem", "filesystems"),
		text_count(b, t.processes, "process", "processes"));
	pmemfail_failure_free(f);
	return ask(device) ? CTL_OK : ctl_error(CTL_FAILED, "nothing was done.");
}

static int tell(const struct ctl *c, const struct pmemfail_failure *f)
{
	enum pmemfail_state state = pmemfail_failure_state(f);
	struct report_totals t = report_totals(f);
	const char *reason = pmemfail_failure_reason(f) ?: "no reason was given";
	char fs[TEXT_NUMBER_MAX], told[TEXT_NUMBER_MAX], ns[TEXT_NUMBER_MAX], id[64] = "";

	if (pmemfail_failure_id(f) != 0)
		snprintf(id, sizeof(id), " 'pmemfailctl show %llu' tells more.",
			 (unsigned long long)pmemfail_failure_id(f));
	if (state == PMEMFAIL_HANDLED || state == PMEMFAIL_CLEARED) {
		ctl_say(c, "%s is safe to remove: %s shut down, %s told, frozen for %s.%s",
			report_device(f),
			text_count(fs, t.filesystems, "filesystem", "filesystems"),
			text_count(told, t.told, "process", "processes"),
			text_duration(ns, t.frozen_ns), id);
		return CTL_OK;
	}
	ctl_error(CTL_FAILED, "%s is NOT safe to remove: %s%s%s", report_device(f), reason,
		  ctl_full_stop(reason), id);
	if (module_is_missing(c))
		return ctl_error(CTL_NO_MODULE, "the kernel module is missing, without which"
				 " mappings cannot be taken away: modprobe pmemfail, then try"
				 " again. 'pmemfailctl doctor' tells more.");
	return state == PMEMFAIL_UNSUPPORTED ? CTL_UNSUPPORTED : CTL_FAILED;
}

int ctl_prepare_remove(struct ctl *c, char **args)
{
	struct pmemfail_progress *p = NULL;
	struct pmemfail_failure *f = NULL;
	struct spinner *s = NULL;
	int r;

	if (!c->yes) {
		r = confirm(c, args[0]);
		if (r != CTL_OK)
			return r;
	}
	ctl_ignore_signals();
	(void)pmemfail_progress_new(&p);	/* nothing hangs on it */
	if (!c->quiet)
		s = spinner_start("taking the device out of use", p);
	r = pmemfail_prepare_remove_with_progress(c->lib, args[0], p, &f);
	spinner_stop(s);
	pmemfail_progress_free(p);
	if (r < 0)
		return ctl_error_device(c, r, "prepare the removal", args[0]);
	if (c->json)
		report_json(f, "failure");
	r = tell(c, f);
	pmemfail_failure_free(f);
	return r;
}
