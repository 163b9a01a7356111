/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Device range to sites. Everything asked here is safe while the device's unbind
 * is held: the topology is given, and /sys/fs is not the device's sysfs.
 * Called by handle.c.
 */
#include "flow/locate.h"

struct search {
	struct pmf_sys *sys;
	const struct pmf_topology *topology;
	struct pmf_case *cases;
	size_t n, cap;
};

static void search_done(struct search *s)
{
	for (size_t i = 0; i < s->n; i++)
		pmf_case_done(&s->cases[i]);
	free(s->cases);
	s->cases = NULL;
	s->n = 0;
}

static int add_ranges(struct pmf_ranges *to, const struct pmf_ranges *from)
{
	for (size_t i = 0; i < from->n; i++) {
		int r = pmf_ranges_add(to, from->v[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Data cannot be followed through a holder, so what stands on one is the holder's
 * affair: it is reported, and nothing above it is touched. */
static bool stands_on_holder(const struct pmf_topology *t, const struct pmf_block *b,
			     unsigned int depth)
{
	for (size_t i = 0; i < b->n_segments && depth < 32; i++) {
		const struct pmf_block *below = pmf_topology_block(t, b->segments[i].below);

		if (!below || below == b)
			continue;
		if (below->kind == PMF_BLOCK_HOLDER ||
		    stands_on_holder(t, below, depth + 1))
			return true;
	}
	return false;
}

static int add_site(struct search *s, enum pmf_site_kind kind, dev_t devno,
		    const char *name, const char *node, const char *fstype,
		    const char *holder, const struct pmf_ranges *own)
{
	const struct pmf_mount *m = NULL;
	struct pmf_case *c;
	int r;

	/* one device can be reached along two ways: say mirrored halves of one dm */
	for (size_t i = 0; i < s->n; i++)
		if (s->cases[i].site.devno == devno && s->cases[i].site.kind == kind)
			return add_ranges(&s->cases[i].site.ranges, own);

	r = pmf_grow(&s->cases, &s->cap, s->n + 1, sizeof(*s->cases));
	if (r < 0)
		return r;
	if (kind == PMF_SITE_FILESYSTEM)
		m = pmf_topology_mount(s->topology, devno);
	c = &s->cases[s->n++];
	*c = (struct pmf_case){ .site = { .kind = kind, .devno = devno, .fs_devno = devno } };
	c->site.dax = m && m->dax;
	if (!strdup_to(&c->site.name, name) || !strdup_to(&c->site.node, node) ||
	    !strdup_to(&c->site.fstype, fstype) || !strdup_to(&c->site.holder, holder) ||
	    !strdup_to(&c->site.mountpoint, m ? m->target : NULL))
		return -ENOMEM;
	return add_ranges(&c->site.ranges, own);
}

static int visit_block(const struct pmf_block *b, const struct pmf_ranges *own,
		       void *userdata)
{
	struct search *s = userdata;
	const struct pmf_mount *m;
	const char *fstype;
	int r;

	if (stands_on_holder(s->topology, b, 0))
		return 0;
	if (b->swap || b->kind == PMF_BLOCK_HOLDER)
		return add_site(s, PMF_SITE_HOLDER, b->devno, b->name, b->node, NULL,
				b->swap ? "swap" : b->type, own);

	/* The superblock decides, not the mount table: it may be mounted in another
	 * namespace only, or lazily unmounted and still in use. */
	r = s->sys->ops->mounted_fstype(s->sys, b->name, &fstype);
	if (r == -ENOENT) {
		m = pmf_topology_mount(s->topology, b->devno);
		if (!m)
			return 0;
		fstype = m->fstype;
	} else if (r < 0) {
		return r;
	}
	return add_site(s, PMF_SITE_FILESYSTEM, b->devno, b->name, b->node, fstype,
			NULL, own);
}

static const struct pmf_device *device_by_id(const struct pmf_topology *t, const char *id)
{
	for (size_t i = 0; i < t->n_devices; i++)
		if (streq_ptr(t->devices[i].id, id))
			return &t->devices[i];
	return NULL;
}

int pmf_locate(struct pmf_sys *sys, const struct pmf_topology *t, const char *device_id,
	       const struct pmf_ranges *ranges, struct pmf_case **ret, size_t *ret_n)
{
	_cleanup_(search_done) struct search s = { .sys = sys, .topology = t };
	const struct pmf_device *d = device_by_id(t, device_id);
	int r;

	if (!d)
		return -ENODEV;
	for (size_t i = 0; d->devno && i < ranges->n; i++) {
		if (d->mode == PMF_MODE_DEVDAX)
			r = add_site(&s, PMF_SITE_DEVDAX, d->devno, d->name, d->node,
				     NULL, NULL, ranges);
		else
			r = pmf_topology_up(t, d->devno, ranges->v[i], visit_block, &s);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(s.cases);
	*ret_n = TAKE(s.n, 0);
	return 0;
}
