// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What an enumeration passed over: devices on their way out that are still there.
 *
 * Why: when a whole region or bus goes, drivers/base/bus.c bus_remove_device()
 * takes a device's link out of its bus before it unbinds the driver. libndctl lists
 * those links, so while the device's own unbind waits, or is yet to come, it is in
 * no list. Dropping it then would leave nobody to be told. Pure; topology-read.c
 * says which devices live.
 */
#include "model/topology.h"

#define MAX_DEPTH 32U	/* more than any stack; a cycle cannot be walked for ever */

/* A number means another device as a block device than as a character device. */
static bool has_bound(const struct pmf_topology *t, const struct pmf_device *d)
{
	for (size_t i = 0; i < t->n_devices; i++)
		if (t->devices[i].devno == d->devno &&
		    (t->devices[i].mode == PMF_MODE_DEVDAX) == (d->mode == PMF_MODE_DEVDAX))
			return true;
	return false;
}

/* What stands, however high, on devno in old and is not in t. */
static int keep_blocks(struct pmf_topology *t, size_t *cap, const struct pmf_topology *old,
		       dev_t devno, unsigned int depth)
{
	int r;

	for (size_t i = 0; i < old->n_blocks; i++) {
		const struct pmf_block *b = &old->blocks[i];
		bool above = b->devno == devno && b->kind == PMF_BLOCK_DISK;

		for (size_t j = 0; j < b->n_segments && !above; j++)
			above = b->segments[j].below == devno;
		if (!above || pmf_topology_block(t, b->devno))
			continue;
		r = pmf_grow(&t->blocks, cap, t->n_blocks + 1, sizeof(*t->blocks));
		if (r < 0)
			return r;
		/* counted before it is filled, so that a half-made one is freed too */
		t->blocks[t->n_blocks] = (struct pmf_block){ 0 };
		if (!pmf_block_copy(b, &t->blocks[t->n_blocks++]))
			return -ENOMEM;
		if (b->devno != devno && depth < MAX_DEPTH) {
			r = keep_blocks(t, cap, old, b->devno, depth + 1);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int keep_device(struct pmf_topology *t, size_t *cap, const struct pmf_device *d)
{
	size_t i;
	int r;

	for (i = 0; i < t->n_devices && !streq_ptr(t->devices[i].id, d->id); i++)
		;
	if (i < t->n_devices) {		/* listed, as unbound */
		pmf_device_done(&t->devices[i]);
	} else {
		r = pmf_grow(&t->devices, cap, t->n_devices + 1, sizeof(*t->devices));
		if (r < 0)
			return r;
		t->n_devices++;
	}
	t->devices[i] = (struct pmf_device){ 0 };
	return pmf_device_copy(d, &t->devices[i]) ? 0 : -ENOMEM;
}

int pmf_topology_keep(struct pmf_topology *t, const struct pmf_topology *old,
		      bool (*lives)(const struct pmf_device *d))
{
	size_t cap_devices = t->n_devices, cap_blocks = t->n_blocks;
	int r;

	for (size_t i = 0; i < old->n_devices; i++) {
		const struct pmf_device *d = &old->devices[i];

		if (!d->devno || has_bound(t, d) || !lives(d))
			continue;
		r = keep_device(t, &cap_devices, d);
		if (r >= 0)
			r = keep_blocks(t, &cap_blocks, old, d->devno, 0);
		if (r < 0)
			return r;
	}
	return 0;
}
