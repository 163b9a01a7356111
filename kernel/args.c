// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmemfail: the extensible structs of the interface, in and out
 *
 * Why: every struct begins with its size, so that old callers work with new
 * modules and the other way round. Called by main.c only.
 */
#include <linux/uaccess.h>

#include "pmemfail.h"

/*
 * Copies a struct in. ksize_min is the size of its first version: less cannot
 * have come from any header. The upper bound keeps check_zeroed_user() short.
 */
int pmemfail_args_get(void *karg, size_t ksize, size_t ksize_min, void __user *uarg,
		      u32 *ret_usize)
{
	u32 usize;
	int err;

	if (get_user(usize, (u32 __user *)uarg))
		return -EFAULT;
	if (usize < ksize_min)
		return -EINVAL;
	if (usize > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(karg, ksize, uarg, usize);
	if (err)
		return err;
	/*
	 * Read twice: what another thread wrote in between must not matter, and
	 * it does not, for only this copy of the size is used from here on.
	 */
	*(u32 *)karg = usize;
	*ret_usize = usize;
	return 0;
}

/* Copies a struct back, as much of it as the caller knows. */
int pmemfail_args_put(void __user *uarg, u32 usize, const void *karg, size_t ksize)
{
	if (copy_to_user(uarg, karg, min_t(size_t, usize, ksize)))
		return -EFAULT;
	return 0;
}
