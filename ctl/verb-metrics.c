/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pmemfailctl metrics: counts and times for a monitoring system, as OpenMetrics text.
 *
 * Only types and comments that the older text format of Prometheus knows as well, so
 * that a node exporter's textfile collector takes them. What is summed over the record
 * is a gauge: the record forgets, and a counter may not go down.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"
#include "device.h"

#define N_STATES (PMEMFAIL_UNSUPPORTED + 1)
#define NS_PER_SEC 1000000000.0

static const char *const kinds[] = { "remove", "poison" };
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct sum {
	uint64_t ns, longest_ns;
};

struct metrics {
	struct pmemfail *lib;
	FILE *out;
	unsigned int failures[N_KINDS][N_STATES];
	uint64_t victims;
	struct sum freeze, hold;
};

static void add(struct sum *s, uint64_t ns, uint64_t longest_ns)
{
	s->ns += ns;
	if (longest_ns > s->longest_ns)
		s->longest_ns = longest_ns;
}

static void head(FILE *out, const char *name, const char *type, const char *unit,
		 const char *help)
{
	fprintf(out, "# TYPE %s %s\n", name, type);
	if (unit)
		fprintf(out, "# UNIT %s %s\n", name, unit);
	fprintf(out, "# HELP %s %s\n", name, help);
}

/* The value of a label: escaped for people first, which leaves printable characters
 * only, then as the format wants it. */
static void label(FILE *out, const char *name, const char *value)
{
	char *safe = text_escape(value ? value : "");

	fprintf(out, "%s=\"", name);
	for (const char *p = safe; *p; p++) {
		if (*p == '"' || *p == '\\')
			fputc('\\', out);
		fputc(*p, out);
	}
	fputc('"', out);
	free(safe);
}

/* As it is listed, without its sites: a question for each would be many. */
static int add_failure(const struct pmemfail_failure *f, void *userdata)
{
	uint64_t hold_ns = pmemfail_failure_hold_ns(f);
	struct metrics *m = userdata;

	for (size_t k = 0; k < N_KINDS; k++)
		if (strcmp(pmemfail_failure_kind(f), kinds[k]) == 0)
			m->failures[k][pmemfail_failure_state(f)]++;
	m->victims += pmemfail_failure_told(f);
	add(&m->hold, hold_ns, hold_ns);
	add(&m->freeze, pmemfail_failure_frozen_ns(f), pmemfail_failure_frozen_longest_ns(f));
	return 0;
}

static int add_range(uint64_t start, uint64_t end, void *userdata)
{
	uint64_t *bytes = userdata;

	*bytes += end - start;
	return 0;
}

/* A device that went away meanwhile is left out, as one that is not bound is. */
static void print_bad_bytes(struct metrics *m, const struct pmemfail_devices *l)
{
	head(m->out, "pmemfail_device_bad_bytes", "gauge", "bytes",
	     "What the kernel holds for bad on a device.");
	for (size_t i = 0; i < pmemfail_devices_count(l); i++) {
		const struct pmemfail_device *d = pmemfail_devices_get(l, i);
		uint64_t bytes = 0;

		if (!pmemfail_device_name(d) ||
		    pmemfail_device_badblocks(m->lib, d, add_range, &bytes, NULL) < 0)
			continue;
		fputs("pmemfail_device_bad_bytes{", m->out);
		label(m->out, "device", pmemfail_device_name(d));
		fputc(',', m->out);
		label(m->out, "id", pmemfail_device_id(d));
		fprintf(m->out, "} %llu\n", (unsigned long long)bytes);
	}
}

static void print_devices(FILE *out, const struct device_count *n)
{
	static const char name[] = "pmemfail_devices";

	head(out, name, "gauge", NULL, "pmem devices that a driver is bound to.");
	fprintf(out, "%s{protection=\"protected\"} %u\n", name, n->protected);
	fprintf(out, "%s{protection=\"partly\"} %u\n", name, n->partly);
	fprintf(out, "%s{protection=\"unprotected\"} %u\n", name,
		n->bound - n->protected - n->partly);
}

