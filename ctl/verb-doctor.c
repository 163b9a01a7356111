/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pmemfailctl doctor: what is protected, what is not, and what to do about it.
 * The findings are the library's; this groups them, machine first.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "device.h"

struct finding {
	const char *about, *code, *what, *advice;
	enum pmemfail_severity severity;
};

static bool get(const struct pmemfail_diagnosis *d, size_t i, struct finding *f)
{
	int r = pmemfail_diagnosis_get(d, i, &f->about, &f->code, &f->what, &f->advice);

	f->severity = (enum pmemfail_severity)r;
	return r >= 0;
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void print_finding(const struct ctl *c, const struct finding *f)
{
	char word[16], *safe = text_escape(f->what ? f->what : f->code);
	size_t n = 0;

	for (const char *s = severity_word(f->severity); *s && n + 1 < sizeof(word); s++)
		word[n++] = (char)toupper((unsigned char)*s);
	word[n] = '\0';
	printf("  %s%-7s%s  %s\n", c->colour ? text_colour(severity_colour(f->severity)) : "",
	       word, c->colour ? TEXT_END : "", safe);
	free(safe);
	if (f->advice) {
		safe = text_escape(f->advice);
		printf("           -> %s\n", safe);
		free(safe);
	}
}

static void print_group(const struct ctl *c, const struct pmemfail_diagnosis *d,
			const char *about)
{
	char *safe = text_escape(about ? about : "this machine");
	struct finding f;

	printf("%s%s%s\n", c->colour ? text_colour(TEXT_BOLD) : "", safe,
	       c->colour ? TEXT_END : "");
	free(safe);
	for (size_t i = 0; get(d, i, &f); i++)
		if (same(f.about, about))
			print_finding(c, &f);
}

/* Is finding i the first one about its subject? */
static bool is_first(const struct pmemfail_diagnosis *d, size_t i, const char *about)
{
	struct finding f;

	for (size_t k = 0; k < i && get(d, k, &f); k++)
		if (same(f.about, about))
			return false;
	return true;
}

static void print_text(const struct ctl *c, const struct pmemfail_diagnosis *d,
		       struct device_count n)
{
	struct finding f;
	bool machine = false;

	for (size_t i = 0; get(d, i, &f) && !machine; i++)
		machine = !f.about;
	if (machine)
		print_group(c, d, NULL);
	for (size_t i = 0; get(d, i, &f); i++)
		if (f.about && is_first(d, i, f.about))
			print_group(c, d, f.about);

	putchar('\n');
	if (n.bound == 0)
		ctl_say(c, "There is no pmem device in use to protect.");
	else if (n.protected == n.bound)
		ctl_say(c, n.bound == 1 ? "The pmem device is protected." :
			"All %u pmem devices are protected.", n.bound);
	else
		ctl_say(c, "Of %u pmem device%s, %u %s protected, %u partly, %u not.", n.bound,
			n.bound == 1 ? "" : "s", n.protected, n.protected == 1 ? "is" : "are",
			n.partly, n.bound - n.protected - n.partly);
}

static void print_json(const struct pmemfail_diagnosis *d, struct device_count n,
		       enum pmemfail_severity worst)
{
	struct json_object *o = ctl_json_new(), *array = text_alloc(json_object_new_array());
	struct json_object *devices = text_alloc(json_object_new_object());
	struct finding f;

	for (size_t i = 0; get(d, i, &f); i++) {
		struct json_object *one = text_alloc(json_object_new_object());

		ctl_json_add_string(one, "about", f.about);
		ctl_json_add_string(one, "code", f.code);
		ctl_json_add_string(one, "severity", severity_word(f.severity));
		ctl_json_add_string(one, "what", f.what);
		ctl_json_add_string(one, "advice", f.advice);
		if (json_object_array_add(array, one) < 0)
			text_alloc(NULL);
	}
	ctl_json_add_string(o, "worst", severity_word(worst));
	ctl_json_add(devices, "bound", text_alloc(json_object_new_int64(n.bound)));
	ctl_json_add(devices, "protected", text_alloc(json_object_new_int64(n.protected)));
	ctl_json_add(devices, "partly", text_alloc(json_object_new_int64(n.partly)));
	ctl_json_add(o, "devices", devices);
	ctl_json_add(o, "findings", array);
	ctl_json_print(o);
}

int ctl_doctor(struct ctl *c, char **args)
{
	enum pmemfail_severity worst = PMEMFAIL_OK;
	struct pmemfail_diagnosis *d = NULL;
	struct pmemfail_devices *l = NULL;
	struct device_count n;
	struct finding f;
	int r;

	(void)args;
	r = pmemfail_diagnose(c->lib, &d);
	if (r < 0)
		return ctl_error_library(r, "examine this machine");
	r = pmemfail_list_devices(c->lib, &l);
	if (r < 0) {
		pmemfail_diagnosis_free(d);
		return ctl_error_library(r, "list the pmem devices");
	}
	n = device_count(d, l);
	for (size_t i = 0; get(d, i, &f); i++)
		if (f.severity > worst)
			worst = f.severity;
	if (c->json)
		print_json(d, n, worst);
	else if (!c->quiet)
		print_text(c, d, n);
	pmemfail_devices_free(l);
	pmemfail_diagnosis_free(d);
	return worst == PMEMFAIL_PROBLEM ? CTL_UNPROTECTED :
	       worst == PMEMFAIL_WARNING ? CTL_FAILED : CTL_OK;
}
