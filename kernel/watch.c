// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmemfail: watches, the devices whose unbind has to wait
 *
 * Why: every way to unbind a driver (sysfs, ndctl, region or bus removal) runs
 * drivers/base/dd.c __device_release_driver(), which calls the bus notifiers with
 * BUS_NOTIFY_UNBIND_DRIVER before any teardown, from a context that may sleep.
 *
 * What holds during a hold: the caller has device_lock() of the device, and its
 * bus's notifier chain locked for reading. So we never take device_lock(), and
 * never register a notifier on a bus that may already have ours (a writer would
 * wait for the hold, and every other device of the bus behind it): once registered
 * ours stays until the module goes. Unloading is safe by the same lock:
 * bus_unregister_notifier() waits for callers that are inside.
 *
 * Called by main.c. Locks: pmemfail_watch_lock guards the list.
 */
#include <linux/blkdev.h>
#include <linux/cdev.h>
#include <linux/dax.h>
#include <linux/device.h>
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/notifier.h>
#include <linux/slab.h>

#include "pmemfail.h"

struct pmemfail_watched {
	struct list_head link;
	struct pmemfail_watcher *watcher;
	struct device *dev;		/* what the driver below is bound to; the key */
	struct device *node;		/* the dax bus's device on top of it, or NULL */
	struct pmemfail_hold_args args;
	struct pmemfail_hold *hold;	/* the latest */
	bool going;			/* dev is between UNBIND and UNBOUND */
};

/* Where a fd leads: references to the devices and how to see that they live on. */
struct pmemfail_place {
	struct device *dev, *node;
	struct inode *bdev_inode;	/* of a block device */
	struct dax_device *dax_dev;	/* of a device-DAX node */
	dev_t devt;
};

static LIST_HEAD(pmemfail_watches);

static struct pmemfail_watched *pmemfail_watch_find(const struct device *dev)
{
	struct pmemfail_watched *watched;

	lockdep_assert_held(&pmemfail_watch_lock);
	list_for_each_entry(watched, &pmemfail_watches, link)
		if (watched->dev == dev || watched->node == dev)
			return watched;
	return NULL;
}

static void pmemfail_watched_free(struct pmemfail_watched *watched)
{
	if (!watched)
		return;
	pmemfail_hold_put(watched->hold);
	put_device(watched->dev);
	put_device(watched->node);
	kfree(watched);
}

/*
 * Decides whether an unbind waits. The unbind of a device-DAX parent goes on to
 * unbind the node on top (drivers/dax/bus.c unregister_dev_dax()): that one was
 * held already, and by then the memory is dead anyway (kill_dev_dax()).
 */
static struct pmemfail_hold *pmemfail_watched_hold(struct pmemfail_watched *watched,
						   struct device *dev,
						   struct pmemfail_hold **spare)
{
	bool nested = dev == watched->node && watched->going;

	if (dev == watched->dev)
		watched->going = true;
	if (watched->hold && pmemfail_hold_join(watched->hold))
		return watched->hold;
	if (nested)
		return NULL;

	swap(watched->hold, *spare);
	pmemfail_hold_begin(watched->hold, watched->watcher, &watched->args,
			    dev_name(dev));
	pmemfail_hold_join(watched->hold);
	return watched->hold;
}

static void pmemfail_unbind(struct device *dev)
{
	struct pmemfail_hold *hold = NULL, *spare;
	struct pmemfail_watched *watched;

	spin_lock(&pmemfail_watch_lock);
	watched = pmemfail_watch_find(dev);
	spin_unlock(&pmemfail_watch_lock);
	if (!watched)
		return;

	spare = pmemfail_hold_alloc();
	spin_lock(&pmemfail_watch_lock);
	watched = pmemfail_watch_find(dev);
	if (watched)
		hold = pmemfail_watched_hold(watched, dev, &spare);
	spin_unlock(&pmemfail_watch_lock);
	pmemfail_hold_put(spare);
	if (hold)
		pmemfail_hold_wait(hold);
}

static void pmemfail_unbound(struct device *dev)
{
	struct pmemfail_watched *watched;

	spin_lock(&pmemfail_watch_lock);
	watched = pmemfail_watch_find(dev);
	if (watched && watched->dev == dev)
		watched->going = false;
	spin_unlock(&pmemfail_watch_lock);
}

