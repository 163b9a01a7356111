/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Talking to the kernel module as an ATTEMPT: include/uapi/linux/pmemfail.h is
 * the manual. Kernel structs do not pass above this file. The calls that may be
 * made frozen use stack memory only.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include <linux/pmemfail.h>

#include "sys/sys-internal.h"

int pmf_module_open(int flags, uint64_t *ret_features, int *ret_fd)
{
	struct pmemfail_info info = { .size = sizeof(info) };
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	fd = open(PMEMFAIL_DEV_PATH, O_RDWR | O_CLOEXEC | O_NOCTTY | flags);
	if (fd < 0)	/* the node of an unloaded module: ENODEV or ENXIO */
		return errno == ENOENT || errno == ENXIO ? -ENODEV : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISCHR(st.st_mode))
		return -ENODEV;
	r = pmf_ioctl(fd, PMEMFAIL_IOC_INFO, &info);
	if (r == -ENOTTY || r == -EINVAL || r == -E2BIG)
		return -EPROTO;		/* not our module, or another INFO */
	if (r < 0)
		return r;
	if (info.abi != PMEMFAIL_ABI)
		return -EPROTO;
	if (ret_features)
		*ret_features = info.features;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int pmf_sys_module_probe(struct pmf_sys *s, uint32_t *ret_abi, uint64_t *ret_features)
{
	_cleanup_close_ int fd = -1;
	uint64_t features;
	int r;

	(void)s;
	r = pmf_module_open(0, &features, &fd);
	if (r < 0)
		return r;
	*ret_abi = PMEMFAIL_ABI;
	*ret_features = features;
	return 0;
}

int pmf_sys_attempt_open(struct pmf_sys *s, int *ret_attempt)
{
	(void)s;
	return pmf_module_open(0, NULL, ret_attempt);
}

int pmf_sys_attempt_guard(struct pmf_sys *s, int attempt, int fd, bool arm)
{
	struct pmemfail_guard g = {
		.size = sizeof(g),
		.flags = arm ? PMEMFAIL_GUARD_ARM : PMEMFAIL_GUARD_DISARM,
		.fd = fd,
	};

	(void)s;
	return pmf_ioctl(attempt, PMEMFAIL_IOC_GUARD, &g);
}

static __u32 revoke_flags_to_uapi(unsigned int flags)
{
	__u32 u = 0;

	assert(!(flags &
		 ~(PMF_REVOKE_LOOK | PMF_REVOKE_DROP_DIRTY | PMF_REVOKE_STOP_DAX)));
	if (flags & PMF_REVOKE_LOOK)
		u |= PMEMFAIL_REVOKE_LOOK;
	if (flags & PMF_REVOKE_DROP_DIRTY)
		u |= PMEMFAIL_REVOKE_DROP_DIRTY;
	if (flags & PMF_REVOKE_STOP_DAX)
		u |= PMEMFAIL_REVOKE_STOP_DAX;
	return u;
}

static __u32 signal_to_uapi(enum pmf_signal signal)
{
	switch (signal) {
	case PMF_SIGNAL_NONE:
		return PMEMFAIL_SIGNAL_NONE;
	case PMF_SIGNAL_ALL:
		return PMEMFAIL_SIGNAL_ALL;
	case PMF_SIGNAL_POLICY:
		return PMEMFAIL_SIGNAL_POLICY;
	case PMF_SIGNAL_EVERY:
		return PMEMFAIL_SIGNAL_EVERY;
	}
	assert(false);
	return PMEMFAIL_SIGNAL_NONE;
}

static struct pmf_revoke_result pmf_revoke_from_uapi(const struct pmemfail_revoke *u)
{
	return (struct pmf_revoke_result){
		.files = u->files,
		.vmas = u->vmas,
		.entries = u->entries,
		.entries_left = u->entries_left,
		.pinned = u->pinned,
		.told = u->told,
		.victims_total = u->victims_total,
		.walk_ns = u->walk_ns,
		.unmap_ns = u->unmap_ns,
		.invalidate_ns = u->invalidate_ns,
		.signal_ns = u->signal_ns,
	};
}

