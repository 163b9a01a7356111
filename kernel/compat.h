/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pmemfail: differences between kernel versions, all of them
 *
 * The rest of the module reads as if written for one kernel. Tested on Debian's
 * 6.1 and 6.12; what is known of later ones from their source is here too.
 */
#ifndef PMEMFAIL_COMPAT_H
#define PMEMFAIL_COMPAT_H

#include <linux/version.h>
#include <linux/device/bus.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/xarray.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "pmemfail needs Linux 6.1: dax_disassociate_entry() and thaw_super() differ before"
#endif
#ifdef CONFIG_FS_DAX_LIMITED
#error "pmemfail needs struct pages for DAX memory: FS_DAX_LIMITED has none"
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
/*
 * The DAX entries lost their references of one per idle page there. Taking an
 * idle page for a pinned one would be safe and useless; the other way round it
 * would free memory under DMA. Port pmemfail_dax_idle_refs with a guest to see.
 */
#error "pmemfail is not ported to the DAX page counts of Linux 6.15"
#endif

/* Exported for drivers of other directories, declared in drivers/dax/dax-private.h. */
struct dax_device *inode_dax(struct inode *inode);

/* Exported for everybody, declared in kernel/rcu/rcu.h; TINY_RCU has no use for it. */
#ifdef CONFIG_TINY_RCU
static inline void rcu_expedite_gp(void) { }
static inline void rcu_unexpedite_gp(void) { }
#else
void rcu_expedite_gp(void);
void rcu_unexpedite_gp(void);
#endif

/* References an idle DAX page has: fs/dax.c dax_busy_page(). */
#define pmemfail_dax_idle_refs	1

/*
 * What an entry in a DAX mapping says, as fs/dax.c has it: a value with four
 * low bits of flags and the page frame above. The entries that only hold a
 * place (EMPTY: a fault that failed) or show a hole (ZERO) carry no device memory.
 */
#define PMEMFAIL_DAX_SHIFT	4
#define PMEMFAIL_DAX_PMD	(1UL << 1)
#define PMEMFAIL_DAX_ZERO	(1UL << 2)
#define PMEMFAIL_DAX_EMPTY	(1UL << 3)

static inline bool pmemfail_dax_has_memory(const void *entry)
{
	return xa_is_value(entry) &&
	       !(xa_to_value(entry) & (PMEMFAIL_DAX_ZERO | PMEMFAIL_DAX_EMPTY));
}

static inline unsigned long pmemfail_dax_pfn(const void *entry)
{
	return xa_to_value(entry) >> PMEMFAIL_DAX_SHIFT;
}

static inline unsigned long pmemfail_dax_pages(const void *entry)
{
	return xa_to_value(entry) & PMEMFAIL_DAX_PMD ? PMD_SIZE / PAGE_SIZE : 1;
}

/* Buses became const when their registration did. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
typedef const struct bus_type pmemfail_bus_type;
#else
typedef struct bus_type pmemfail_bus_type;
#endif

/* Threads that never return to user space, though they share its mm. */
#ifdef PF_USER_WORKER
#define PMEMFAIL_PF_WORKER	(PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER)
#else
#define PMEMFAIL_PF_WORKER	(PF_KTHREAD | PF_IO_WORKER)
#endif

/* As fs/ioctl.c ioctl_fsthaw(). */
static inline int pmemfail_thaw(struct super_block *sb)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	if (sb->s_op->thaw_super)
		return sb->s_op->thaw_super(sb, FREEZE_HOLDER_USERSPACE);
	return thaw_super(sb, FREEZE_HOLDER_USERSPACE);
#else
	if (sb->s_op->thaw_super)
		return sb->s_op->thaw_super(sb);
	return thaw_super(sb);
#endif
}

#endif /* PMEMFAIL_COMPAT_H */
