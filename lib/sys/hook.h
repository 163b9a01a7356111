/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which hooks may run: nobody but root may have had a hand in what runs as root.
 * Only hook-list.c and hook.c know this.
 */
#ifndef PMF_SYS_HOOK_H
#define PMF_SYS_HOOK_H

#include "base/base.h"

/*
 * Open the directory of hooks, readable. -EPERM: others than root could put something
 * into it, and *ret_why says so (also with other errors; malloc'd).
 */
int pmf_hook_open_dir(const char *dir, int *ret_fd, char **ret_why);
/* May this one run? Once it may, only root can change what is called so: the
 * directory is root's. -EPERM and the like: no, *ret_why says why. */
int pmf_hook_check(int dir_fd, const char *name, char **ret_why);

#endif
