// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What both judges need to say what they found. Pure. See verdict.h.
 */
#include <stdarg.h>

#include "base/str.h"
#include "model/verdict.h"

static unsigned int rank(enum pmf_state s)
{
	static const unsigned int ranks[PMF_STATE_N] = {
		[PMF_STATE_HANDLED] = 1, [PMF_STATE_UNSUPPORTED] = 2, [PMF_STATE_FAILED] = 3,
	};

	return ranks[s];
}

void pmf_verdict_raise(struct pmf_verdict *v, enum pmf_state state)
{
	if (rank(state) > rank(v->state))
		v->state = state;
}

int pmf_blame(struct pmf_verdict *v, enum pmf_state state, const char *fmt, ...)
{
	_cleanup_free_ char *sentence = NULL;
	va_list ap;
	int n, r;

	va_start(ap, fmt);
	n = vasprintf(&sentence, fmt, ap);
	va_end(ap);
	if (n < 0) {
		sentence = NULL;	/* undefined after a failure */
		return -ENOMEM;
	}
	r = pmf_format(&v->reason, "%s%s%s", v->reason ?: "", v->reason ? " " : "", sentence);
	if (r < 0)
		return r;
	pmf_verdict_raise(v, state);
	return 0;
}

int pmf_site_to_words(const struct pmf_site *s, char **ret)
{
	_cleanup_free_ char *name = NULL, *what = NULL, *where = NULL;
	int r;

	r = pmf_str_escape(s->name ?: "an unnamed device", &name);
	if (r < 0)
		return r;
	if (s->kind == PMF_SITE_DEVDAX)
		return pmf_format(ret, "device-DAX node %s", name);
	if (s->kind == PMF_SITE_HOLDER) {
		r = pmf_str_escape(s->holder ?: "an unknown holder", &what);
		return r < 0 ? r : pmf_format(ret, "%s on %s", what, name);
	}
	r = pmf_str_escape(s->fstype ?: "unknown filesystem", &what);
	if (r < 0)
		return r;
	if (!s->mountpoint)
		return pmf_format(ret, "%s on %s, mounted out of sight", what, name);
	r = pmf_str_escape(s->mountpoint, &where);
	return r < 0 ? r : pmf_format(ret, "%s on %s, mounted at %s", what, name, where);
}

const char *pmf_step_why(struct pmf_step step)
{
	return step.error ? strerrordesc_np(step.error < 0 ? -step.error : step.error) ?:
		"unknown error" : "no error given";
}

int pmf_verdict_give(const struct pmf_verdict *v, const char *what, struct pmf_failure *f)
{
	_cleanup_free_ char *reason = NULL, *device = NULL;
	int r;

	if (v->reason) {
		const char *name = f->device_name ?: f->device_id ?: "an unnamed device";

		r = pmf_str_escape(name, &device);
		if (r < 0)
			return r;
		r = pmf_format(&reason, "%s %s: %s", what, device, v->reason);
		if (r < 0)
			return r;
	}
	free(f->reason);
	f->reason = TAKE_PTR(reason);
	f->state = v->state;
	return 0;
}
