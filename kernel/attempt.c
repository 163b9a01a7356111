// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmemfail: attempts, the memory of whom one handling of one failure has told
 *
 * Why: a failure is handled in several calls (before and after the shutdown, one
 * per filesystem, from several threads), and a process must get one SIGBUS for it.
 * victims.c claims a process before it is sent anything; the claim decides.
 *
 * A told process stays on the list until the attempt is closed: a walk over the
 * list may let go of the lock and go on from where it was.
 */
#include <linux/hash.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "pmemfail.h"

struct pmemfail_attempt *pmemfail_attempt_new(void)
{
	struct pmemfail_attempt *a = kzalloc(sizeof(*a), GFP_KERNEL);

	if (!a)
		return NULL;
	kref_init(&a->ref);
	spin_lock_init(&a->told_lock);
	hash_init(a->told);
	INIT_LIST_HEAD(&a->told_list);
	mutex_init(&a->pin_lock);
	INIT_LIST_HEAD(&a->pins);
	init_completion(&a->unpinned);
	return a;
}

static void pmemfail_attempt_free(struct kref *ref)
{
	struct pmemfail_attempt *a = container_of(ref, struct pmemfail_attempt, ref);
	struct pmemfail_told *told, *next;

	list_for_each_entry_safe(told, next, &a->told_list, link) {
		put_pid(told->pid);
		kfree(told);
	}
	mutex_destroy(&a->pin_lock);
	kfree(a);
}

void pmemfail_attempt_put(struct pmemfail_attempt *a)
{
	kref_put(&a->ref, pmemfail_attempt_free);
}

/* The file is closed: no call can be under way. */
void pmemfail_attempt_close(struct pmemfail_attempt *a)
{
	pmemfail_pin_release_all(a);
	pmemfail_attempt_put(a);
}

static struct pmemfail_told *pmemfail_attempt_find(struct pmemfail_attempt *a,
						   const struct pid *pid)
{
	struct pmemfail_told *told;

	lockdep_assert_held(&a->told_lock);
	hash_for_each_possible(a->told, told, node, (unsigned long)pid)
		if (told->pid == pid)
			return told;
	return NULL;
}

/*
 * Whether it was told, and the victim's flags as they were before: a process that
 * is in its handler blocks the signal, which is not to be taken for ignoring it.
 */
bool pmemfail_attempt_has_told(struct pmemfail_attempt *a, struct pid *pid,
			       u32 *ret_flags)
{
	struct pmemfail_told *told;
	bool yes;

	spin_lock(&a->told_lock);
	told = pmemfail_attempt_find(a, pid);
	yes = told && !told->failed;
	if (yes)
		*ret_flags = told->victim.flags;
	spin_unlock(&a->told_lock);
	return yes;
}

/*
 * Says whether the caller is the one to tell this process; NULL when it was told.
 * A struct pid lives as long as its process, through exec of any thread
 * (fs/exec.c de_thread() exchanges the ids), and cannot be another's while we hold
 * a reference: it names the process better than number and start time do.
 */
struct pmemfail_told *pmemfail_attempt_claim(struct pmemfail_attempt *a,
					     struct pid *pid,
					     const struct pmemfail_victim *victim)
{
	struct pmemfail_told *told, *fresh;

	/* Its memory is unmapped already: giving up now would lose the victim. */
	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL | __GFP_NOFAIL);
	fresh->pid = get_pid(pid);
	fresh->victim = *victim;

	spin_lock(&a->told_lock);
	told = pmemfail_attempt_find(a, pid);
	if (!told) {
		swap(told, fresh);
		hash_add(a->told, &told->node, (unsigned long)pid);
		list_add_tail(&told->link, &a->told_list);
		a->told_total++;
	} else if (told->failed) {
		told->failed = false;
		told->victim = *victim;
		a->told_total++;
	} else {
		told = NULL;
	}
	spin_unlock(&a->told_lock);

	if (fresh) {
		put_pid(fresh->pid);
		kfree(fresh);
	}
	return told;
}

/* The process turned out to be beyond telling. */
void pmemfail_attempt_unclaim(struct pmemfail_attempt *a, struct pmemfail_told *told)
{
	spin_lock(&a->told_lock);
	told->failed = true;
	a->told_total--;
	spin_unlock(&a->told_lock);
}

#define PMEMFAIL_VICTIMS_BATCH	32

struct pmemfail_victims_cursor {
	struct list_head *at;
	u32 skip;
};

/* Takes the next batch into memory of ours: user memory may fault, for long. */
static u32 pmemfail_victims_batch(struct pmemfail_attempt *a,
				  struct pmemfail_victims_cursor *cur,
				  struct pmemfail_victim *batch, u32 max)
{
	struct pmemfail_told *told;
	u32 n = 0;

	spin_lock(&a->told_lock);
	while (n < max && !list_is_last(cur->at, &a->told_list)) {
		cur->at = cur->at->next;
		told = list_entry(cur->at, struct pmemfail_told, link);
		if (told->failed)
			continue;
		if (cur->skip) {
			cur->skip--;
			continue;
		}
		batch[n++] = told->victim;
	}
	spin_unlock(&a->told_lock);
	return n;
}

int pmemfail_attempt_victims(struct pmemfail_attempt *a, struct pmemfail_victims *arg)
{
	struct pmemfail_victims_cursor cur = { .at = &a->told_list, .skip = arg->first };
	struct pmemfail_victim __user *out = u64_to_user_ptr(arg->victims);
	u32 max = arg->max, done = 0, n;
	struct pmemfail_victim *batch;
	int err = 0;

	if (arg->flags || arg->reserved || (max && !arg->victims))
		return -EINVAL;
	batch = kmalloc_array(PMEMFAIL_VICTIMS_BATCH, sizeof(*batch), GFP_KERNEL);
	if (!batch)
		return -ENOMEM;

	while (done < max) {
		n = min_t(u32, max - done, PMEMFAIL_VICTIMS_BATCH);
		n = pmemfail_victims_batch(a, &cur, batch, n);
		if (!n)
			break;
		if (copy_to_user(out + done, batch, n * sizeof(*batch))) {
			err = -EFAULT;
			break;
		}
		done += n;
		if (fatal_signal_pending(current)) {
			err = -EINTR;
			break;
		}
		cond_resched();
	}
	kfree(batch);

	spin_lock(&a->told_lock);
	arg->total = a->told_total;
	spin_unlock(&a->told_lock);
	arg->max = done;
	return err;
}
