// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Uevents and mount changes: what is to be read anew, which devices came back,
 * and which went without a hold.
 */
#include "engine.h"

#define EVERYTHING (PMF_READ_DEVICES | PMF_READ_BLOCKS | PMF_READ_STACK | PMF_READ_MOUNTS)

/* A storm is worked off in parts: holds go first again after each. */
#define MAX_AT_ONCE 256

static bool is_pmem(const char *block_name)
{
	return strncmp(block_name, "pmem", 4) == 0;
}

/* An event for a bound device of the last snapshot, which is gone by now. */
static void gone(struct pmemfail_engine *e, const struct pmf_uevent *u)
{
	for (size_t i = 0; e->topology && i < e->topology->n_devices; i++) {
		const struct pmf_device *d = &e->topology->devices[i];

		if (!d->devno)
			continue;
		/* block and dax events name the node, nd events what was bound */
		if (streq_ptr(u->subsystem == PMF_UEVENT_ND ? d->bound : d->name, u->name))
			pmf_engine_unheld(e, d);
	}
}

static void module_event(struct pmemfail_engine *e, const struct pmf_uevent *u)
{
	if (!streq(u->name, "pmemfail"))
		return;
	if (u->action == PMF_UEVENT_ADD && pmf_engine_open_holds(e) >= 0) {
		pmf_engine_look(e, NULL, true);
		pmf_engine_notice(e, PMEMFAIL_MODULE_CHANGED, NULL,
				  strdup("the kernel module was loaded"));
	} else if (u->action == PMF_UEVENT_REMOVE && e->hold_fd < 0)
		pmf_engine_notice(e, PMEMFAIL_MODULE_CHANGED, NULL,
				  strdup("the kernel module was unloaded"));
}

static unsigned int device_event(struct pmemfail_engine *e, const struct pmf_uevent *u)
{
	bool block = u->subsystem == PMF_UEVENT_BLOCK;

	switch (u->action) {
	case PMF_UEVENT_REMOVE:
	case PMF_UEVENT_UNBIND:
		if (!block || u->disk)
			gone(e, u);
		break;
	case PMF_UEVENT_ADD:
	case PMF_UEVENT_BIND:
		if (!block || u->disk)
			pmf_intake_bound(e->intake, u->name);
		if (!block || is_pmem(u->name))
			e->rewatch = true;
		break;
	case PMF_UEVENT_CHANGE:
	case PMF_UEVENT_OTHER:
		break;
	}
	if (!block || is_pmem(u->name))
		return EVERYTHING;
	/* Something over a pmem device, perhaps: of no interest where there is none. */
	return e->topology && e->topology->n_devices > 0 ?
		PMF_READ_BLOCKS | PMF_READ_STACK : 0;
}

void pmf_engine_read_uevents(struct pmemfail_engine *e)
{
	unsigned int parts = 0, n;
	struct pmf_uevent u;
	int r = 0;

	for (n = 0; n < MAX_AT_ONCE; n++) {
		r = pmf_udev_read(e->udev, &u);
		if (r < 0)
			break;
		if (u.subsystem == PMF_UEVENT_MISC)
			module_event(e, &u);
		else if (u.subsystem != PMF_UEVENT_ELSE)
			parts |= device_event(e, &u);
	}
	if (r == -ENOBUFS) {
		/* What was lost is not known, so everything is looked at as if new. */
		parts = EVERYTHING;
		e->rewatch = e->all_bound = true;
		(void)pmf_engine_open_holds(e);
	}
	pmf_snapshots_refresh(e->snapshots, parts);
}

void pmf_engine_mounts_changed(struct pmemfail_engine *e)
{
	/* A filesystem being mounted may also be a first look at a new stack below. */
	pmf_snapshots_refresh(e->snapshots, PMF_READ_MOUNTS | PMF_READ_STACK);
}
