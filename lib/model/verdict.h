/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A verdict in the making: the worst state so far, and sentences that say why. For
 * the judges of removal and of poison only.
 */
#ifndef PMF_VERDICT_H
#define PMF_VERDICT_H

#include "model/failure.h"

struct pmf_verdict {
	enum pmf_state state;	/* of PENDING, HANDLED, UNSUPPORTED, FAILED */
	char *reason;		/* sentences, one per thing to say; NULL: none */
};

static inline void pmf_verdict_done(struct pmf_verdict *v)
{
	free(v->reason);
	v->reason = NULL;
}

/* failed outranks unsupported outranks handled outranks pending. */
void pmf_verdict_raise(struct pmf_verdict *v, enum pmf_state state);
/* The same with a sentence. */
int pmf_blame(struct pmf_verdict *v, enum pmf_state state, const char *fmt, ...)
	_printf_(3, 4);

/* "xfs on pmem0p1, mounted at /mnt": names come from users, hence escaped. */
int pmf_site_to_words(const struct pmf_site *s, char **ret);

/* A step's errno as words, from any thread. */
const char *pmf_step_why(struct pmf_step step);

/* Into f: state, and reason with what is judged before it ("Removal of pmem0: "). */
int pmf_verdict_give(const struct pmf_verdict *v, const char *what, struct pmf_failure *f);

#endif
