/* SPDX-License-Identifier: GPL-2.0-only */
/* The bad ranges of devices with their owners; see bad.h. Called by devices. */
#include "bad.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "device.h"
#include "table.h"

#define SHOWN 12	/* ranges told one by one */
#define WIDTH 72	/* where there is no terminal to fill */

struct ids {
	uint64_t *v;
	size_t n, cap;
};

static bool is_open_poison(const struct pmemfail_failure *f)
{
	return strcmp(pmemfail_failure_kind(f), "poison") == 0 &&
	       pmemfail_failure_state(f) != PMEMFAIL_CLEARED;
}

static int keep_id(const struct pmemfail_failure *f, void *userdata)
{
	struct ids *ids = userdata;

	if (!is_open_poison(f))
		return 0;
	if (ids->n == ids->cap) {
		ids->cap = ids->cap ? ids->cap * 2 : 32;
		ids->v = text_alloc(realloc(ids->v, ids->cap * sizeof(*ids->v)));
	}
	ids->v[ids->n++] = pmemfail_failure_id(f);
	return 0;
}

int open_failures_read(struct pmemfail *lib, struct open_failures *ret)
{
	struct ids ids = {};
	int r = pmemfail_list_failures(lib, -1, keep_id, &ids);

	ret->n = 0;
	ret->v = text_alloc(calloc(ids.n + 1, sizeof(struct pmemfail_failure *)));
	for (size_t i = 0; r >= 0 && i < ids.n; i++) {
		r = pmemfail_get_failure(lib, ids.v[i], &ret->v[ret->n]);
		if (r == -ENOENT)	/* its time was over just now */
			r = 0;
		else if (r >= 0)
			ret->n++;
	}
	free(ids.v);
	if (r < 0)
		open_failures_done(ret);
	return r < 0 ? r : 0;
}

void open_failures_done(struct open_failures *o)
{
	for (size_t i = 0; i < o->n; i++)
		pmemfail_failure_free(o->v[i]);
	free(o->v);
	*o = (struct open_failures){};
}

/* --- claims ---------------------------------------------------------------- */

static enum strip_owner owner_from_target(const struct pmemfail_target *t)
{
	static const struct { const char *kind; enum strip_owner owner; } kinds[] = {
		{ "file", STRIP_FILE }, { "directory", STRIP_DIRECTORY },
		{ "xattr", STRIP_XATTR }, { "metadata", STRIP_METADATA },
		{ "log", STRIP_METADATA }, { "free", STRIP_FREE },
	};
	const char *kind = pmemfail_target_kind(t);

	for (size_t i = 0; kind && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kind, kinds[i].kind) == 0)
			return kinds[i].owner;
	return STRIP_UNKNOWN;
}

/*
 * What to add to a site's offset to get the device's. Exact for what lies on the
 * device itself and for a failure of one range in one piece; what partitions and
 * device-mapper did to several ranges is not on record.
 */
static bool shift_from_site(const struct pmemfail_failure *f, const struct pmemfail_site *s,
			    uint64_t *ret)
{
	const char *name = pmemfail_site_name(s), *device = pmemfail_failure_device_name(f);
	uint64_t start, end, own_start, own_end;

	if (name && device && strcmp(name, device) == 0) {
		*ret = 0;
		return true;
	}
	if (pmemfail_failure_ranges(f) != 1 || pmemfail_site_ranges(s) != 1 ||
	    pmemfail_failure_range(f, 0, &start, &end) < 0 ||
	    pmemfail_site_range(s, 0, &own_start, &own_end) < 0 ||
	    end - start != own_end - own_start)
		return false;
	*ret = start - own_start;	/* may wrap, and wraps back when it is added */
	return true;
}

static void claim_failure(struct claims *c, const struct pmemfail_failure *f)
{
	size_t sites = pmemfail_failure_sites(f);
	enum strip_owner whole = sites > 0 ? STRIP_N : STRIP_UNMOUNTED;
	uint64_t start, end, shift;

	for (size_t i = 0; i < sites; i++) {
		const struct pmemfail_site *s = pmemfail_failure_site(f, i);
		bool exact = shift_from_site(f, s, &shift);

		for (size_t k = 0; k < pmemfail_site_targets(s); k++) {
			const struct pmemfail_target *t = pmemfail_site_target(s, k);
			enum strip_owner o = owner_from_target(t);

			if (o < whole)
				whole = o;
			pmemfail_target_at(t, &start, &end);
			if (exact)
				claims_add(c, CLAIM_TARGET, start + shift, end + shift, o);
		}
	}
	for (size_t i = 0; pmemfail_failure_range(f, i, &start, &end) >= 0; i++)
		claims_add(c, CLAIM_FAILURE, start, end,
			   whole < STRIP_N ? whole : STRIP_UNKNOWN);
}

static int claim_bad(uint64_t start, uint64_t end, void *userdata)
{
	claims_add(userdata, CLAIM_BAD, start, end, STRIP_UNRECORDED);
	return 0;
}

