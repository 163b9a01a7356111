/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which way a verb goes: by pmemfaild over D-Bus when it runs, so that there is one who
 * acts, and anybody may read; else directly on the machine, as root. Called by main.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "text.h"

static void log_library(int level, const char *text, void *userdata)
{
	char *safe = text_escape(text);

	(void)userdata;
	fprintf(stderr, "pmemfailctl: <%d> %s\n", level, safe);
	free(safe);
}

static int no_daemon(const struct ctl *c, const char *why)
{
	const char *end = ctl_full_stop(why);

	if (c->bus && geteuid() == 0)
		return ctl_error(CTL_FAILED, "cannot ask pmemfaild: %s%s 'systemctl start"
				 " pmemfaild' starts it; without --bus this works without it.", why,
				 end);
	if (c->bus)
		return ctl_error(CTL_FAILED, "cannot ask pmemfaild: %s%s", why, end);
	return ctl_error(CTL_PERMISSION, "pmemfaild is not running, and without it '%s' needs"
			 " root. Try: sudo pmemfailctl %s (%s)", c->verb->name, c->verb->name, why);
}

/* The machine itself, with its configuration. -1 to go on: when that is bad, those that
 * only look, with the defaults, and whoever asks pmemfaild, which has one of its own. */
static int open_machine(struct ctl *c)
{
	int r = pmemfail_new(&c->machine);

	if (r < 0)
		return ctl_error_library(r, "begin");
	if (c->verbose)
		pmemfail_set_log_fn(c->machine, log_library, NULL);
	r = pmemfail_read_config(c->machine, NULL);
	if (r < 0) {
		int code = ctl_error_library(r, "read the configuration");

		if (!c->verb->lenient && !c->lib)
			return code;
		fprintf(stderr, "pmemfailctl: going on %s.\n", c->lib ? "with pmemfaild's" :
			"with the defaults");
	}
	return -1;
}

static int choose(struct ctl *c)
{
	bool root = geteuid() == 0;
	int r = -EHOSTDOWN;

	if (c->direct && c->bus)
		return ctl_error(CTL_USAGE, "--direct and --bus exclude each other.");
	if (c->verb->direct && c->bus)
		return ctl_error(CTL_USAGE, "'%s' works on the machine itself: --bus means nothing"
				 " to it.", c->verb->name);
	if (!c->verb->direct && !c->direct)
		r = pmemfail_connect(&c->lib);
	if (r < 0 && (c->verb->direct || c->direct) && !root)
		return ctl_error(CTL_PERMISSION, "'%s' needs root%s. Try: sudo pmemfailctl %s",
				 c->verb->name, c->direct ? " with --direct" : "",
				 c->verb->name);
	if (r < 0 && (c->bus || !root))
		return no_daemon(c, pmemfail_why());
	if (root) {
		r = open_machine(c);
		if (r >= 0)
			return r;
	}
	if (!c->lib)
		c->lib = pmemfail_ref(c->machine);
	return -1;
}

int ctl_choose_way(struct ctl *c)
{
	bool over_bus;
	int r = choose(c);

	if (r >= 0)
		return r;
	over_bus = pmemfail_is_connection(c->lib);
	/* Of what only works one way nobody asks. */
	if (!c->verb->direct)
		ctl_speak_of(over_bus ? "asked over D-Bus" : "asked directly");
	if (c->verbose)
		fputs(over_bus ? "pmemfailctl: pmemfaild is asked over D-Bus\n" :
		      "pmemfailctl: the machine is asked directly\n", stderr);
	return -1;
}

const char *ctl_way(const struct ctl *c)
{
	return pmemfail_is_connection(c->lib) ? "bus" : "direct";
}

int ctl_diagnose(const struct ctl *c, struct pmemfail_diagnosis **ret)
{
	return pmemfail_diagnose(c->machine ? c->machine : c->lib, ret);
}
