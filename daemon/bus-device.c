/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices on the bus, as they were last listed. Listing them reads sysfs, which waits
 * as long as one of them is held, so a thread does it, and everybody is answered from
 * what it brought.
 */
#include <errno.h>
#include <string.h>

#include "bus-internal.h"

#define PREFIX		"/org/pmemfail1/device"
#define INTERFACE	"org.pmemfail1.Device"
#define MAX_BAD		1024	/* ranges of a device; the kernel lists 512 */

struct listing {
	struct work_item item;
	struct bus *bus;
	unsigned int generation;
	struct pmemfail *lib;
	struct pmemfail_devices *list;
	struct bus_device *devices;
	size_t n;
	int error;
};

static void devices_free(struct bus_device *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].path);
		free(v[i].bad);
	}
	free(v);
}

/* --- listing, in a thread -------------------------------------------------- */

static int add_bad(uint64_t start, uint64_t end, void *userdata)
{
	struct bus_device *d = userdata;

	if (d->n_bad == MAX_BAD) {
		d->bad_full = true;
		return 1;
	}
	d->bad[d->n_bad++] = (struct bus_range){ start, end };
	return 0;
}

static int list_one(struct listing *l, const struct pmemfail_device *dev)
{
	struct bus_device *d = &l->devices[l->n];
	struct bus_range *less;
	bool full = false;

	d->d = dev;
	if (sd_bus_path_encode(PREFIX, pmemfail_device_id(dev), &d->path) < 0)
		return -ENOMEM;
	l->n++;
	d->bad = calloc(MAX_BAD, sizeof(*d->bad));
	if (!d->bad)
		return -ENOMEM;
	/* Not bound: nothing is known. */
	if (pmemfail_device_badblocks(l->lib, dev, add_bad, d, &full) < 0)
		full = true;
	d->bad_full |= full;
	less = d->n_bad ? realloc(d->bad, d->n_bad * sizeof(*d->bad)) : NULL;
	if (less)
		d->bad = less;
	return 0;
}

static void list(struct work_item *i)
{
	struct listing *l = (struct listing *)i;
	size_t n;

	l->error = pmemfail_list_devices(l->lib, &l->list);
	if (l->error < 0)
		return;
	n = pmemfail_devices_count(l->list);
	l->devices = calloc(n + 1, sizeof(*l->devices));
	if (!l->devices)
		l->error = -ENOMEM;
	for (size_t k = 0; l->error >= 0 && k < n; k++)
		l->error = list_one(l, pmemfail_devices_get(l->list, k));
}

/* --- what it brought ------------------------------------------------------- */

bool bus_is_protected(const struct bus *b, const char *id)
{
	for (size_t i = 0; i < b->n_protected; i++)
		if (strcmp(b->protected_ids[i], id) == 0)
			return true;
	return false;
}

static struct bus_device *find(struct bus_device *v, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].path, path) == 0)
			return &v[i];
	return NULL;
}

static bool same(const char *a, const char *b)
{
	return strcmp(bus_or_empty(a), bus_or_empty(b)) == 0;
}

static void tell_difference(struct bus *b, const struct bus_device *old,
			    const struct bus_device *new)
{
	const struct pmemfail_device *o = old->d, *n = new->d;

	if (!same(pmemfail_device_name(o), pmemfail_device_name(n)) ||
	    !same(pmemfail_device_node(o), pmemfail_device_node(n)) ||
	    !same(pmemfail_device_bound(o), pmemfail_device_bound(n)) ||
	    !same(pmemfail_device_mode(o), pmemfail_device_mode(n)) ||
	    pmemfail_device_size(o) != pmemfail_device_size(n))
		(void)sd_bus_emit_properties_changed(b->bus, new->path, INTERFACE, "Name",
						     "Node", "Bound", "Mode", "Size", NULL);
	if (old->n_bad != new->n_bad || old->bad_full != new->bad_full ||
	    (old->n_bad && memcmp(old->bad, new->bad, old->n_bad * sizeof(*old->bad)) != 0))
		(void)sd_bus_emit_properties_changed(b->bus, new->path, INTERFACE, "BadRanges",
						     "BadRangesComplete", NULL);
}

