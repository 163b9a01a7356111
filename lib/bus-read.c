// SPDX-License-Identifier: LGPL-2.1-or-later
/* Asking pmemfaild what there is; see bus.h. */
#include "bus.h"
#include "ops.h"

/* --- devices --------------------------------------------------------------- */

struct device_row {
	char *id, *object;
};

struct device_rows {
	struct device_row *v;
	size_t n, cap;
};

static void rows_done(struct device_rows *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].id);
		free(l->v[i].object);
	}
	free(l->v);
}

static int add_row(const struct pmf_bus_listed *device, void *userdata)
{
	struct device_rows *l = userdata;
	struct device_row *row;

	if (pmf_grow(&l->v, &l->cap, l->n + 1, sizeof(*l->v)) < 0)
		return -ENOMEM;
	row = &l->v[l->n++];
	*row = (struct device_row){ 0 };
	return strdup_to(&row->id, device->id) && strdup_to(&row->object, device->object) ?
	       0 : -ENOMEM;
}

int pmf_bus_foreach_device(struct pmemfail *ctx, pmf_bus_device_fn fn, void *userdata)
{
	_cleanup_message_ sd_bus_message *m = NULL;
	struct pmf_bus_listed row;
	const char *node, *mode;
	uint64_t size;
	int r;

	r = pmf_bus_ask(ctx, PMF_BUS_PATH, PMF_BUS_MANAGER, "ListDevices", "a(sssstbo)", &m, "");
	if (r < 0)
		return r;
	r = sd_bus_message_enter_container(m, 'a', "(sssstbo)");
	while (r >= 0 && (r = sd_bus_message_read(m, "(sssstbo)", &row.id, &row.name, &node,
						  &mode, &size, &row.protected,
						  &row.object)) > 0)
		if (fn(&row, userdata) < 0)
			return pmf_why_errno(-ENOMEM, "cannot keep what pmemfaild lists");
	return r < 0 ? pmf_bus_malformed("devices") : 0;
}

static int describe_device(struct pmemfail *ctx, const struct device_row *row,
			   struct pmf_device *ret)
{
	_cleanup_message_ sd_bus_message *m = NULL;
	int r = pmf_bus_ask(ctx, row->object, PMF_BUS_DEVICE, "Describe", "s", &m, "");

	return r < 0 ? r : pmf_bus_read_device(m, row->id, ret);
}

int pmf_bus_list_devices(struct pmemfail *ctx, struct pmemfail_devices **ret)
{
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = calloc(1, sizeof(*t));
	_cleanup_(rows_done) struct device_rows rows = { 0 };
	int r;

	r = pmf_bus_foreach_device(ctx, add_row, &rows);
	if (r < 0)
		return r;
	if (t)
		t->devices = calloc(rows.n + 1, sizeof(*t->devices));
	if (!t || !t->devices)
		return pmf_why_errno(-ENOMEM, "cannot list devices");
	for (size_t i = 0; i < rows.n; i++) {
		struct pmf_device *d = &t->devices[t->n_devices];

		r = describe_device(ctx, &rows.v[i], d);
		if (r >= 0) {
			t->n_devices++;
			continue;
		}
		pmf_device_done(d);
		*d = (struct pmf_device){ 0 };
		if (r != -ENOENT && r != -ENODEV)	/* gone just now */
			return r;
	}
	return pmf_devices_new(TAKE_PTR(t), ret);
}

int pmf_bus_device_badblocks(struct pmemfail *ctx, const struct pmf_device *d,
			     struct pmf_ranges *bad, bool *ret_full)
{
	static const struct pmf_bus_want want[] = {
		{ "BadRanges", "a(tt)" }, { "BadRangesComplete", "b" },
	};
	_cleanup_message_ sd_bus_message *m = NULL;
	_cleanup_free_ char *object = NULL;
	int r, complete = 1;
	sd_bus *bus;
	size_t i;

	if (!d->name)
		return pmf_why(-ENODEV, "%s is not bound to a driver", d->ns ?: d->id);
	r = sd_bus_path_encode(PMF_BUS_DEVICES, d->id, &object);
	if (r < 0)
		return pmf_why_errno(r, "cannot ask pmemfaild about %s", d->id);
	r = pmf_bus_get(ctx, &bus);
	if (r >= 0)
		r = pmf_bus_get_all(bus, ctx->bus->timeout_us, object, PMF_BUS_DEVICE, &m);
	if (r < 0)
		return r;
	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	while (r >= 0 && (r = pmf_bus_next_value(m, want, ARRAY_SIZE(want), &i)) > 0) {
		if (i == 0)
			r = pmf_bus_read_ranges(m, bad);
		else if (sd_bus_message_read(m, "b", &complete) <= 0)
			r = pmf_bus_malformed(want[i].key);
		if (r >= 0)
			r = pmf_bus_value_done(m);
	}
	if (r >= 0)
		*ret_full = !complete && bad->n > 0;	/* none: there is no list */
	return r < 0 ? r : 0;
}

/* --- failures -------------------------------------------------------------- */

