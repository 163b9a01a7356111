/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the freeze tests share: processes that own a freeze and get killed, a
 * writer that keeps a freeze waiting, and the question whether one can write.
 */
#ifndef FREEZE_TOOLS_H
#define FREEZE_TOOLS_H

#include "sys/sys-internal.h"

struct fs {
	const char *name, *dir, *device, *fstype;
};

extern const char *run_dir;
extern unsigned int failed;

void ok(const char *test, const struct fs *fs);
void not_ok(const char *test, const struct fs *fs, int line, const char *what);

/* Ends the test that it stands in. */
#define CHECK(what) do {							\
	if (!(what)) {								\
		not_ok(__func__, fs, __LINE__, #what);				\
		return;								\
	}									\
} while (0)

struct pmf_sys *sys_open(void);
int open_dir(const struct fs *fs);
uint64_t now_ms(void);
unsigned int count_fds(void);
/* Does a write to the filesystem end within so many ms? */
bool writable(const struct fs *fs, unsigned int ms);
/* Is it frozen within so many ms? */
bool freezes(const struct fs *fs, unsigned int ms);
/* Is there any name in run_dir/frozen? Waits so long for it to be as wanted. */
bool records(bool wanted, unsigned int ms);
bool remount(const struct fs *fs, unsigned int ms);
void mount_fresh(const struct fs *fs);

/* A process inside a write to the filesystem: FIFREEZE waits for it. Any user who
 * may write a file can do this. */
struct blocker { pid_t pid; int pipe; };
struct blocker blocker_start(const struct fs *fs);
void blocker_end(struct blocker *b);

/* A process that goes so far with a freeze and stays there. */
enum stage { AT_PREPARED, AT_FREEZING, AT_FROZEN };
struct owner { pid_t pid, guard; };
struct owner owner_start(const struct fs *fs, enum stage stage);
void owner_kill(struct owner *o);
void kill_and_wait_gone(pid_t pid);
/* 0: it has none. */
pid_t guard_of(pid_t owner);
/* Ours. */
void kill_guard(int sig);

/* --- freeze-death.c: tests --- */
void killed_at_any_stage(const struct fs *fs);
void killed_while_a_child_lives(const struct fs *fs);
void killed_at_random(const struct fs *fs);
void stuck_one_does_not_delay_others(const struct fs *fs, const struct fs *other);
void goes_on_without_guard(const struct fs *fs);
void new_guard_knows_old_freezes(const struct fs *fs, const struct fs *other);
void next_start_thaws(const struct fs *fs);
void next_start_waits_for_the_dying(const struct fs *fs);
void guard_ends_a_freeze_of_a_hanging_owner(const struct fs *fs);

#endif
