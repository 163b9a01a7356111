// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmemfail: victims, the processes behind the owners of areas
 *
 * Why: there is no way from an mm to its processes (several may share one), so the
 * process list is passed once, comparing mm pointers. The owners hold references to
 * their mms, so a pointer cannot have become another's; no mm is looked into, and
 * no lock of a process is taken. Called by revoke.c when all files are done.
 */
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "pmemfail.h"

/*
 * Passes over the process list: one, and more while there are owners in use without
 * a process. The pauses between double from 1 ms: 127 ms at most.
 */
#define PMEMFAIL_PASSES		8

struct pmemfail_match {
	struct pid *pid;		/* referenced; of the process */
	struct pmemfail_owner *owner;
	struct pmemfail_victim victim;
};

struct pmemfail_matches {
	struct pmemfail_match *match;
	size_t nr, max;
};

/* Threads of a process have one mm; the leader may be dead, having none. */
static struct mm_struct *pmemfail_process_mm(struct task_struct *leader)
{
	struct mm_struct *mm = READ_ONCE(leader->mm);
	struct task_struct *task;

	if (mm)
		return mm;
	for_each_thread(leader, task) {
		mm = READ_ONCE(task->mm);
		if (mm)
			return mm;
	}
	return NULL;
}

/*
 * Adds the process for each owner with its mm that was not found in an earlier
 * pass. Counts on when the array is full; answers how many there were.
 */
static size_t pmemfail_match_process(struct pmemfail_job *job,
				     struct pmemfail_matches *found, size_t nr,
				     struct task_struct *leader, u32 pass)
{
	struct mm_struct *mm = pmemfail_process_mm(leader);
	struct pmemfail_match *match;
	struct pmemfail_owner *owner;

	if (!mm)
		return nr;
	hash_for_each_possible(job->owners, owner, node, (unsigned long)mm) {
		if (owner->mm != mm || (owner->pass && owner->pass != pass))
			continue;
		owner->pass = pass;
		if (nr < found->max) {
			match = &found->match[nr];
			match->pid = get_pid(task_tgid(leader));
			match->owner = owner;
		}
		nr++;
	}
	return nr;
}

static void pmemfail_matches_grow(struct pmemfail_matches *found, size_t max)
{
	struct pmemfail_match *match;

	match = kvmalloc_array(max, sizeof(*match), GFP_KERNEL | __GFP_NOFAIL);
	if (found->nr)
		memcpy(match, found->match, found->nr * sizeof(*match));
	kvfree(found->match);
	found->match = match;
	found->max = max;
}

static void pmemfail_matches_pass(struct pmemfail_job *job,
				  struct pmemfail_matches *found, u32 pass)
{
	struct task_struct *leader;
	size_t nr, i;

	for (;;) {
		nr = found->nr;
		rcu_read_lock();
		for_each_process(leader)
			if (!(leader->flags & PF_KTHREAD))
				nr = pmemfail_match_process(job, found, nr, leader, pass);
		rcu_read_unlock();
		if (nr <= found->max)
			break;
		/* Too short: make room, and pass again with a new look at all. */
		for (i = found->nr; i < found->max; i++)
			put_pid(found->match[i].pid);
		pmemfail_matches_grow(found, nr + nr / 4 + 16);
	}
	found->nr = nr;
}

/* An mm that is in use, though no process with it was found. */
static bool pmemfail_owner_missing(struct pmemfail_job *job)
{
	struct pmemfail_owner *owner;
	int bucket;

	hash_for_each(job->owners, bucket, owner, node)
		if (!owner->pass && atomic_read(&owner->mm->mm_users))
			return true;
	return false;
}

/*
 * A child being forked has its areas in the tree long before it is on the process
 * list (kernel/fork.c: dup_mmap() in copy_mm(), the list at the end of
 * copy_process()). Its mm is in use and has no process yet: look again a bit later.
 */
static void pmemfail_matches_find(struct pmemfail_job *job,
				  struct pmemfail_matches *found)
{
	u32 pass;

	if (!job->nr_owners)
		return;
	pmemfail_matches_grow(found, job->nr_owners + job->nr_owners / 4 + 16);
	for (pass = 1; pass <= PMEMFAIL_PASSES; pass++) {
		pmemfail_matches_pass(job, found, pass);
		if (pass == PMEMFAIL_PASSES || !pmemfail_owner_missing(job) ||
		    fatal_signal_pending(current))
			break;
		msleep(1 << (pass - 1));
	}
}

