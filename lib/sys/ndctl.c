// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The persistent memory devices of the machine, through libndctl and libdaxctl.
 *
 * Both libraries cache what they read, so every call scans anew. Reading the
 * sysfs of a namespace takes its device's lock (nvdimm's resource_show(),
 * size_show()), which an unbind owns: this waits while an unbind is held. Only
 * topology-read.c calls this.
 */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <daxctl/libdaxctl.h>
#include <ndctl/libndctl.h>
#include <uuid/uuid.h>

#include "base/str.h"
#include "sys/sysfs.h"
#include "sys/topology-read.h"

static void ndctl_unrefp(struct ndctl_ctx **ctx)
{
	if (*ctx)
		ndctl_unref(*ctx);
}

static int identify(struct ndctl_namespace *ns, struct pmf_device *d)
{
	struct ndctl_region *region = ndctl_namespace_get_region(ns);
	struct ndctl_bus *bus = ndctl_namespace_get_bus(ns);
	const char *provider = ndctl_bus_get_provider(bus);
	char text[UUID_STR_LEN];
	uuid_t uuid;

	if (!provider || !*provider)
		provider = ndctl_bus_get_devname(bus);
	if (!strdup_to(&d->provider, provider) ||
	    !strdup_to(&d->region, ndctl_region_get_devname(region)) ||
	    !strdup_to(&d->ns, ndctl_namespace_get_devname(ns)))
		return -ENOMEM;
	ndctl_namespace_get_uuid(ns, uuid);
	if (!uuid_is_null(uuid)) {
		uuid_unparse_lower(uuid, text);
		if (!strdup_to(&d->uuid, text))
			return -ENOMEM;
	}
	return pmf_format(&d->id, "%s/%s", provider, d->uuid ? d->uuid : d->ns);
}

/* It is bound as bus device bound, and its block device is called name. */
static int bind_block(struct pmf_device *d, const char *bound, const char *name)
{
	int err;

	if (!bound || !name || !*name)
		return 0;	/* unbound since libndctl looked */
	err = pmf_sysfs_block_devno(name, &d->devno);
	if (err == 0)
		err = pmf_sysfs_block_size(name, &d->size);
	if (err == 0)
		err = pmf_sysfs_block_seq(name, &d->diskseq);
	if (err == -ENOENT || err == -ENODEV) {
		d->devno = 0;
		return 0;	/* the same */
	}
	if (err < 0)
		return err;
	if (!strdup_to(&d->bound, bound) || !strdup_to(&d->name, name))
		return -ENOMEM;
	return pmf_sysfs_block_node(name, &d->node);
}

static int bind_dax(struct pmf_device *d, struct ndctl_dax *dax)
{
	struct daxctl_region *region = ndctl_dax_get_daxctl_region(dax);
	struct daxctl_dev *dev = NULL;
	unsigned long long resource;
	int major, minor;

	if (!strdup_to(&d->bound, ndctl_dax_get_devname(dax)))
		return -ENOMEM;
	/* A region of pmem is static and has one device (dax_region_alloc() with
	 * IORESOURCE_DAX_STATIC). Bound to kmem instead of device_dax it is system
	 * memory, with no node to open: then only bound says that it is in use. */
	if (region)
		dev = daxctl_dev_get_first(region);
	if (!dev || !daxctl_dev_is_enabled(dev) || daxctl_dev_get_memory(dev))
		return 0;
	major = daxctl_dev_get_major(dev);
	minor = daxctl_dev_get_minor(dev);
	if (major <= 0 || minor < 0)
		return 0;
	d->devno = makedev(major, minor);
	d->size = daxctl_dev_get_size(dev);
	resource = daxctl_dev_get_resource(dev);
	if (resource == 0 || resource == UINT64_MAX)
		resource = ndctl_dax_get_resource(dax);
	d->spa = resource;
	if (!strdup_to(&d->name, daxctl_dev_get_devname(dev)))
		return -ENOMEM;
	return pmf_format(&d->node, "/dev/%s", d->name);
}

