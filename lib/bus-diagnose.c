// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Whether this machine is protected, as far as pmemfaild tells everybody: that it runs,
 * the module, which devices an unbind waits for. See bus.h; who is root learns more by
 * a direct context.
 */
#include "bus.h"
#include "diagnosis.h"

/* A property of the manager that is an array of these, to be read from *ret on. */
static int get_array(struct pmemfail *ctx, const char *property, const char *element,
		     sd_bus_message **ret)
{
	_cleanup_message_ sd_bus_message *m = NULL;
	char type[16];
	int r;

	r = pmf_bus_ask(ctx, PMF_BUS_PATH, PMF_BUS_PROPERTIES, "Get", "v", &m, "ss",
			PMF_BUS_MANAGER, property);
	if (r < 0)
		return r;
	(void)snprintf(type, sizeof(type), "a%s", element);
	r = sd_bus_message_enter_container(m, 'v', type);
	if (r > 0)
		r = sd_bus_message_enter_container(m, 'a', element);
	if (r <= 0)
		return pmf_bus_malformed(property);
	*ret = TAKE_PTR(m);
	return 0;
}

int pmf_bus_frozen(struct pmemfail *ctx, pmemfail_name_fn fn, void *userdata)
{
	static const char property[] = "FrozenFilesystems";
	_cleanup_message_ sd_bus_message *m = NULL;
	const char *name;
	int r;

	r = get_array(ctx, property, "s", &m);
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(m, "s", &name)) > 0) {
		r = fn(name, userdata);
		if (r != 0)
			return r;
	}
	return r < 0 ? pmf_bus_malformed(property) : 0;
}

int pmf_bus_event_counters(struct pmemfail *ctx, uint64_t *ret_events, uint64_t *ret_merges)
{
	static const char property[] = "Counters";
	_cleanup_message_ sd_bus_message *m = NULL;
	uint64_t n, events = 0, merges = 0;
	bool known = false;
	const char *name;
	int r;

	r = get_array(ctx, property, "{st}", &m);
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(m, "{st}", &name, &n)) > 0) {
		if (streq(name, "events"))
			events = n;
		else if (streq(name, "merges"))
			merges = n;
		known = known || streq(name, "events");
	}
	if (r < 0)
		return pmf_bus_malformed(property);
	if (!known)
		return pmf_why(-ENOENT, "pmemfaild does not know how many events there were");
	*ret_events = events;
	*ret_merges = merges;
	return 0;
}

static int find_module(struct pmemfail_diagnosis *d, bool loaded)
{
	return loaded ? pmf_find(d, NULL, PMEMFAIL_OK, "module-ok", NULL,
				 "The kernel module is loaded and usable.") :
	       pmf_find(d, NULL, PMEMFAIL_PROBLEM, "module-not-loaded",
			"Run \"pmemfailctl doctor\" as root: it tells why.",
			"The kernel module pmemfail is not in use: an unbind does not wait, and "
			"no memory can be taken from processes.");
}

static int find_machine(struct pmemfail_diagnosis *d, struct pmemfail *ctx)
{
	static const struct pmf_bus_want want[] = {
		{ "Version", "s" }, { "ModuleLoaded", "b" },
	};
	_cleanup_message_ sd_bus_message *m = NULL;
	const char *version = "";
	int r, loaded = 0;
	sd_bus *bus;
	size_t i;

	r = pmf_bus_get(ctx, &bus);
	if (r >= 0)
		r = pmf_bus_get_all(bus, ctx->bus->timeout_us, PMF_BUS_PATH, PMF_BUS_MANAGER, &m);
	if (r < 0)
		return r;
	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	while (r >= 0 && (r = pmf_bus_next_value(m, want, ARRAY_SIZE(want), &i)) > 0) {
		r = sd_bus_message_read_basic(m, want[i].type[0], i == 0 ? (void *)&version :
					      (void *)&loaded);
		r = r <= 0 ? pmf_bus_malformed(want[i].key) : pmf_bus_value_done(m);
	}
	if (r < 0)
		return r;
	r = pmf_find(d, NULL, PMEMFAIL_OK, "daemon-ok", NULL, "pmemfaild %s runs.", version);
	return r < 0 ? r : find_module(d, loaded);
}

static int find_device(const struct pmf_bus_listed *device, void *userdata)
{
	struct pmemfail_diagnosis *d = userdata;
	const char *about = device->name;

	if (!*about)
		return 0;
	return device->protected ? pmf_find(d, about, PMEMFAIL_OK, "watched", NULL,
				    "An unbind of %s waits until pmemfail has done what it can.",
				    about) :
	       pmf_find(d, about, PMEMFAIL_PROBLEM, "not-watched",
			"Run \"pmemfailctl doctor\" as root: it tells why.",
			"An unbind of %s does not wait for pmemfail.", about);
}

int pmf_bus_diagnose(struct pmemfail *ctx, struct pmemfail_diagnosis **ret)
{
	struct pmemfail_diagnosis *d = pmf_diagnosis_new();
	int r;

	if (!d)
		return pmf_why_errno(-ENOMEM, "cannot judge this machine");
	r = find_machine(d, ctx);
	if (r >= 0)
		r = pmf_bus_foreach_device(ctx, find_device, d);
	if (r < 0) {
		pmemfail_diagnosis_free(d);
		return r;
	}
	*ret = d;
	return 0;
}
