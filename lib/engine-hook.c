// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Hooks: run when a failure has come to an end and that is on record, in a job, never
 * while a handling is under way. Their answers become part of the record.
 */
#include "engine.h"
#include "poison.h"

void pmf_engine_hooks(struct pmemfail_engine *e, uint64_t token, const struct pmf_failure *f)
{
	struct pmf_job *j = NULL;
	int r;

	/* With answers it is what a hook's job has recorded. */
	if (e->ending || f->n_hooks > 0 || f->state == PMF_STATE_HANDLING)
		return;
	r = pmf_job_new(e, PMF_JOB_HOOKS, &j);
	if (r >= 0)
		r = pmf_failure_copy(f, &j->failure);
	if (r >= 0 && f->kind == PMF_KIND_POISON && !strdup_to(&j->device_id, f->device_id))
		r = -ENOMEM;
	if (r < 0) {
		pmf_job_free(j);
		pmf_log(e->ctx, "hooks are not run: %s", strerror(-r));
		return;
	}
	j->token = token;
	pmf_job_start(j);
}

/* Whoever looks at the failure meanwhile waits until the answers are on record. What the
 * engine has not recorded yet it has the lock for itself: see unlock_when_saved(). */
static void lock(struct pmf_job *j)
{
	struct pmemfail_engine *e = j->engine;

	if (j->device_id && !pmf_record_is_behind(e->record, j->device_id))
		(void)pmf_poison_lock(e->sys, j->device_id, PMF_POISON_PATIENCE_US,
				      &j->lock_fd);
}

void pmf_job_hooks(struct pmf_job *j)
{
	int r = pmf_hooks_run(j->engine->sys, j->engine->policy, j->failure);

	if (r < 0)
		pmf_log(j->engine->ctx, "hooks were not run: %s", strerror(-r));
	if (j->failure->n_hooks == 0)
		return;
	lock(j);
	pmf_record_answer(j->engine->record, TAKE_PTR(j->room), j->token,
			  TAKE_PTR(j->failure));
}
