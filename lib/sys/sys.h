/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The system seam: everything that pmemfail does to or learns from the machine.
 *
 * lib/flow calls the machine through this table only, so that a test can stand
 * in for it and fail the nth call for every n. pmf_sys_new() gives the real one;
 * each group below is one file of lib/sys.
 *
 * All calls: 0 or negative errno, outputs last and untouched on failure, safe
 * from several threads at once on one table. Calls marked FROZEN may be made
 * between freeze and thaw: they allocate nothing, open nothing, write nothing.
 * Calls marked HOLD may be made while an unbind is held: they never read the
 * sysfs of the device or its bus, whose lock the unbind owns.
 */
#ifndef PMF_SYS_H
#define PMF_SYS_H

#include "model/failure.h"
#include "model/policy.h"

struct pmf_sys;

/* Which parts of a topology to read. */
#define PMF_READ_DEVICES	(1U << 0)	/* libndctl, libdaxctl: not during a hold */
#define PMF_READ_BLOCKS		(1U << 1)	/* partitions, device-mapper, holders, swap:
						 * not during a hold */
#define PMF_READ_STACK		(1U << 2)	/* HOLD: device-mapper tables and swap again,
						 * partitions from the old topology */
#define PMF_READ_MOUNTS		(1U << 3)	/* HOLD: /proc/self/mountinfo */

/* What a revoke does; see the manual in uapi/linux/pmemfail.h. */
#define PMF_REVOKE_LOOK		(1U << 0)
#define PMF_REVOKE_DROP_DIRTY	(1U << 1)
#define PMF_REVOKE_STOP_DAX	(1U << 2)

struct pmf_revoke_result {
	uint64_t files, vmas, entries, entries_left, pinned;
	uint32_t told, victims_total;
	uint64_t walk_ns, unmap_ns, invalidate_ns, signal_ns;
};

/* A piece of a filesystem's device and who owns it. */
struct pmf_extent {
	enum pmf_target_kind kind;	/* FILE: of an inode's data, be it what it may */
	uint64_t ino;			/* 0: none */
	struct pmf_range at;		/* bytes of the filesystem's device, clipped */
	uint64_t offset;		/* in the file, of at.start */
	bool shared;
};

/* A file by its number; generation 0 with known == false. */
struct pmf_file_id {
	uint64_t ino;
	uint32_t generation;
	bool known;
};

struct pmf_inode {
	uint32_t generation;
	enum pmf_target_kind kind;	/* FILE or DIRECTORY; UNKNOWN: something else */
};

/* done of total inodes; non-zero: stop. */
typedef int (*pmf_progress_fn)(uint64_t done, uint64_t total, void *userdata);

/* A hold as the module tells it. */
struct pmf_hold_event {
	uint64_t id, cookie, time_ns;	/* CLOCK_BOOTTIME */
	bool ended;			/* it ended without our release */
	dev_t devno;
	char name[32];			/* pfn0.0 */
};

/* One freeze under way or done. Must end in thaw; done() asserts it. */
struct pmf_freeze;

struct pmf_sys_ops {
	/* --- clock.c --- FROZEN, HOLD */
	uint64_t (*now_boottime_ns)(struct pmf_sys *s);
	uint64_t (*now_realtime_us)(struct pmf_sys *s);
	void (*sleep_us)(struct pmf_sys *s, uint64_t us);

	/* --- topology: ndctl.c, block.c, dm.c, mountinfo.c ---
	 * Read the parts named by PMF_READ_*; the others are copied from old, which
	 * may be NULL when all are read. */
	int (*read_topology)(struct pmf_sys *s, unsigned int parts,
			     const struct pmf_topology *old, struct pmf_topology **ret);
	/* Which filesystem has a live superblock on this block device, mounted
	 * wherever it may be, also lazily unmounted or only in another namespace:
	 * "xfs" or "ext4". -ENOENT: neither. From /sys/fs/FSTYPE/NAME. HOLD */
	int (*mounted_fstype)(struct pmf_sys *s, const char *block_name, const char **ret);

