/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One failure told to people; see report.h. Verbs call this.
 */
#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

/* In the order in which they are done: lib/flow/handle.c. */
static const struct { const char *step, *what; } steps_shown[] = {
	{ "open", "open the filesystem" },
	{ "look", "find files and processes" },
	{ "resolve", "find the owners" },
	{ "freeze", "freeze" },
	{ "revoke", "take the mappings away" },
	{ "shutdown", "shut down" },
	{ "remount_ro", "make read-only" },
	{ "thaw", "thaw" },
	{ "stop_dax", "stop DAX below it" },
	{ "settle", "wait for the last pages" },
	{ "unmount", "unmount" },
};

const char *report_device(const struct pmemfail_failure *f)
{
	const char *name = pmemfail_failure_device_name(f);

	return name ? name : pmemfail_failure_device_id(f);
}

enum text_colour report_state_colour(enum pmemfail_state s)
{
	switch (s) {
	case PMEMFAIL_HANDLED:
	case PMEMFAIL_CLEARED:
		return TEXT_GOOD;
	case PMEMFAIL_PENDING:
	case PMEMFAIL_HANDLING:
	case PMEMFAIL_UNSUPPORTED:
		return TEXT_WARN;
	case PMEMFAIL_FAILED:
		break;
	}
	return TEXT_BAD;
}

struct who {
	int32_t pid;
	uint64_t start;
};

static int compare_who(const void *a, const void *b)
{
	const struct who *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->start > y->start) - (x->start < y->start);
}

/* A process that maps several files, or files of several sites, is one process. */
static size_t count_processes(const struct pmemfail_failure *f)
{
	size_t n = 0, distinct = 0;
	struct who *all;

	for (size_t i = 0; i < pmemfail_failure_sites(f); i++)
		n += pmemfail_site_victims(pmemfail_failure_site(f, i));
	all = text_alloc(calloc(n + 1, sizeof(*all)));
	n = 0;
	for (size_t i = 0; i < pmemfail_failure_sites(f); i++) {
		const struct pmemfail_site *s = pmemfail_failure_site(f, i);

		for (size_t k = 0; k < pmemfail_site_victims(s); k++) {
			const struct pmemfail_victim *v = pmemfail_site_victim(s, k);

			all[n++] = (struct who){ pmemfail_victim_pid(v),
						 pmemfail_victim_start_ns(v) };
		}
	}
	qsort(all, n, sizeof(*all), compare_who);
	for (size_t i = 0; i < n; i++)
		distinct += i == 0 || compare_who(&all[i - 1], &all[i]) != 0;
	free(all);
	return distinct;
}

struct report_totals report_totals(const struct pmemfail_failure *f)
{
	struct report_totals t = { .processes = count_processes(f) };

	for (size_t i = 0; i < pmemfail_failure_sites(f); i++) {
		const struct pmemfail_site *s = pmemfail_failure_site(f, i);

		if (pmemfail_site_fstype(s))
			t.filesystems++;
		else
			t.others++;
		t.holders += pmemfail_site_holder(s) != NULL;
		t.files += pmemfail_site_files(s);
		t.told += pmemfail_site_told(s);
		t.targets += pmemfail_site_targets(s);
		if (pmemfail_site_frozen_ns(s) > t.frozen_ns)
			t.frozen_ns = pmemfail_site_frozen_ns(s);
	}
	return t;
}

void report_head(const struct ctl *c, const struct pmemfail_failure *f)
{
	enum pmemfail_state state = pmemfail_failure_state(f);
	struct report_totals t = report_totals(f);
	const char *reason = pmemfail_failure_reason(f);
	char a[TEXT_NUMBER_MAX], b[TEXT_NUMBER_MAX];

	ctl_say(c, "failure %llu: %s of %s, seen by %s",
		(unsigned long long)pmemfail_failure_id(f), pmemfail_failure_kind(f),
		report_device(f), pmemfail_failure_source(f));
	printf("  state    %s%s%s\n", c->colour ? text_colour(report_state_colour(state)) : "",
	       pmemfail_state_name(state), c->colour ? TEXT_END : "");
	if (reason)
		ctl_say(c, "  reason   %s", reason);
	ctl_say(c, "  device   %s", pmemfail_failure_device_id(f));
	if (report_is_poison(f))
		report_ranges(c, f);
	ctl_say(c, "  began    %s", text_time(a, pmemfail_failure_created_us(f)));
	ctl_say(c, "  changed  %s", text_time(a, pmemfail_failure_updated_us(f)));
	if (pmemfail_failure_hold_ns(f) > 0)
		ctl_say(c, "  held     %s: so long the kernel's unbind waited",
			text_duration(a, pmemfail_failure_hold_ns(f)));
	ctl_say(c, "  told     %s on %s",
		text_count(a, t.told, "process", "processes"),
		text_count(b, t.filesystems + t.others, "site", "sites"));
}

static void print_title(const struct ctl *c, const struct pmemfail_site *s)
{
	const char *name = pmemfail_site_name(s), *mountpoint = pmemfail_site_mountpoint(s);
	const char *role = pmemfail_site_role(s);
	char *safe_name = text_escape(name ? name : "?"), *safe_mount = NULL;

	printf("%s%s%s", c->colour ? text_colour(TEXT_BOLD) : "", safe_name,
	       c->colour ? TEXT_END : "");
	free(safe_name);
	if (pmemfail_site_node(s)) {
		char *safe = text_escape(pmemfail_site_node(s));

		printf("  %s", safe);
		free(safe);
	}
	if (pmemfail_site_fstype(s)) {
		safe_mount = mountpoint ? text_escape(mountpoint) : NULL;
		printf("  %s%s %s%s", pmemfail_site_fstype(s),
		       pmemfail_site_is_dax(s) ? " with DAX" : "",
		       safe_mount ? "on " : "mounted out of sight (another mount namespace, or"
				    " lazily unmounted)",
		       safe_mount ? safe_mount : "");
		free(safe_mount);
	} else if (pmemfail_site_holder(s)) {
		printf("  used by %s: pmemfail cannot make that safe", pmemfail_site_holder(s));
	} else {
		printf("  %s", pmemfail_site_kind(s));
	}
	if (role && strcmp(role, "data") != 0)
		printf(", its %s device", role);
	putchar('\n');
}

