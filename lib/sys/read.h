/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The operations of sys.h that read the machine: topology, mounts, processes,
 * lists of bad blocks. Only sys.c calls them, to put them into its table; what they
 * promise is said at struct pmf_sys_ops. None of them uses s, so a test may pass NULL.
 */
#ifndef PMF_SYS_READ_H
#define PMF_SYS_READ_H

#include "sys/sys.h"

/* topology-read.c */
int pmf_sys_read_topology(struct pmf_sys *s, unsigned int parts,
			  const struct pmf_topology *old, struct pmf_topology **ret);

/* mount.c */
int pmf_sys_mounted_fstype(struct pmf_sys *s, const char *block_name, const char **ret);
int pmf_sys_open_site(struct pmf_sys *s, const struct pmf_site *site, int *ret_fd);
int pmf_sys_unmount(struct pmf_sys *s, dev_t devno, unsigned int *ret_n);
int pmf_sys_is_own(struct pmf_sys *s, int fd, const struct pmf_policy *p, bool *ret);

/* proc.c, scan.c */
int pmf_sys_describe_victims(struct pmf_sys *s, struct pmf_victim *victims, size_t n);
int pmf_sys_scan_victims(struct pmf_sys *s, dev_t devno, struct pmf_victim **ret,
			 size_t *ret_n);

/* badblocks.c */
int pmf_sys_read_badblocks(struct pmf_sys *s, const struct pmf_device *d,
			   struct pmf_ranges *ret, bool *ret_full);
int pmf_sys_mark_bad(struct pmf_sys *s, const struct pmf_device *d, struct pmf_range r);
int pmf_sys_binding_id(struct pmf_sys *s, const struct pmf_device *d, char **ret);

#endif