	/* --- mount.c --- HOLD */
	/* A readable directory of the filesystem: of a mount in our namespace if it
	 * has one, else through a detached mount of the same superblock (fsopen,
	 * fsmount), which needs no path and appears nowhere. For PMF_SITE_DEVDAX the
	 * node. Checked to be on site->fs_devno. A filesystem that is shut down already
	 * cannot be opened (EIO): then the fd is O_PATH, which revoke_fs takes; freeze
	 * answers -EBADF for it and shutdown 0. */
	int (*open_site)(struct pmf_sys *s, const struct pmf_site *site, int *ret_fd);
	/* Unmount every mount of devno in our namespace. *ret_n: how many. */
	int (*unmount)(struct pmf_sys *s, dev_t devno, unsigned int *ret_n);
	/* Does this filesystem hold pmemfail's own store, binaries or runtime? */
	int (*is_own)(struct pmf_sys *s, int fd, const struct pmf_policy *p, bool *ret);

	/* --- freeze.c, guard.c --- HOLD */
	/* Reserve all that a freeze needs, tell the guard and /run/pmemfail/frozen.
	 * timeout_us counts from the call of freeze. */
	int (*freeze_prepare)(struct pmf_sys *s, int fd, const char *name,
			      uint64_t timeout_us, struct pmf_freeze **ret);
	/* Freeze in a thread of its own; -ETIMEDOUT when the time is over, after which
	 * a freeze that succeeds late thaws itself at once. -EBUSY: somebody else has
	 * frozen it. */
	int (*freeze)(struct pmf_sys *s, struct pmf_freeze *f);
	/* FROZEN. Also 0 when the kernel has thawed it already (EINVAL, >= 6.8).
	 * Tries again on other errors for a bounded time. After a freeze that failed
	 * it undoes what somebody else froze. */
	int (*thaw)(struct pmf_sys *s, struct pmf_freeze *f);
	/* Forget it everywhere: after thaw, or when it was never frozen. NULL is fine.
	 * When thaw failed for good, guard and record stay behind and go on trying. */
	struct pmf_freeze *(*freeze_done)(struct pmf_sys *s, struct pmf_freeze *f);
	/* Thaw what a dead process left frozen, by /run/pmemfail/frozen.
	 * *ret_n: how many were frozen and are not any more; set on error too, which
	 * is that of the first one that could not be thawed. */
	int (*thaw_leftovers)(struct pmf_sys *s, unsigned int *ret_n);

	/* --- shutdown.c --- FROZEN, HOLD */
	/* XFS_IOC_GOINGDOWN or EXT4_IOC_SHUTDOWN, log flushed. -EOPNOTSUPP: a
	 * filesystem that has no such call. 0 when it is shut down already. */
	int (*shutdown)(struct pmf_sys *s, int fd, const char *fstype);

	/* --- module.c --- HOLD */
	/* -ENODEV: module not loaded; -EPROTO: another ABI; -EACCES/-EPERM. */
	int (*module_probe)(struct pmf_sys *s, uint32_t *ret_abi, uint64_t *ret_features);
	/* One attempt: tells no process twice. Closed with close(). */
	int (*attempt_open)(struct pmf_sys *s, int *ret_attempt);
	/* The same for a failure that is on record: who was told through it stays told for
	 * whoever goes on with that failure, in this process or in a successor under
	 * systemd, until attempt_finish. Not to be armed: it outlives us. */
	int (*attempt_resume)(struct pmf_sys *s, uint64_t failure_id, int *ret_attempt);
	/* What came of it is on record. */
	void (*attempt_finish)(struct pmf_sys *s, uint64_t failure_id);
	/* Arm or disarm the kernel's promise to thaw when the attempt dies. FROZEN */
	int (*attempt_guard)(struct pmf_sys *s, int attempt, int fd, bool arm);
	/* FROZEN (with victims == NULL). victims: room for max; *ret says how many
	 * there are. */
	int (*revoke_fs)(struct pmf_sys *s, int attempt, int fd, unsigned int flags,
			 enum pmf_signal signal, struct pmf_victim *victims, size_t max,
			 struct pmf_revoke_result *ret);
	int (*revoke_file)(struct pmf_sys *s, int attempt, int fd, struct pmf_range range,
			   unsigned int flags, enum pmf_signal signal,
			   struct pmf_victim *victims, size_t max,
			   struct pmf_revoke_result *ret);
	/* Everyone told by this attempt. *ret is malloc'd. */
	int (*attempt_victims)(struct pmf_sys *s, int attempt, struct pmf_victim **ret,
			       size_t *ret_n);