static void pmemfail_removed(struct device *dev)
{
	struct pmemfail_watched *watched;
	struct device *node = NULL;

	spin_lock(&pmemfail_watch_lock);
	watched = pmemfail_watch_find(dev);
	if (watched && watched->dev == dev) {
		list_del(&watched->link);
	} else if (watched) {
		swap(watched->node, node);
		watched = NULL;
	}
	spin_unlock(&pmemfail_watch_lock);
	put_device(node);
	pmemfail_watched_free(watched);
}

/*
 * Not BUS_NOTIFY_DEL_DEVICE: drivers/base/core.c device_del() sends that before
 * bus_remove_device() unbinds the driver, so hot-removal would lose its hold.
 */
static int pmemfail_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	switch (action) {
	case BUS_NOTIFY_UNBIND_DRIVER:
		pmemfail_unbind(data);
		break;
	case BUS_NOTIFY_UNBOUND_DRIVER:
		pmemfail_unbound(data);
		break;
	case BUS_NOTIFY_REMOVED_DEVICE:
		pmemfail_removed(data);
		break;
	}
	return NOTIFY_DONE;
}

/* Slots of the two buses; taken at the first watch on each. */
static struct pmemfail_bus {
	const char *name;
	pmemfail_bus_type *bus;
	struct notifier_block nb;
} pmemfail_buses[] = {
	{ .name = "nd", .nb = { .notifier_call = pmemfail_notify } },
	{ .name = "dax", .nb = { .notifier_call = pmemfail_notify } },
};
static DEFINE_MUTEX(pmemfail_bus_lock);

static bool pmemfail_on_bus(const struct device *dev, const char *name)
{
	return dev && dev->bus && !strcmp(dev->bus->name, name);
}

static int pmemfail_bus_listen(const struct device *dev)
{
	pmemfail_bus_type *bus = (pmemfail_bus_type *)dev->bus;
	int i, err = -ENODEV;

	mutex_lock(&pmemfail_bus_lock);
	for (i = 0; i < ARRAY_SIZE(pmemfail_buses); i++) {
		struct pmemfail_bus *slot = &pmemfail_buses[i];

		if (strcmp(slot->name, bus->name))
			continue;
		err = slot->bus ? 0 : bus_register_notifier(bus, &slot->nb);
		if (!err)
			slot->bus = bus;
		break;
	}
	mutex_unlock(&pmemfail_bus_lock);
	return err;
}

/*
 * A disk holds its parent until device_del() in del_gendisk(), which unhashes the
 * bdev inode under open_mutex first: what is hashed under it has a parent.
 */
static int pmemfail_place_disk(struct pmemfail_place *place, struct file *file)
{
	struct inode *inode = file->f_mapping->host;
	struct block_device *bdev = I_BDEV(inode);
	struct gendisk *disk = bdev->bd_disk;
	struct device *parent;
	int err = 0;

	if (bdev_is_partition(bdev))
		return -EINVAL;
	mutex_lock(&disk->open_mutex);
	parent = disk_to_dev(disk)->parent;
	if (inode_unhashed(inode))
		err = -ENXIO;
	else if (!pmemfail_on_bus(parent, "nd"))
		err = -ENODEV;
	else
		place->dev = get_device(parent);
	mutex_unlock(&disk->open_mutex);
	place->bdev_inode = inode;
	place->devt = bdev->bd_dev;
	return err;
}

/*
 * drivers/dax/device.c dax_open() makes the dax_device's own inode the host of the
 * file's mapping. kill_dax() waits for dax_read_lock() sections before the node's
 * device is deleted and lets its parent go: what is alive inside one has a parent.
 */
static int pmemfail_place_node(struct pmemfail_place *place, struct file *file)
{
	struct inode *host = file->f_mapping->host;
	struct device *node;
	int id, err = 0;

	place->dax_dev = inode_dax(host);
	place->devt = file_inode(file)->i_rdev;
	id = dax_read_lock();
	node = host->i_cdev->kobj.parent ? kobj_to_dev(host->i_cdev->kobj.parent) : NULL;
	if (!dax_alive(place->dax_dev)) {
		err = -ENXIO;
	} else if (!pmemfail_on_bus(node, "dax")) {
		err = -ENODEV;
	} else if (pmemfail_on_bus(node->parent, "nd")) {
		place->dev = get_device(node->parent);
		place->node = get_device(node);
	} else {
		place->dev = get_device(node);
	}
	dax_read_unlock(id);
	return err;
}