static bool is_of(const struct pmemfail_failure *f, const struct pmemfail_device *d)
{
	const char *a = pmemfail_failure_device_id(f), *b = pmemfail_device_id(d);

	return a && b && strcmp(a, b) == 0;
}

int bad_read(struct pmemfail *lib, const struct pmemfail_device *d,
	     const struct open_failures *o, struct bad *ret)
{
	struct claims c = {};
	int r;

	*ret = (struct bad){};
	if (!pmemfail_device_name(d))
		return 0;
	r = pmemfail_device_badblocks(lib, d, claim_bad, &c, &ret->full);
	if (r < 0) {
		claims_done(&c);
		/* sector mode has no list; unbound meanwhile */
		return r == -EOPNOTSUPP || r == -ENODEV || r == -ENOENT ? 0 : r;
	}
	for (size_t i = 0; i < o->n; i++)
		if (is_of(o->v[i], d))
			claim_failure(&c, o->v[i]);
	ret->v = claims_settle(&c, &ret->n);
	for (size_t i = 0; i < ret->n; i++)
		ret->bytes += ret->v[i].end - ret->v[i].start;
	claims_done(&c);
	return 0;
}

void bad_done(struct bad *b)
{
	free(b->v);
	*b = (struct bad){};
}

/* --- telling --------------------------------------------------------------- */

static bool covers(const struct pmemfail_failure *f, const struct strip_range *r)
{
	uint64_t start, end;

	for (size_t i = 0; pmemfail_failure_range(f, i, &start, &end) >= 0; i++)
		if (start < r->end && r->start < end)
			return true;
	return false;
}

static const struct pmemfail_failure *failure_of(const struct open_failures *o,
						 const struct pmemfail_device *d,
						 const struct strip_range *r)
{
	for (size_t i = 0; i < o->n; i++)
		if (is_of(o->v[i], d) && covers(o->v[i], r))
			return o->v[i];
	return NULL;
}

static void print_ranges(const struct ctl *c, const struct pmemfail_device *d,
			 const struct bad *b, const struct open_failures *o)
{
	static const struct table_column cols[] = {
		{ .title = "OFFSET", .right = true }, { .title = "LENGTH", .right = true },
		{ .title = "OWNER" }, { .title = "FAILURE", .right = true },
	};
	struct table *t = table_new(cols, sizeof(cols) / sizeof(cols[0]));

	for (size_t i = 0; i < b->n && i < SHOWN; i++) {
		const struct pmemfail_failure *f = failure_of(o, d, &b->v[i]);
		char buf[TEXT_NUMBER_MAX];

		table_cellf(t, "%#llx", (unsigned long long)b->v[i].start);
		table_cell(t, text_size(buf, b->v[i].end - b->v[i].start), TEXT_PLAIN);
		table_cell(t, strip_owner_word(b->v[i].owner), TEXT_PLAIN);
		if (f)
			table_cellf(t, "%llu", (unsigned long long)pmemfail_failure_id(f));
		else
			table_cell(t, NULL, TEXT_PLAIN);
	}
	table_print(t, stdout, 2, c->width, c->colour);
	table_free(t);
	if (b->n > SHOWN)
		ctl_say(c, "  and %zu more: --json has them all.", b->n - SHOWN);
}

void bad_print(const struct ctl *c, const struct pmemfail_device *d, const struct bad *b,
	       const struct open_failures *o)
{
	const struct strip_look look = { .width = c->width ? c->width : WIDTH,
					 .utf8 = MB_CUR_MAX > 1, .colour = c->colour };
	uint64_t size = pmemfail_device_size(d);
	char bytes[TEXT_NUMBER_MAX], ranges[TEXT_NUMBER_MAX];

	if (b->n == 0 || size == 0)
		return;
	putchar('\n');
	ctl_say(c, "%s: %s bad in %s%s", device_name(d), text_size(bytes, b->bytes),
		text_count(ranges, b->n, "range", "ranges"),
		b->full ? "; the kernel's list is full, so there may be more" : "");
	strip_print(stdout, size, b->v, b->n, &look);
	strip_legend(stdout, b->v, b->n, &look);
	print_ranges(c, d, b, o);
}

void bad_add_json(struct json_object *to, const struct bad *b)
{
	struct json_object *array = text_alloc(json_object_new_array());

	for (size_t i = 0; i < b->n; i++) {
		struct json_object *one = text_alloc(json_object_new_object());

		ctl_json_add(one, "start", text_alloc(json_object_new_uint64(b->v[i].start)));
		ctl_json_add(one, "end", text_alloc(json_object_new_uint64(b->v[i].end)));
		ctl_json_add_string(one, "owner", strip_owner_name(b->v[i].owner));
		if (json_object_array_add(array, one) < 0)
			text_alloc(NULL);
	}
	ctl_json_add(to, "badblocks", array);
	ctl_json_add(to, "badblocks_full", text_alloc(json_object_new_boolean(b->full)));
}
