// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmemfail: companion module of pmemfaild; the device and its dispatch
 *
 * What the module does, and why, is told in include/uapi/linux/pmemfail.h. This
 * file brings it up and down and hands each ioctl to the file that knows.
 */
#include <linux/capability.h>
#include <linux/libnvdimm.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "pmemfail.h"

enum pmemfail_role {
	PMEMFAIL_ROLE_NONE,
	PMEMFAIL_ROLE_WATCHER,
	PMEMFAIL_ROLE_ATTEMPT,
};

struct pmemfail_file {
	atomic_t role;
	struct pmemfail_watcher watcher;
	struct pmemfail_attempt *attempt;
};

/*
 * Our notifier stays registered on the bus of libnvdimm, which therefore must not
 * be unloaded before us: any use of its symbols sees to that. (The dax bus lives
 * with kill_dax(), which revoke.c uses.)
 */
static struct nd_region *(*const pmemfail_needs_libnvdimm)(struct device *) __used =
	to_nd_region;

static int pmemfail_open(struct inode *inode, struct file *file)
{
	struct pmemfail_file *f;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	f = kzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	f->attempt = pmemfail_attempt_new();
	if (!f->attempt) {
		kfree(f);
		return -ENOMEM;
	}
	pmemfail_watcher_init(&f->watcher);
	file->private_data = f;
	return nonseekable_open(inode, file);
}

static int pmemfail_close(struct inode *inode, struct file *file)
{
	struct pmemfail_file *f = file->private_data;

	pmemfail_watch_drop_all(&f->watcher);
	pmemfail_watcher_done(&f->watcher);
	pmemfail_attempt_close(f->attempt);
	kfree(f);
	return 0;
}

/* An open file is one of the two for good, by the first call that says which. */
static int pmemfail_become(struct pmemfail_file *f, enum pmemfail_role role)
{
	int was = atomic_cmpxchg(&f->role, PMEMFAIL_ROLE_NONE, role);

	return was == PMEMFAIL_ROLE_NONE || was == role ? 0 : -EINVAL;
}

static int pmemfail_info(struct pmemfail_info *arg)
{
	arg->abi = PMEMFAIL_ABI;
	arg->features = PMEMFAIL_FEATURE_HOLD | PMEMFAIL_FEATURE_REVOKE_FS |
			PMEMFAIL_FEATURE_REVOKE_FILE | PMEMFAIL_FEATURE_STOP_DAX |
			PMEMFAIL_FEATURE_GUARD;
	return 0;
}

static int pmemfail_release(struct pmemfail_watcher *w,
			    const struct pmemfail_release *arg)
{
	if (arg->flags)
		return -EINVAL;
	return pmemfail_hold_release(w, arg->id);
}

/*
 * Matched by type and number, not by the size that _IOC() encodes: a struct that
 * has grown keeps its number, and its size field says how much of it there is.
 */