static void print_failures(const struct metrics *m)
{
	head(m->out, "pmemfail_failures", "gauge", NULL, "Failures on record.");
	for (size_t k = 0; k < N_KINDS; k++)
		for (int s = 0; s < N_STATES; s++)
			fprintf(m->out, "pmemfail_failures{kind=\"%s\",state=\"%s\"} %u\n",
				kinds[k], pmemfail_state_name((enum pmemfail_state)s),
				m->failures[k][s]);
	head(m->out, "pmemfail_victims", "gauge", NULL,
	     "Processes that were told, in the failures on record.");
	fprintf(m->out, "pmemfail_victims %llu\n", (unsigned long long)m->victims);
}

static void print_sum(FILE *out, const char *name, const struct sum *s, const char *help,
		      const char *help_longest)
{
	char metric[64];

	snprintf(metric, sizeof(metric), "pmemfail_%s_seconds", name);
	head(out, metric, "gauge", "seconds", help);
	fprintf(out, "%s %.9f\n", metric, (double)s->ns / NS_PER_SEC);
	snprintf(metric, sizeof(metric), "pmemfail_%s_longest_seconds", name);
	head(out, metric, "gauge", "seconds", help_longest);
	fprintf(out, "%s %.9f\n", metric, (double)s->longest_ns / NS_PER_SEC);
}

static void print_counters(struct metrics *m)
{
	uint64_t events, merges;

	/* Not known is not zero. */
	if (pmemfail_event_counters(m->lib, &events, &merges) < 0)
		return;
	head(m->out, "pmemfail_events", "counter", NULL,
	     "Events that came to pmemfaild since the boot.");
	fprintf(m->out, "pmemfail_events_total %llu\n", (unsigned long long)events);
	head(m->out, "pmemfail_merges", "counter", NULL,
	     "Events that joined another or told nothing new.");
	fprintf(m->out, "pmemfail_merges_total %llu\n", (unsigned long long)merges);
}

static int collect_and_print(struct metrics *m)
{
	struct pmemfail_diagnosis *diagnosis = NULL;
	struct pmemfail_devices *l = NULL;
	struct device_count n;
	int r;

	r = pmemfail_diagnose(m->lib, &diagnosis);
	if (r < 0)
		return ctl_error_library(r, "examine this machine");
	r = pmemfail_list_devices(m->lib, &l);
	if (r >= 0)
		r = pmemfail_list_failures(m->lib, -1, add_failure, m);
	if (r < 0) {
		r = ctl_error_library(r, "read what pmemfail knows");
	} else {
		n = device_count(diagnosis, l);
		print_devices(m->out, &n);
		print_bad_bytes(m, l);
		print_failures(m);
		print_sum(m->out, "freeze", &m->freeze,
			  "How long filesystems were frozen, together.",
			  "The longest that a filesystem was frozen.");
		print_sum(m->out, "hold", &m->hold, "How long unbinds waited, together.",
			  "The longest that an unbind waited.");
		print_counters(m);
		fputs("# EOF\n", m->out);
		r = CTL_OK;
	}
	pmemfail_devices_free(l);
	pmemfail_diagnosis_free(diagnosis);
	return r;
}

/* Whoever reads it sees the old one or the new one whole. */
static int write_file(struct metrics *m, const char *path)
{
	char *new = NULL;
	int fd, code;

	if (asprintf(&new, "%s.XXXXXX", path) < 0)
		text_alloc(NULL);
	fd = mkstemp(new);
	m->out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!m->out) {
		code = ctl_error(CTL_FAILED, "cannot write beside '%s': %s.", path,
				 strerror(errno));
		if (fd >= 0)
			close(fd);
	} else {
		code = collect_and_print(m);
		if (code == CTL_OK && (ferror(m->out) || fflush(m->out) != 0 ||
				       fchmod(fd, 0644) < 0))
			code = ctl_error(CTL_FAILED, "cannot write '%s': %s.", new,
					 strerror(errno));
		fclose(m->out);
		if (code == CTL_OK && rename(new, path) < 0)
			code = ctl_error(CTL_FAILED, "cannot replace '%s': %s.", path,
					 strerror(errno));
	}
	if (fd >= 0 && code != CTL_OK)
		unlink(new);
	free(new);
	return code;
}

int ctl_metrics(struct ctl *c, char **args)
{
	struct metrics m = { .lib = c->lib, .out = stdout };

	(void)args;
	if (c->json)
		return ctl_error(CTL_USAGE, "metrics are OpenMetrics text, and not to be had as"
				 " JSON; 'pmemfailctl status --json' is.");
	return c->output ? write_file(&m, c->output) : collect_and_print(&m);
}
