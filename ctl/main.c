/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pmemfailctl: see how persistent memory is protected, and act on its loss.
 *
 * This file holds the command table and reads the command line; each verb is in
 * verb-NAME.c. Newcomers: read ctl_verbs, then the verb you are after.
 */
#include "ctl.h"

#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "text.h"

const struct ctl_option ctl_global_options[] = {
	{ CTL_JSON, 0, "json", NULL, "print JSON (schema 1, sizes in bytes)" },
	{ CTL_QUIET, 'q', "quiet", NULL, "errors only; list and devices: bare names" },
	{ CTL_VERBOSE, 'v', "verbose", NULL, "tell on stderr what the library does" },
	{ CTL_BUS, 0, "bus", NULL, "ask pmemfaild over D-Bus, or fail" },
	{ CTL_DIRECT, 0, "direct", NULL, "do without pmemfaild: needs root" },
	{ CTL_NO_COLOUR, 0, "no-color", NULL, "no colours, as with NO_COLOR set" },
	{ CTL_HELP, 'h', "help", NULL, "show this, or the help of a verb" },
	{ CTL_VERSION, 'V', "version", NULL, "show the version" },
	{}
};

static const struct ctl_option list_options[] = {
	{ CTL_STATE, 's', "state", "STATE", "only failures in this state" },
	{}
};

static const struct ctl_option assess_options[] = {
	{ CTL_DEEP, 0, "deep", NULL, "look through every file, also unused ones: slow" },
	{}
};

static const struct ctl_option metrics_options[] = {
	{ CTL_OUTPUT, 'o', "output", "FILE", "write them there, all at once" },
	{}
};

static const struct ctl_option report_options[] = {
	{ CTL_SPA, 0, "spa", NULL, "the range is a physical address and a length" },
	{}
};

static const struct ctl_option inhibit_options[] = {
	{ CTL_WHO, 0, "who", "NAME", "who asks for it; default: the command's name" },
	{ CTL_WHY, 0, "why", "TEXT", "why, for people" },
	{}
};

static const struct ctl_option prepare_remove_options[] = {
	{ CTL_YES, 'y', "yes", NULL, "do not ask" },
	{}
};

const struct ctl_verb ctl_verbs[] = {
	{ "status", "", 0, 0, "Show whether all is well, in six lines",
	  "Is the daemon running, is the kernel module loaded, how many devices are\n"
	  "protected, which failures were recorded, is anything frozen, and who was asked:\n"
	  "pmemfaild, or the machine directly. This is what pmemfailctl does without a verb.",
	  NULL, ctl_status, .lenient = true },
	{ "doctor", "", 0, 0, "Show what is protected, what is not, and what to do",
	  "Findings about the machine and about each device: OK, NOTE, WARNING (partly\n"
	  "protected) or PROBLEM (not protected), with advice. Changes nothing.\n"
	  "Exit code 0: all protected, 1: warnings, 8: problems.",
	  NULL, ctl_doctor, .lenient = true, .direct = true },
	{ "devices", "", 0, 0, "List the pmem devices",
	  "Every pmem namespace of the machine, bound to a driver or not; and what the\n"
	  "kernel holds for bad on each, drawn as a line, with who owns it.",
	  NULL, ctl_devices, .lenient = true },
	{ "list", "", 0, 0, "List recorded failures, newest first",
	  "States: pending, handling, handled, cleared, failed, unsupported.",
	  list_options, ctl_list, .lenient = true },
	{ "show", "ID", 1, 1, "Show what happened in one failure",
	  "The steps with how long each took, the processes that were told, and the\n"
	  "reason when it could not be handled.",
	  NULL, ctl_show, .lenient = true },
	{ "monitor", "", 0, 0, "Show failures as they begin and change",
	  "A line each, with --json an object a line, until it is interrupted or nobody\n"
	  "reads any more. The daemon need not run, and may come and go.",
	  NULL, ctl_monitor, .lenient = true },
	{ "metrics", "", 0, 0, "Print counts and times for a monitoring system",
	  "OpenMetrics text: devices, bad bytes, failures by state, processes told, times\n"
	  "of freezes and holds, events. With --output the file is replaced when all of it\n"
	  "has been written, as a node exporter's textfile collector needs it.",
	  metrics_options, ctl_metrics, .lenient = true },
	{ "assess", "DEVICE [OFFSET LENGTH]", 1, 3, "Show what losing it would hit",
	  "The dry run: filesystems, files and processes that use the device now, and\n"
	  "what a removal, or poison in that range, would do to them. Changes nothing.\n"
	  "DEVICE: pmem0, /dev/pmem0, dax0.0, namespace0.0, a UUID, or a partition or\n"
	  "device-mapper device over it. OFFSET and LENGTH: 4096, 0x1000, 4K, 2M, 1G.",
	  assess_options, ctl_assess },
	{ "report", "DEVICE OFFSET LENGTH", 2, 3, "Say that a range is bad",
	  "As if the hardware had said so: the range is marked bad, every process that\n"
	  "maps it loses it and gets SIGBUS, and it is recorded. OFFSET and LENGTH: 4096,\n"
	  "0x1000, 4K, 2M, 1G, in bytes of DEVICE. Once begun it cannot be interrupted.\n"
	  "pmemfailctl report --spa ADDRESS LENGTH: by physical address instead.",
	  report_options, ctl_report },
	{ "replay", "[DEVICE]", 0, 1, "Look again at what is bad",
	  "Tells whoever came to own a bad range since it was put on record: by a mount,\n"
	  "or by a file that was put there. Nobody is told twice. pmemfaild does it by\n"
	  "itself.",
	  NULL, ctl_replay },
	{ "prepare-remove", "DEVICE", 1, 1, "Make a device safe to remove, now",
	  "Shuts down and unmounts every filesystem on the device. Programs that map\n"
	  "files there get SIGBUS, which ends those that do not expect it. What was\n"
	  "synced is kept. Asks first; without a terminal it needs --yes. Once begun it\n"
	  "cannot be interrupted.",
	  prepare_remove_options, ctl_prepare_remove },
	{ "inhibit", "WHAT COMMAND [ARGUMENTS...]", 2, INT_MAX,
	  "Have removals wait while a command runs",
	  "A removal of WHAT, a device or a mount point, waits for the end of the command,\n"
	  "but for no longer than InhibitDelayMaxSec. pmemfaild must run. The exit code is\n"
	  "the command's, or 128 and the number of the signal that ended it.",
	  inhibit_options, ctl_inhibit, .command = true },
	{ "thaw", "", 0, 0, "Thaw what a dead pmemfail process left frozen",
	  "Only filesystems that pmemfail itself froze. Harmless when there are none:\n"
	  "systemd runs it each time pmemfaild ends.",
	  NULL, ctl_thaw, .lenient = true, .direct = true },
	{}
};

