// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The engine and the record: notes in RuntimeDirectory for a successor, what the
 * record's thread tells, and what a predecessor left behind.
 */
#include "engine.h"
#include "flow/marker.h"
#include "sys/rundir.h"

/* --- notes in RuntimeDirectory --------------------------------------------- */

static int remember_name(struct pmemfail_engine *e, uint64_t token, const char *name)
{
	struct pmf_note_name *n;
	int r;

	for (size_t i = 0; i < e->n_names; i++)
		if (e->names[i].token == token)
			return 0;
	r = pmf_grow(&e->names, &e->cap_names, e->n_names + 1, sizeof(*e->names));
	if (r < 0)
		return r;
	n = &e->names[e->n_names++];
	n->token = token;
	(void)snprintf(n->name, sizeof(n->name), "%s", name);
	return 0;
}

static const char *name_of(struct pmemfail_engine *e, uint64_t token)
{
	for (size_t i = 0; i < e->n_names; i++)
		if (e->names[i].token == token)
			return e->names[i].name;
	return NULL;
}

static void forget_name(struct pmemfail_engine *e, uint64_t token)
{
	for (size_t i = 0; i < e->n_names; i++)
		if (e->names[i].token == token) {
			e->names[i] = e->names[--e->n_names];
			return;
		}
}

static void remove_note(struct pmemfail_engine *e, uint64_t token)
{
	const char *name = name_of(e, token);
	int r;

	if (!name)
		return;
	r = pmf_rundir_remove(e->policy->run_dir, name);
	if (r < 0)
		pmf_log(e->ctx, "cannot remove %s: %s", name, strerror(-r));
	forget_name(e, token);
}

void pmf_engine_write_note(struct pmemfail_engine *e, uint64_t token, const char *name,
			   const struct pmf_failure *f)
{
	_cleanup_free_ char *text = NULL;
	int r;

	r = pmf_marker_from_failure(f, &text);
	if (r >= 0)
		r = pmf_rundir_write(e->policy->run_dir, name, text);
	/* token 0: from a job's thread, its name is remembered already */
	if (r >= 0 && token)
		r = remember_name(e, token, name);
	if (r < 0)
		pmf_log(e->ctx, "cannot write %s: %s", name, strerror(-r));
}

/* --- to the record --------------------------------------------------------- */

int pmf_engine_put(struct pmemfail_engine *e, uint64_t token, const struct pmf_failure *f,
		   bool final)
{
	struct pmf_failure *copy;
	int r;

	r = pmf_failure_copy(f, &copy);
	if (r >= 0)
		r = pmf_record_put(e->record, token, copy, final);
	if (r < 0)
		pmf_log(e->ctx, "a failure could not be handed to the record: %s",
			strerror(-r));
	return r;
}

/* --- from the record ------------------------------------------------------- */

static void unfinished(struct pmemfail_engine *e, struct pmf_record_note *n)
{
	struct pmf_job *j;

	if (e->ending)
		return;
	/* Its end was only not recorded: no need to guess. */
	if (n->failure->state != PMF_STATE_HANDLING && n->failure->state != PMF_STATE_PENDING) {
		(void)pmf_engine_put(e, n->token, n->failure, true);
		return;
	}
	if (pmf_job_new(e, PMF_JOB_LEFTOVER, &j) < 0) {
		pmf_log(e->ctx, "an unfinished failure was left as it is: out of memory");
		return;
	}
	j->token = n->token ?: ++e->last_token;
	j->failure = TAKE_PTR(n->failure);
	pmf_job_start(j);
}

static void changed(struct pmemfail_engine *e, struct pmf_record_note *n)
{
	if (n->token & PMF_TOKEN_HUSHED)
		return;
	if (n->final && !n->again)
		pmf_engine_hooks(e, n->token, n->failure);
	pmf_engine_notice(e, n->added ? PMEMFAIL_FAILURE_ADDED : PMEMFAIL_FAILURE_CHANGED,
			  TAKE_PTR(n->failure), NULL);
}

