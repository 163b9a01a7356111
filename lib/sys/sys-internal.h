/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files behind the seam share: the state of the real machine, and the
 * operations that sys.c puts into the table. Only lib/sys may include this.
 */
#ifndef PMF_SYS_INTERNAL_H
#define PMF_SYS_INTERNAL_H

#include <sys/ioctl.h>
#include <sys/types.h>

#include "sys/sys.h"

#define PMF_NS_PER_SEC	1000000000ULL
#define PMF_NS_PER_US	1000ULL

struct pmf_guard;

/* What pmf_sys.data points to. */
struct pmf_real {
	struct pmf_policy policy;
	struct pmf_guard *guard;
};

static inline struct pmf_real *pmf_real(struct pmf_sys *s)
{
	return s->data;
}

/* ioctl() with negative errno. No call we make returns EINTR half done. */
static inline int pmf_ioctl(int fd, unsigned long request, void *arg)
{
	int r;

	do {
		r = ioctl(fd, request, arg);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

/* --- clock.c --- */
uint64_t pmf_boottime_ns(void);
void pmf_sleep_us(uint64_t us);
uint64_t pmf_sys_now_boottime_ns(struct pmf_sys *s);
uint64_t pmf_sys_now_realtime_us(struct pmf_sys *s);
void pmf_sys_sleep_us(struct pmf_sys *s, uint64_t us);

/* --- lock.c --- */
/*
 * Open the directory sub below run_dir, both made when create is set, and refuse
 * one that somebody else could write into. -ENOENT without create.
 */
int pmf_run_dir_open(const char *run_dir, const char *sub, bool create, int *ret_fd);
int pmf_sys_lock_device(struct pmf_sys *s, const char *device_id, uint64_t timeout_us,
			int *ret_fd);

/* --- guard.c, guard-main.c --- */
int pmf_guard_new(struct pmf_guard **ret);
struct pmf_guard *pmf_guard_free(struct pmf_guard *g);
/*
 * Tell the guard, before FIFREEZE: when we die or deadline_ns (CLOCK_BOOTTIME)
 * passes, thaw the filesystem of fd, by what the record says. Starts a new guard
 * when the old one is gone. An error means only that there is no guard.
 */
int pmf_guard_arm(struct pmf_guard *g, int fd, int record, int dir, const char *name,
		  uint64_t deadline_ns, uint64_t *ret_token);
/* After it the guard has no fd of the filesystem any more, so an unmount may follow. */
void pmf_guard_disarm(struct pmf_guard *g, uint64_t token);
/* We close our fds, but the freeze may yet come: the guard keeps its own and looks
 * at the record from now on. */
void pmf_guard_abandon(struct pmf_guard *g, uint64_t token);
/* How many guards were lost so far: for doctor and tests. */
unsigned int pmf_guard_losses(struct pmf_guard *g);

#define PMF_GUARD_MAX	64	/* filesystems armed at once */

enum pmf_guard_op { PMF_GUARD_ARM = 1, PMF_GUARD_DISARM, PMF_GUARD_ABANDON };

/* One record of the socket; the answer is the same record with error set. An ARM
 * carries three fds: filesystem, record, directory of the record. */
struct pmf_guard_message {
	uint32_t op;
	int32_t error;
	uint64_t token;
	uint64_t deadline_ns;
	char name[64];
};

/* The child's whole life. Async-signal-safe. pidfd: of the parent, or -1. */
_Noreturn void pmf_guard_main(int sock, int pidfd);
/* Close every fd of this process but these. Sorts keep; skips negative ones. */
void pmf_close_all_but(int *keep, size_t n);

/* --- frozen.c --- */
enum pmf_frozen_state {
	PMF_FROZEN_PREPARED = 'p',	/* never frozen by its owner so far */
	PMF_FROZEN_FREEZING = 'f',	/* FIFREEZE was called: frozen, or will be */
	PMF_FROZEN_DONE = 'd',		/* thawed, or FIFREEZE has failed */
};

/* A name in run_dir/frozen: what is frozen, and by whom. */
struct pmf_frozen {
	int dir, record;	/* -1: none */
	char name[64];
};
#define PMF_FROZEN_NONE ((struct pmf_frozen){ .dir = -1, .record = -1 })

/* -EINVAL: not one plain component, or too long for a record and a number behind. */
int pmf_frozen_check_name(const char *name);
int pmf_frozen_create(const char *run_dir, int fd, const char *name,
		      struct pmf_frozen *ret);
void pmf_frozen_close(struct pmf_frozen *f);
/* These are async-signal-safe, for the guard and the freeze thread. */
int pmf_frozen_mark(int record, enum pmf_frozen_state state);
enum pmf_frozen_state pmf_frozen_state(int record);
void pmf_frozen_remove(int dir, const char *name, int record);

/* --- leftovers.c --- */
int pmf_sys_thaw_leftovers(struct pmf_sys *s, unsigned int *ret_n);

/* --- freeze.c --- */
int pmf_sys_freeze_prepare(struct pmf_sys *s, int fd, const char *name,
			   uint64_t timeout_us, struct pmf_freeze **ret);
int pmf_sys_freeze(struct pmf_sys *s, struct pmf_freeze *f);
int pmf_sys_thaw(struct pmf_sys *s, struct pmf_freeze *f);
struct pmf_freeze *pmf_sys_freeze_done(struct pmf_sys *s, struct pmf_freeze *f);

/* --- shutdown.c --- */
/* Is it an O_PATH fd, as of a filesystem that is shut down already? */
bool pmf_is_path_fd(int fd);
int pmf_sys_shutdown(struct pmf_sys *s, int fd, const char *fstype);

/* --- module.c --- */
/* Open /dev/pmemfail and check that it speaks our ABI. */
int pmf_module_open(int flags, uint64_t *ret_features, int *ret_fd);
int pmf_sys_module_probe(struct pmf_sys *s, uint32_t *ret_abi, uint64_t *ret_features);
int pmf_sys_attempt_open(struct pmf_sys *s, int *ret_attempt);
/* attempt.c */
int pmf_sys_attempt_resume(struct pmf_sys *s, uint64_t failure_id, int *ret_attempt);
void pmf_sys_attempt_finish(struct pmf_sys *s, uint64_t failure_id);
int pmf_sys_attempt_guard(struct pmf_sys *s, int attempt, int fd, bool arm);
int pmf_sys_revoke_fs(struct pmf_sys *s, int attempt, int fd, unsigned int flags,
		      enum pmf_signal signal, struct pmf_victim *victims, size_t max,
		      struct pmf_revoke_result *ret);
int pmf_sys_revoke_file(struct pmf_sys *s, int attempt, int fd, struct pmf_range range,
			unsigned int flags, enum pmf_signal signal,
			struct pmf_victim *victims, size_t max,
			struct pmf_revoke_result *ret);
int pmf_sys_attempt_victims(struct pmf_sys *s, int attempt, struct pmf_victim **ret,
			    size_t *ret_n);

/* --- hold.c --- */
int pmf_sys_hold_open(struct pmf_sys *s, int *ret_fd);
int pmf_sys_hold_watch(struct pmf_sys *s, int fd, const char *node, uint64_t timeout_us,
		       uint64_t cookie);
int pmf_sys_hold_read(struct pmf_sys *s, int fd, struct pmf_hold_event *ret);
int pmf_sys_hold_release(struct pmf_sys *s, int fd, uint64_t id, bool *ret_ended);

/* --- fsmap.c --- */
struct pmf_xfs_geometry;
/* -EOPNOTSUPP: no XFS. FROZEN */
int pmf_xfs_geometry(int fs_fd, struct pmf_xfs_geometry *ret);
int pmf_sys_owners(struct pmf_sys *s, int fs_fd, enum pmf_site_role role,
		   struct pmf_range at, struct pmf_extent *v, size_t max, size_t *ret_n);
int pmf_sys_known_space(struct pmf_sys *s, int fs_fd, enum pmf_site_role role,
			struct pmf_range at, struct pmf_extent *v, size_t max,
			size_t *ret_n);

/* --- journal.c --- */
int pmf_sys_journal(struct pmf_sys *s, int fs_fd, enum pmf_site_role role,
		    struct pmf_range at, struct pmf_extent *v, size_t max, size_t *ret_n);

/* --- inode.c, inode-path.c --- */
/* The number and generation of an open file, of any kind of fd. Asks no disk. */
int pmf_file_id_of(int fd, struct pmf_file_id *ret);
/* An O_PATH fd of the file with this number and generation (0 on ext4: any), through
 * the mount of fs_fd. -ESTALE: there is none. */
int pmf_open_handle(int fs_fd, int type, uint64_t ino, uint32_t generation, int *ret_fd);
int pmf_sys_open_inode(struct pmf_sys *s, int fs_fd, const char *fstype,
		       const struct pmf_file_id *id, struct pmf_inode *ret, int *ret_fd);
int pmf_sys_inode_path(struct pmf_sys *s, int fs_fd, int file_fd, char **ret);

/* --- fiemap.c --- */
int pmf_sys_file_extents(struct pmf_sys *s, int file_fd, enum pmf_site_role role,
			 struct pmf_range at, struct pmf_extent *v, size_t max,
			 size_t *ret_n);

/* --- openfiles.c, walk-files.c --- */
int pmf_sys_open_files(struct pmf_sys *s, dev_t fs_devno, struct pmf_file_id **ret,
		       size_t *ret_n);
int pmf_sys_walk_files(struct pmf_sys *s, int fs_fd, const char *fstype,
		       int (*fn)(const struct pmf_file_id *id, void *userdata),
		       void *userdata, pmf_progress_fn progress, void *progress_data);

/* --- signal.c --- */
/* A process as /proc/PID/stat tells it, which never hangs (fs/proc/array.c
 * do_task_stat takes no mmap_lock). -ESRCH: no such process. */
struct pmf_process_stat {
	char state;		/* R, S, D, Z, ... */
	unsigned int threads;
	uint64_t start_ticks;	/* since boot, in clock ticks */
};
int pmf_process_stat(pid_t pid, struct pmf_process_stat *ret);
int pmf_sys_signal_victim(struct pmf_sys *s, const struct pmf_victim *v);

/* --- remount.c --- */
int pmf_sys_remount_ro(struct pmf_sys *s, int fs_fd, const struct pmf_site *site);

/* --- hook-list.c, hook.c --- */
int pmf_sys_list_hooks(struct pmf_sys *s, const char *dir, struct pmf_hook_result **ret,
		       size_t *ret_n);
int pmf_sys_run_hook(struct pmf_sys *s, const char *dir, struct pmf_hook_result *hook,
		     const char *text, char *const *env, uint64_t timeout_us);

#endif