/* Writes down who it is; false when the process is gone. */
static bool pmemfail_victim_fill(struct pmemfail_match *match, u32 signal,
				 bool early_kill, bool *ret_wanted)
{
	const struct pmemfail_owner *owner = match->owner;
	struct task_struct *leader, *task;
	struct pmemfail_victim v = {
		.address = owner->address,
		.length = owner->length,
		.offset = owner->offset,
		.ino = owner->ino,
		.generation = owner->generation,
		.vmas = owner->vmas,
		.lsb = owner->lsb,
		.pid = pid_nr(match->pid),
	};

	BUILD_BUG_ON(sizeof(v.comm) != TASK_COMM_LEN);
	rcu_read_lock();
	leader = pid_task(match->pid, PIDTYPE_TGID);
	if (leader) {
		task = pmemfail_tell_pick(leader);
		v.start_ns = leader->start_boottime;
		v.uid = from_kuid(&init_user_ns, task_uid(leader));
		v.flags = pmemfail_tell_flags(task);
		get_task_comm(v.comm, leader);
		*ret_wanted = task && pmemfail_tell_wanted(signal, task, early_kill);
	}
	rcu_read_unlock();
	match->victim = v;
	return leader;
}

/* Sends the one SIGBUS, unless this attempt has. */
static void pmemfail_victim_tell(struct pmemfail_job *job, struct pmemfail_match *match)
{
	struct pmemfail_victim *v = &match->victim;
	struct pmemfail_told *told;

	if (pmemfail_attempt_has_told(job->attempt, match->pid, &v->flags))
		return;
	v->flags |= PMEMFAIL_VICTIM_TOLD;
	told = pmemfail_attempt_claim(job->attempt, match->pid, v);
	if (!told)
		return;		/* another thread was faster */
	if (!pmemfail_tell(match->pid, v->address, v->lsb)) {
		job->arg->told++;
		return;
	}
	pmemfail_attempt_unclaim(job->attempt, told);
	v->flags &= ~PMEMFAIL_VICTIM_TOLD;
	v->flags |= PMEMFAIL_VICTIM_EXITING;
}

/* Goes through the matches; those still there are left at the front. */
static void pmemfail_matches_tell(struct pmemfail_job *job,
				  struct pmemfail_matches *found)
{
	bool look = job->arg->flags & PMEMFAIL_REVOKE_LOOK;
	u32 signal = job->arg->signal;
	bool early_kill = signal == PMEMFAIL_SIGNAL_POLICY && pmemfail_tell_early_kill();
	struct pmemfail_match *match;
	size_t i, kept = 0;
	bool wanted;

	for (i = 0; i < found->nr; i++) {
		match = &found->match[i];
		if (!pmemfail_victim_fill(match, signal, early_kill, &wanted)) {
			put_pid(match->pid);
			continue;
		}
		if (wanted && !look)
			pmemfail_victim_tell(job, match);
		else
			pmemfail_attempt_has_told(job->attempt, match->pid,
						  &match->victim.flags);
		if (kept != i)
			found->match[kept] = *match;
		kept++;
		cond_resched();
	}
	found->nr = kept;
}

static int pmemfail_matches_put(struct pmemfail_job *job,
				const struct pmemfail_matches *found)
{
	struct pmemfail_victim __user *out = u64_to_user_ptr(job->arg->victims);
	size_t i, nr = min_t(size_t, found->nr, job->arg->victims_max);

	job->arg->victims_total = found->nr;
	for (i = 0; i < nr; i++)
		if (copy_to_user(&out[i], &found->match[i].victim, sizeof(*out)))
			return -EFAULT;
	return 0;
}

/*
 * Finds the processes of the job's owners, tells them, and reports them. It does
 * all of that even for a caller who is being killed: their memory is gone already.
 */
int pmemfail_victims_report(struct pmemfail_job *job)
{
	struct pmemfail_matches found = {};
	u64 clock = ktime_get_ns();
	size_t i;
	int err;

	pmemfail_matches_find(job, &found);
	job->arg->walk_ns += pmemfail_now(&clock);
	pmemfail_matches_tell(job, &found);
	job->arg->signal_ns += pmemfail_now(&clock);
	err = pmemfail_matches_put(job, &found);

	for (i = 0; i < found.nr; i++)
		put_pid(found.match[i].pid);
	kvfree(found.match);
	return err;
}