/* Newest first, behind those that there are. */
static int read_rows(sd_bus_message *m, struct pmf_bus_row **rows, size_t *n, size_t *cap)
{
	const char *kind, *state, *device, *object;
	uint64_t id, created, updated;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "(tssstto)");
	while (r >= 0 && (r = sd_bus_message_read(m, "(tssstto)", &id, &kind, &state, &device,
						  &created, &updated, &object)) > 0) {
		struct pmf_bus_row row = { .id = id, .updated_us = updated };

		if (id == 0 || (*n > 0 && id >= (*rows)[*n - 1].id) ||
		    pmf_state_from_string(state, &row.state) < 0)
			return pmf_bus_malformed("failures");
		if (pmf_grow(rows, cap, *n + 1, sizeof(**rows)) < 0)
			return pmf_why_errno(-ENOMEM, "cannot list failures");
		(*rows)[(*n)++] = row;
	}
	return r < 0 ? pmf_bus_malformed("failures") : 0;
}

static int ask_rows(sd_bus *bus, uint64_t timeout_us, uint64_t before, sd_bus_message **ret)
{
	_cleanup_message_ sd_bus_message *m = NULL;
	int r;

	r = pmf_bus_message(bus, PMF_BUS_PATH, PMF_BUS_MANAGER, "ListFailures", &m);
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "a{sv}", 1, "Before", "t", before);
	if (r < 0)
		return pmf_why_errno(r, "cannot ask pmemfaild for failures");
	return pmf_bus_call(bus, timeout_us, m, "a(tssstto)", ret);
}

int pmf_bus_list(sd_bus *bus, uint64_t timeout_us, struct pmf_bus_row **ret, size_t *ret_n)
{
	_cleanup_free_ struct pmf_bus_row *rows = NULL;
	size_t n = 0, cap = 0, before;
	int r;

	do {
		_cleanup_message_ sd_bus_message *answer = NULL;

		before = n;
		r = ask_rows(bus, timeout_us, n > 0 ? rows[n - 1].id : UINT64_MAX, &answer);
		if (r >= 0)
			r = read_rows(answer, &rows, &n, &cap);
	} while (r >= 0 && n > before);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(rows);
	*ret_n = n;
	return 0;
}

int pmf_bus_describe(sd_bus *bus, uint64_t timeout_us, uint64_t id, struct pmf_failure **ret)
{
	_cleanup_message_ sd_bus_message *m = NULL, *answer = NULL;
	int r;

	r = pmf_bus_message(bus, PMF_BUS_PATH, PMF_BUS_MANAGER, "DescribeFailure", &m);
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "t", id);
	if (r < 0)
		return pmf_why_errno(r, "cannot ask pmemfaild for a failure");
	r = pmf_bus_call(bus, timeout_us, m, "s", &answer);
	return r < 0 ? r : pmf_bus_read_failure(answer, id, ret);
}

int pmf_bus_get_failure(struct pmemfail *ctx, uint64_t id, struct pmf_failure **ret)
{
	sd_bus *bus;
	int r = pmf_bus_get(ctx, &bus);

	return r < 0 ? r : pmf_bus_describe(bus, ctx->bus->timeout_us, id, ret);
}

/* One answer's worth of them, without sites: those before this id. */
static int ask_failures(struct pmemfail *ctx, int state, uint64_t before,
			sd_bus_message **ret)
{
	_cleanup_message_ sd_bus_message *m = NULL;
	sd_bus *bus;
	int r;

	r = pmf_bus_get(ctx, &bus);
	if (r >= 0)
		r = pmf_bus_message(bus, PMF_BUS_PATH, PMF_BUS_MANAGER, "DescribeFailures", &m);
	if (r < 0)
		return r;
	r = state < 0 ? sd_bus_message_append(m, "a{sv}", 1, "Before", "t", before) :
	    sd_bus_message_append(m, "a{sv}", 2, "Before", "t", before, "State", "s",
				  pmf_state_to_string((enum pmf_state)state));
	if (r < 0)
		return pmf_why_errno(r, "cannot ask pmemfaild for failures");
	return pmf_bus_call(bus, ctx->bus->timeout_us, m, "s", ret);
}

/* Returns 1 when fn has heard enough. */
static int tell(struct pmf_failure **v, size_t n, uint64_t *before, pmemfail_failure_fn fn,
		void *userdata)
{
	for (size_t i = 0; i < n; i++) {
		/* Each older than the one before it, or we would ask for ever. */
		if (v[i]->id == 0 || v[i]->id >= *before)
			return pmf_bus_malformed("failures");
		*before = v[i]->id;
		pmf_failure_drop_cases(v[i]);
		if (fn(pmf_failure_to_public(v[i]), userdata) != 0)
			return 1;
	}
	return 0;
}

int pmf_bus_list_failures(struct pmemfail *ctx, int state, uint64_t before,
			  pmemfail_failure_fn fn, void *userdata)
{
	size_t n = 1;
	int r = 0;

	while (r == 0 && n > 0) {
		_cleanup_message_ sd_bus_message *m = NULL;
		struct pmf_failure **v = NULL;

		n = 0;
		r = ask_failures(ctx, state, before, &m);
		if (r >= 0)
			r = pmf_bus_read_failures(m, &v, &n);
		if (r >= 0)
			r = tell(v, n, &before, fn, userdata);
		pmf_bus_failures_free(v, n);
	}
	return r < 0 ? r : 0;
}
