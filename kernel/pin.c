// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmemfail: pins, what an attempt keeps of a filesystem until after it is closed
 *
 * Why: the walk over a filesystem's inodes holds a reference to the one it works
 * on. Where that becomes the last one, dropping it may evict an unlinked inode, or
 * write a lazy timestamp (fs/inode.c iput()), which starts a transaction, which
 * waits for the thaw that the caller, inside our ioctl, cannot do. Such references
 * are put aside and dropped from a work item after the close; the filesystem is
 * kept by a reference to its mount meanwhile. The same work item keeps the promise
 * of GUARD, first: what it thaws, the rest may be waiting for.
 *
 * Called by revoke.c and walk.c (references), main.c (GUARD), attempt.c (close).
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "pmemfail.h"

/* How long a closing caller waits for the work: unmounting is what comes next. */
#define PMEMFAIL_UNPIN_WAIT_MS	2000
/* How long a freeze that is under way at the close is waited for. */
#define PMEMFAIL_THAW_TRIES	300
#define PMEMFAIL_THAW_PAUSE_MS	100

struct pmemfail_pin {
	struct list_head link;		/* attempt->pins, under pin_lock */
	struct path path;
	struct super_block *sb;
	bool guard;
	struct pmemfail_deferred deferred;
};

/* Inode references, a page full at a time. */
struct pmemfail_chunk {
	struct list_head link;
	unsigned int nr;
	struct inode *inodes[];
};
#define PMEMFAIL_CHUNK_MAX \
	((PAGE_SIZE - sizeof(struct pmemfail_chunk)) / sizeof(struct inode *))

static struct workqueue_struct *pmemfail_wq;

int pmemfail_pin_init(void)
{
	/* Unbound, so that one filesystem's wait is not another's. */
	pmemfail_wq = alloc_workqueue("pmemfail", WQ_UNBOUND, 0);
	return pmemfail_wq ? 0 : -ENOMEM;
}

void pmemfail_pin_exit(void)
{
	destroy_workqueue(pmemfail_wq);
}

void pmemfail_deferred_init(struct pmemfail_deferred *d)
{
	INIT_LIST_HEAD(&d->chunks);
}

static struct pmemfail_chunk *pmemfail_deferred_chunk(struct pmemfail_deferred *d)
{
	return list_first_entry_or_null(&d->chunks, struct pmemfail_chunk, link);
}

/* Makes room for one reference, so that putting one aside cannot fail. */
void pmemfail_deferred_reserve(struct pmemfail_deferred *d)
{
	struct pmemfail_chunk *chunk = pmemfail_deferred_chunk(d);

	if (chunk && chunk->nr < PMEMFAIL_CHUNK_MAX)
		return;
	chunk = kmalloc(PAGE_SIZE, GFP_KERNEL | __GFP_NOFAIL);
	chunk->nr = 0;
	list_add(&chunk->link, &d->chunks);
}

/*
 * Drops a reference, unless it is the last one, which is put aside. The first step
 * is iput()'s own fast path: nobody can tell who else has a reference after it.
 */
void pmemfail_deferred_iput(struct pmemfail_deferred *d, struct inode *inode)
{
	struct pmemfail_chunk *chunk = pmemfail_deferred_chunk(d);

	if (atomic_add_unless(&inode->i_count, -1, 1))
		return;
	if (WARN_ON_ONCE(!chunk || chunk->nr >= PMEMFAIL_CHUNK_MAX))
		return;
	chunk->inodes[chunk->nr++] = inode;
}

static void pmemfail_deferred_drop(struct pmemfail_deferred *d)
{
	struct pmemfail_chunk *chunk;

	while ((chunk = pmemfail_deferred_chunk(d))) {
		list_del(&chunk->link);
		while (chunk->nr) {
			iput(chunk->inodes[--chunk->nr]);
			cond_resched();
		}
		kfree(chunk);
	}
}

static bool pmemfail_deferred_none(const struct pmemfail_deferred *d)
{
	const struct pmemfail_chunk *chunk;

	list_for_each_entry(chunk, &d->chunks, link)
		if (chunk->nr)
			return false;
	return true;
}

static struct pmemfail_pin *pmemfail_pin_find(struct pmemfail_attempt *a,
					      const struct super_block *sb)
{
	struct pmemfail_pin *pin;

	lockdep_assert_held(&a->pin_lock);
	list_for_each_entry(pin, &a->pins, link)
		if (pin->sb == sb)
			return pin;
	return NULL;
}

static struct pmemfail_pin *pmemfail_pin_get(struct pmemfail_attempt *a,
					     struct file *file)
{
	struct super_block *sb = file_inode(file)->i_sb;
	struct pmemfail_pin *pin = pmemfail_pin_find(a, sb);

