/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pmemfail: what the module's files share
 *
 * Internal. The interface, and the meaning of every word, is in
 * include/uapi/linux/pmemfail.h.
 *
 *	main		device, dispatch		args	structs in and out
 *	watch, hold	the WATCHER side: bus notifiers, waiting unbinds, events
 *	revoke		the two verbs, told top to bottom
 *	walk		inodes of a filesystem		mapping	one inode's work
 *	entries		DAX entries			areas	VMAs and their owners
 *	victims		processes			tell	policy and signal
 *	attempt		whom we told			pin	what outlives the call
 */
#ifndef PMEMFAIL_H
#define PMEMFAIL_H

#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/path.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/pmemfail.h>

#include "compat.h"

/* hold.c: the unbinds that wait for one watcher, and what it has to read. */
struct pmemfail_watcher {
	struct list_head holds;		/* waiting */
	struct list_head events;	/* unread */
	wait_queue_head_t readable;
	struct mutex read_lock;		/* keeps readers from reordering events */
};

struct pmemfail_hold;

struct pmemfail_hold_args {
	u64 cookie;
	u32 timeout_ms;
	u32 major, minor;
};

/* Guards watches, holds and events alike; nothing sleeps under it. */
extern spinlock_t pmemfail_watch_lock;

void pmemfail_watcher_init(struct pmemfail_watcher *w);
void pmemfail_watcher_done(struct pmemfail_watcher *w);
ssize_t pmemfail_watcher_read(struct pmemfail_watcher *w, char __user *buf,
			      size_t count, bool nonblock);
__poll_t pmemfail_watcher_poll(struct pmemfail_watcher *w, struct file *file,
			       poll_table *wait);
struct pmemfail_hold *pmemfail_hold_alloc(void);
void pmemfail_hold_begin(struct pmemfail_hold *hold, struct pmemfail_watcher *w,
			 const struct pmemfail_hold_args *args, const char *name);
bool pmemfail_hold_join(struct pmemfail_hold *hold);
void pmemfail_hold_wait(struct pmemfail_hold *hold);
void pmemfail_hold_put(struct pmemfail_hold *hold);
int pmemfail_hold_release(struct pmemfail_watcher *w, u64 id);

/* watch.c */
int pmemfail_watch(struct pmemfail_watcher *w, const struct pmemfail_watch *arg);
void pmemfail_watch_drop_all(struct pmemfail_watcher *w);
void pmemfail_watch_exit(void);

/* attempt.c: one handling of one failure. */
struct pmemfail_attempt {
	struct kref ref;
	spinlock_t told_lock;
	DECLARE_HASHTABLE(told, 8);
	struct list_head told_list;	/* in the order of telling */
	u32 told_total;
	struct mutex pin_lock;
	struct list_head pins;
	struct work_struct unpin_work;
	struct completion unpinned;
};

/* A process this attempt has told, or is about to. */
struct pmemfail_told {
	struct hlist_node node;
	struct list_head link;
	struct pid *pid;		/* referenced: the pointer stays unique */
	bool failed;			/* it could not be told after all */
	struct pmemfail_victim victim;
};

struct pmemfail_attempt *pmemfail_attempt_new(void);
void pmemfail_attempt_close(struct pmemfail_attempt *a);
void pmemfail_attempt_put(struct pmemfail_attempt *a);
bool pmemfail_attempt_has_told(struct pmemfail_attempt *a, struct pid *pid,
			       u32 *ret_flags);
struct pmemfail_told *pmemfail_attempt_claim(struct pmemfail_attempt *a,
					     struct pid *pid,
					     const struct pmemfail_victim *victim);
void pmemfail_attempt_unclaim(struct pmemfail_attempt *a, struct pmemfail_told *told);
int pmemfail_attempt_victims(struct pmemfail_attempt *a,
			     struct pmemfail_victims *arg);

/* pin.c: filesystems an attempt keeps, and last references it must not drop. */
struct pmemfail_deferred {
	struct list_head chunks;
};

int pmemfail_pin_init(void);
void pmemfail_pin_exit(void);
void pmemfail_deferred_init(struct pmemfail_deferred *d);
void pmemfail_deferred_reserve(struct pmemfail_deferred *d);
void pmemfail_deferred_iput(struct pmemfail_deferred *d, struct inode *inode);
void pmemfail_pin_deferred(struct pmemfail_attempt *a, struct file *file,
			   struct pmemfail_deferred *d);
int pmemfail_guard(struct pmemfail_attempt *a, const struct pmemfail_guard *arg);
void pmemfail_pin_release_all(struct pmemfail_attempt *a);

/* areas.c: the parts of address spaces that map a range. */
struct pmemfail_area {
	struct mm_struct *mm;		/* grabbed (mm_count) */
	u64 address, length, offset;
	u32 lsb;
};

/* One mm that maps something revoked; with LOOK one per mm and inode. */
struct pmemfail_owner {
	struct hlist_node node;
	struct mm_struct *mm;		/* grabbed (mm_count) */
	const struct inode *inode;	/* key with LOOK, else NULL */
	u64 address, length, offset, ino;
	u32 generation, lsb, vmas;
	u32 pass;			/* victims.c: found in this pass; 0: not yet */
};

/* One call of REVOKE_FS or REVOKE_FILE. */
struct pmemfail_job {
	struct pmemfail_attempt *attempt;
	struct pmemfail_revoke *arg;	/* flags in, counters out */
	pgoff_t first, last;		/* pages, inclusive */
	DECLARE_HASHTABLE(owners, 10);
	u32 nr_owners;
	struct pmemfail_area *areas;	/* areas.c: reused from file to file */
	size_t areas_max;
};

void pmemfail_areas_collect(struct pmemfail_job *job, struct address_space *mapping,
			    u32 *ret_count);
void pmemfail_areas_done(struct pmemfail_job *job);
u64 pmemfail_now(u64 *since);

/* entries.c */
struct pmemfail_entries {
	u64 found;			/* DAX entries with memory before dropping */
	u64 left;
	bool pinned;
};

void pmemfail_entries_count(struct address_space *mapping, pgoff_t first,
			    pgoff_t last, struct pmemfail_entries *ret);
void pmemfail_entries_drop(struct address_space *mapping, pgoff_t first, pgoff_t last,
			   bool dirty_too, struct pmemfail_entries *ret);

/* mapping.c */
int pmemfail_mapping_revoke(struct pmemfail_job *job, struct address_space *mapping);

/* walk.c */
typedef int (*pmemfail_walk_fn)(struct inode *inode, void *data);
int pmemfail_walk(struct super_block *sb, struct pmemfail_deferred *deferred,
		  pmemfail_walk_fn fn, void *data);

/* victims.c */
int pmemfail_victims_report(struct pmemfail_job *job);

/* tell.c */
struct task_struct *pmemfail_tell_pick(struct task_struct *leader);
bool pmemfail_tell_wanted(u32 signal, struct task_struct *task, bool early_kill);
u32 pmemfail_tell_flags(struct task_struct *task);
int pmemfail_tell(struct pid *pid, u64 address, u32 lsb);
bool pmemfail_tell_early_kill(void);

/* revoke.c */
int pmemfail_revoke_fs(struct pmemfail_attempt *a, struct pmemfail_revoke *arg);
int pmemfail_revoke_file(struct pmemfail_attempt *a, struct pmemfail_revoke *arg);

/* args.c */
int pmemfail_args_get(void *karg, size_t ksize, size_t ksize_min, void __user *uarg,
		      u32 *ret_usize);
int pmemfail_args_put(void __user *uarg, u32 usize, const void *karg, size_t ksize);

#endif /* PMEMFAIL_H */