	/* --- hold.c --- HOLD */
	/* A fd for WATCH and poll. */
	int (*hold_open)(struct pmf_sys *s, int *ret_fd);
	/* Opens node only for the call. -EBUSY: somebody else watches it. */
	int (*hold_watch)(struct pmf_sys *s, int fd, const char *node, uint64_t timeout_us,
			  uint64_t cookie);
	/* -EAGAIN: none. */
	int (*hold_read)(struct pmf_sys *s, int fd, struct pmf_hold_event *ret);
	/* 0 also when it had ended already: *ret_ended says so. */
	int (*hold_release)(struct pmf_sys *s, int fd, uint64_t id, bool *ret_ended);

	/* --- proc.c --- */
	/* Fill unit and path of each victim, as far as they can be learnt without
	 * blocking: only before a freeze. Wrong (reused) pids get neither. */
	int (*describe_victims)(struct pmf_sys *s, struct pmf_victim *victims, size_t n);
	/* Who maps files of devno, by reading every process: the slow way, for when
	 * there is no module. One record per process and file. *ret is malloc'd. */
	int (*scan_victims)(struct pmf_sys *s, dev_t devno, struct pmf_victim **ret,
			    size_t *ret_n);
	/* kill(SIGBUS) after checking pid and start through a pidfd: carries no
	 * address; for when there is no module. -ESRCH: gone. */
	int (*signal_victim)(struct pmf_sys *s, const struct pmf_victim *v);

	/* --- badblocks.c --- */
	/* What the kernel holds for bad, in bytes of the device: the block device's own
	 * list and the part of the region's that lies in it. *ret_full: a list is full,
	 * so there may be more. -ENODEV: not bound. Not during a hold of the device. */
	int (*read_badblocks)(struct pmf_sys *s, const struct pmf_device *d,
			      struct pmf_ranges *ret, bool *ret_full);
	/* Write it into the block device's list: the kernel refuses it from then on.
	 * Widened to sectors. -ENOSPC: the list is full; -EOPNOTSUPP: it has none. */
	int (*mark_bad)(struct pmf_sys *s, const struct pmf_device *d, struct pmf_range r);
	/* BOOT-ID/DISKSEQ, which no other binding of the device has. malloc'd. */
	int (*binding_id)(struct pmf_sys *s, const struct pmf_device *d, char **ret);

