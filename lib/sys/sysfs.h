/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The few facts about block devices that are read from /sys/class/block. Not
 * during a hold. ndctl.c and block.c call these. -ENOENT or -ENODEV: the device
 * is gone.
 */
#ifndef PMF_SYS_SYSFS_H
#define PMF_SYS_SYSFS_H

#include <sys/types.h>

#include "base/base.h"

#define PMF_SYS_CLASS_BLOCK "/sys/class/block"

int pmf_sysfs_block_devno(const char *name, dev_t *ret);
int pmf_sysfs_block_size(const char *name, uint64_t *ret_bytes);
/* Which disk of those that ever had the name: 0 where the kernel does not count. */
int pmf_sysfs_block_seq(const char *name, uint64_t *ret);
/* A number of sectors in a file of the device, as bytes. */
int pmf_sysfs_block_sectors(const char *name, const char *file, uint64_t *ret_bytes);
/* /dev/NAME: the kernel's name with '!' for what is '/' there. Frees *ret first. */
int pmf_sysfs_block_node(const char *name, char **ret);

#endif
