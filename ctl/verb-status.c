/* SPDX-License-Identifier: GPL-2.0-only */
/* pmemfailctl status: is all well, in six lines. The verb that needs no name. */
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "device.h"

#define N_STATES (PMEMFAIL_UNSUPPORTED + 1)

struct status {
	struct pmemfail_diagnosis *diagnosis;
	struct device_count devices;
	unsigned int failures[N_STATES];
	char **frozen;
	size_t n_frozen;
};

static int count_failure(const struct pmemfail_failure *f, void *userdata)
{
	struct status *s = userdata;

	s->failures[pmemfail_failure_state(f)]++;
	return 0;
}

static int add_frozen(const char *name, void *userdata)
{
	struct status *s = userdata;

	s->frozen = text_alloc(realloc(s->frozen, (s->n_frozen + 1) * sizeof(*s->frozen)));
	s->frozen[s->n_frozen++] = text_alloc(strdup(name));
	return 0;
}

/* The machine's worst finding whose word begins so; false when there is none. */
static bool find(const struct pmemfail_diagnosis *d, const char *prefix,
		 enum pmemfail_severity *ret, const char **ret_what)
{
	const char *about, *code, *what, *advice;
	bool found = false;
	int r;

	for (size_t i = 0; (r = pmemfail_diagnosis_get(d, i, &about, &code, &what,
						       &advice)) >= 0; i++) {
		if (about || strncmp(code, prefix, strlen(prefix)) != 0 ||
		    (found && (enum pmemfail_severity)r <= *ret))
			continue;
		*ret = (enum pmemfail_severity)r;
		*ret_what = what;
		found = true;
	}
	return found;
}

static void print_line(const struct ctl *c, const char *what, const char *text,
		       enum text_colour colour)
{
	char *safe = text_escape(text);

	printf("%-9s %s%s%s\n", what, c->colour ? text_colour(colour) : "", safe,
	       c->colour ? TEXT_END : "");
	free(safe);
}

static void print_found(const struct ctl *c, const struct status *s, const char *prefix)
{
	enum pmemfail_severity severity;
	const char *what;

	if (find(s->diagnosis, prefix, &severity, &what))
		print_line(c, prefix, what, severity_colour(severity));
}

static void print_text(const struct ctl *c, const struct status *s)
{
	char line[256] = "";
	size_t n = 0;

	print_found(c, s, "daemon");
	print_found(c, s, "module");
	snprintf(line, sizeof(line), "%u of %u protected", s->devices.protected,
		 s->devices.bound);
	print_line(c, "devices", s->devices.bound ? line : "none",
		   s->devices.protected == s->devices.bound ? TEXT_GOOD :
		   s->devices.protected + s->devices.partly ? TEXT_WARN : TEXT_BAD);
	line[0] = '\0';
	for (int i = 0; i < N_STATES; i++)
		if (s->failures[i])
			n += (size_t)snprintf(line + n, sizeof(line) - n, "%s%u %s", n ? ", " : "",
					      s->failures[i],
					      pmemfail_state_name((enum pmemfail_state)i));
	print_line(c, "failures", n ? line : "none recorded",
		   s->failures[PMEMFAIL_FAILED] ? TEXT_BAD : TEXT_PLAIN);
	if (s->n_frozen == 0)
		print_line(c, "frozen", "nothing", TEXT_PLAIN);
	for (size_t i = 0; i < s->n_frozen; i++)
		print_line(c, i ? "" : "frozen", s->frozen[i], TEXT_WARN);
	print_line(c, "asked", pmemfail_is_connection(c->lib) ? "pmemfaild, over D-Bus" :
		   "the machine, directly", TEXT_PLAIN);
	if (s->devices.protected < s->devices.bound)
		puts("\n'pmemfailctl doctor' tells what is missing.");
}

static void add_found(struct json_object *o, const struct status *s, const char *prefix)
{
	struct json_object *one = NULL;
	enum pmemfail_severity severity;
	const char *what;

	if (find(s->diagnosis, prefix, &severity, &what)) {
		one = text_alloc(json_object_new_object());
		ctl_json_add_string(one, "severity", severity_word(severity));
		ctl_json_add_string(one, "what", what);
	}
	ctl_json_add(o, prefix, one);
}

static void add_number(struct json_object *o, const char *key, unsigned int n)
{
	ctl_json_add(o, key, text_alloc(json_object_new_int64(n)));
}

static void print_json(const struct ctl *c, const struct status *s)
{
	struct json_object *o = ctl_json_new(), *devices, *failures, *frozen;

	add_found(o, s, "daemon");
	add_found(o, s, "module");
	devices = text_alloc(json_object_new_object());
	add_number(devices, "bound", s->devices.bound);
	add_number(devices, "protected", s->devices.protected);
	add_number(devices, "partly", s->devices.partly);
	ctl_json_add(o, "devices", devices);
	failures = text_alloc(json_object_new_object());
	for (int i = 0; i < N_STATES; i++)
		add_number(failures, pmemfail_state_name((enum pmemfail_state)i),
			   s->failures[i]);
	ctl_json_add(o, "failures", failures);
	frozen = text_alloc(json_object_new_array());
	for (size_t i = 0; i < s->n_frozen; i++)
		if (json_object_array_add(frozen,
				text_alloc(json_object_new_string(s->frozen[i]))) < 0)
			text_alloc(NULL);
	ctl_json_add(o, "frozen", frozen);
	ctl_json_add_string(o, "way", ctl_way(c));
	ctl_json_print(o);
}

int ctl_status(struct ctl *c, char **args)
{
	struct pmemfail_devices *l = NULL;
	struct status s = {};
	int r;

	(void)args;
	r = ctl_diagnose(c, &s.diagnosis);
	if (r < 0)
		return ctl_error_library(r, "examine this machine");
	r = pmemfail_list_devices(c->lib, &l);
	if (r >= 0)
		r = pmemfail_list_failures(c->lib, -1, count_failure, &s);
	if (r >= 0)
		r = pmemfail_frozen(c->lib, add_frozen, &s);
	if (r < 0) {
		r = ctl_error_library(r, "read what pmemfail knows");
	} else {
		s.devices = device_count(s.diagnosis, l);
		if (c->json)
			print_json(c, &s);
		else if (!c->quiet)
			print_text(c, &s);
		r = CTL_OK;
	}
	for (size_t i = 0; i < s.n_frozen; i++)
		free(s.frozen[i]);
	free(s.frozen);
	pmemfail_devices_free(l);
	pmemfail_diagnosis_free(s.diagnosis);
	return r;
}