static int pmemfail_place_get(struct pmemfail_place *place, struct file *file)
{
	umode_t mode = file_inode(file)->i_mode;
	struct super_block *sb = file->f_mapping->host->i_sb;

	if (S_ISBLK(mode) && sb_is_blkdev_sb(sb))
		return pmemfail_place_disk(place, file);
	if (S_ISCHR(mode) && sb->s_magic == DAXFS_MAGIC)
		return pmemfail_place_node(place, file);
	return -ENOTBLK;
}

/*
 * Asked after the watch is on the list: if yes, the device's removal has not got
 * as far as REMOVED_DEVICE, and the notifier will find the watch.
 */
static bool pmemfail_place_lives(const struct pmemfail_place *place)
{
	if (place->bdev_inode)
		return !inode_unhashed(place->bdev_inode);
	return dax_get_private(place->dax_dev);
}

/* Takes over the references of place and the memory of fresh, or leaves them. */
static int pmemfail_watch_set(struct pmemfail_watcher *w, struct pmemfail_place *place,
			      const struct pmemfail_hold_args *args,
			      struct pmemfail_watched **fresh)
{
	struct pmemfail_watched *watched;
	int err = 0;

	spin_lock(&pmemfail_watch_lock);
	watched = pmemfail_watch_find(place->dev);
	if (watched && watched->watcher != w) {
		err = -EBUSY;
	} else {
		if (!watched) {
			swap(watched, *fresh);
			watched->watcher = w;
			swap(watched->dev, place->dev);
			list_add_tail(&watched->link, &pmemfail_watches);
		}
		watched->args = *args;
		swap(watched->node, place->node);
	}
	spin_unlock(&pmemfail_watch_lock);
	return err;
}

int pmemfail_watch(struct pmemfail_watcher *w, const struct pmemfail_watch *arg)
{
	struct pmemfail_hold_args args = {
		.cookie = arg->cookie,
		.timeout_ms = arg->timeout_ms,
	};
	struct pmemfail_watched *fresh = NULL;
	struct pmemfail_place place = {};
	struct device *dev = NULL;
	struct file *file;
	int err;

	if (arg->flags || !arg->timeout_ms || arg->timeout_ms > PMEMFAIL_HOLD_MAX_MS)
		return -EINVAL;
	file = fget(arg->fd);
	if (!file)
		return -EBADF;
	err = pmemfail_place_get(&place, file);
	if (err)
		goto out;
	args.major = MAJOR(place.devt);
	args.minor = MINOR(place.devt);

	err = pmemfail_bus_listen(place.dev);
	if (!err && place.node)
		err = pmemfail_bus_listen(place.node);
	if (err)
		goto out;
	err = -ENOMEM;
	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL);
	if (!fresh)
		goto out;
	dev = get_device(place.dev);	/* place's reference may change hands */
	err = pmemfail_watch_set(w, &place, &args, &fresh);
	if (!err && !pmemfail_place_lives(&place)) {
		pmemfail_removed(dev);
		err = -ENXIO;
	}
out:
	pmemfail_watched_free(fresh);
	put_device(place.dev);
	put_device(place.node);
	put_device(dev);
	fput(file);
	return err;
}

/* The watcher closes: nothing begins a hold for it after this. */
void pmemfail_watch_drop_all(struct pmemfail_watcher *w)
{
	struct pmemfail_watched *watched, *next;
	LIST_HEAD(gone);

	spin_lock(&pmemfail_watch_lock);
	list_for_each_entry_safe(watched, next, &pmemfail_watches, link)
		if (watched->watcher == w)
			list_move(&watched->link, &gone);
	spin_unlock(&pmemfail_watch_lock);

	list_for_each_entry_safe(watched, next, &gone, link)
		pmemfail_watched_free(watched);
}

void pmemfail_watch_exit(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(pmemfail_buses); i++)
		if (pmemfail_buses[i].bus)
			bus_unregister_notifier(pmemfail_buses[i].bus,
						&pmemfail_buses[i].nb);
}
