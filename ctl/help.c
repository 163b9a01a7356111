/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * --help, made from the command table so that the two cannot disagree.
 * Called by main.c only.
 */
#include "ctl.h"

#include <string.h>

static const struct {
	enum ctl_exit code;
	const char *what;
} codes[] = {
	{ CTL_OK, "done; doctor: every pmem device is protected" },
	{ CTL_FAILED, "tried and failed; doctor: warnings" },
	{ CTL_USAGE, "wrong arguments" },
	{ CTL_PERMISSION, "not permitted: needs root, or polkit's leave" },
	{ CTL_NOT_FOUND, "no such device or failure" },
	{ CTL_BUSY, "busy: somebody else is handling it" },
	{ CTL_UNSUPPORTED, "nothing can be done there" },
	{ CTL_NO_MODULE, "could not finish because the kernel module is missing" },
	{ CTL_UNPROTECTED, "doctor: problems" },
};

static void print_options(const struct ctl_option *o)
{
	for (; o && o->key; o++) {
		char names[64];

		if (o->letter)
			snprintf(names, sizeof(names), "-%c, --%s", o->letter, o->name);
		else
			snprintf(names, sizeof(names), "    --%s", o->name);
		if (o->arg) {
			size_t n = strlen(names);

			snprintf(names + n, sizeof(names) - n, "=%s", o->arg);
		}
		printf("  %-22s %s\n", names, o->what);
	}
}

void ctl_help(const struct ctl_verb *verb)
{
	if (verb) {
		printf("Usage: pmemfailctl %s%s%s [OPTIONS]\n\n%s.\n\n%s\n", verb->name,
		       *verb->args ? " " : "", verb->args, verb->summary, verb->details);
		if (verb->options) {
			puts("\nOptions:");
			print_options(verb->options);
		}
		puts("\nGlobal options and exit codes: pmemfailctl --help");
		return;
	}

	puts("Usage: pmemfailctl [OPTIONS] [VERB [ARGUMENTS]]\n\n"
	     "See how persistent memory is protected, and act on its loss.\n\n"
	     "Verbs:");
	for (verb = ctl_verbs; verb->name; verb++) {
		char usage[64];

		snprintf(usage, sizeof(usage), "%s%s%s", verb->name, *verb->args ? " " : "",
			 verb->args);
		if (strlen(usage) > 22)
			printf("  %s\n  %-22s %s\n", usage, "", verb->summary);
		else
			printf("  %-22s %s\n", usage, verb->summary);
	}
	puts("\nOptions:");
	print_options(ctl_global_options);
	puts("\nExit codes:");
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		printf("  %d  %s\n", codes[i].code, codes[i].what);
	puts("\n'pmemfailctl VERB --help' tells more about a verb. See pmemfailctl(1).");
}
