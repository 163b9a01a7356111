// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Hooks: run when a failure has come to an end and that is on record, in a job, never
 * while a handling is under way. Their answers become part of the record.
 */
#include "engine.h"
#include "flow/store.h"
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

/* Others may have changed what is on record of it meanwhile: only the answers are
 * ours. Returns the failure to record. */
static struct pmf_failure *with_answers(struct pmf_job *j)
{
	_cleanup_(pmf_store_closep) struct pmf_store *store = NULL;
	struct pmf_failure *f = TAKE_PTR(j->failure), *now = NULL;

	if (f->kind != PMF_KIND_POISON || f->id == 0)
		return f;
	/* Its end may wait to be written: what can be read is then older than ours. */
	if (pmf_record_is_behind(j->engine->record, f->device_id))
		return f;
	(void)pmf_poison_lock(j->engine->sys, f->device_id, PMF_POISON_PATIENCE_US,
			      &j->lock_fd);
	if (pmf_store_open(j->engine->policy->state_dir, false, &store, NULL) < 0 ||
	    pmf_store_get(store, f->id, &now) < 0)
		return f;
	pmf_hooks_done(now->hooks, now->n_hooks);
	now->hooks = f->hooks;
	now->n_hooks = f->n_hooks;
	f->hooks = NULL;
	f->n_hooks = 0;
	pmf_failure_free(f);
	return now;
}

void pmf_job_hooks(struct pmf_job *j)
{
	int r = pmf_hooks_run(j->engine->sys, j->engine->policy, j->failure);

	if (r < 0)
		pmf_log(j->engine->ctx, "hooks were not run: %s", strerror(-r));
	if (j->failure->n_hooks > 0)
		pmf_job_put(j, j->token, with_answers(j));
}
