/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Talking to the kernel module as a WATCHER: which unbinds wait for us, which one
 * waits now, and letting it go. Nothing here reads sysfs: during a hold the
 * device's lock is taken.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <linux/pmemfail.h>

#include "sys/sys-internal.h"

int pmf_sys_hold_open(struct pmf_sys *s, int *ret_fd)
{
	(void)s;
	return pmf_module_open(O_NONBLOCK, NULL, ret_fd);
}

int pmf_sys_hold_watch(struct pmf_sys *s, int fd, const char *node, uint64_t timeout_us,
		       uint64_t cookie)
{
	uint64_t ms = timeout_us / 1000;
	struct pmemfail_watch w = {
		.size = sizeof(w),
		.timeout_ms = (__u32)MAX(1, MIN(ms, PMEMFAIL_HOLD_MAX_MS)),
		.cookie = cookie,
	};
	_cleanup_close_ int device = -1;
	struct stat st;

	(void)s;
	/* Read-only, so that closing raises no change event in udev; without O_EXCL, so
	 * that a mounted device opens and nobody else is refused meanwhile. */
	device = open(node, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (device < 0)
		return -errno;
	if (fstat(device, &st) < 0)
		return -errno;
	if (!S_ISBLK(st.st_mode) && !S_ISCHR(st.st_mode))
		return -ENOTBLK;
	w.fd = device;
	return pmf_ioctl(fd, PMEMFAIL_IOC_WATCH, &w);
}

static int pmf_hold_event_from_uapi(const struct pmemfail_event *u,
				    struct pmf_hold_event *ret)
{
	struct pmf_hold_event e = {
		.id = u->id,
		.cookie = u->cookie,
		.time_ns = u->time_ns,
		.ended = u->type == PMEMFAIL_EVENT_HOLD_ENDED,
		.devno = makedev(u->major, u->minor),
	};

	if (u->type != PMEMFAIL_EVENT_HOLD && u->type != PMEMFAIL_EVENT_HOLD_ENDED)
		return -EPROTO;
	static_assert(sizeof(e.name) == sizeof(u->name), "name");
	memcpy(e.name, u->name, sizeof(e.name) - 1);
	*ret = e;
	return 0;
}

int pmf_sys_hold_read(struct pmf_sys *s, int fd, struct pmf_hold_event *ret)
{
	struct pmemfail_event u;
	ssize_t n;

	(void)s;
	do {	/* room for exactly one: read(2) gives whole events, as many as fit */
		n = read(fd, &u, sizeof(u));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -EAGAIN;
	if ((size_t)n != sizeof(u) || u.size != sizeof(u))
		return -EPROTO;
	return pmf_hold_event_from_uapi(&u, ret);
}

int pmf_sys_hold_release(struct pmf_sys *s, int fd, uint64_t id, bool *ret_ended)
{
	struct pmemfail_release u = { .size = sizeof(u), .id = id };
	int r;

	(void)s;
	r = pmf_ioctl(fd, PMEMFAIL_IOC_RELEASE, &u);
	if (r < 0 && r != -ENOENT)
		return r;
	if (ret_ended)
		*ret_ended = r == -ENOENT;
	return 0;
}