static void take(struct bus *b, struct listing *l)
{
	struct bus_device *old = b->devices;
	struct pmemfail_devices *old_list = b->list;
	size_t n_old = b->n_devices;

	for (size_t i = 0; i < l->n; i++)
		l->devices[i].protected = bus_is_protected(b, pmemfail_device_id(l->devices[i].d));
	for (size_t i = 0; bus_has_room(b) && i < n_old; i++)
		if (!find(l->devices, l->n, old[i].path))
			(void)sd_bus_emit_object_removed(b->bus, old[i].path);
	b->devices = l->devices;
	b->n_devices = l->n;
	b->list = l->list;
	l->devices = NULL;
	l->list = NULL;
	for (size_t i = 0; bus_has_room(b) && i < b->n_devices; i++) {
		const struct bus_device *was = find(old, n_old, b->devices[i].path);

		if (was)
			tell_difference(b, was, &b->devices[i]);
		else
			(void)sd_bus_emit_object_added(b->bus, b->devices[i].path);
	}
	devices_free(old, n_old);
	pmemfail_devices_free(old_list);
}

static void listed(struct work_item *i)
{
	struct listing *l = (struct listing *)i;
	struct bus *b = l->bus;
	bool again = b->list_again || l->generation != b->generation;

	b->listing = false;
	if (l->error >= 0 && l->generation == b->generation && !i->canceled)
		take(b, l);
	if (!i->canceled)
		b->listed = true;
	devices_free(l->devices, l->devices ? l->n : 0);
	pmemfail_devices_free(l->list);
	pmemfail_unref(l->lib);
	if (!i->canceled && again)
		bus_devices_look(b);
	free(l);
	bus_claim_name(b);
}

void bus_devices_look(struct bus *b)
{
	struct listing *l;

	/* Who reads a device's sysfs waits as long as its unbind is held, and cannot be
	 * killed (ndctl's wait_probe: flush_namespaces() takes device_lock). Were we killed
	 * then, that thread would keep the hold open, for all of the hold's time. */
	if (b->listing || !b->engine || pmemfail_engine_busy(b->engine) > 0) {
		b->list_again = true;
		return;
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		return;		/* the next change looks again */
	l->item.run = list;
	l->item.done = listed;
	l->bus = b;
	l->generation = b->generation;
	l->lib = pmemfail_ref(b->lib);
	b->list_again = false;
	b->listing = true;
	if (work_add(b->work, WORK_DEVICES, &l->item) < 0) {
		b->listing = false;
		pmemfail_unref(l->lib);
		free(l);
	}
}

void bus_devices_done(struct bus *b)
{
	devices_free(b->devices, b->n_devices);
	b->devices = NULL;
	b->n_devices = 0;
	b->list = pmemfail_devices_free(b->list);
	while (b->n_protected > 0)
		free(b->protected_ids[--b->n_protected]);
	free(b->protected_ids);
	b->protected_ids = NULL;
}

/* --- protection ------------------------------------------------------------ */

struct bus_device *bus_device_by_id(struct bus *b, const char *id)
{
	for (size_t i = 0; i < b->n_devices; i++)
		if (strcmp(pmemfail_device_id(b->devices[i].d), id) == 0)
			return &b->devices[i];
	return NULL;
}

static bool note_protected(struct bus *b, const char *id, bool on)
{
	char **v;

	for (size_t i = 0; i < b->n_protected; i++)
		if (strcmp(b->protected_ids[i], id) == 0) {
			if (on)
				return false;
			free(b->protected_ids[i]);
			b->protected_ids[i] = b->protected_ids[--b->n_protected];
			return true;
		}
	if (!on)
		return false;
	v = realloc(b->protected_ids, (b->n_protected + 1) * sizeof(*v));
	if (!v)
		return false;
	b->protected_ids = v;
	v[b->n_protected] = strdup(id);
	if (!v[b->n_protected])
		return false;
	b->n_protected++;
	return true;
}

void bus_device_protect(struct bus *b, const char *id, bool on)
{
	struct bus_device *d = bus_device_by_id(b, id);

	if (!note_protected(b, id, on))
		return;
	bus_manager_changed(b, "ProtectedDevices");
	(void)bus_emit(b, "DeviceProtectionChanged", "sb", id, (int)on);
	if (!d)
		return;
	d->protected = on;
	if (bus_has_room(b))
		(void)sd_bus_emit_properties_changed(b->bus, d->path, INTERFACE, "Protected",
						     NULL);
}

/* --- org.pmemfail1.Device -------------------------------------------------- */

static int on_find(sd_bus *bus, const char *path, const char *interface, void *userdata,
		   void **ret_found, sd_bus_error *error)
{
	struct bus *b = userdata;
	struct bus_device *d = find(b->devices, b->n_devices, path);

	(void)bus;
	(void)interface;
	(void)error;
	if (!d)
		return 0;
	*ret_found = d;
	return 1;
}

static int on_enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes,
			sd_bus_error *error)
{
	struct bus *b = userdata;
	char **v = calloc(b->n_devices + 1, sizeof(*v));

	(void)bus;
	(void)prefix;
	(void)error;
	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < b->n_devices; i++) {
		v[i] = strdup(b->devices[i].path);
		if (!v[i]) {
			while (i > 0)
				free(v[--i]);
			free(v);
			return -ENOMEM;
		}
	}
	*ret_nodes = v;
	return 1;
}

