// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What poison came to: from what was planned for each target and how that went to
 * one state and one reason. Pure; lib/flow calls it when all sites are done.
 */
#include <inttypes.h>

#include "base/str.h"
#include "model/verdict.h"

/* Targets alike: how many, and the first as an example. */
struct alike {
	const struct pmf_target *first;
	size_t n;
};

/* What the targets of one site came to. */
struct tally {
	struct alike failed[PMF_ACTION_N], unsupported[PMF_ACTION_N];
	struct alike done, unknown, reported, free;
	uint64_t pinned;	/* pages */
};

static void add_to(struct alike *a, const struct pmf_target *t)
{
	a->first = a->first ?: t;
	a->n++;
}

static void count(struct tally *all, const struct pmf_target *t)
{
	bool no_module = t->action == PMF_ACTION_REVOKE && t->step.error == -ENODEV;

	if (t->action == PMF_ACTION_NONE)
		add_to(&all->free, t);
	else if (t->action == PMF_ACTION_REPORT)
		add_to(t->kind == PMF_TARGET_UNKNOWN ? &all->unknown : &all->reported, t);
	else if (t->step.state == PMF_STEP_DONE)
		add_to(&all->done, t);
	else if (t->step.state == PMF_STEP_UNSUPPORTED || no_module)
		add_to(&all->unsupported[t->action], t);
	else	/* skipped, too: it was planned */
		add_to(&all->failed[t->action], t);
	all->pinned += t->pinned;
}

/* "the data of inode 131, and 2 more like it,". No path: the reason is what everybody may
 * read, and paths are for root; they stand with the targets. */
static int to_words(const struct pmf_site *s, const struct alike *a, char **ret)
{
	static const char *const kinds[PMF_TARGET_N] = {
		[PMF_TARGET_FILE] = "the data",
		[PMF_TARGET_DIRECTORY] = "the directory",
		[PMF_TARGET_XATTR] = "the extended attributes",
		[PMF_TARGET_METADATA] = "metadata",
		[PMF_TARGET_LOG] = "the log",
		[PMF_TARGET_FREE] = "free space",
		[PMF_TARGET_UNKNOWN] = "something unknown",
	};
	const char *kind = s->role == PMF_ROLE_LOG ? "the log" : kinds[a->first->kind];
	_cleanup_free_ char *text = NULL;
	int r;

	if (s->kind == PMF_SITE_DEVDAX)
		return pmf_format(ret, "its memory");
	if (a->first->ino)
		r = pmf_format(&text, "%s of inode %" PRIu64, kind, a->first->ino);
	else
		r = pmf_format(&text, "%s", kind);
	if (r == 0 && a->n > 1)
		r = pmf_format(&text, "%s, and %zu more like it,", text, a->n - 1);
	if (r == 0)
		*ret = TAKE_PTR(text);
	return r;
}

/* An action that did not come off. */
static int blame_action(struct pmf_verdict *v, enum pmf_state state,
			const struct pmf_site *s, const char *site, const struct alike *a)
{
	_cleanup_free_ char *what = NULL;
	struct pmf_step step = a->first->step;
	const char *why = step.state == PMF_STEP_SKIPPED ?
		"an earlier step ended the handling" : pmf_step_why(step);
	int r;

	if (a->first->action == PMF_ACTION_SHUTDOWN)
		return pmf_blame(v, state, "%s: it could not be shut down (%s).", site, why);
	if (a->first->action == PMF_ACTION_REMOUNT_RO)
		return pmf_blame(v, state, "%s: it could not be made read-only (%s).", site,
				 why);
	if (step.error == -ENODEV)
		why = "the pmemfail kernel module is not loaded";
	r = to_words(s, a, &what);
	return r < 0 ? r : pmf_blame(v, state, "%s: %s could not be taken from the processes "
				     "that map it (%s).", site, what, why);
}

/* What nothing can or shall be done about is told all the same. */
static int say(struct pmf_verdict *v, const struct pmf_site *s, const char *site,
	       const struct tally *t)
{
	_cleanup_free_ char *what = NULL;
	int r = 0;

	if (t->reported.n > 0) {
		r = to_words(s, &t->reported, &what);
		if (r == 0)
			r = pmf_blame(v, PMF_STATE_HANDLED, "%s: %s is hit, which is only "
				      "reported, as the settings have it.", site, what);
	}
	if (r == 0 && t->unknown.n > 0)
		r = pmf_blame(v, PMF_STATE_HANDLED, "%s: what lies in some of the bad range "
			      "is not known, so nobody was told of that.", site);
	if (r == 0 && t->pinned > 0)
		r = pmf_blame(v, PMF_STATE_HANDLED, "%s: %" PRIu64 " pages of it were "
			      "pinned, for example by direct I/O or RDMA, which may still "
			      "read them.", site, t->pinned);
	return r;
}

