/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * pmemfail: the ioctl interface of /dev/pmemfail
 *
 * The module does what userspace cannot: it makes an unbind wait, takes pages
 * away from the processes that map them, and sends the one SIGBUS that carries
 * an address. Everything else (which device, which filesystem, what to do) is
 * decided by pmemfaild. This comment is the manual.
 *
 * The device
 *	/dev/pmemfail is 0600 and every open needs CAP_SYS_ADMIN in the initial
 *	user namespace. One open file is one of two things, by what is called on it
 *	first (the other's calls are EINVAL then):
 *
 *	- a WATCHER: WATCH names devices; read(2) and poll(2) deliver events;
 *	  RELEASE lets an unbind go on.
 *	- an ATTEMPT: REVOKE_FS and REVOKE_FILE take mappings away. The open file
 *	  remembers whom it has told: however many calls are made on it, from
 *	  however many threads, for however many filesystems, a process is sent at
 *	  most one SIGBUS through it. Use one open file for one handling of one
 *	  failure, and close it afterwards.
 *
 * Structs
 *	Every struct begins with its size. A caller sets size = sizeof(struct) and
 *	zeroes what it does not use. A longer struct than the module knows is
 *	accepted when the unknown tail is zero (else E2BIG); a shorter one is taken
 *	as if its tail were zero, down to the first version's size (else EINVAL).
 *	Unknown flags are EINVAL, an unknown command is ENOTTY. Ranges are bytes,
 *	half-open. Nothing is done when an argument is refused.
 *
 * INFO
 *	Answers the ABI number and feature bits. Works on every open file.
 *
 * WATCH, read, RELEASE
 *	WATCH takes an open pmem block device (whole disk) or device-DAX node and a
 *	caller's cookie. From then on an unbind of the driver below it, by whatever
 *	path, waits in BUS_NOTIFY_UNBIND_DRIVER, before any teardown has begun,
 *	until RELEASE, until timeout_ms, until the waiting task is killed, or until
 *	the watcher is closed, whichever is first. Calling it again for the same
 *	device renews cookie and timeout. A device has one watcher: a second open
 *	file gets EBUSY. The fd may be closed after the call: the watch does not
 *	keep the device busy. It ends by itself when the device is deleted from its
 *	bus; it stays across unbind and bind, but for a device-DAX node that is bound
 *	anew, which is a new device: call again. ENOTBLK: the fd is neither kind;
 *	EINVAL: a partition; ENODEV: not persistent memory; ENXIO: gone already.
 *	While a hold waits, the device's lock is held: do not read its sysfs.
 *	read(2) returns whole events, as many as fit; EAGAIN when there is none and
 *	O_NONBLOCK is set; EINVAL when not even one fits. poll(2) says EPOLLIN.
 *	Events are never dropped. HOLD_ENDED tells that a hold ended without
 *	RELEASE (time, or the waiter was killed): what it protected is being removed.
 *
 * REVOKE_FS {fd}, REVOKE_FILE {fd, start, end}
 *	REVOKE_FS: fd is any open file or directory of the filesystem, also an O_PATH
 *	one (a filesystem that is shut down gives no other); every in-memory regular
 *	file of it is revoked, whole. REVOKE_FILE: fd is a regular file, or a
 *	device-DAX node; bytes [start, end) of it are revoked.
 *	Per file: the mapping's invalidate lock is taken, so that no DAX fault is
 *	under way; the address-space tree is walked once, collecting the processes;
 *	the range is unmapped everywhere, private copies excepted; pinned pages are
 *	counted; the DAX entries of the range are dropped; the lock is released.
 *	Then one pass over the processes sends each collected one its SIGBUS,
 *	BUS_MCEERR_AO, si_addr the lowest affected address, si_addr_lsb its
 *	granularity. Cost: O(areas + processes + entries present).
 *	It may be called on a frozen filesystem and does not wait for the thaw.
 *	DROP_DIRTY and STOP_DAX are for a filesystem that is shut down; the kernel's
 *	XFS does not survive STOP_DAX otherwise in all versions. LOOK stands alone.
 *	Answers counts, entries_left (DAX entries with memory that could not be
 *	dropped: dirty, on 6.1 also by a read fault; or pinned; or the memory is gone
 *	already), and victims: one per process, or with LOOK one per process and
 *	file. When victims_total exceeds victims_max the rest was not stored but
 *	was told all the same: fetch all with VICTIMS, or LOOK again with room.
 *
 * VICTIMS
 *	Copies out whom this attempt has told so far, from number first on.
 *
 * GUARD
 *	Promises that closing the attempt thaws the filesystem of fd, if it is still
 *	frozen then: so even a process that is killed together with every helper it
 *	has leaves nothing frozen. Call with ARM before FIFREEZE and with DISARM
 *	after FITHAW. The thaw happens from a work item, soon after the close. While
 *	it is armed the kernel's grace periods are expedited: a freeze is mostly those.
 */
#ifndef _UAPI_LINUX_PMEMFAIL_H
#define _UAPI_LINUX_PMEMFAIL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PMEMFAIL_ABI		1
#define PMEMFAIL_DEV_PATH	"/dev/pmemfail"

/* pmemfail_info.features */
#define PMEMFAIL_FEATURE_HOLD		(1ULL << 0)	/* WATCH, read, RELEASE */
#define PMEMFAIL_FEATURE_REVOKE_FS	(1ULL << 1)
#define PMEMFAIL_FEATURE_REVOKE_FILE	(1ULL << 2)
#define PMEMFAIL_FEATURE_STOP_DAX	(1ULL << 3)
#define PMEMFAIL_FEATURE_GUARD		(1ULL << 4)

struct pmemfail_info {
	__u32 size;
	__u32 abi;		/* out: PMEMFAIL_ABI */
	__u64 features;		/* out */
};

struct pmemfail_watch {
	__u32 size;
	__u32 flags;		/* must be 0 */
	__s32 fd;		/* block device or device-DAX node */
	__u32 timeout_ms;	/* longest hold; 1 to PMEMFAIL_HOLD_MAX_MS */
	__u64 cookie;		/* comes back in the events */
};
#define PMEMFAIL_HOLD_MAX_MS	600000

struct pmemfail_release {
	__u32 size;
	__u32 flags;		/* must be 0 */
	__u64 id;		/* hold id from the event; ENOENT when it has ended */
};

/* pmemfail_event.type */
#define PMEMFAIL_EVENT_HOLD		1	/* an unbind waits; RELEASE id */
#define PMEMFAIL_EVENT_HOLD_ENDED	2	/* hold id ended without RELEASE */

#define PMEMFAIL_NAME_LEN	32

struct pmemfail_event {
	__u32 size;		/* of this record; advance by it */
	__u32 type;
	__u64 id;		/* hold id, never reused */
	__u64 cookie;		/* of the watch */
	__u64 time_ns;		/* CLOCK_BOOTTIME when the unbind began */
	__u32 major, minor;	/* device number that was watched */
	char name[PMEMFAIL_NAME_LEN];	/* bus device being unbound, e.g. pfn0.0 */
};

/* pmemfail_revoke.flags */
#define PMEMFAIL_REVOKE_LOOK		(1U << 0)	/* count and list only: change nothing */
#define PMEMFAIL_REVOKE_DROP_DIRTY	(1U << 1)	/* drop dirty entries too; only after
							 * the filesystem is shut down: what
							 * they tracked is not flushed */
#define PMEMFAIL_REVOKE_STOP_DAX	(1U << 2)	/* REVOKE_FS: first kill the DAX device
							 * below the filesystem, for good (until
							 * it is bound anew), so that no fault
							 * can map its memory again */

/* pmemfail_revoke.signal: who is told */
#define PMEMFAIL_SIGNAL_NONE	0	/* unmap only */
#define PMEMFAIL_SIGNAL_ALL	1	/* every process, but those with PR_MCE_KILL_LATE */
#define PMEMFAIL_SIGNAL_POLICY	2	/* as memory_failure(): PR_MCE_KILL_EARLY, or
					 * vm.memory_failure_early_kill without LATE */
#define PMEMFAIL_SIGNAL_EVERY	3	/* every process: the memory is going away */

struct pmemfail_revoke {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 signal;
	__u64 start;		/* bytes in the file; REVOKE_FS: 0 */
	__u64 end;		/* bytes, exclusive; REVOKE_FS: 0 */
	__u64 victims;		/* in: user pointer to struct pmemfail_victim[], or 0 */
	__u32 victims_max;	/* in: its length in records */
	/* all below is out */
	__u32 victims_total;	/* records that this call had to report */
	__u32 told;		/* processes signalled by this call */
	__u32 files;		/* files that were mapped or had DAX entries */
	__u64 vmas;		/* areas found */
	__u64 entries;		/* DAX entries found before dropping */
	__u64 entries_left;	/* DAX entries still there */
	__u64 pinned;		/* files with pages pinned, e.g. by direct I/O */
	__u64 walk_ns;		/* time: finding files, areas, processes */
	__u64 unmap_ns;
	__u64 invalidate_ns;
	__u64 signal_ns;
};

/* pmemfail_victim.flags */
#define PMEMFAIL_VICTIM_TOLD	(1U << 0)	/* SIGBUS was sent by this attempt */
#define PMEMFAIL_VICTIM_IGNORES	(1U << 1)	/* it ignores or blocks SIGBUS */
#define PMEMFAIL_VICTIM_LATE	(1U << 2)	/* PR_MCE_KILL_LATE */
#define PMEMFAIL_VICTIM_EXITING	(1U << 3)	/* was exiting: needs no signal */

struct pmemfail_victim {
	__u64 start_ns;		/* the process's start, CLOCK_BOOTTIME ns; with pid it
				 * names the process, as field 22 of /proc/PID/stat does
				 * in clock ticks */
	__u64 address;		/* lowest affected user address */
	__u64 length;		/* bytes of that area that are affected */
	__u64 offset;		/* file offset at address */
	__u64 ino;		/* file mapped at address */
	__u32 generation;	/* of the inode */
	__u32 vmas;		/* areas of this process found by this call */
	__s32 pid;		/* thread-group id in the initial pid namespace */
	__u32 uid;		/* real uid, initial user namespace */
	__u32 flags;
	__u32 lsb;		/* si_addr_lsb */
	char comm[16];
};

struct pmemfail_victims {
	__u32 size;
	__u32 flags;		/* must be 0 */
	__u32 first;		/* in: skip so many */
	__u32 max;		/* in: room in the array; out: records copied */
	__u64 victims;		/* in: user pointer to struct pmemfail_victim[] */
	__u32 total;		/* out: all told by this attempt */
	__u32 reserved;
};

#define PMEMFAIL_GUARD_ARM	(1U << 0)
#define PMEMFAIL_GUARD_DISARM	(1U << 1)

struct pmemfail_guard {
	__u32 size;
	__u32 flags;		/* exactly one of ARM, DISARM */
	__s32 fd;		/* any open file of the filesystem */
	__u32 reserved;
};

#define PMEMFAIL_IOC_MAGIC	0xDB
#define PMEMFAIL_IOC_INFO	_IOWR(PMEMFAIL_IOC_MAGIC, 0x00, struct pmemfail_info)
#define PMEMFAIL_IOC_WATCH	_IOW(PMEMFAIL_IOC_MAGIC, 0x01, struct pmemfail_watch)
#define PMEMFAIL_IOC_RELEASE	_IOW(PMEMFAIL_IOC_MAGIC, 0x02, struct pmemfail_release)
#define PMEMFAIL_IOC_REVOKE_FS	_IOWR(PMEMFAIL_IOC_MAGIC, 0x03, struct pmemfail_revoke)
#define PMEMFAIL_IOC_REVOKE_FILE _IOWR(PMEMFAIL_IOC_MAGIC, 0x04, struct pmemfail_revoke)
#define PMEMFAIL_IOC_VICTIMS	_IOWR(PMEMFAIL_IOC_MAGIC, 0x05, struct pmemfail_victims)
#define PMEMFAIL_IOC_GUARD	_IOW(PMEMFAIL_IOC_MAGIC, 0x06, struct pmemfail_guard)

#endif /* _UAPI_LINUX_PMEMFAIL_H */
