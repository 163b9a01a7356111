// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Physical addresses to bytes of devices. Pure; the sources of poison call it.
 */
#include "model/topology.h"

/*
 * A namespace lies like this:
 *
 *	ns_spa.start                 spa                      ns_spa.end
 *	| info block, struct pages ... | the device's bytes ... | padding |
 *
 * What is bad before spa takes the whole device with it: without its info block it
 * is not found again, and struct pages are the kernel's own memory (pgmap_pfn_valid()
 * does not take such a page for one of the device, so nobody is told).
 */
static struct pmf_range bytes_of(const struct pmf_device *d)
{
	struct pmf_range r = { d->spa, d->spa };

	/* At the end of all addresses it ends there; so does what is nowhere. */
	if (__builtin_add_overflow(d->spa, d->size, &r.end))
		r.end = UINT64_MAX;
	return r;
}

static bool hits_meta(const struct pmf_device *d, struct pmf_range spa)
{
	struct pmf_range meta = { d->ns_spa.start, d->spa };

	return !pmf_range_empty(d->ns_spa) && !pmf_range_empty(meta) &&
	       pmf_range_overlaps(meta, spa);
}

int pmf_topology_spa(const struct pmf_topology *t, struct pmf_range spa,
		     pmf_topology_spa_fn fn, void *userdata)
{
	bool found = false;
	int r;

	if (pmf_range_empty(spa))
		return -ENODEV;
	for (size_t i = 0; i < t->n_devices; i++) {
		const struct pmf_device *d = &t->devices[i];
		struct pmf_range all = bytes_of(d), hit = pmf_range_clip(spa, all);
		bool meta = hits_meta(d, spa);

		/* Not bound, or not where anyone could tell: BTT moves what it holds. */
		if (pmf_range_empty(all) || (!meta && pmf_range_empty(hit)))
			continue;
		if (meta)
			hit = all;
		hit.start -= d->spa;
		hit.end -= d->spa;
		found = true;
		r = fn(d, hit, meta, userdata);
		if (r != 0)
			return r;
	}
	return found ? 0 : -ENODEV;
}
