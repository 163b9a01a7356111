// SPDX-License-Identifier: LGPL-2.1-or-later
/* What every handling does with a site. See execution.h. */
#include <stdarg.h>

#include "flow/execution.h"

#define FREEZE_SHARE		3	/* of the hold, at most, may go into one freeze */

uint64_t pmf_execution_now(const struct pmf_execution *x)
{
	return x->run->sys->ops->now_boottime_ns(x->run->sys);
}

void pmf_execution_record(const struct pmf_execution *x, struct pmf_step *step,
			  uint64_t begin, int r)
{
	step->ns += pmf_execution_now(x) - begin;
	step->error = r;
	step->state = r >= 0 ? PMF_STEP_DONE :
		      r == -EOPNOTSUPP ? PMF_STEP_UNSUPPORTED : PMF_STEP_FAILED;
}

void pmf_execution_problem(struct pmf_execution *x, const char *format, ...)
{
	struct pmf_outcome *o = &x->c->outcome;
	va_list ap;

	if (o->problem[0])
		return;
	va_start(ap, format);
	(void)vsnprintf(o->problem, sizeof(o->problem), format, ap);
	va_end(ap);
}

const char *pmf_execution_label(const struct pmf_site *s)
{
	return s->mountpoint ? s->mountpoint : s->node ? s->node : s->name;
}

struct pmf_fs_policy pmf_execution_policy(const struct pmf_execution *x)
{
	return pmf_policy_for(x->run->policy, x->c->site.mountpoint, x->c->site.node);
}

bool pmf_execution_begin(struct pmf_execution *x, const struct pmf_run *run,
			 struct pmf_case *c, int attempt)
{
	struct pmf_outcome *o = &c->outcome;
	uint64_t begin;
	int r;

	*x = (struct pmf_execution){ .run = run, .c = c, .attempt = attempt, .fd = -1,
				     .guard = -1 };
	if (c->site.kind == PMF_SITE_HOLDER) {
		o->open.state = PMF_STEP_UNSUPPORTED;
		o->open.error = -EOPNOTSUPP;
		pmf_execution_problem(x, "%s is in use by %s, which pmemfail cannot make "
				      "let go", pmf_execution_label(&c->site), c->site.holder);
		return false;
	}
	begin = pmf_execution_now(x);
	r = run->sys->ops->open_site(run->sys, &c->site, &x->fd);
	pmf_execution_record(x, &o->open, begin, r);
	if (r < 0)
		pmf_execution_problem(x, "cannot open the filesystem on %s: %s",
				      pmf_execution_label(&c->site), strerror(-r));
	return r >= 0;
}

/* From freeze to thaw nothing may be logged, allocated, opened or written. */
/* The freeze is what gets dirty data onto the media before it goes, and what keeps
 * a file's blocks where a look has found them. */
void pmf_execution_freeze(struct pmf_execution *x)
{
	const struct pmf_run *run = x->run;
	struct pmf_sys *sys = run->sys;
	struct pmf_outcome *o = &x->c->outcome;
	uint64_t begin = pmf_execution_now(x), limit = run->policy->freeze_timeout_us;
	bool own = false;
	int r;

	x->frozen_since = begin;
	if (!pmf_execution_policy(x).freeze)
		return;
	/* Frozen, pmemfail itself could not go on. When in doubt it is ours. */
	if (sys->ops->is_own(sys, x->fd, run->policy, &own) < 0 || own) {
		o->self = true;
		return;
	}
	if (run->hold_fd >= 0)
		limit = MIN(limit, run->policy->hold_timeout_us / FREEZE_SHARE);
	/* Not the failure's attempt, which may live on in systemd when this process dies. */
	if (x->attempt >= 0 && x->guard < 0)
		(void)sys->ops->attempt_open(sys, &x->guard);
	r = sys->ops->freeze_prepare(sys, x->fd, x->c->site.name, limit, &x->freeze);
	if (r >= 0) {
		if (x->guard >= 0)	/* the guard process stands behind it as well */
			(void)sys->ops->attempt_guard(sys, x->guard, x->fd, true);
		r = sys->ops->freeze(sys, x->freeze);
	}
	if (r == -EBADF)	/* shut down before we came: see open_site */
		return;
	pmf_execution_record(x, &o->freeze, begin, r);
	o->freeze_late = r == -ETIMEDOUT;
}

