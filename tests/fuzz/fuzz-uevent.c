// SPDX-License-Identifier: GPL-2.0-only
/*
 * Uevents, and what the engine makes of them: five lines are one event, its action,
 * subsystem, type, name, and a line not used. A device is believed to be gone only by an
 * event of its own name, and what may have changed is read anew.
 */
#include <libudev.h>

#include "engine.h"
#include "fuzz.h"

#define FAKE(type)	((type *)(uintptr_t)16)

static struct fuzz input;
static char *action, *subsystem, *devtype, *name;
static unsigned int parts, gone, bound;

struct udev_monitor *__wrap_udev_monitor_new_from_netlink(struct udev *u, const char *from);
int __wrap_udev_monitor_filter_add_match_subsystem_devtype(struct udev_monitor *m,
							   const char *s, const char *d);
int __wrap_udev_monitor_set_receive_buffer_size(struct udev_monitor *m, int size);
int __wrap_udev_monitor_enable_receiving(struct udev_monitor *m);
struct udev_monitor *__wrap_udev_monitor_unref(struct udev_monitor *m);
struct udev_device *__wrap_udev_monitor_receive_device(struct udev_monitor *m);
const char *__wrap_udev_device_get_action(struct udev_device *d);
const char *__wrap_udev_device_get_subsystem(struct udev_device *d);
const char *__wrap_udev_device_get_devtype(struct udev_device *d);
const char *__wrap_udev_device_get_sysname(struct udev_device *d);
struct udev_device *__wrap_udev_device_unref(struct udev_device *d);
void __wrap_pmf_snapshots_refresh(struct pmf_snapshots *s, unsigned int p);
void __wrap_pmf_engine_unheld(struct pmemfail_engine *e, const struct pmf_device *d);
void __wrap_pmf_intake_bound(struct pmf_intake *in, const char *s);
int __wrap_pmf_engine_open_holds(struct pmemfail_engine *e);

#include "fuzz-uevent-fake.h"

static void check(const struct pmf_uevent *u)
{
	CHECK(memchr(u->name, '\0', sizeof(u->name)));
	CHECK(strncmp(u->name, name, sizeof(u->name) - 1) == 0);
	CHECK(u->disk == (u->subsystem == PMF_UEVENT_BLOCK && streq(devtype, "disk")));
	CHECK((u->subsystem == PMF_UEVENT_ND) == streq(subsystem, "nd"));
	CHECK((u->subsystem == PMF_UEVENT_BLOCK) == streq(subsystem, "block"));
	CHECK((u->subsystem == PMF_UEVENT_DAX) == streq(subsystem, "dax"));
	CHECK((u->action == PMF_UEVENT_REMOVE) == streq(action, "remove"));
	CHECK((u->action == PMF_UEVENT_UNBIND) == streq(action, "unbind"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pmf_udev *udev;
	struct pmf_device devices[] = {
		{ .id = (char *)"a", .name = (char *)"pmem0", .bound = (char *)"pfn0.0", .devno = 1 },
		{ .id = (char *)"b", .name = (char *)"dax1.0", .bound = (char *)"dax1.0", .devno = 2 },
	};
	struct pmf_topology t = { .devices = devices, .n_devices = ARRAY_SIZE(devices) };
	struct pmemfail_engine e = { .topology = &t, .hold_fd = 0 };
	struct pmf_uevent u;

	if (!udev)
		CHECK(pmf_udev_open(&udev) == 0);
	e.udev = udev;
	input = (struct fuzz){ data, size };
	while (input.n > 0)
		if (pmf_udev_read(udev, &u) == 0)
			check(&u);
	input = (struct fuzz){ data, size };
	while (input.n > 0) {
		parts = gone = bound = 0;
		pmf_engine_read_uevents(&e);
	}
	forget();
	return 0;
}