static int get_text(sd_bus *bus, const char *path, const char *interface,
		    const char *property, sd_bus_message *reply, void *userdata,
		    sd_bus_error *error)
{
	static const struct { const char *name; const char *(*get)(const struct pmemfail_device *); }
	texts[] = {
		{ "Id", pmemfail_device_id }, { "Name", pmemfail_device_name },
		{ "Node", pmemfail_device_node }, { "Bound", pmemfail_device_bound },
		{ "Namespace", pmemfail_device_namespace }, { "Region", pmemfail_device_region },
		{ "Mode", pmemfail_device_mode },
	};
	const struct bus_device *d = userdata;

	(void)bus;
	(void)path;
	(void)interface;
	(void)error;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(property, texts[i].name) == 0)
			return sd_bus_message_append(reply, "s", bus_or_empty(texts[i].get(d->d)));
	return -ENOENT;
}

static int get_other(sd_bus *bus, const char *path, const char *interface,
		     const char *property, sd_bus_message *reply, void *userdata,
		     sd_bus_error *error)
{
	const struct bus_device *d = userdata;

	(void)bus;
	(void)path;
	(void)interface;
	(void)error;
	if (strcmp(property, "Size") == 0)
		return sd_bus_message_append(reply, "t", pmemfail_device_size(d->d));
	if (strcmp(property, "Protected") == 0)
		return sd_bus_message_append(reply, "b", (int)d->protected);
	if (strcmp(property, "BadRangesComplete") == 0)
		return sd_bus_message_append(reply, "b", (int)!d->bad_full);
	return bus_append_ranges(reply, d->bad, d->n_bad);
}

static int on_describe(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct bus_device *d = userdata;
	char *json = NULL;
	int r = pmemfail_device_to_json(d->d, &json);

	if (r < 0)
		return bus_fail(error, r, NULL);
	bus_reply_text(m, json);
	free(json);
	return 1;
}

#define CONST	SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES	SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Id", "s", get_text, 0, CONST),
	SD_BUS_PROPERTY("Name", "s", get_text, 0, CHANGES),
	SD_BUS_PROPERTY("Node", "s", get_text, 0, CHANGES),
	SD_BUS_PROPERTY("Bound", "s", get_text, 0, CHANGES),
	SD_BUS_PROPERTY("Namespace", "s", get_text, 0, CONST),
	SD_BUS_PROPERTY("Region", "s", get_text, 0, CONST),
	SD_BUS_PROPERTY("Mode", "s", get_text, 0, CHANGES),
	SD_BUS_PROPERTY("Size", "t", get_other, 0, CHANGES),
	SD_BUS_PROPERTY("Protected", "b", get_other, 0, CHANGES),
	SD_BUS_PROPERTY("BadRanges", "a(tt)", get_other, 0, CHANGES),
	SD_BUS_PROPERTY("BadRangesComplete", "b", get_other, 0, CHANGES),
	SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), on_describe,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END
};

int bus_device_add(struct bus *b)
{
	int r = sd_bus_add_fallback_vtable(b->bus, NULL, PREFIX, INTERFACE, vtable, on_find, b);

	return r < 0 ? r : sd_bus_add_node_enumerator(b->bus, NULL, PREFIX, on_enumerate, b);
}