void pmf_execution_thaw(struct pmf_execution *x, bool anyones)
{
	struct pmf_sys *sys = x->run->sys;
	struct pmf_outcome *o = &x->c->outcome;
	uint64_t begin = pmf_execution_now(x);
	int r;

	if (!x->freeze)
		return;
	if (o->freeze.error == -EBUSY && !anyones) {
		r = 0;		/* it is somebody else's */
	} else {
		r = sys->ops->thaw(sys, x->freeze);
		pmf_execution_record(x, &o->thaw, begin, r);
	}
	if (o->freeze.state == PMF_STEP_DONE)
		o->frozen_ns += pmf_execution_now(x) - x->frozen_since;
	if (r >= 0 && x->guard >= 0)
		(void)sys->ops->attempt_guard(sys, x->guard, x->fd, false);
	if (r >= 0)
		x->freeze = sys->ops->freeze_done(sys, x->freeze);
}

static void explain_thaw(struct pmf_execution *x)
{
	if (x->c->outcome.thaw.state != PMF_STEP_FAILED)
		return;
	x->c->outcome.problem[0] = '\0';	/* outranks what came before */
	pmf_execution_problem(x, "%s is still frozen: %s; 'pmemfailctl thaw' tries again",
			      pmf_execution_label(&x->c->site),
			      strerror(-x->c->outcome.thaw.error));
}

void pmf_execution_explain(struct pmf_execution *x)
{
	const struct pmf_outcome *o = &x->c->outcome;
	const char *label = pmf_execution_label(&x->c->site);

	explain_thaw(x);
	if (o->revoke.state == PMF_STEP_FAILED && o->revoke.error == -ENODEV)
		pmf_execution_problem(x, "the kernel module is not loaded: mappings of %s could "
				      "not be taken away", label);
	else if (o->revoke.state == PMF_STEP_FAILED)
		pmf_execution_problem(x, "cannot take away the mappings of %s: %s", label,
				      strerror(-o->revoke.error));
	if (o->shutdown.state == PMF_STEP_UNSUPPORTED)
		pmf_execution_problem(x, "%s on %s has no call to shut it down",
				      x->c->site.fstype ? x->c->site.fstype : "the filesystem", label);
	else if (o->shutdown.state == PMF_STEP_FAILED)
		pmf_execution_problem(x, "cannot shut down %s: %s", label,
				      strerror(-o->shutdown.error));
}

void pmf_execution_count(struct pmf_execution *x, const struct pmf_revoke_result *res)
{
	struct pmf_outcome *o = &x->c->outcome;

	o->told += res->told;
	o->walk_ns += res->walk_ns;
	o->unmap_ns += res->unmap_ns;
	o->invalidate_ns += res->invalidate_ns;
	o->signal_ns += res->signal_ns;
}

void pmf_execution_thaw_again(struct pmf_execution *x)
{
	struct pmf_outcome *o = &x->c->outcome;

	if (!x->freeze || x->run->sys->ops->thaw(x->run->sys, x->freeze) < 0)
		return;
	o->thaw.state = PMF_STEP_DONE;
	o->thaw.error = 0;
	x->freeze = x->run->sys->ops->freeze_done(x->run->sys, x->freeze);
}

void pmf_execution_end(struct pmf_execution *x)
{
	pmf_execution_thaw_again(x);	/* one more try; after it, guard and module */
	if (x->freeze)
		x->freeze = x->run->sys->ops->freeze_done(x->run->sys, x->freeze);
	x->guard = safe_close(x->guard);	/* armed still: the module thaws */
	x->fd = safe_close(x->fd);
}
