/* SPDX-License-Identifier: GPL-2.0-only */
/* pmemfailctl list: the recorded failures, newest first. */
#include <string.h>

#include "ctl.h"
#include "report.h"
#include "table.h"

struct list {
	const struct ctl *c;
	struct table *table;
	struct json_object *array;
};

static int add(const struct pmemfail_failure *f, void *userdata)
{
	struct list *l = userdata;
	char buf[TEXT_NUMBER_MAX];

	if (l->array) {
		if (json_object_array_add(l->array, report_to_json(f)) < 0)
			text_alloc(NULL);
		return 0;
	}
	if (l->c->quiet) {
		printf("%llu\n", (unsigned long long)pmemfail_failure_id(f));
		return 0;
	}
	table_cellf(l->table, "%llu", (unsigned long long)pmemfail_failure_id(f));
	table_cell(l->table, text_time(buf, pmemfail_failure_created_us(f)), TEXT_PLAIN);
	table_cell(l->table, report_device(f), TEXT_PLAIN);
	table_cell(l->table, pmemfail_failure_kind(f), TEXT_PLAIN);
	table_cell(l->table, report_is_poison(f) ? text_size(buf, report_bytes(f)) : NULL,
		   TEXT_PLAIN);
	table_cell(l->table, pmemfail_failure_source(f), TEXT_PLAIN);
	table_cell(l->table, pmemfail_state_name(pmemfail_failure_state(f)),
		   report_state_colour(pmemfail_failure_state(f)));
	table_cell(l->table, pmemfail_failure_reason(f), TEXT_PLAIN);
	return 0;
}

/* -1: all. */
static bool state_from_word(const char *word, int *ret)
{
	for (int s = PMEMFAIL_PENDING; s <= PMEMFAIL_UNSUPPORTED; s++)
		if (strcmp(word, pmemfail_state_name((enum pmemfail_state)s)) == 0) {
			*ret = s;
			return true;
		}
	return false;
}

int ctl_list(struct ctl *c, char **args)
{
	static const struct table_column cols[] = {
		{ .title = "ID", .right = true }, { .title = "TIME" }, { .title = "DEVICE" },
		{ .title = "KIND" }, { .title = "BAD", .right = true }, { .title = "SOURCE" }, { .title = "STATE" },
		{ .title = "REASON", .shrink = true },
	};
	struct list l = { .c = c };
	int state = -1, r;

	(void)args;
	if (c->state && !state_from_word(c->state, &state))
		return ctl_error(CTL_USAGE, "'%s' is no state: use pending, handling, handled,"
				 " cleared, failed or unsupported.", c->state);
	l.table = table_new(cols, sizeof(cols) / sizeof(cols[0]));
	if (c->json)
		l.array = text_alloc(json_object_new_array());
	r = pmemfail_list_failures(c->lib, state, add, &l);
	if (r < 0) {
		json_object_put(l.array);
		table_free(l.table);
		return ctl_error_library(r, "read the record of failures");
	}
	if (c->json) {
		struct json_object *o = ctl_json_new();

		ctl_json_add(o, "failures", l.array);
		ctl_json_print(o);
	} else if (!c->quiet && table_rows(l.table) == 0) {
		ctl_say(c, c->state ? "No failure is in state '%s'." : "No failure was ever"
			" recorded here.", c->state);
	} else if (!c->quiet) {
		table_print(l.table, stdout, 0, c->width, c->colour);
	}
	table_free(l.table);
	return CTL_OK;
}