static int bind(struct ndctl_namespace *ns, struct pmf_device *d)
{
	struct ndctl_pfn *pfn = ndctl_namespace_get_pfn(ns);
	struct ndctl_btt *btt = ndctl_namespace_get_btt(ns);
	struct ndctl_dax *dax = ndctl_namespace_get_dax(ns);
	int err = 0;

	d->spa = UINT64_MAX;
	d->size = ndctl_namespace_get_size(ns);
	if (dax) {
		d->mode = PMF_MODE_DEVDAX;
		return ndctl_dax_is_enabled(dax) ? bind_dax(d, dax) : 0;
	}
	if (pfn) {
		d->mode = PMF_MODE_FSDAX;
		if (ndctl_pfn_is_enabled(pfn))
			err = bind_block(d, ndctl_pfn_get_devname(pfn),
					 ndctl_pfn_get_block_device(pfn));
		if (err == 0 && d->devno)
			d->spa = ndctl_pfn_get_resource(pfn);	/* of sector 0 */
		return err;
	}
	if (btt) {
		d->mode = PMF_MODE_SECTOR;	/* no address: its map moves sectors */
		return ndctl_btt_is_enabled(btt) ?
			bind_block(d, ndctl_btt_get_devname(btt),
				   ndctl_btt_get_block_device(btt)) : 0;
	}
	switch (ndctl_namespace_get_mode(ns)) {
	case NDCTL_NS_MODE_FSDAX:
		d->mode = PMF_MODE_FSDAX;
		break;
	case NDCTL_NS_MODE_DEVDAX:
		d->mode = PMF_MODE_DEVDAX;
		break;
	case NDCTL_NS_MODE_SECTOR:
		d->mode = PMF_MODE_SECTOR;
		break;
	default:	/* "raw" is also what one that is not bound is called */
		d->mode = PMF_MODE_UNKNOWN;
	}
	if (!ndctl_namespace_is_enabled(ns))
		return 0;
	/* Bound as itself, whatever its label says: that is raw mode. */
	d->mode = PMF_MODE_RAW;
	err = bind_block(d, ndctl_namespace_get_devname(ns),
			 ndctl_namespace_get_block_device(ns));
	if (err == 0 && d->devno)
		d->spa = ndctl_namespace_get_resource(ns);
	return err;
}

/* Where the namespace and its region lie: once they are enabled and readable (root). */
static void place(struct ndctl_namespace *ns, struct pmf_device *d)
{
	uint64_t start = ndctl_namespace_get_resource(ns);

	/* libndctl 76 says ULLONG_MAX for what it could not read, others 0 */
	d->region_spa = ndctl_region_get_resource(ndctl_namespace_get_region(ns));
	if (d->region_spa == 0)
		d->region_spa = UINT64_MAX;
	if (start != 0 && start != UINT64_MAX)
		(void)pmf_range_from_length(start, ndctl_namespace_get_size(ns), &d->ns_spa);
}

static int add_namespace(struct pmf_build *b, struct ndctl_namespace *ns)
{
	struct pmf_topology *t = b->t;
	struct pmf_device *d;
	int err;

	if (ndctl_namespace_get_size(ns) == 0)
		return 0;	/* a seed: room for a namespace to be made */
	err = pmf_grow(&t->devices, &b->cap_devices, t->n_devices + 1, sizeof(*d));
	if (err < 0)
		return err;
	d = &t->devices[t->n_devices++];	/* freed with t from here on */
	*d = (struct pmf_device){ .spa = UINT64_MAX };
	place(ns, d);
	err = identify(ns, d);
	return err < 0 ? err : bind(ns, d);
}

int pmf_read_devices(struct pmf_build *b)
{
	_cleanup_(ndctl_unrefp) struct ndctl_ctx *ctx = NULL;
	struct ndctl_namespace *ns;
	struct ndctl_region *region;
	struct ndctl_bus *bus;
	int err;

	err = ndctl_new(&ctx);
	if (err < 0)
		return err;
	ndctl_bus_foreach(ctx, bus)
		ndctl_region_foreach(bus, region)
			ndctl_namespace_foreach(region, ns) {
				err = add_namespace(b, ns);
				if (err < 0)
					return err;
			}
	return 0;
}