	if (pin)
		return pin;
	pin = kzalloc(sizeof(*pin), GFP_KERNEL | __GFP_NOFAIL);
	pmemfail_deferred_init(&pin->deferred);
	/*
	 * The path, not the file: a last fput() from a kernel thread is done by yet
	 * another work item, and the filesystem would be busy after our close.
	 */
	pin->path = file->f_path;
	path_get(&pin->path);
	pin->sb = sb;
	list_add_tail(&pin->link, &a->pins);
	return pin;
}

/*
 * While a guard is armed somebody freezes, and freeze_super() waits for three grace
 * periods (percpu_down_write(), rcu_sync_enter()), with everybody who writes there:
 * have them short. The kernel counts who asked for that.
 */
static void pmemfail_pin_set_guard(struct pmemfail_pin *pin, bool guard)
{
	if (guard && !pin->guard)
		rcu_expedite_gp();
	if (!guard && pin->guard)
		rcu_unexpedite_gp();
	pin->guard = guard;
}

static void pmemfail_pin_drop(struct pmemfail_pin *pin)
{
	pmemfail_pin_set_guard(pin, false);
	list_del(&pin->link);
	pmemfail_deferred_drop(&pin->deferred);
	path_put(&pin->path);
	kfree(pin);
}

/* Takes over the references a walk has put aside. */
void pmemfail_pin_deferred(struct pmemfail_attempt *a, struct file *file,
			   struct pmemfail_deferred *d)
{
	struct pmemfail_pin *pin;

	if (pmemfail_deferred_none(d)) {
		pmemfail_deferred_drop(d);
		return;
	}
	mutex_lock(&a->pin_lock);
	pin = pmemfail_pin_get(a, file);
	list_splice_init(&d->chunks, &pin->deferred.chunks);
	mutex_unlock(&a->pin_lock);
}

int pmemfail_guard(struct pmemfail_attempt *a, const struct pmemfail_guard *arg)
{
	bool arm = arg->flags == PMEMFAIL_GUARD_ARM;
	struct pmemfail_pin *pin;
	struct file *file;

	if ((!arm && arg->flags != PMEMFAIL_GUARD_DISARM) || arg->reserved)
		return -EINVAL;
	file = fget_raw(arg->fd);
	if (!file)
		return -EBADF;

	mutex_lock(&a->pin_lock);
	if (arm) {
		pmemfail_pin_set_guard(pmemfail_pin_get(a, file), true);
	} else {
		pin = pmemfail_pin_find(a, file_inode(file)->i_sb);
		if (pin)
			pmemfail_pin_set_guard(pin, false);
		if (pin && pmemfail_deferred_none(&pin->deferred))
			pmemfail_pin_drop(pin);
	}
	mutex_unlock(&a->pin_lock);
	fput(file);
	return 0;
}

/*
 * A helper may have been killed inside FIFREEZE, or be in it still: thaw_super()
 * refuses until the freeze is complete, and nobody would thaw it then.
 */
static void pmemfail_pin_thaw(struct pmemfail_pin *pin)
{
	int tries;

	for (tries = 0; tries < PMEMFAIL_THAW_TRIES; tries++) {
		if (!pmemfail_thaw(pin->sb)) {
			pr_notice("thawed %s, which its guard's owner left frozen\n",
				  pin->sb->s_id);
			return;
		}
		if (READ_ONCE(pin->sb->s_writers.frozen) == SB_UNFROZEN)
			return;
		msleep(PMEMFAIL_THAW_PAUSE_MS);
	}
	pr_warn("could not thaw %s\n", pin->sb->s_id);
}

static void pmemfail_unpin(struct work_struct *work)
{
	struct pmemfail_attempt *a =
		container_of(work, struct pmemfail_attempt, unpin_work);
	struct pmemfail_pin *pin, *next;

	list_for_each_entry(pin, &a->pins, link)
		if (pin->guard)
			pmemfail_pin_thaw(pin);
	list_for_each_entry_safe(pin, next, &a->pins, link)
		pmemfail_pin_drop(pin);
	complete(&a->unpinned);
	pmemfail_attempt_put(a);
	module_put(THIS_MODULE);
}

/*
 * Called at the close. The caller usually goes on to unmount, so it waits a little
 * for the work; but never for long: the work may be waiting for somebody's thaw.
 */
void pmemfail_pin_release_all(struct pmemfail_attempt *a)
{
	if (list_empty(&a->pins))
		return;
	kref_get(&a->ref);
	/* Unloading is refused meanwhile, rather than blocked. */
	__module_get(THIS_MODULE);
	INIT_WORK(&a->unpin_work, pmemfail_unpin);
	queue_work(pmemfail_wq, &a->unpin_work);
	wait_for_completion_killable_timeout(&a->unpinned,
		msecs_to_jiffies(PMEMFAIL_UNPIN_WAIT_MS));
}