static int judge_targets(struct pmf_verdict *v, struct pmf_verdict *waits,
			 const struct pmf_case *c, const char *site)
{
	struct tally t = {};
	int r;

	for (size_t i = 0; i < c->n_targets; i++)
		count(&t, &c->targets[i]);
	for (int i = 0; i < PMF_ACTION_N; i++) {
		r = t.failed[i].n == 0 ? 0 :
			blame_action(v, PMF_STATE_FAILED, &c->site, site, &t.failed[i]);
		if (r == 0 && t.unsupported[i].n > 0)
			r = blame_action(v, PMF_STATE_UNSUPPORTED, &c->site, site,
					 &t.unsupported[i]);
		if (r < 0)
			return r;
	}
	if (t.done.n > 0)
		pmf_verdict_raise(v, PMF_STATE_HANDLED);
	if (t.free.n == c->n_targets)	/* or none at all */
		return pmf_blame(waits, PMF_STATE_PENDING, "only free space of %s is hit; it "
				 "waits for a file to be put there.", site);
	return say(v, &c->site, site, &t);
}

static bool is_bad(struct pmf_step step)
{
	return step.state == PMF_STEP_FAILED || step.state == PMF_STEP_UNSUPPORTED;
}

static int judge_case(struct pmf_verdict *v, struct pmf_verdict *waits,
		      const struct pmf_case *c)
{
	const struct pmf_outcome *o = &c->outcome;
	_cleanup_free_ char *site = NULL;
	const struct pmf_step *first;
	enum pmf_state state;
	int r;

	r = pmf_site_to_words(&c->site, &site);
	if (r < 0)
		return r;
	if (c->site.kind == PMF_SITE_HOLDER)
		return pmf_blame(v, PMF_STATE_UNSUPPORTED, "%s: data cannot be followed "
				 "through it, so what uses it was not told.", site);
	first = is_bad(o->open) ? &o->open : &o->resolve;
	if (is_bad(*first)) {
		state = first->state == PMF_STEP_FAILED ? PMF_STATE_FAILED :
			PMF_STATE_UNSUPPORTED;
		r = first == &o->resolve && state == PMF_STATE_UNSUPPORTED &&
				first->error == -EBADF ?
			pmf_blame(v, state, "%s: it had been shut down already, so what lies "
				  "there cannot be found out.", site) :
			first == &o->open ?
			pmf_blame(v, state, "%s: it could not be opened (%s), so nobody "
				  "there was told.", site, pmf_step_why(*first)) :
			pmf_blame(v, state, "%s: what lies there could not be found out "
				  "(%s).", site, pmf_step_why(*first));
		if (r < 0)
			return r;
		/* What was done before, or without that, still counts. */
	}
	return judge_targets(v, waits, c, site);
}

/* Whatever the error was called: it is not thawed, and before all else it must be. */
static int judge_frozen(struct pmf_verdict *v, const struct pmf_case *c)
{
	_cleanup_free_ char *site = NULL;
	int r;

	if (!is_bad(c->outcome.thaw))
		return 0;
	r = pmf_site_to_words(&c->site, &site);
	return r < 0 ? r : pmf_blame(v, PMF_STATE_FAILED, "%s: it could not be thawed and "
				     "may still be frozen (%s); run pmemfailctl thaw.", site,
				     pmf_step_why(c->outcome.thaw));
}

int pmf_failure_judge_poison(struct pmf_failure *f)
{
	_cleanup_(pmf_verdict_done) struct pmf_verdict v = { .state = PMF_STATE_PENDING };
	_cleanup_(pmf_verdict_done) struct pmf_verdict waits = { .state = PMF_STATE_PENDING };
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->n_cases; i++)
		r = judge_frozen(&v, &f->cases[i]);
	for (size_t i = 0; r == 0 && i < f->n_cases; i++)
		r = judge_case(&v, &waits, &f->cases[i]);
	if (r == 0 && f->n_cases == 0)
		r = pmf_blame(&waits, PMF_STATE_PENDING, "nothing is mounted there; it waits "
			      "for a filesystem to be mounted.");
	if (r < 0)
		return r;
	return pmf_verdict_give(v.state == PMF_STATE_PENDING ? &waits : &v, "Poison of", f);
}
