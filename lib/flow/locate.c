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

/* Of what is copied from site, only names and numbers are set. */
static int add_site(struct search *s, struct pmf_site site, const struct pmf_ranges *own)
{
	const struct pmf_mount *m = NULL;
	struct pmf_case *c;
	int r;

	/* one device can be reached along two ways: say mirrored halves of one dm */
	for (size_t i = 0; i < s->n; i++)
		if (s->cases[i].site.devno == site.devno &&
		    s->cases[i].site.fs_devno == site.fs_devno &&
		    s->cases[i].site.kind == site.kind && s->cases[i].site.role == site.role)
			return add_ranges(&s->cases[i].site.ranges, own);

	r = pmf_grow(&s->cases, &s->cap, s->n + 1, sizeof(*s->cases));
	if (r < 0)
		return r;
	if (site.kind == PMF_SITE_FILESYSTEM)
		m = pmf_topology_mount(s->topology, site.fs_devno);
	c = &s->cases[s->n++];
	*c = (struct pmf_case){ .site = { .kind = site.kind, .role = site.role,
					  .devno = site.devno, .fs_devno = site.fs_devno,
					  .dax = m && m->dax } };
	if (!strdup_to(&c->site.name, site.name) || !strdup_to(&c->site.node, site.node) ||
	    !strdup_to(&c->site.fstype, site.fstype) ||
	    !strdup_to(&c->site.holder, site.holder) ||
	    !strdup_to(&c->site.mountpoint, m ? m->target : NULL))
		return -ENOMEM;
	return add_ranges(&c->site.ranges, own);
}

/* A block that is the log or the realtime device of filesystems whose data may lie
 * anywhere, also on no persistent memory at all. */
static int add_other_roles(struct search *s, const struct pmf_block *b,
			   const struct pmf_ranges *own)
{
	const struct pmf_topology *t = s->topology;
	int r = 0;

	for (size_t i = 0; i < t->n_mounts && r >= 0; i++) {
		const struct pmf_mount *m = &t->mounts[i];
		struct pmf_site site = { .kind = PMF_SITE_FILESYSTEM, .devno = b->devno,
					 .fs_devno = m->devno, .name = b->name,
					 .node = b->node, .fstype = m->fstype };

		if (m->log_devno == b->devno) {
			site.role = PMF_ROLE_LOG;
			r = add_site(s, site, own);
		}
		if (r >= 0 && m->rt_devno == b->devno) {
			site.role = PMF_ROLE_REALTIME;
			r = add_site(s, site, own);
		}
	}
	return r;
}

static int visit_block(const struct pmf_block *b, const struct pmf_ranges *own,
		       void *userdata)
{
	struct search *s = userdata;
	struct pmf_site site = { .devno = b->devno, .fs_devno = b->devno, .name = b->name,
				 .node = b->node };
	const struct pmf_mount *m;
	const char *fstype;
	int r;

	if (stands_on_holder(s->topology, b, 0))
		return 0;
	if (b->swap || b->kind == PMF_BLOCK_HOLDER) {
		site.kind = PMF_SITE_HOLDER;
		site.holder = b->swap ? (char[]){ "swap" } : b->type;
		return add_site(s, site, own);
	}
	r = add_other_roles(s, b, own);
	if (r < 0)
		return r;

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
	site.kind = PMF_SITE_FILESYSTEM;
	site.fstype = (char *)(uintptr_t)fstype;	/* copied, not kept */
	return add_site(s, site, own);
}

int pmf_locate(struct pmf_sys *sys, const struct pmf_topology *t, const char *device_id,
	       const struct pmf_ranges *ranges, struct pmf_case **ret, size_t *ret_n)
{
	_cleanup_(search_done) struct search s = { .sys = sys, .topology = t };
	const struct pmf_device *d = pmf_topology_device_by_id(t, device_id);
	int r;

	if (!d)
		return -ENODEV;
	for (size_t i = 0; d->devno && i < ranges->n; i++) {
		if (d->mode == PMF_MODE_DEVDAX)
			r = add_site(&s, (struct pmf_site){
					.kind = PMF_SITE_DEVDAX, .devno = d->devno,
					.fs_devno = d->devno, .name = d->name,
					.node = d->node }, ranges);
		else
			r = pmf_topology_up(t, d->devno, ranges->v[i], visit_block, &s);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(s.cases);
	*ret_n = TAKE(s.n, 0);
	return 0;
}

void pmf_cases_once(struct pmf_case *cases, size_t *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++) {
		const struct pmf_site *s = &cases[i].site;
		bool again = false;

		for (size_t j = 0; j < *n && s->kind == PMF_SITE_FILESYSTEM && !again; j++)
			again = j != i && cases[j].site.kind == PMF_SITE_FILESYSTEM &&
				cases[j].site.fs_devno == s->fs_devno &&
				(j < kept || (j > i && s->role != PMF_ROLE_DATA &&
					      cases[j].site.role == PMF_ROLE_DATA));
		if (again)
			pmf_case_done(&cases[i]);
		else
			cases[kept++] = cases[i];
	}
	*n = kept;
}
