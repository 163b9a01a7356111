/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the machine for the engine share. */
#ifndef PMF_FAKE_HOLDS_INTERNAL_H
#define PMF_FAKE_HOLDS_INTERNAL_H

#include "fake-holds.h"

static inline struct fake_holds *fake_of(struct pmf_sys *s)
{
	return s->data;
}

static inline void fake_unlockp(struct fake_holds **f)
{
	pthread_cond_broadcast(&(*f)->changed);
	pthread_mutex_unlock(&(*f)->lock);
}
#define LOCKED(s)							\
	_cleanup_(fake_unlockp) struct fake_holds *f = fake_of(s);	\
	pthread_mutex_lock(&f->lock)

/* fake-lists.c */
int fake_holds_read_badblocks(struct pmf_sys *s, const struct pmf_device *d,
			      struct pmf_ranges *ret, bool *ret_full);
int fake_holds_mark_bad(struct pmf_sys *s, const struct pmf_device *d, struct pmf_range r);
int fake_holds_binding_id(struct pmf_sys *s, const struct pmf_device *d, char **ret);
int fake_holds_list_hooks(struct pmf_sys *s, const char *dir, struct pmf_hook_result **ret,
		      size_t *ret_n);
int fake_holds_run_hook(struct pmf_sys *s, const char *dir, struct pmf_hook_result *h,
		    const char *text, char *const *env, uint64_t timeout_us);

#endif
