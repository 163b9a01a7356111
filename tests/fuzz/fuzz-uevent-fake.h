/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libudev as the input would have it, and what the engine does with an event. Only
 * fuzz-uevent.c includes this.
 */
#ifndef FUZZ_UEVENT_FAKE_H
#define FUZZ_UEVENT_FAKE_H

static void forget(void)
{
	free(action);
	free(subsystem);
	free(devtype);
	free(name);
	action = subsystem = devtype = name = NULL;
}

struct udev_monitor *__wrap_udev_monitor_new_from_netlink(struct udev *u, const char *from)
{
	(void)u;
	(void)from;
	return FAKE(struct udev_monitor);
}

int __wrap_udev_monitor_filter_add_match_subsystem_devtype(struct udev_monitor *m,
							   const char *s, const char *d)
{
	return m && s && !d ? 0 : -EINVAL;
}

int __wrap_udev_monitor_set_receive_buffer_size(struct udev_monitor *m, int size)
{
	return m && size > 0 ? 0 : -EINVAL;
}

int __wrap_udev_monitor_enable_receiving(struct udev_monitor *m)
{
	return m ? 0 : -EINVAL;
}

struct udev_monitor *__wrap_udev_monitor_unref(struct udev_monitor *m)
{
	(void)m;
	return NULL;
}

struct udev_device *__wrap_udev_monitor_receive_device(struct udev_monitor *m)
{
	uint8_t how = fuzz_u8(&input);

	(void)m;
	forget();
	errno = how == 1 ? ENOBUFS : EAGAIN;
	if (how <= 1 || input.n == 0)
		return NULL;
	action = fuzz_line(&input);
	subsystem = fuzz_line(&input);
	devtype = fuzz_line(&input);
	name = fuzz_line(&input);
	return FAKE(struct udev_device);
}

/* An empty one is none. */
static const char *value(const char *s)
{
	return *s ? s : NULL;
}

const char *__wrap_udev_device_get_action(struct udev_device *d)
{
	(void)d;
	return value(action);
}

const char *__wrap_udev_device_get_subsystem(struct udev_device *d)
{
	(void)d;
	return value(subsystem);
}

const char *__wrap_udev_device_get_devtype(struct udev_device *d)
{
	(void)d;
	return value(devtype);
}

const char *__wrap_udev_device_get_sysname(struct udev_device *d)
{
	(void)d;
	return value(name);
}

struct udev_device *__wrap_udev_device_unref(struct udev_device *d)
{
	(void)d;
	return NULL;
}

void __wrap_pmf_snapshots_refresh(struct pmf_snapshots *s, unsigned int p)
{
	(void)s;
	parts = p;
	CHECK(gone + bound == 0 || parts != 0);	/* what has changed is read */
}

void __wrap_pmf_engine_unheld(struct pmemfail_engine *e, const struct pmf_device *d)
{
	bool nd = streq(subsystem, "nd");

	CHECK(e->topology && d->devno);
	CHECK(streq(action, "remove") || streq(action, "unbind"));
	CHECK(streq(nd ? d->bound : d->name, name));
	CHECK(nd || streq(subsystem, "dax") ||
	      (streq(subsystem, "block") && streq(devtype, "disk")));
	gone++;
}

void __wrap_pmf_intake_bound(struct pmf_intake *in, const char *s)
{
	(void)in;
	CHECK(streq(action, "add") || streq(action, "bind"));
	CHECK(strncmp(s, name, 63) == 0);
	bound++;
}

int __wrap_pmf_engine_open_holds(struct pmemfail_engine *e)
{
	(void)e;
	return -ENODEV;
}

#endif
