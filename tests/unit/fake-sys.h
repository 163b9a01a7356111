/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine to handle removals on: filesystems that freeze, refault and shut
 * down as the real ones do, processes that map them, one hold. It can fail the
 * nth call, or every call of one kind, and it notes each broken rule of sys.h:
 * so a test asks it afterwards what really happened, not what was claimed.
 */
#ifndef PMF_FAKE_SYS_H
#define PMF_FAKE_SYS_H

#include "sys/sys.h"

#define FAKE_FS		4
#define FAKE_PROCS	6
#define FAKE_INODES	10
#define FAKE_EXTENTS	16

struct fake_fs {
	dev_t devno;
	const char *name, *fstype;	/* fstype NULL: a device-DAX node */
	const char *log_name;		/* the block its log is on; NULL: the same */
	bool mounted;			/* has a superblock */
	bool hidden;			/* in another mount namespace only */
	bool frozen, foreign_freeze, down, dax_dead;
	bool refaults;			/* a reader maps it again as soon as it can */
	bool own;			/* holds pmemfail's own files */
	unsigned int entries, dirty;	/* DAX entries; of these dirty */
	unsigned int pinned_for;	/* sleeps until its pins go */
	bool knows;			/* who owns what: answers owners() */
	bool read_only;
	/* counts */
	unsigned int freezes, thaws, armed;
};

struct fake_proc {
	int32_t pid;
	unsigned int maps;		/* bit i: filesystem i */
	bool stays;			/* does not end when told */
	bool gone;
	unsigned int told;
};

struct fake_inode {
	unsigned int fs;		/* index */
	uint64_t ino;
	uint32_t generation;
	enum pmf_target_kind kind;
	unsigned int maps;		/* bit i: process i maps all of it */
	bool open, gone;
};

struct fake_extent {
	unsigned int fs;
	struct pmf_extent e;
	unsigned int revoked;		/* how often */
	unsigned int told;		/* bit i: process i was told by such a revoke */
};

struct fake {
	struct pmf_sys sys;
	struct fake_fs fs[FAKE_FS];
	size_t n_fs;
	struct fake_proc procs[FAKE_PROCS];
	size_t n_procs;
	struct fake_inode inodes[FAKE_INODES];
	size_t n_inodes;
	struct fake_extent extents[FAKE_EXTENTS];
	size_t n_extents;
	unsigned int moves;		/* so many freezes find a file moved */
	enum pmf_signal signal;		/* that a poisoned file's users are to be sent */
	struct pmf_range bad[8];	/* badblocks */
	size_t n_bad;
	unsigned int marks;
	unsigned int journal_reads;
	bool forgetful;			/* somebody may be told twice */
	bool must_mark;			/* before anything is revoked */
	const char *binding;
	bool no_module;
	bool freeze_late;		/* every freeze misses its deadline */
	/* which call fails, and how */
	unsigned int fail_nth;		/* 1: the next; 0: none */
	const char *fail_op;		/* every one of this name */
	int fail_error;
	bool fail_by_table;		/* the nth, with its fail_kth error of fake-errors.c, */
	unsigned int fail_kth;		/* counted round and round */
	bool no_such_error;		/* it has none, so nothing failed */
	unsigned int die_nth;		/* the process dies when this call is done; 0: none */
	bool dying;			/* it does as soon as it lets go of the lock */
	/* Nothing may be taken away before it is on record; whoever records says so. */
	bool must_record, recorded;
	/* what happened */
	unsigned int calls;
	char failed_op[32];		/* which one the nth was */
	unsigned int releases, prepared, freed, locks;
	bool held;
	char broken[256];		/* the first broken rule; empty: none */
	uint64_t now_ns;
	/* called at each call's begin, if not NULL; may not call the machine */
	void (*on_call)(struct fake *f, const char *op);
	void *private;
};

#define FAKE_DEATH	77	/* exit status */

void fake_init(struct fake *f);
/* The same with the private part at p, zeroed memory of fake_private_size(). */
void fake_init_at(struct fake *f, void *p);
size_t fake_private_size(void);
/* The process that used it died: so did its fds and all that hangs on them. fdstore: but
 * for the attempt that is kept. */
void fake_after_death(struct fake *f, bool fdstore);
void fake_done(struct fake *f);
/* Is all that was on the device really gone, so that an unbind is harmless? */
bool fake_is_safe(const struct fake *f);
/* For test_alloc_watch: none may be made by whoever has frozen something. How many were
 * since the last call. */
void fake_watch_alloc(void);
unsigned int fake_allocs_frozen(void);
/* The names of all operations, for fail_op; NULL past the end. */
const char *fake_op(size_t i);

#endif
