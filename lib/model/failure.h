/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words of the design as types: event, failure, site, target, victim,
 * outcome. Pure: no system calls, no clock, no globals.
 */
#ifndef PMF_FAILURE_H
#define PMF_FAILURE_H

#include "model/topology.h"

enum pmf_kind { PMF_KIND_REMOVE, PMF_KIND_POISON, PMF_KIND_N };

enum pmf_source {
	PMF_SOURCE_HOLD,	/* an unbind that the module makes wait */
	PMF_SOURCE_UEVENT,	/* an unbind that nobody held */
	PMF_SOURCE_REQUEST,	/* prepare-remove, report */
	PMF_SOURCE_BADBLOCKS,
	PMF_SOURCE_MEMORY_FAILURE,
	PMF_SOURCE_N
};

enum pmf_state {
	PMF_STATE_PENDING,
	PMF_STATE_HANDLING,
	PMF_STATE_HANDLED,	/* processes told, damage stands */
	PMF_STATE_CLEARED,
	PMF_STATE_FAILED,	/* reason says why */
	PMF_STATE_UNSUPPORTED,	/* reason says why: nothing can be done there */
	PMF_STATE_N
};

/* What a source saw. */
struct pmf_event {
	enum pmf_kind kind;
	enum pmf_source source;
	char *device_id;
	char *device_name;	/* as it was called then: pmem0 */
	struct pmf_range range;	/* bytes of the device */
	uint64_t hold;		/* id of the hold; 0: none */
	uint64_t time_us;	/* CLOCK_REALTIME */
};

/* A process that maps a target. Named by pid and start, never by pid alone. */
struct pmf_victim {
	int32_t pid;
	uint64_t start_ns;	/* CLOCK_BOOTTIME */
	uint32_t uid;
	char comm[16];
	char *unit;		/* systemd unit or cgroup path; NULL unknown */
	char *path;		/* file mapped at address; NULL unknown */
	uint64_t ino;
	uint32_t generation;
	uint64_t address, length, offset;	/* bytes */
	uint32_t vmas;
	uint32_t lsb;		/* log2 of the granularity */
	bool told;		/* SIGBUS sent */
	bool ignores;		/* ignored or blocked it: gets one at its next access */
	bool exiting;
};

enum pmf_target_kind {
	PMF_TARGET_FILE, PMF_TARGET_DIRECTORY, PMF_TARGET_XATTR, PMF_TARGET_METADATA,
	PMF_TARGET_LOG, PMF_TARGET_FREE, PMF_TARGET_UNKNOWN, PMF_TARGET_N
};

/* What the plan says to do about a target. */
enum pmf_action {
	PMF_ACTION_NONE,	/* free space: nobody has it */
	PMF_ACTION_REVOKE,	/* take the file's range away from every process */
	PMF_ACTION_SHUTDOWN,	/* of the whole filesystem */
	PMF_ACTION_REMOUNT_RO,	/* the same */
	PMF_ACTION_REPORT,	/* say so, no more */
	PMF_ACTION_N
};

/* Each step of a site's handling: not needed, or done with 0 or -errno. */
enum pmf_step_state {
	PMF_STEP_SKIPPED, PMF_STEP_DONE, PMF_STEP_FAILED, PMF_STEP_UNSUPPORTED, PMF_STEP_N
};

struct pmf_step {
	enum pmf_step_state state;
	int error;		/* 0 or -errno */
	uint64_t ns;		/* duration */
};

struct pmf_target {
	enum pmf_target_kind kind;
	struct pmf_range at;	/* bytes of the site */
	uint64_t ino;		/* 0: not of an inode */
	uint32_t generation;
	struct pmf_range range;	/* bytes in the file; empty: not of its data */
	char *path;		/* NULL: not known */
	bool shared;		/* reflinked: the bytes have other owners, too */
	enum pmf_action action;
	struct pmf_step step;	/* how the action went */
	uint64_t told, pinned;	/* processes, pages */
};

enum pmf_site_kind {
	PMF_SITE_FILESYSTEM,
	PMF_SITE_DEVDAX,
	PMF_SITE_HOLDER,	/* unknown holder: swap, md, dm-crypt: reported only */
	PMF_SITE_N
};

/* Which of a filesystem's devices the site is. */
enum pmf_site_role { PMF_ROLE_DATA, PMF_ROLE_LOG, PMF_ROLE_REALTIME, PMF_ROLE_N };

/* Something mounted, or otherwise using the device, that the range reaches. */
struct pmf_site {
	enum pmf_site_kind kind;
	enum pmf_site_role role;
	dev_t devno;		/* of the block or character device it sits on */
	dev_t fs_devno;		/* of the filesystem: its data device, also when the
				 * site is its log or realtime device */
	char *name;		/* pmem0p1, dm-0, dax0.0 */
	char *node;
	char *fstype;		/* xfs, ext4; NULL when no filesystem */
	char *mountpoint;	/* one of them in our namespace; NULL: hidden from it */
	char *holder;		/* for PMF_SITE_HOLDER: "swap", "md", "crypt" */
	bool dax;		/* mounted with DAX, as far as the options tell */
	struct pmf_ranges ranges;	/* own bytes */
};

/* What happened at one site: plain numbers, filled without allocation. */
struct pmf_outcome {
	struct pmf_step open, look, resolve, freeze, revoke, shutdown, remount_ro, stop_dax,
			settle, thaw, unmount;
	uint64_t frozen_ns;	/* how long the filesystem stood still */
	uint64_t walk_ns, unmap_ns, invalidate_ns, signal_ns;
	uint64_t files, vmas, entries, entries_left, pinned, told;
	bool freeze_late;	/* deadline missed: went on unfrozen */
	bool self;		/* holds pmemfail's own files: not frozen */
	char problem[256];	/* for people; empty when all is well */
};

