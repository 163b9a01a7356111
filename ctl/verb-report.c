/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pmemfailctl report DEVICE OFFSET LENGTH, and with --spa a physical address: say that
 * memory is bad. pmemfailctl replay [DEVICE]: look again at all that is known to be.
 *
 * Both act at once in this process, as pmemfaild does when it learns of poison by
 * itself: who uses the memory loses it and is told.
 */
#include <errno.h>
#include <string.h>

#include "ctl.h"
#include "device.h"
#include "report.h"
#include "size.h"
#include "spinner.h"

/* The failures that came of it, as they come. */
struct outcome {
	struct ctl *c;
	struct spinner *spinner;
	struct pmemfail_progress *progress;	/* of a replay */
	struct json_object *array;	/* NULL: text */
	unsigned int failures, failed, unsupported;
};

static int tell(const struct pmemfail_failure *f, void *userdata)
{
	struct outcome *o = userdata;
	enum pmemfail_state state = pmemfail_failure_state(f);

	spinner_stop(o->spinner);
	o->spinner = NULL;
	o->failed += state == PMEMFAIL_FAILED;
	o->unsupported += state == PMEMFAIL_UNSUPPORTED;
	if (o->array) {
		if (json_object_array_add(o->array, report_to_json(f)) < 0)
			text_alloc(NULL);
	} else if (!o->c->quiet) {
		if (o->failures > 0)
			putchar('\n');
		report_whole(o->c, f);
	}
	o->failures++;
	return 0;
}

/* Takes p, which may be NULL. */
static void begin(struct outcome *o, struct ctl *c, const char *doing,
		  struct pmemfail_progress *p)
{
	*o = (struct outcome){ .c = c, .progress = p };
	if (c->json)
		o->array = text_alloc(json_object_new_array());
	ctl_ignore_signals();
	if (!c->quiet)
		o->spinner = spinner_start(doing, p);
}

/* r: what the library said. Tells what came of it, also when it then failed. Returns the
 * exit code; the caller says why r is an error. */
static int end(struct outcome *o, int r)
{
	spinner_stop(o->spinner);
	o->spinner = NULL;
	o->progress = pmemfail_progress_free(o->progress);
	if (r < 0 && o->failures == 0) {
		json_object_put(o->array);
		return CTL_OK;
	}
	if (o->array) {
		struct json_object *json = ctl_json_new();

		ctl_json_add(json, "failures", o->array);
		ctl_json_print(json);
	}
	fflush(stdout);
	if (o->failed > 0)
		return ctl_error(CTL_FAILED, "not all could be done: the reason stands with the"
				 " failure. 'pmemfailctl doctor' may tell what is missing.");
	return o->unsupported > 0 ? CTL_UNSUPPORTED : CTL_OK;
}

static int report_spa(struct ctl *c, char **args)
{
	const char *const range[2] = { args[0], args[1] };
	static const char *const names[2] = { "ADDRESS", "LENGTH" };
	uint64_t address, length;
	struct outcome o;
	const char *wrong;
	int arg, code, r;

	if (!args[1] || args[2])
		return ctl_error(CTL_USAGE, "'report --spa' needs ADDRESS and LENGTH, and nothing"
				 " more.");
	wrong = size_range_from_strings(range, &address, &length, &arg);
	if (wrong)
		return ctl_error(CTL_USAGE, "%s '%s' %s.", names[arg], range[arg], wrong);
	begin(&o, c, "looking for who has it", NULL);
	r = pmemfail_report_spa(c->lib, address, length, tell, &o);
	code = end(&o, r);
	if (r == -ENODEV)
		return ctl_error(CTL_NOT_FOUND, "no pmem device in use has the physical address"
				 " %s. 'pmemfailctl devices' lists those there are.", range[0]);
	return r < 0 ? ctl_error_library(r, "report that range") : code;
}

int ctl_report(struct ctl *c, char **args)
{
	static const char *const names[2] = { "OFFSET", "LENGTH" };
	uint64_t offset, length;
	const char *wrong;
	struct outcome o;
	int arg, code, r;

	if (c->spa)
		return report_spa(c, args);
	if (!args[2])
		return ctl_error(CTL_USAGE, "'report' needs DEVICE, OFFSET and LENGTH; or --spa,"
				 " ADDRESS and LENGTH.");
	wrong = size_range_from_strings((const char *const *)args + 1, &offset, &length, &arg);
	if (wrong)
		return ctl_error(CTL_USAGE, "%s '%s' %s.", names[arg], args[1 + arg], wrong);
	begin(&o, c, "looking for who has it", NULL);
	r = pmemfail_report(c->lib, args[0], offset, length, tell, &o);
	code = end(&o, r);
	if (r == -ENODEV && device_is_unbound(c->lib, args[0]))
		return ctl_error(CTL_NOT_FOUND, "'%s' is not bound to a driver: bind it first, until"
				 " then the kernel keeps no list for it.", args[0]);
	return r < 0 ? ctl_error_device(c, r, "report that range", args[0]) : code;
}

int ctl_replay(struct ctl *c, char **args)
{
	struct pmemfail_progress *p = NULL;
	struct outcome o;
	int code, r;

	(void)pmemfail_progress_new(&p);	/* nothing hangs on it */
	begin(&o, c, "looking again at what is bad", p);
	r = pmemfail_replay_with_progress(c->lib, args[0], p, tell, &o);
	code = end(&o, r);
	if (r < 0)
		return args[0] ? ctl_error_device(c, r, "look at it again", args[0]) :
		       ctl_error_library(r, "look again at what is bad");
	if (o.failures == 0)
		ctl_say(c, args[0] ? "Nothing bad is on record for %s." :
			"Nothing bad is on record.", args[0]);
	return code;
}
