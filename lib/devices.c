// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The list of pmem devices and what is to know about each. Public.
 */
#include "context.h"
#include "flow/json.h"
#include "ops.h"

struct pmemfail_devices {
	struct pmf_topology *topology;
};

static const struct pmf_device *model(const struct pmemfail_device *d)
{
	return (const struct pmf_device *)d;
}

int pmf_read_all(struct pmf_sys *sys, struct pmf_topology **ret)
{
	int r = sys->ops->read_topology(sys, PMF_READ_DEVICES | PMF_READ_BLOCKS |
					PMF_READ_STACK | PMF_READ_MOUNTS, NULL, ret);

	return r < 0 ? pmf_why_errno(r, "cannot read what pmem devices there are") : 0;
}

int pmf_find_device(const struct pmf_topology *t, const char *name,
		    const struct pmf_device **ret)
{
	int r = pmf_topology_find(t, name, ret);

	if (r == -ENODEV)
		return pmf_why(r, "no pmem device is called \"%.128s\"; "
			       "\"pmemfailctl devices\" lists them", name);
	if (r == -ENOTUNIQ)
		return pmf_why(r, "\"%.128s\" lies on more than one pmem device; name one of "
			       "those that \"pmemfailctl devices\" lists", name);
	return r < 0 ? pmf_why_errno(r, "cannot find \"%.128s\"", name) : 0;
}

int pmf_devices_new(struct pmf_topology *t, struct pmemfail_devices **ret)
{
	struct pmemfail_devices *l = calloc(1, sizeof(*l));

	if (!l) {
		pmf_topology_free(t);
		return pmf_why_errno(-ENOMEM, "cannot list devices");
	}
	l->topology = t;
	*ret = l;
	return 0;
}

int pmf_direct_list_devices(struct pmemfail *ctx, struct pmemfail_devices **ret)
{
	struct pmf_topology *t = NULL;
	struct pmf_sys *sys;
	int r;

	r = pmf_act(ctx, &sys);
	if (r >= 0)
		r = pmf_read_all(sys, &t);
	return r < 0 ? r : pmf_devices_new(t, ret);
}

_public_ struct pmemfail_devices *pmemfail_devices_free(struct pmemfail_devices *l)
{
	if (l) {
		pmf_topology_free(l->topology);
		free(l);
	}
	return NULL;
}

_public_ size_t pmemfail_devices_count(const struct pmemfail_devices *l)
{
	return l ? l->topology->n_devices : 0;
}

_public_ const struct pmemfail_device *pmemfail_devices_get(const struct pmemfail_devices *l,
							    size_t i)
{
	if (!l || i >= l->topology->n_devices)
		return NULL;
	return (const struct pmemfail_device *)&l->topology->devices[i];
}

_public_ const char *pmemfail_device_id(const struct pmemfail_device *d)
{
	return d ? model(d)->id : NULL;
}

_public_ const char *pmemfail_device_name(const struct pmemfail_device *d)
{
	return d ? model(d)->name : NULL;
}

_public_ const char *pmemfail_device_node(const struct pmemfail_device *d)
{
	return d ? model(d)->node : NULL;
}

_public_ const char *pmemfail_device_bound(const struct pmemfail_device *d)
{
	return d ? model(d)->bound : NULL;
}

_public_ const char *pmemfail_device_namespace(const struct pmemfail_device *d)
{
	return d ? model(d)->ns : NULL;
}

_public_ const char *pmemfail_device_region(const struct pmemfail_device *d)
{
	return d ? model(d)->region : NULL;
}

_public_ const char *pmemfail_device_mode(const struct pmemfail_device *d)
{
	return d ? pmf_device_mode_to_string(model(d)->mode) : NULL;
}

_public_ uint64_t pmemfail_device_size(const struct pmemfail_device *d)
{
	return d ? model(d)->size : 0;
}

int pmf_direct_device_badblocks(struct pmemfail *ctx, const struct pmf_device *d,
				struct pmf_ranges *bad, bool *ret_full)
{
	struct pmf_sys *sys;
	int r;

	r = pmf_act(ctx, &sys);
	if (r < 0)
		return r;
	r = sys->ops->read_badblocks(sys, d, bad, ret_full);
	return r < 0 ? pmf_why_errno(r, "cannot read the bad ranges of %s",
				     d->name ?: d->id) : 0;
}

static int to_text(struct json_object *j, char **ret)
{
	const char *s = j ? json_object_to_json_string_ext(j, JSON_C_TO_STRING_PLAIN) : NULL;
	char *copy = s ? strdup(s) : NULL;

	json_object_put(j);
	if (!copy)
		return pmf_why_errno(-ENOMEM, "cannot write JSON");
	*ret = copy;
	return 0;
}

_public_ int pmemfail_device_to_json(const struct pmemfail_device *d, char **ret)
{
	if (!d || !ret)
		return pmf_why(-EINVAL, "pmemfail_device_to_json() needs a device and a place "
			       "for the text");
	return to_text(pmf_json_from_device(model(d)), ret);
}

_public_ int pmemfail_failure_to_json(const struct pmemfail_failure *f, char **ret)
{
	if (!f || !ret)
		return pmf_why(-EINVAL, "pmemfail_failure_to_json() needs a failure and a "
			       "place for the text");
	return to_text(pmf_json_from_failure(pmf_failure_from_public(f)), ret);
}

_public_ int pmemfail_failure_to_json_for(const struct pmemfail_failure *f, uint32_t uid,
					  char **ret)
{
	struct json_object *j;

	if (!f || !ret)
		return pmf_why(-EINVAL, "pmemfail_failure_to_json_for() needs a failure and a "
			       "place for the text");
	j = pmf_json_from_failure(pmf_failure_from_public(f));
	if (j && pmf_json_hide(j, uid) < 0) {
		json_object_put(j);
		j = NULL;
	}
	return to_text(j, ret);
}
