// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading a topology: the parts asked for off the machine, the others copied
 * from an older one. Only the table of operations (sys.c) refers to this.
 */
#include <fcntl.h>
#include <sys/sysmacros.h>

#include "sys/read.h"
#include "sys/topology-read.h"

/* Take one array over from the copy of the old topology. */
#define INHERIT(t, from, what) do {				\
	(t)->what = TAKE_PTR((from)->what);			\
	(t)->n_##what = TAKE((from)->n_##what, 0);		\
} while (0)

/*
 * Is its node's number still given out? The name is looked up and nothing is read:
 * safe during a hold. device_del() takes it away after the unbind, in del_gendisk().
 */
static bool lives(const struct pmf_device *d)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/dev/%s/%u:%u",
		 d->mode == PMF_MODE_DEVDAX ? "char" : "block", major(d->devno),
		 minor(d->devno));
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int pmf_sys_read_topology(struct pmf_sys *s, unsigned int parts,
			  const struct pmf_topology *old, struct pmf_topology **ret)
{
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = NULL, *copy = NULL;
	struct pmf_build b = { 0 };
	int err = 0;

	(void)s;
	/* STACK reads afresh what is over old's disks; BLOCKS reads all of it anyway. */
	assert(old || !(parts & PMF_READ_STACK) || parts & PMF_READ_BLOCKS);

	b.t = t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	if (old) {
		t->generation = old->generation;
		err = pmf_topology_copy(old, &copy);
		if (err < 0)
			return err;
	}

	if (parts & PMF_READ_DEVICES)
		err = pmf_read_devices(&b);
	else if (copy)
		INHERIT(t, copy, devices);
	if (err < 0)
		return err;

	if (parts & PMF_READ_BLOCKS)
		err = pmf_read_blocks(&b);
	else if (parts & PMF_READ_STACK)
		err = pmf_read_stack(&b, old);
	else if (copy)
		INHERIT(t, copy, blocks);
	if (err < 0)
		return err;

	if (old && parts & PMF_READ_DEVICES)
		err = pmf_topology_keep(t, old, lives);
	if (err < 0)
		return err;

	if (parts & PMF_READ_MOUNTS)
		err = pmf_read_mounts(&b);
	else if (copy)
		INHERIT(t, copy, mounts);
	if (err < 0)
		return err;

	*ret = TAKE_PTR(t);
	return 0;
}