static struct pmf_victim pmf_victim_from_uapi(const struct pmemfail_victim *u)
{
	struct pmf_victim v = {
		.pid = u->pid,
		.start_ns = u->start_ns,
		.uid = u->uid,
		.ino = u->ino,
		.generation = u->generation,
		.address = u->address,
		.length = u->length,
		.offset = u->offset,
		.vmas = u->vmas,
		.lsb = u->lsb,
		.told = u->flags & PMEMFAIL_VICTIM_TOLD,
		.ignores = u->flags & PMEMFAIL_VICTIM_IGNORES,
		.exiting = u->flags & PMEMFAIL_VICTIM_EXITING,
	};

	static_assert(sizeof(v.comm) == sizeof(u->comm), "comm");
	memcpy(v.comm, u->comm, sizeof(v.comm) - 1);	/* the last byte stays 0 */
	return v;
}

static void victims_from_uapi(const struct pmemfail_victim *u, size_t n,
			      struct pmf_victim *victims)
{
	for (size_t i = 0; i < n; i++)
		victims[i] = pmf_victim_from_uapi(&u[i]);
}

static int do_revoke(int attempt, unsigned long request, int fd, struct pmf_range range,
		     unsigned int flags, enum pmf_signal signal,
		     struct pmf_victim *victims, size_t max,
		     struct pmf_revoke_result *ret)
{
	_cleanup_free_ struct pmemfail_victim *list = NULL;
	struct pmemfail_revoke u = {
		.size = sizeof(u),
		.flags = revoke_flags_to_uapi(flags),
		.fd = fd,
		.signal = signal_to_uapi(signal),
		.start = range.start,
		.end = range.end,
	};
	int r;

	if (victims && max > 0) {	/* so never while frozen */
		u.victims_max = (__u32)MIN(max, UINT32_MAX);
		list = calloc(u.victims_max, sizeof(*list));
		if (!list)
			return -ENOMEM;
		u.victims = (uintptr_t)list;
	}
	r = pmf_ioctl(attempt, request, &u);
	if (r < 0)
		return r;
	if (list)
		victims_from_uapi(list, MIN(u.victims_total, u.victims_max), victims);
	*ret = pmf_revoke_from_uapi(&u);
	return 0;
}

int pmf_sys_revoke_fs(struct pmf_sys *s, int attempt, int fd, unsigned int flags,
		      enum pmf_signal signal, struct pmf_victim *victims, size_t max,
		      struct pmf_revoke_result *ret)
{
	(void)s;
	return do_revoke(attempt, PMEMFAIL_IOC_REVOKE_FS, fd, (struct pmf_range){ 0, 0 },
			 flags, signal, victims, max, ret);
}

int pmf_sys_revoke_file(struct pmf_sys *s, int attempt, int fd, struct pmf_range range,
			unsigned int flags, enum pmf_signal signal,
			struct pmf_victim *victims, size_t max,
			struct pmf_revoke_result *ret)
{
	(void)s;
	return do_revoke(attempt, PMEMFAIL_IOC_REVOKE_FILE, fd, range, flags, signal,
			 victims, max, ret);
}

int pmf_sys_attempt_victims(struct pmf_sys *s, int attempt, struct pmf_victim **ret,
			    size_t *ret_n)
{
	_cleanup_free_ struct pmemfail_victim *list = NULL;
	_cleanup_free_ struct pmf_victim *victims = NULL;
	size_t n = 0, cap = 0;
	uint32_t total;
	int r;

	(void)s;
	/* Another thread may add to the attempt meanwhile: fetch until all is here.
	 * The list only grows at its end. The first round only asks for the total. */
	do {
		struct pmemfail_victims u = {
			.size = sizeof(u),
			.first = (__u32)n,
			.max = (__u32)(cap - n),
			.victims = (uintptr_t)(list ? list + n : NULL),
		};
		size_t before = n;

		r = pmf_ioctl(attempt, PMEMFAIL_IOC_VICTIMS, &u);
		if (r < 0)
			return r;
		if (u.max > cap - n)
			return -EPROTO;
		total = u.total;
		if (cap > 0) {
			n += u.max;
			if (n == before && n < total && n < cap)
				return -EPROTO;		/* would never end */
		}
		r = pmf_grow(&list, &cap, total, sizeof(*list));
		if (r < 0)
			return r;
	} while (n < total);

	if (n > 0) {
		victims = calloc(n, sizeof(*victims));
		if (!victims)
			return -ENOMEM;
		victims_from_uapi(list, n, victims);
	}
	*ret = TAKE_PTR(victims);
	*ret_n = n;
	return 0;
}