const struct ctl_verb *ctl_find_verb(const char *name)
{
	for (const struct ctl_verb *v = ctl_verbs; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

static void set_option(struct ctl *c, int key, const char *arg)
{
	switch (key) {
	case CTL_JSON:
		c->json = true;
		break;
	case CTL_QUIET:
		c->quiet = true;
		break;
	case CTL_VERBOSE:
		c->verbose = true;
		break;
	case CTL_NO_COLOUR:
		c->no_colour = true;
		break;
	case CTL_HELP:
		c->help = true;
		break;
	case CTL_VERSION:
		c->version = true;
		break;
	case CTL_YES:
		c->yes = true;
		break;
	case CTL_SPA:
		c->spa = true;
		break;
	case CTL_DEEP:
		c->deep = true;
		break;
	case CTL_BUS:
		c->bus = true;
		break;
	case CTL_DIRECT:
		c->direct = true;
		break;
	case CTL_WHO:
		c->who = arg;
		break;
	case CTL_WHY:
		c->why = arg;
		break;
	case CTL_STATE:
		c->state = arg;
		break;
	case CTL_OUTPUT:
		c->output = arg;
		break;
	}
}

#define MAX_OPTIONS 16

/* Append one table to what getopt_long() takes. */
static void add_options(const struct ctl_option *o, struct option *longs, size_t *n,
			char *shorts)
{
	for (; o && o->key && *n < MAX_OPTIONS; o++) {
		longs[(*n)++] = (struct option){ .name = o->name, .val = (int)o->key,
			.has_arg = o->arg ? required_argument : no_argument };
		if (o->letter)
			sprintf(shorts + strlen(shorts), "%c%s", o->letter, o->arg ? ":" : "");
	}
}

static int key_from_letter(const struct ctl_option *o, int letter)
{
	for (; o && o->key; o++)
		if (o->letter == letter)
			return (int)o->key;
	return 0;
}

/* The words behind the first argument of such a verb are a command's, also those that look
 * like options: so the verb comes first, and options end with the first other word. */
static void put_verb_first(char **argv, int at)
{
	char *verb = argv[at];

	memmove(argv + 2, argv + 1, (size_t)(at - 1) * sizeof(*argv));
	argv[1] = verb;
	optind = 2;
}

/* -1: go on; else the exit code. Options may stand before and after the verb. */
static int parse(struct ctl *c, int argc, char **argv)
{
	struct option longs[MAX_OPTIONS + 1] = {};
	char shorts[2 * MAX_OPTIONS + 3] = ":";
	bool words = false;	/* "--" was seen: no options from here on */
	size_t n = 0;
	int key, given;

	/* No global option takes an argument: the first other word is the verb. */
	for (int i = 1; i < argc && !c->verb; i++) {
		if (!words && strcmp(argv[i], "--") == 0) {
			words = true;
			continue;
		}
		if (!words && argv[i][0] == '-' && argv[i][1])
			continue;
		c->verb = ctl_find_verb(argv[i]);
		if (!c->verb)
			return ctl_error(CTL_USAGE, "there is no verb '%s'. 'pmemfailctl --help'"
					 " lists them.", argv[i]);
		if (c->verb->command) {
			put_verb_first(argv, i);
			strcpy(shorts, "+:");
		}
	}
	add_options(ctl_global_options, longs, &n, shorts);
	if (c->verb)
		add_options(c->verb->options, longs, &n, shorts);

	while ((key = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (key == ':')
			return ctl_error(CTL_USAGE, "option '%s' needs a value.",
					 argv[optind - 1]);
		if (key == '?' && optopt >= 256)
			return ctl_error(CTL_USAGE, "option '%s' takes no value.",
					 argv[optind - 1]);
		if (key == '?' && optopt)
			return ctl_error(CTL_USAGE, "there is no option '-%c' here. See"
					 " 'pmemfailctl%s%s --help'.", optopt,
					 c->verb ? " " : "", c->verb ? c->verb->name : "");
		if (key == '?')
			return ctl_error(CTL_USAGE, "there is no option '%s' here. See"
					 " 'pmemfailctl%s%s --help'.", argv[optind - 1],
					 c->verb ? " " : "", c->verb ? c->verb->name : "");
		if (key < 256) {
			int k = key_from_letter(ctl_global_options, key);

			key = k || !c->verb ? k : key_from_letter(c->verb->options, key);
		}
		set_option(c, key, optarg);
	}

	if (c->help) {
		ctl_help(c->verb);
		return CTL_OK;
	}
	if (c->version) {
		printf("pmemfailctl %s\n", pmemfail_version());
		return CTL_OK;
	}
	if (!c->verb) {
		c->verb = ctl_find_verb("status");
		return -1;
	}
	optind -= c->verb->command;	/* as if it stood before what follows */
	given = argc - optind - 1;	/* the verb itself was permuted to the front */
	if (given < c->verb->min_args)
		return ctl_error(CTL_USAGE, "'%s' needs %s: pmemfailctl %s %s", c->verb->name,
				 c->verb->max_args > 1 ? "its arguments" : "its argument",
				 c->verb->name, c->verb->args);
	if (given > c->verb->max_args)
		return ctl_error(CTL_USAGE, "'%s' takes no argument '%s'. See 'pmemfailctl %s"
				 " --help'.", c->verb->name,
				 argv[optind + 1 + c->verb->max_args], c->verb->name);
	return -1;
}

void ctl_ignore_signals(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP,
		SIGTTOU };	/* of the spinner, when in the background: it stops all */

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
}

static void look_at_terminal(struct ctl *c)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	struct winsize ws;

	if (!isatty(STDOUT_FILENO))
		return;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0)
		c->width = ws.ws_col;
	c->colour = !c->no_colour && !(no && *no) && term && *term &&
		    strcmp(term, "dumb") != 0;
}

static int run(struct ctl *c, char **args)
{
	int code = ctl_choose_way(c);

	return code < 0 ? c->verb->run(c, args) : code;
}

int main(int argc, char **argv)
{
	struct ctl c = {};
	int code;

	setlocale(LC_CTYPE, "");
	/* A reader that went away must not end this program half-way through a
	 * removal: the write error is seen at the end instead. */
	signal(SIGPIPE, SIG_IGN);

	code = parse(&c, argc, argv);
	if (code < 0) {
		look_at_terminal(&c);
		code = run(&c, argv + optind + (optind < argc));
	}
	c.lib = pmemfail_unref(c.lib);
	c.machine = pmemfail_unref(c.machine);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		ctl_error(CTL_FAILED, "cannot write the output.");
		return code != CTL_OK ? code : CTL_FAILED;
	}
	return code;
}
