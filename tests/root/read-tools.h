/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of reading the machine share: one filesystem on a loop device,
 * in a mount namespace that ends with the program. read.sh sets it up.
 */
#ifndef READ_TOOLS_H
#define READ_TOOLS_H

#include <sys/types.h>

#include "sys/read.h"

extern const char *fstype, *device, *name;	/* xfs, /dev/loop0, loop0 */
extern dev_t devno;

/* A path below the test's directory; a few may be used at once. */
const char *at(const char *path);
/* Nothing mounted, no child left, and the directories m, n, o are there. */
void fresh(void);
/* Mount the filesystem at m. */
bool mount_at(const char *path, unsigned long flags);
bool bind_at(const char *from, const char *to);
/* The site of the filesystem. */
struct pmf_site the_site(const char *mountpoint);
/* Is there a superblock of it? */
bool is_mounted(void);
uint64_t now_ms(void);

/* A process that does fn and then waits to be killed. -1: fn said false. */
pid_t child_doing(bool (*fn)(void *), void *arg);
void child_end(pid_t pid);

#define MAP_BYTES (2u << 20)
/* MAP_BYTES of a file from offset on, made when missing; MAP_FAILED. */
void *map_file(const char *path, off_t offset);
/* Of this process, and of this file unless path is NULL. */
const struct pmf_victim *find_victim(const struct pmf_victim *v, size_t n, pid_t pid,
				     const char *path);
void free_victims(struct pmf_victim *v, size_t n);

#endif
