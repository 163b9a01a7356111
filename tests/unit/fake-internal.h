/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the fake machine share. Only tests/unit/fake-*.c include it. */
#ifndef PMF_FAKE_INTERNAL_H
#define PMF_FAKE_INTERNAL_H

#include <pthread.h>

#include "fake-sys.h"

#define FAKE_FDS 1024

struct fake_private {
	pthread_mutex_t lock;
	struct fake_fs *by_fd[FAKE_FDS];
	struct fake_inode *inode_by_fd[FAKE_FDS];
	bool attempt[FAKE_FDS];
	bool told[FAKE_FDS][FAKE_PROCS];	/* by attempt */
	uint64_t failure_id;		/* of the one that is kept; 0: none */
	bool kept[FAKE_PROCS];		/* told by it */
	int kept_fd;
};

static inline struct fake *fake_of(struct pmf_sys *s)
{
	return s->data;
}

static inline struct fake_private *fake_private(struct fake *f)
{
	return f->private;
}

static inline void fake_unlockp(struct fake **f)
{
	if ((*f)->dying)
		_exit(FAKE_DEATH);
	pthread_mutex_unlock(&fake_private(*f)->lock);
}
/* First in each operation: declares f, locked until the end of it. */
#define LOCKED(s)							\
	_cleanup_(fake_unlockp) struct fake *f = fake_of(s);		\
	pthread_mutex_lock(&fake_private(f)->lock)

/* Note the first broken rule. */
void fake_broke(struct fake *f, const char *fmt, ...) _printf_(2, 3);
/* Count the call; negative when it is to fail. It may not return. */
int fake_enter(struct fake *f, const char *op, bool frozen_ok);
#define ENTER(op, frozen_ok)						\
	do {								\
		int fail_ = fake_enter(f, op, frozen_ok);		\
									\
		if (fail_ < 0)						\
			return fail_;					\
	} while (0)

/* A non-LOOK revoke, before anything is done. */
void fake_takes(struct fake *f);

/* Which filesystem this thread has frozen: until thaw it may do little. */
extern _Thread_local struct fake_fs *fake_frozen_here;

struct fake_fs *fake_fs_by_devno(struct fake *f, dev_t d);
/* A fd that stands for something. */
int fake_fd(void);
/* A reader of a DAX mapping faults again: in XFS until the shutdown, elsewhere
 * until there is no DAX below. A freeze does not stop it. */
void fake_refault(struct fake_fs *fs);

/* fake-poison.c: files, owners, badblocks. */
int fake_owners(struct pmf_sys *s, int fd, enum pmf_site_role role, struct pmf_range at,
		struct pmf_extent *v, size_t max, size_t *ret_n);
int fake_known_space(struct pmf_sys *s, int fd, enum pmf_site_role role, struct pmf_range at,
		     struct pmf_extent *v, size_t max, size_t *ret_n);
int fake_journal(struct pmf_sys *s, int fd, enum pmf_site_role role, struct pmf_range at,
		 struct pmf_extent *v, size_t max, size_t *ret_n);
int fake_open_inode(struct pmf_sys *s, int fd, const char *fstype,
		    const struct pmf_file_id *id, struct pmf_inode *ret, int *ret_fd);
int fake_file_extents(struct pmf_sys *s, int fd, enum pmf_site_role role,
		      struct pmf_range at, struct pmf_extent *v, size_t max, size_t *ret_n);
int fake_open_files(struct pmf_sys *s, dev_t devno, struct pmf_file_id **ret, size_t *ret_n);
int fake_walk_files(struct pmf_sys *s, int fd, const char *fstype,
		    int (*fn)(const struct pmf_file_id *id, void *userdata), void *userdata,
		    pmf_progress_fn progress, void *progress_data);
int fake_inode_path(struct pmf_sys *s, int fd, int file_fd, char **ret);
int fake_remount_ro(struct pmf_sys *s, int fd, const struct pmf_site *site);
int fake_read_badblocks(struct pmf_sys *s, const struct pmf_device *d,
			struct pmf_ranges *ret, bool *ret_full);
int fake_mark_bad(struct pmf_sys *s, const struct pmf_device *d, struct pmf_range r);
int fake_binding_id(struct pmf_sys *s, const struct pmf_device *d, char **ret);
/* At a freeze: a file that moves does so now. */
void fake_move(struct fake *f, const struct fake_fs *fs);
/* What REVOKE_FILE of a file does, and REVOKE_LOOK of all files of a filesystem. */
int fake_revoke_inode(struct fake *f, int attempt, struct fake_inode *in,
		      struct pmf_range range, unsigned int flags, enum pmf_signal signal,
		      struct pmf_victim *victims, size_t max, struct pmf_revoke_result *ret);
int fake_look_files(struct fake *f, const struct fake_fs *fs, struct pmf_victim *victims,
		    size_t max, struct pmf_revoke_result *ret);

/* fake-module.c: the operations of the module and of /proc. */
int fake_attempt_open(struct pmf_sys *s, int *ret);
int fake_attempt_resume(struct pmf_sys *s, uint64_t failure_id, int *ret);
void fake_attempt_finish(struct pmf_sys *s, uint64_t failure_id);
int fake_attempt_guard(struct pmf_sys *s, int attempt, int fd, bool arm);
int fake_revoke_fs(struct pmf_sys *s, int attempt, int fd, unsigned int flags,
		   enum pmf_signal signal, struct pmf_victim *victims, size_t max,
		   struct pmf_revoke_result *ret);
int fake_revoke_file(struct pmf_sys *s, int attempt, int fd, struct pmf_range range,
		     unsigned int flags, enum pmf_signal signal, struct pmf_victim *victims,
		     size_t max, struct pmf_revoke_result *ret);
int fake_attempt_victims(struct pmf_sys *s, int attempt, struct pmf_victim **ret,
			 size_t *ret_n);
int fake_describe(struct pmf_sys *s, struct pmf_victim *v, size_t n);
int fake_scan(struct pmf_sys *s, dev_t devno, struct pmf_victim **ret, size_t *ret_n);
int fake_signal(struct pmf_sys *s, const struct pmf_victim *v);

#endif