	/* --- fsmap.c, journal.c, inode.c, fiemap.c, openfiles.c, walk-files.c --- */
	/* Who owns the bytes at of the device with this role. FROZEN: fills v up to max;
	 * -ENOBUFS when it is too short. -EOPNOTSUPP: this filesystem does not know (ext4,
	 * XFS without rmapbt): then file_extents over what is in use. */
	int (*owners)(struct pmf_sys *s, int fs_fd, enum pmf_site_role role,
		      struct pmf_range at, struct pmf_extent *v, size_t max, size_t *ret_n);
	/* What is certain where owners() says -EOPNOTSUPP: FREE, METADATA, LOG; the rest
	 * is UNKNOWN, be it files' or not. -EOPNOTSUPP: not even that. FROZEN, as owners. */
	int (*known_space)(struct pmf_sys *s, int fs_fd, enum pmf_site_role role,
			   struct pmf_range at, struct pmf_extent *v, size_t max,
			   size_t *ret_n);
	/* The part of at that is ext4's own journal, as LOG, which known_space cannot tell.
	 * Reads the device: not FROZEN. -EOPNOTSUPP: this filesystem has no need of it. */
	int (*journal)(struct pmf_sys *s, int fs_fd, enum pmf_site_role role,
		       struct pmf_range at, struct pmf_extent *v, size_t max, size_t *ret_n);
	/* An O_RDONLY fd (O_PATH is not enough for a revoke) of an inode by its number.
	 * id->known: only with that generation, else -ESTALE. -ENOENT. -EPERM: it is the
	 * filesystem's own (quota, bitmaps of XFS), so what it has is metadata. -EAGAIN:
	 * somebody holds a lease on it, which is being broken. Of what is neither file
	 * nor directory the fd is O_PATH: opening a device or a FIFO does things. */
	int (*open_inode)(struct pmf_sys *s, int fs_fd, const char *fstype,
			  const struct pmf_file_id *id, struct pmf_inode *ret, int *ret_fd);
	/* Which parts of this file lie on at of the device with this role. FROZEN, as
	 * owners. Only what is on the device: data that is not written yet is nowhere.
	 * -EOPNOTSUPP: it cannot be asked that (a directory or a symlink of XFS). */
	int (*file_extents)(struct pmf_sys *s, int file_fd, enum pmf_site_role role,
			    struct pmf_range at, struct pmf_extent *v, size_t max,
			    size_t *ret_n);
	/* Files of the filesystem that some other process holds open, sorted, without
	 * generations. *ret is malloc'd. Never blocks for long on a process's own
	 * filesystems. */
	int (*open_files)(struct pmf_sys *s, dev_t fs_devno, struct pmf_file_id **ret,
			  size_t *ret_n);
	/* Every file and directory, whether in use or not: slow, with progress. fn gets
	 * each once; non-zero stops and is returned. A directory that cannot be read does
	 * not stop it, but is returned in the end. */
	int (*walk_files)(struct pmf_sys *s, int fs_fd, const char *fstype,
			  int (*fn)(const struct pmf_file_id *id, void *userdata),
			  void *userdata, pmf_progress_fn progress, void *progress_data);
	/* A path of an open file: a cached dentry's, else by parent pointers. Absolute as
	 * the mount of file_fd is seen here, or from the root of one that is attached
	 * nowhere. Of an unlinked file its last one, unless that means another file now.
	 * -ENOENT: neither. malloc'd. */
	int (*inode_path)(struct pmf_sys *s, int fs_fd, int file_fd, char **ret);
	/* Of the superblock, wherever mounted. -EBUSY: files are open for writing, or it
	 * is frozen (reconfigure_super()): so only after thaw. */
	int (*remount_ro)(struct pmf_sys *s, int fs_fd, const struct pmf_site *site);

	/* --- hook.c --- */
	/* The hooks of a directory, sorted; refused ones with status and why set. */
	int (*list_hooks)(struct pmf_sys *s, const char *dir, struct pmf_hook_result **ret,
			  size_t *ret_n);
	/* Run one with text on stdin and env (KEY=VALUE, NULL at the end) besides a clean
	 * environment; fills status, timed_out, ns. Never while anything is frozen. */
	int (*run_hook)(struct pmf_sys *s, const char *dir, struct pmf_hook_result *hook,
			const char *text, char *const *env, uint64_t timeout_us);

	/* --- lock.c --- HOLD */
	/* One handler per device at a time, across processes. -EBUSY after timeout. */
	int (*lock_device)(struct pmf_sys *s, const char *device_id, uint64_t timeout_us,
			   int *ret_fd);
};

struct pmf_sys {
	const struct pmf_sys_ops *ops;
	void *data;	/* of the implementation */
};

/* The real machine. policy gives directories; the guard process is forked here,
 * so call it early, before threads exist. Lives until pmf_sys_free. */
int pmf_sys_new(const struct pmf_policy *policy, struct pmf_sys **ret);
struct pmf_sys *pmf_sys_free(struct pmf_sys *s);

#endif
