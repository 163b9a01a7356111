// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What lies on what: owning, copying and looking up. The walk through the layers
 * is in topology-up.c. Pure; any layer from the model up may call.
 */
#include "model/topology.h"

void pmf_device_done(struct pmf_device *d)
{
	free(d->id);
	free(d->name);
	free(d->node);
	free(d->bound);
	free(d->ns);
	free(d->region);
	free(d->provider);
	free(d->uuid);
}

void pmf_block_done(struct pmf_block *b)
{
	free(b->name);
	free(b->node);
	free(b->type);
	free(b->segments);
}

static void mount_done(struct pmf_mount *m)
{
	free(m->fstype);
	free(m->source);
	free(m->root);
	free(m->target);
	free(m->options);
}

struct pmf_topology *pmf_topology_free(struct pmf_topology *t)
{
	size_t i;

	if (!t)
		return NULL;
	for (i = 0; i < t->n_devices; i++)
		pmf_device_done(&t->devices[i]);
	for (i = 0; i < t->n_blocks; i++)
		pmf_block_done(&t->blocks[i]);
	for (i = 0; i < t->n_mounts; i++)
		mount_done(&t->mounts[i]);
	free(t->devices);
	free(t->blocks);
	free(t->mounts);
	free(t);
	return NULL;
}

/* Each copies into zeroed memory; what is there on -ENOMEM is for done. */
bool pmf_device_copy(const struct pmf_device *d, struct pmf_device *to)
{
	to->mode = d->mode;
	to->devno = d->devno;
	to->diskseq = d->diskseq;
	to->size = d->size;
	to->spa = d->spa;
	to->ns_spa = d->ns_spa;
	to->region_spa = d->region_spa;
	return strdup_to(&to->id, d->id) && strdup_to(&to->name, d->name) &&
	       strdup_to(&to->node, d->node) && strdup_to(&to->bound, d->bound) &&
	       strdup_to(&to->ns, d->ns) && strdup_to(&to->region, d->region) &&
	       strdup_to(&to->provider, d->provider) && strdup_to(&to->uuid, d->uuid);
}

bool pmf_block_copy(const struct pmf_block *b, struct pmf_block *to)
{
	to->devno = b->devno;
	to->kind = b->kind;
	to->swap = b->swap;
	if (b->n_segments > 0) {
		to->segments = calloc(b->n_segments, sizeof(*to->segments));
		if (!to->segments)
			return false;
		memcpy(to->segments, b->segments, b->n_segments * sizeof(*to->segments));
		to->n_segments = b->n_segments;
	}
	return strdup_to(&to->name, b->name) && strdup_to(&to->node, b->node) &&
	       strdup_to(&to->type, b->type);
}

static bool mount_copy(const struct pmf_mount *m, struct pmf_mount *to)
{
	to->id = m->id;
	to->devno = m->devno;
	to->dax = m->dax;
	to->log_devno = m->log_devno;
	to->rt_devno = m->rt_devno;
	return strdup_to(&to->fstype, m->fstype) && strdup_to(&to->source, m->source) &&
	       strdup_to(&to->root, m->root) && strdup_to(&to->target, m->target) &&
	       strdup_to(&to->options, m->options);
}

int pmf_topology_copy(const struct pmf_topology *t, struct pmf_topology **ret)
{
	_cleanup_(pmf_topology_freep) struct pmf_topology *c = NULL;
	size_t i;

	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->generation = t->generation;
	/* One more than needed: calloc(0) may say NULL. */
	c->devices = calloc(t->n_devices + 1, sizeof(*c->devices));
	c->blocks = calloc(t->n_blocks + 1, sizeof(*c->blocks));
	c->mounts = calloc(t->n_mounts + 1, sizeof(*c->mounts));
	if (!c->devices || !c->blocks || !c->mounts)
		return -ENOMEM;

	/* Counted before it is filled, so that a half-made one is freed too. */
	for (i = 0; i < t->n_devices; i++) {
		c->n_devices++;
		if (!pmf_device_copy(&t->devices[i], &c->devices[i]))
			return -ENOMEM;
	}
	for (i = 0; i < t->n_blocks; i++) {
		c->n_blocks++;
		if (!pmf_block_copy(&t->blocks[i], &c->blocks[i]))
			return -ENOMEM;
	}
	for (i = 0; i < t->n_mounts; i++) {
		c->n_mounts++;
		if (!mount_copy(&t->mounts[i], &c->mounts[i]))
			return -ENOMEM;
	}
	*ret = TAKE_PTR(c);
	return 0;
}