static long pmemfail_ioctl(struct file *file, unsigned int cmd, unsigned long uaddr)
{
	struct pmemfail_file *f = file->private_data;
	void __user *uarg = (void __user *)uaddr;
	enum pmemfail_role role;
	size_t size;
	u32 usize;
	int err;
	union {
		struct pmemfail_info info;
		struct pmemfail_watch watch;
		struct pmemfail_release release;
		struct pmemfail_revoke revoke;
		struct pmemfail_victims victims;
		struct pmemfail_guard guard;
	} arg;

	if (_IOC_TYPE(cmd) != PMEMFAIL_IOC_MAGIC)
		return -ENOTTY;

	switch (_IOC_NR(cmd)) {
	case _IOC_NR(PMEMFAIL_IOC_INFO):
		size = sizeof(arg.info);
		role = PMEMFAIL_ROLE_NONE;
		break;
	case _IOC_NR(PMEMFAIL_IOC_WATCH):
		size = sizeof(arg.watch);
		role = PMEMFAIL_ROLE_WATCHER;
		break;
	case _IOC_NR(PMEMFAIL_IOC_RELEASE):
		size = sizeof(arg.release);
		role = PMEMFAIL_ROLE_WATCHER;
		break;
	case _IOC_NR(PMEMFAIL_IOC_REVOKE_FS):
	case _IOC_NR(PMEMFAIL_IOC_REVOKE_FILE):
		size = sizeof(arg.revoke);
		role = PMEMFAIL_ROLE_ATTEMPT;
		break;
	case _IOC_NR(PMEMFAIL_IOC_VICTIMS):
		size = sizeof(arg.victims);
		role = PMEMFAIL_ROLE_ATTEMPT;
		break;
	case _IOC_NR(PMEMFAIL_IOC_GUARD):
		size = sizeof(arg.guard);
		role = PMEMFAIL_ROLE_ATTEMPT;
		break;
	default:
		return -ENOTTY;
	}

	/* All structs are in their first version: the least size is the size. */
	err = pmemfail_args_get(&arg, size, size, uarg, &usize);
	if (err)
		return err;
	if (role != PMEMFAIL_ROLE_NONE) {
		err = pmemfail_become(f, role);
		if (err)
			return err;
	}

	switch (_IOC_NR(cmd)) {
	case _IOC_NR(PMEMFAIL_IOC_INFO):
		err = pmemfail_info(&arg.info);
		break;
	case _IOC_NR(PMEMFAIL_IOC_WATCH):
		return pmemfail_watch(&f->watcher, &arg.watch);
	case _IOC_NR(PMEMFAIL_IOC_RELEASE):
		return pmemfail_release(&f->watcher, &arg.release);
	case _IOC_NR(PMEMFAIL_IOC_REVOKE_FS):
		err = pmemfail_revoke_fs(f->attempt, &arg.revoke);
		break;
	case _IOC_NR(PMEMFAIL_IOC_REVOKE_FILE):
		err = pmemfail_revoke_file(f->attempt, &arg.revoke);
		break;
	case _IOC_NR(PMEMFAIL_IOC_VICTIMS):
		err = pmemfail_attempt_victims(f->attempt, &arg.victims);
		break;
	case _IOC_NR(PMEMFAIL_IOC_GUARD):
		return pmemfail_guard(f->attempt, &arg.guard);
	}
	/* Counters are true after an error too: what was done before it is done. */
	return pmemfail_args_put(uarg, usize, &arg, size) ?: err;
}

static ssize_t pmemfail_read(struct file *file, char __user *buf, size_t count,
			     loff_t *pos)
{
	struct pmemfail_file *f = file->private_data;

	return pmemfail_watcher_read(&f->watcher, buf, count,
				     file->f_flags & O_NONBLOCK);
}

static __poll_t pmemfail_poll(struct file *file, poll_table *wait)
{
	struct pmemfail_file *f = file->private_data;

	return pmemfail_watcher_poll(&f->watcher, file, wait);
}

static const struct file_operations pmemfail_fops = {
	.owner		= THIS_MODULE,
	.open		= pmemfail_open,
	.release	= pmemfail_close,
	.read		= pmemfail_read,
	.poll		= pmemfail_poll,
	.unlocked_ioctl	= pmemfail_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

static struct miscdevice pmemfail_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "pmemfail",
	.fops	= &pmemfail_fops,
	.mode	= 0600,
};

static int __init pmemfail_init(void)
{
	int err;

	err = pmemfail_pin_init();
	if (err)
		return err;
	err = misc_register(&pmemfail_misc);
	if (err)
		goto err_pin;
	return 0;

err_pin:
	pmemfail_pin_exit();
	return err;
}

static void __exit pmemfail_exit(void)
{
	misc_deregister(&pmemfail_misc);
	pmemfail_watch_exit();
	pmemfail_pin_exit();
}

module_init(pmemfail_init);
module_exit(pmemfail_exit);
MODULE_DESCRIPTION("Takes failing or departing persistent memory away from its users");
MODULE_AUTHOR("The pmemfail developers");
MODULE_LICENSE("GPL");