/* A site with what was found and what became of it. */
struct pmf_case {
	struct pmf_site site;
	struct pmf_outcome outcome;
	struct pmf_target *targets;
	size_t n_targets;
	struct pmf_victim *victims;
	size_t n_victims;
};

/* What one hook made of the failure. */
struct pmf_hook_result {
	char *name;		/* of the file in hooks.d */
	int status;		/* exit status; 128 + signal; -errno: refused or not run */
	bool timed_out;
	uint64_t ns;
	char *why;		/* for people, when refused; NULL otherwise */
};

/* How long the filesystems of all its cases were frozen. */
struct pmf_freezes {
	uint64_t ns, longest_ns;	/* together; the one that was longest */
};

struct pmf_failure {
	uint64_t id;		/* from the store, never repeats; 0: not recorded */
	enum pmf_kind kind;
	enum pmf_source source;
	enum pmf_state state;
	char *device_id, *device_name;
	struct pmf_ranges ranges;
	uint64_t created_us, updated_us;	/* CLOCK_REALTIME */
	uint64_t hold;		/* being held; 0: none */
	uint64_t hold_ns;	/* from the unbind's begin to its release; 0: no hold */
	bool hold_ended;	/* the hold ended before we released it */
	char *reason;		/* for failed and unsupported: always set */
	/* Poison only: which of the ranges were seen in the kernel's badblocks. Once
	 * none of them is there any more, though the device is, the failure is cleared. */
	struct pmf_ranges listed;
	/* That we wrote them there ourselves, and when: BOOT-ID/DISKSEQ of the block
	 * device. Such a list is empty again after a rebind: then they are written anew.
	 * NULL: the kernel found them itself. */
	char *marked_in;
	struct pmf_hook_result *hooks;
	size_t n_hooks;
	struct pmf_case *cases;
	size_t n_cases;
	/* Of a failure without its cases: see pmf_failure_told() and _freezes(). */
	uint64_t told;
	struct pmf_freezes freezes;
};

/* How many processes were told, in all its cases. */
uint64_t pmf_failure_told(const struct pmf_failure *f);
struct pmf_freezes pmf_failure_freezes(const struct pmf_failure *f);
struct pmf_failure *pmf_failure_free(struct pmf_failure *f);
static inline void pmf_failure_freep(struct pmf_failure **f)
{
	*f = pmf_failure_free(*f);
}
int pmf_failure_from_event(const struct pmf_event *e, struct pmf_failure **ret);
/* Another event's ranges join it. Whatever is not from the kernel's lists may have to be
 * written there, so that outweighs. */
void pmf_failure_also_from(struct pmf_failure *f, enum pmf_source source);
int pmf_failure_copy(const struct pmf_failure *f, struct pmf_failure **ret);
void pmf_event_done(struct pmf_event *e);
void pmf_site_done(struct pmf_site *s);
void pmf_case_done(struct pmf_case *c);
void pmf_cases_free(struct pmf_case *cases, size_t n);	/* the array, too */
/* Of an array, with the array. */
void pmf_hooks_done(struct pmf_hook_result *hooks, size_t n);
/* Forget the hooks' answers: they speak of what was before. */
void pmf_failure_drop_hooks(struct pmf_failure *f);
/* Its sites with all that belongs to them. */
void pmf_failure_drop_cases(struct pmf_failure *f);

/*
 * Judge a removal by its cases: handled when every filesystem is shut down with
 * no entry left, unsupported when all that is wrong is a holder or a filesystem
 * that cannot be handled, failed otherwise. An unmount that is done outweighs what
 * failed before it. Sets state and reason: sentences, names in them escaped.
 */
int pmf_failure_judge_removal(struct pmf_failure *f);

/*
 * Judge poison by its cases: failed when an action failed, unsupported when the
 * only problem is that nothing could be done somewhere (a holder, no DAX, no
 * module), pending when it reaches nothing but free space or nothing mounted,
 * else handled. Sets state and reason (also for pending: what it waits for).
 */
int pmf_failure_judge_poison(struct pmf_failure *f);

/* The reason when a page of the namespace's own is bad; takes the device's name. */
#define PMF_INFO_IS_BAD \
	"Poison of %s: it is in the namespace's own info block or page structs, not in data. " \
	"All of the data is still there, but the device may not come back after its next " \
	"unbind or boot: copy the data away."

/* May a failure go from one state to the other? */
bool pmf_state_may_become(enum pmf_state from, enum pmf_state to);

const char *pmf_kind_to_string(enum pmf_kind k);
const char *pmf_source_to_string(enum pmf_source s);
const char *pmf_state_to_string(enum pmf_state s);
const char *pmf_site_kind_to_string(enum pmf_site_kind k);
const char *pmf_target_kind_to_string(enum pmf_target_kind k);
const char *pmf_step_state_to_string(enum pmf_step_state s);
const char *pmf_action_to_string(enum pmf_action a);
const char *pmf_site_role_to_string(enum pmf_site_role r);
/* -EINVAL for a word that is none. */
int pmf_kind_from_string(const char *s, enum pmf_kind *ret);
int pmf_source_from_string(const char *s, enum pmf_source *ret);
int pmf_state_from_string(const char *s, enum pmf_state *ret);
int pmf_site_kind_from_string(const char *s, enum pmf_site_kind *ret);
int pmf_target_kind_from_string(const char *s, enum pmf_target_kind *ret);
int pmf_step_state_from_string(const char *s, enum pmf_step_state *ret);
int pmf_action_from_string(const char *s, enum pmf_action *ret);
int pmf_site_role_from_string(const char *s, enum pmf_site_role *ret);

#endif