/* What is known is read from the record, so that must be open; but poison is told all
 * the same when it is out of order. */
static void begin_poison(struct pmemfail_engine *e)
{
	if (e->record_ready)
		return;
	e->record_ready = true;
	pmf_engine_look(e, NULL, true);
}

void pmf_engine_note(struct pmemfail_engine *e, struct pmf_record_note *n)
{
	const char *name;

	switch (n->news) {
	case PMF_RECORD_SAVED:
		if (n->final)
			remove_note(e, n->token);
		pmf_engine_trace_saved(e, n->failure);
		if (n->failure->kind == PMF_KIND_POISON &&
		    n->failure->state != PMF_STATE_HANDLING)
			e->sys->ops->attempt_finish(e->sys, n->failure->id);
		pmf_engine_poison_noted(e, n);
		changed(e, n);
		break;
	case PMF_RECORD_UNSAVED:
		/* Its end is noted at least until the next boot. */
		name = name_of(e, n->token);
		if (n->final && name)
			pmf_engine_write_note(e, n->token, name, n->failure);
		pmf_engine_poison_noted(e, n);
		changed(e, n);
		break;
	case PMF_RECORD_UNFINISHED:
		unfinished(e, n);
		break;
	case PMF_RECORD_DROPPED:
		forget_name(e, n->token);	/* the file stays, for a successor */
		break;
	case PMF_RECORD_KNOWN:
		remove_note(e, n->token);
		break;
	case PMF_RECORD_READY:
		begin_poison(e);
		break;
	case PMF_RECORD_PROBLEM:
		begin_poison(e);
		pmf_engine_notice(e, PMEMFAIL_RECORD_PROBLEM, NULL, TAKE_PTR(n->text));
		break;
	}
	pmf_record_note_free(n);
}

static void on_note(struct pmf_record_note *n, void *userdata)
{
	struct pmf_note_message *m = calloc(1, sizeof(*m));

	if (!m) {
		/* The caller is not told; the record and the files tell the truth. */
		pmf_record_note_free(n);
		return;
	}
	m->message.kind = PMF_MESSAGE_NOTE;
	m->note = n;
	pmf_engine_send(userdata, &m->message);
}

/* --- the beginning --------------------------------------------------------- */

struct collect {
	struct pmemfail_engine *engine;
	struct pmf_leftover *v;
	size_t n, cap;
};

static int collect_note(const char *name, const char *text, void *userdata)
{
	struct collect *c = userdata;
	struct pmf_failure *f;
	uint64_t token;
	int r;

	if (strlen(name) >= sizeof(c->engine->names->name))
		return 0;
	r = pmf_failure_from_marker(text, &f);
	if (r < 0) {
		pmf_log(c->engine->ctx, "%s is not a note of ours: %s", name, strerror(-r));
		return r == -ENOMEM ? r : 0;
	}
	r = pmf_grow(&c->v, &c->cap, c->n + 1, sizeof(*c->v));
	if (r >= 0) {
		token = ++c->engine->last_token;
		r = remember_name(c->engine, token, name);
	}
	if (r < 0) {
		pmf_failure_free(f);
		return r;
	}
	f->id = 0;	/* whatever the note says, the store knows */
	c->v[c->n++] = (struct pmf_leftover){ .token = token, .failure = f };
	return 0;
}

int pmf_engine_start_record(struct pmemfail_engine *e)
{
	struct collect c = { .engine = e };
	int r;

	r = pmf_rundir_foreach(e->policy->run_dir, collect_note, &c);
	if (r < 0)
		pmf_log(e->ctx, "cannot read all notes of a predecessor: %s", strerror(-r));
	r = pmf_record_start(e->policy->state_dir, c.v, c.n, on_note, e, &e->record);
	if (r < 0)
		return pmf_why_errno(r, "cannot start recording");
	pmf_record_keep(e->record, e->policy->keep_us ?: UINT64_MAX,
			e->policy->keep_max ?: UINT64_MAX);
	return 0;
}