const struct pmf_device *pmf_topology_device_by_id(const struct pmf_topology *t, const char *id)
{
	for (size_t i = 0; i < t->n_devices; i++)
		if (streq_ptr(t->devices[i].id, id))
			return &t->devices[i];
	return NULL;
}

const struct pmf_device *pmf_topology_bound_by_id(const struct pmf_topology *t, const char *id)
{
	const struct pmf_device *d = pmf_topology_device_by_id(t, id);

	return d && d->devno ? d : NULL;
}

const struct pmf_device *pmf_topology_device_by_devno(const struct pmf_topology *t, dev_t d)
{
	size_t i;

	for (i = 0; d != 0 && i < t->n_devices; i++)
		if (t->devices[i].devno == d)
			return &t->devices[i];
	return NULL;
}

const struct pmf_block *pmf_topology_block(const struct pmf_topology *t, dev_t devno)
{
	size_t i;

	for (i = 0; i < t->n_blocks; i++)
		if (t->blocks[i].devno == devno)
			return &t->blocks[i];
	return NULL;
}

const struct pmf_mount *pmf_topology_mount(const struct pmf_topology *t, dev_t devno)
{
	size_t i;

	for (i = 0; i < t->n_mounts; i++)
		if (t->mounts[i].devno == devno)
			return &t->mounts[i];
	return NULL;
}

static bool device_has_name(const struct pmf_device *d, const char *name)
{
	const char *const own[] = { d->id, d->name, d->node, d->bound, d->ns };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(own); i++)
		if (own[i] && streq(own[i], name))
			return true;
	return d->uuid && strcasecmp(d->uuid, name) == 0;
}

static bool block_has_name(const struct pmf_block *b, const char *name)
{
	return (b->name && streq(b->name, name)) || (b->node && streq(b->node, name));
}

struct named {
	const char *name;
	bool found;
};

static int is_named(const struct pmf_block *b, const struct pmf_ranges *own, void *userdata)
{
	struct named *n = userdata;

	(void)own;
	n->found = n->found || block_has_name(b, n->name);
	return 0;
}

/* Is something so called over this device? 1, 0 or negative errno. */
static int carries_name(const struct pmf_topology *t, const struct pmf_device *d,
			const char *name)
{
	struct named n = { name, false };
	int r;

	if (d->devno == 0)
		return 0;
	r = pmf_topology_up(t, d->devno, PMF_RANGE_ALL, is_named, &n);
	return r < 0 ? r : n.found;
}

int pmf_topology_find(const struct pmf_topology *t, const char *name,
		      const struct pmf_device **ret)
{
	const struct pmf_device *found = NULL;
	bool above;
	size_t i;
	int r;

	/* A device's own names first; only then what lies over it. */
	for (above = false; !found; above = true) {
		for (i = 0; i < t->n_devices; i++) {
			const struct pmf_device *d = &t->devices[i];

			r = above ? carries_name(t, d, name) : device_has_name(d, name);
			if (r < 0)
				return r;
			if (r > 0 && found)
				return -ENOTUNIQ;
			if (r > 0)
				found = d;
		}
		if (above)
			break;
	}
	if (!found)
		return -ENODEV;
	*ret = found;
	return 0;
}

static const char *const modes[PMF_MODE_N] = {
	[PMF_MODE_UNKNOWN] = "unknown", [PMF_MODE_RAW] = "raw", [PMF_MODE_FSDAX] = "fsdax",
	[PMF_MODE_DEVDAX] = "devdax", [PMF_MODE_SECTOR] = "sector",
};

int pmf_device_mode_from_string(const char *s, enum pmf_device_mode *ret)
{
	for (int m = 0; m < PMF_MODE_N; m++)
		if (streq(s, modes[m])) {
			*ret = (enum pmf_device_mode)m;
			return 0;
		}
	return -EINVAL;
}

const char *pmf_device_mode_to_string(enum pmf_device_mode m)
{
	assert((unsigned int)m < PMF_MODE_N);
	return modes[m];
}

const char *pmf_block_kind_to_string(enum pmf_block_kind k)
{
	static const char *const names[PMF_BLOCK_N] = {
		[PMF_BLOCK_DISK] = "disk", [PMF_BLOCK_PARTITION] = "partition",
		[PMF_BLOCK_DM] = "dm", [PMF_BLOCK_HOLDER] = "holder",
	};

	assert((unsigned int)k < PMF_BLOCK_N);
	return names[k];
}
