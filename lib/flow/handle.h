/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Handling one failure, top to bottom: the story of the whole system.
 */
#ifndef PMF_HANDLE_H
#define PMF_HANDLE_H

#include "flow/progress.h"
#include "sys/sys.h"

/* What a handling needs, borrowed for its duration. Read-only, so one may serve
 * several threads. */
struct pmf_run {
	struct pmf_sys *sys;
	const struct pmf_policy *policy;
	const struct pmf_topology *topology;	/* the caller keeps it alive */
	int hold_fd;		/* to release f->hold; -1: no hold */
	uint64_t hold_time_ns;	/* CLOCK_BOOTTIME when the unbind began; 0: no hold */
	bool unmount;		/* prepare-remove, or Unmount=yes */
	struct pmf_progress *progress;	/* a removal's steps, a replay's failures; NULL: nobody
					 * looks on */
	bool resumes;		/* poison on record: gone on with after a death, and the
				 * caller says attempt_finish once the end is on record */
};

/*
 * Handle a removal: every site of the device at once, then release the hold.
 * Fills f's cases, state and reason. Returns 0 when f says truly what happened,
 * which may be failed or unsupported; an error only when not even that was
 * possible (-ENOMEM). The hold is released on every path.
 *
 * progress expects its caller's steps, too: PMF_REMOVAL_AFTER, to record the outcome
 * and run the hooks.
 */
#define PMF_REMOVAL_AFTER 1
int pmf_handle_removal(const struct pmf_run *run, struct pmf_failure *f);

/*
 * Handle poison: every site of f's ranges at once. What was done for a target in an
 * earlier handling of the same f (its cases) is not done again: nobody is told twice
 * of what he was told already, so this is the replay, too. Returns as above, but 1 when
 * anything new came of it: 0 means that f tells what it told before (state, reason,
 * targets, victims, listed), so that nothing needs writing or telling. A caller who
 * sets f->state to handling beforehand always gets 1.
 */
int pmf_handle_poison(const struct pmf_run *run, struct pmf_failure *f);

/* The dry run of that. deep: also files that nobody has in use, by walking the whole
 * tree where the filesystem does not know owners; progress may be NULL. */
int pmf_assess_poison(const struct pmf_run *run, struct pmf_failure *f, bool deep,
		      pmf_progress_fn progress, void *userdata);

/* The dry run: sites, files and processes that a removal would hit. Changes nothing. */
int pmf_assess_removal(const struct pmf_run *run, struct pmf_failure *f);

#endif
