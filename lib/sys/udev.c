// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Uevents by libudev. All of them come after the fact (kill_dax and del_gendisk
 * have begun, see nd_pmem_remove), so nothing can be rescued from here: they tell
 * what to read anew, and what was lost without a hold. See watch.h.
 */
#include <libudev.h>

#include "sys/watch.h"

/* A storm of uevents (hot-plug, a rescan of hundreds of LVs) must fit. */
#define RECEIVE_BUFFER	(8 << 20)

struct pmf_udev {
	struct udev *udev;
	struct udev_monitor *monitor;
};

static void udev_closep(struct pmf_udev **u)
{
	pmf_udev_close(*u);
}

static enum pmf_uevent_action action_from_string(const char *s)
{
	static const struct {
		const char *name;
		enum pmf_uevent_action action;
	} actions[] = {
		{ "add", PMF_UEVENT_ADD }, { "remove", PMF_UEVENT_REMOVE },
		{ "bind", PMF_UEVENT_BIND }, { "unbind", PMF_UEVENT_UNBIND },
		{ "change", PMF_UEVENT_CHANGE },
	};

	for (size_t i = 0; s && i < ARRAY_SIZE(actions); i++)
		if (streq(actions[i].name, s))
			return actions[i].action;
	return PMF_UEVENT_OTHER;
}

static enum pmf_uevent_subsystem subsystem_from_string(const char *s)
{
	static const char *const names[] = {
		[PMF_UEVENT_ND] = "nd", [PMF_UEVENT_BLOCK] = "block",
		[PMF_UEVENT_DAX] = "dax", [PMF_UEVENT_MISC] = "misc",
	};

	for (size_t i = 0; s && i < ARRAY_SIZE(names); i++)
		if (streq(names[i], s))
			return (enum pmf_uevent_subsystem)i;
	return PMF_UEVENT_ELSE;
}

int pmf_udev_open(struct pmf_udev **ret)
{
	static const char *const subsystems[] = { "nd", "block", "dax", "misc" };
	_cleanup_(udev_closep) struct pmf_udev *u = NULL;
	int r;

	u = calloc(1, sizeof(*u));
	if (!u)
		return -ENOMEM;
	u->udev = udev_new();
	if (!u->udev)
		return -ENOMEM;
	u->monitor = udev_monitor_new_from_netlink(u->udev, "udev");
	if (!u->monitor)
		return errno > 0 ? -errno : -EIO;
	for (size_t i = 0; i < ARRAY_SIZE(subsystems); i++) {
		r = udev_monitor_filter_add_match_subsystem_devtype(u->monitor,
								    subsystems[i], NULL);
		if (r < 0)
			return r;
	}
	/* Needs CAP_NET_ADMIN; with a smaller one an overrun is only likelier, and is
	 * told by -ENOBUFS. */
	(void)udev_monitor_set_receive_buffer_size(u->monitor, RECEIVE_BUFFER);
	r = udev_monitor_enable_receiving(u->monitor);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(u);
	return 0;
}

struct pmf_udev *pmf_udev_close(struct pmf_udev *u)
{
	if (u) {
		udev_monitor_unref(u->monitor);
		udev_unref(u->udev);
		free(u);
	}
	return NULL;
}

int pmf_udev_fd(struct pmf_udev *u)
{
	return udev_monitor_get_fd(u->monitor);
}

int pmf_udev_read(struct pmf_udev *u, struct pmf_uevent *ret)
{
	struct pmf_uevent e = { 0 };
	struct udev_device *d;
	const char *s;

	errno = 0;
	d = udev_monitor_receive_device(u->monitor);
	if (!d) {
		/* Also when the message was not from udevd or did not pass the filter:
		 * the fd stays readable when there is more. */
		if (errno == ENOBUFS)
			return -ENOBUFS;
		return errno == ENOMEM ? -ENOMEM : -EAGAIN;
	}
	e.action = action_from_string(udev_device_get_action(d));
	e.subsystem = subsystem_from_string(udev_device_get_subsystem(d));
	s = udev_device_get_devtype(d);
	e.disk = e.subsystem == PMF_UEVENT_BLOCK && s && streq(s, "disk");
	s = udev_device_get_sysname(d);
	(void)snprintf(e.name, sizeof(e.name), "%s", s ?: "");
	udev_device_unref(d);
	*ret = e;
	return 0;
}