static void print_problem(const struct ctl *c, const struct pmemfail_site *s)
{
	const char *problem = pmemfail_site_problem(s);
	char *safe;

	if (!problem)
		return;
	safe = text_escape(problem);
	printf("  %s%s%s\n", c->colour ? text_colour(TEXT_BAD) : "", safe,
	       c->colour ? TEXT_END : "");
	free(safe);
}

static void print_steps(const struct ctl *c, const struct pmemfail_site *s)
{
	static const struct table_column cols[] = {
		{ .title = "STEP" }, { .title = "TOOK", .right = true },
		{ .title = "RESULT", .shrink = true },
	};
	struct table *t = table_new(cols, sizeof(cols) / sizeof(cols[0]));
	char buf[TEXT_NUMBER_MAX];

	for (size_t i = 0; i < sizeof(steps_shown) / sizeof(steps_shown[0]); i++) {
		uint64_t ns = 0;
		int r = pmemfail_site_step(s, steps_shown[i].step, &ns);

		if (r == 0)
			continue;	/* was not needed */
		table_cell(t, steps_shown[i].what, TEXT_PLAIN);
		table_cell(t, text_duration(buf, ns), TEXT_PLAIN);
		if (r > 0)
			table_cell(t, "done", TEXT_GOOD);
		else if (r == -EOPNOTSUPP)
			table_cell(t, "not supported", TEXT_WARN);
		else
			table_cell(t, strerror(-r), TEXT_BAD);
	}
	if (table_rows(t) > 0)
		table_print(t, stdout, 2, c->width, c->colour);
	table_free(t);
	if (pmemfail_site_frozen_ns(s) > 0)
		printf("  frozen for %s\n", text_duration(buf, pmemfail_site_frozen_ns(s)));
	if (pmemfail_site_entries_left(s) > 0)
		printf("  DAX entries left: %llu\n",
		       (unsigned long long)pmemfail_site_entries_left(s));
}

static const char *fate(const struct pmemfail_victim *v)
{
	if (pmemfail_victim_told(v))
		return pmemfail_victim_ignores(v) ? "ignored" : "told";
	return pmemfail_victim_ignores(v) ? "ignores" : NULL;
}

static void print_victims(const struct ctl *c, const struct pmemfail_site *s)
{
	static const struct table_column cols[] = {
		{ .title = "PID", .right = true }, { .title = "USER" }, { .title = "PROCESS", .shrink = true },
		{ .title = "UNIT", .shrink = true }, { .title = "ADDRESS", .right = true },
		{ .title = "SIGBUS" }, { .title = "FILE", .shrink = true },
	};
	struct table *t = table_new(cols, sizeof(cols) / sizeof(cols[0]));

	for (size_t i = 0; i < pmemfail_site_victims(s); i++) {
		const struct pmemfail_victim *v = pmemfail_site_victim(s, i);
		char buf[TEXT_NUMBER_MAX];

		table_cellf(t, "%d", pmemfail_victim_pid(v));
		table_cell(t, text_user(buf, pmemfail_victim_uid(v)), TEXT_PLAIN);
		table_cell(t, pmemfail_victim_comm(v), TEXT_PLAIN);
		table_cell(t, pmemfail_victim_unit(v), TEXT_PLAIN);
		table_cellf(t, "%#llx", (unsigned long long)pmemfail_victim_address(v));
		table_cell(t, fate(v), TEXT_PLAIN);
		table_cell(t, pmemfail_victim_path(v), TEXT_PLAIN);
	}
	if (table_rows(t) > 0)
		table_print(t, stdout, 2, c->width, c->colour);
	table_free(t);
}

void report_sites(const struct ctl *c, const struct pmemfail_failure *f, bool steps)
{
	for (size_t i = 0; i < pmemfail_failure_sites(f); i++) {
		const struct pmemfail_site *s = pmemfail_failure_site(f, i);
		char buf[TEXT_NUMBER_MAX];

		putchar('\n');
		print_title(c, s);
		print_problem(c, s);
		if (steps)
			print_steps(c, s);
		if (report_is_poison(f))
			report_targets(c, s);
		else if (!pmemfail_site_holder(s))
			printf("  %s in use\n", text_count(buf, pmemfail_site_files(s),
							   "file", "files"));
		print_victims(c, s);
	}
}

void report_whole(const struct ctl *c, const struct pmemfail_failure *f)
{
	report_head(c, f);
	report_sites(c, f, true);
	report_hooks(c, f);
}

struct json_object *report_to_json(const struct pmemfail_failure *f)
{
	char *text = NULL;

	if (pmemfail_failure_to_json(f, &text) < 0)
		text_alloc(NULL);
	return ctl_json_from_library(text);
}

int report_json(const struct pmemfail_failure *f, const char *key)
{
	struct json_object *o = ctl_json_new();

	ctl_json_add(o, key, report_to_json(f));
	ctl_json_print(o);
	return CTL_OK;
}
