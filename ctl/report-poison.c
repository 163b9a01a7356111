/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What only poison has: the bad ranges, who owns them, what was done for each, and
 * what the hooks made of it; see report.h. Called by report.c and verbs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "table.h"

#define RANGES_SHOWN 8

bool report_is_poison(const struct pmemfail_failure *f)
{
	return strcmp(pmemfail_failure_kind(f), "poison") == 0;
}

uint64_t report_bytes(const struct pmemfail_failure *f)
{
	uint64_t start, end, bytes = 0;

	for (size_t i = 0; pmemfail_failure_range(f, i, &start, &end) >= 0; i++)
		bytes += end - start;
	return bytes;
}

void report_ranges(const struct ctl *c, const struct pmemfail_failure *f)
{
	size_t n = pmemfail_failure_ranges(f);
	char size[TEXT_NUMBER_MAX], count[TEXT_NUMBER_MAX];
	uint64_t start, end;

	ctl_say(c, "  bad      %s in %s of %s", text_size(size, report_bytes(f)),
		text_count(count, n, "range", "ranges"), report_device(f));
	for (size_t i = 0; i < RANGES_SHOWN && pmemfail_failure_range(f, i, &start, &end) >= 0;
	     i++)
		ctl_say(c, "           %s at %#llx", text_size(size, end - start),
			(unsigned long long)start);
	if (n > RANGES_SHOWN)
		ctl_say(c, "           and %zu more: --json has them all", n - RANGES_SHOWN);
}

const char *report_action(char buf[static REPORT_WORDS_MAX], const char *action, int result)
{
	static const struct { const char *action, *done, *due; } words[] = {
		{ "none", "nothing to do", "nothing to do" },
		{ "revoke", "taken away", "to be taken away" },
		{ "shutdown", "filesystem shut down", "filesystem to be shut down" },
		{ "remount-ro", "made read-only", "to be made read-only" },
		{ "report", "reported only", "to be reported only" },
	};

	for (size_t i = 0; action && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].action, action) != 0)
			continue;
		if (result >= 0)
			snprintf(buf, REPORT_WORDS_MAX, "%s",
				 result > 0 ? words[i].done : words[i].due);
		else
			snprintf(buf, REPORT_WORDS_MAX, "not %s: %s", words[i].done,
				 result == -EOPNOTSUPP ? "not supported" : strerror(-result));
		return buf;
	}
	snprintf(buf, REPORT_WORDS_MAX, "%s", action ? action : "?");
	return buf;
}

/* The path, else what there is to find it by. */
static void cell_file(struct table *t, const struct pmemfail_target *target)
{
	const char *path = pmemfail_target_path(target);

	if (path || pmemfail_target_ino(target) == 0)
		table_cell(t, path, TEXT_PLAIN);
	else
		table_cellf(t, "inode %llu", (unsigned long long)pmemfail_target_ino(target));
}

static void cell_range(struct table *t, const struct pmemfail_target *target)
{
	char buf[TEXT_NUMBER_MAX];
	uint64_t start, end;

	pmemfail_target_range(target, &start, &end);
	if (start < end)
		table_cellf(t, "%s at %#llx", text_size(buf, end - start),
			    (unsigned long long)start);
	else
		table_cell(t, NULL, TEXT_PLAIN);
}

static void cell_done(struct table *t, const struct pmemfail_target *target)
{
	const char *action = pmemfail_target_action(target);
	int result = pmemfail_target_result(target);
	char words[REPORT_WORDS_MAX], count[TEXT_NUMBER_MAX];
	char *text = NULL;
	size_t size;
	FILE *f = text_alloc(open_memstream(&text, &size));

	fputs(report_action(words, action, result), f);
	if (pmemfail_target_told(target) > 0)
		fprintf(f, ", %s told", text_count(count, pmemfail_target_told(target),
						   "process", "processes"));
	if (pmemfail_target_pinned(target) > 0)
		fprintf(f, ", %s in I/O", text_count(count, pmemfail_target_pinned(target),
						     "page", "pages"));
	fclose(f);
	table_cell(t, text_alloc(text), result < 0 ? result == -EOPNOTSUPP ? TEXT_WARN :
		   TEXT_BAD : result > 0 ? TEXT_GOOD : TEXT_PLAIN);
	free(text);
}

void report_targets(const struct ctl *c, const struct pmemfail_site *s)
{
	static const struct table_column cols[] = {
		{ .title = "OWNER" }, { .title = "FILE", .shrink = true },
		{ .title = "IN THE FILE" }, { .title = "ON THE DEVICE" },
		{ .title = "WHAT", .shrink = true },
	};
	struct table *t = table_new(cols, sizeof(cols) / sizeof(cols[0]));

	for (size_t i = 0; i < pmemfail_site_targets(s); i++) {
		const struct pmemfail_target *target = pmemfail_site_target(s, i);
		char buf[TEXT_NUMBER_MAX];
		uint64_t start, end;

		table_cellf(t, "%s%s", pmemfail_target_kind(target),
			    pmemfail_target_is_shared(target) ? " (shared)" : "");
		cell_file(t, target);
		cell_range(t, target);
		pmemfail_target_at(target, &start, &end);
		table_cellf(t, "%s at %#llx", text_size(buf, end - start),
			    (unsigned long long)start);
		cell_done(t, target);
	}
	if (table_rows(t) > 0)
		table_print(t, stdout, 2, c->width, c->colour);
	table_free(t);
}

const char *report_hook_result(char buf[static REPORT_WORDS_MAX], int status, bool timed_out,
			       const char *why)
{
	if (timed_out)
		snprintf(buf, REPORT_WORDS_MAX, status < 0 ? "took too long and cannot be ended" :
			 "took too long and was ended");
	else if (status < 0)
		snprintf(buf, REPORT_WORDS_MAX, "not run: %s", why ? why : strerror(-status));
	else if (status > 128)
		snprintf(buf, REPORT_WORDS_MAX, "ended by signal %d", status - 128);
	else if (status > 0)
		snprintf(buf, REPORT_WORDS_MAX, "ended with %d", status);
	else
		snprintf(buf, REPORT_WORDS_MAX, "done");
	return buf;
}

void report_hooks(const struct ctl *c, const struct pmemfail_failure *f)
{
	static const struct table_column cols[] = {
		{ .title = "HOOK" }, { .title = "TOOK", .right = true },
		{ .title = "RESULT", .shrink = true },
	};
	struct table *t = table_new(cols, sizeof(cols) / sizeof(cols[0]));

	for (size_t i = 0; i < pmemfail_failure_hooks(f); i++) {
		const struct pmemfail_hook *h = pmemfail_failure_hook(f, i);
		int status = pmemfail_hook_status(h);
		char took[TEXT_NUMBER_MAX], words[REPORT_WORDS_MAX];

		table_cell(t, pmemfail_hook_name(h), TEXT_PLAIN);
		table_cell(t, status < 0 ? NULL : text_duration(took, pmemfail_hook_ns(h)),
			   TEXT_PLAIN);
		table_cell(t, report_hook_result(words, status, pmemfail_hook_timed_out(h),
						 pmemfail_hook_why(h)),
			   status == 0 ? TEXT_GOOD : status < 0 ? TEXT_WARN : TEXT_BAD);
	}
	if (table_rows(t) > 0) {
		putchar('\n');
		table_print(t, stdout, 0, c->width, c->colour);
	}
	table_free(t);
}
