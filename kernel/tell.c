// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmemfail: telling a process, and which of its threads
 *
 * Why: a SIGBUS with an address (BUS_MCEERR_AO) can only be sent from the kernel:
 * kernel/signal.c do_rt_sigqueueinfo() refuses its si_code to user space. The
 * signal is sent as memory_failure() sends it, unforced and to one thread.
 *
 * Called by victims.c, under RCU where a task is handed in.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kstrtox.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>

#include "pmemfail.h"

#define PMEMFAIL_TELL_TRIES	3
#define PMEMFAIL_EARLY_KILL	"/proc/sys/vm/memory_failure_early_kill"

static bool pmemfail_blocks_sigbus(struct task_struct *task)
{
	return sigismember(&task->blocked, SIGBUS);
}

/*
 * The thread to be told: one that asked for it (PR_MCE_KILL_EARLY makes it the
 * dedicated one), else the leader, as mm/memory-failure.c find_early_kill_thread()
 * does; but a leader that blocks the signal comes after a thread that does not, and
 * a dead leader after any that lives. NULL when none lives.
 */
struct task_struct *pmemfail_tell_pick(struct task_struct *leader)
{
	struct task_struct *task, *pick = NULL;

	for_each_thread(leader, task) {
		if (!READ_ONCE(task->mm) ||
		    task->flags & (PF_EXITING | PMEMFAIL_PF_WORKER))
			continue;
		if (task->flags & PF_MCE_PROCESS && task->flags & PF_MCE_EARLY)
			return task;
		if (!pick ||
		    (pmemfail_blocks_sigbus(pick) && !pmemfail_blocks_sigbus(task)))
			pick = task;
	}
	return pick;
}

static bool pmemfail_is_late(struct task_struct *task)
{
	return task->flags & PF_MCE_PROCESS && !(task->flags & PF_MCE_EARLY);
}

bool pmemfail_tell_wanted(u32 signal, struct task_struct *task, bool early_kill)
{
	switch (signal) {
	case PMEMFAIL_SIGNAL_ALL:
		return !pmemfail_is_late(task);
	case PMEMFAIL_SIGNAL_POLICY:
		if (task->flags & PF_MCE_PROCESS)
			return task->flags & PF_MCE_EARLY;
		return early_kill;
	case PMEMFAIL_SIGNAL_EVERY:
		return true;
	}
	return false;
}

/*
 * What lock_task_sighand() does, which is not exported: the sighand's memory is
 * type-stable under RCU, so it may be locked before it is known to be the task's.
 */
static bool pmemfail_ignores_sigbus(struct task_struct *task)
{
	struct sighand_struct *sighand;
	bool ignores = false;

	for (;;) {
		sighand = rcu_dereference(task->sighand);
		if (!sighand)
			return false;
		spin_lock_irq(&sighand->siglock);
		if (sighand == rcu_access_pointer(task->sighand))
			break;
		spin_unlock_irq(&sighand->siglock);
	}
	ignores = sighand->action[SIGBUS - 1].sa.sa_handler == SIG_IGN ||
		  pmemfail_blocks_sigbus(task);
	spin_unlock_irq(&sighand->siglock);
	return ignores;
}

/* PMEMFAIL_VICTIM_* of a process by the thread that would be told. */
u32 pmemfail_tell_flags(struct task_struct *task)
{
	u32 flags = 0;

	if (!task)
		return PMEMFAIL_VICTIM_EXITING;
	if (pmemfail_is_late(task))
		flags |= PMEMFAIL_VICTIM_LATE;
	if (pmemfail_ignores_sigbus(task))
		flags |= PMEMFAIL_VICTIM_IGNORES;
	return flags;
}

static struct task_struct *pmemfail_tell_pick_pid(struct pid *pid)
{
	struct task_struct *leader, *task = NULL;

	rcu_read_lock();
	leader = pid_task(pid, PIDTYPE_TGID);
	if (leader)
		task = pmemfail_tell_pick(leader);
	if (task)
		get_task_struct(task);
	rcu_read_unlock();
	return task;
}

/*
 * A thread that exits takes along what was sent to it alone: kernel/signal.c
 * exit_signals() passes on only what was sent to the process.
 */
static bool pmemfail_tell_lost(struct task_struct *task)
{
	return READ_ONCE(task->flags) & PF_EXITING &&
	       sigismember(&task->pending.signal, SIGBUS);
}

/* Sends one SIGBUS to a process; -ESRCH when nobody is left to take it. */
int pmemfail_tell(struct pid *pid, u64 address, u32 lsb)
{
	void __user *addr = (void __user *)(uintptr_t)address;
	struct task_struct *task;
	bool lost;
	int tries, err = -ESRCH;

	for (tries = 0; tries < PMEMFAIL_TELL_TRIES; tries++) {
		task = pmemfail_tell_pick_pid(pid);
		if (!task)
			return -ESRCH;
		err = send_sig_mceerr(BUS_MCEERR_AO, addr, lsb, task);
		lost = err || pmemfail_tell_lost(task);
		put_task_struct(task);
		if (!lost)
			return 0;
		cond_resched();
	}
	return err ?: -ESRCH;
}

/*
 * vm.memory_failure_early_kill. The variable is not exported, the file is the same
 * for everyone; without /proc it counts as its default.
 */
bool pmemfail_tell_early_kill(void)
{
	struct file *file = filp_open(PMEMFAIL_EARLY_KILL, O_RDONLY, 0);
	char text[16] = {};
	loff_t pos = 0;
	int value = 0;

	if (IS_ERR(file))
		return false;
	if (kernel_read(file, text, sizeof(text) - 1, &pos) <= 0 ||
	    kstrtoint(text, 10, &value))
		value = 0;
	filp_close(file, NULL);
	return value;
}
