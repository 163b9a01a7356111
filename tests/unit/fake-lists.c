// SPDX-License-Identifier: GPL-2.0-only
/* The lists of bad blocks, and the hooks, of the machine for the engine. See fake-holds.h. */
#include <sys/sysmacros.h>

#include "fake-holds-internal.h"

static size_t number_of(const struct pmf_device *d)
{
	size_t i = minor(d->devno);

	if (i >= FAKE_BAD)
		abort();
	return i;
}

int fake_holds_read_badblocks(struct pmf_sys *s, const struct pmf_device *d,
			      struct pmf_ranges *ret, bool *ret_full)
{
	LOCKED(s);

	f->bad_reads++;
	pthread_cond_broadcast(&f->changed);
	while (f->bad_stuck && number_of(d) == 0)
		pthread_cond_wait(&f->changed, &f->lock);
	if (f->bad_error < 0)
		return f->bad_error;
	*ret_full = f->bad_full;
	return pmf_ranges_copy(&f->bad[number_of(d)], ret);
}

int fake_holds_mark_bad(struct pmf_sys *s, const struct pmf_device *d, struct pmf_range r)
{
	LOCKED(s);

	f->marks++;
	if (f->mark_error < 0)
		return f->mark_error;
	return pmf_ranges_add(&f->bad[number_of(d)], r);
}

int fake_holds_binding_id(struct pmf_sys *s, const struct pmf_device *d, char **ret)
{
	LOCKED(s);
	char buf[32];

	(void)snprintf(buf, sizeof(buf), "boot/%u", f->binding[number_of(d)]);
	*ret = strdup(buf);
	return *ret ? 0 : -ENOMEM;
}

/* --- hooks --- */

int fake_holds_list_hooks(struct pmf_sys *s, const char *dir, struct pmf_hook_result **ret,
		      size_t *ret_n)
{
	LOCKED(s);

	(void)dir;
	*ret = calloc(2, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	*ret_n = 0;
	if (!f->hook)
		return 0;
	if (!strdup_to(&(*ret)[0].name, f->hook) || !strdup_to(&(*ret)[1].name, "refused"))
		abort();
	(*ret)[1].status = -EPERM;
	*ret_n = 2;
	return 0;
}

int fake_holds_run_hook(struct pmf_sys *s, const char *dir, struct pmf_hook_result *h,
		    const char *text, char *const *env, uint64_t timeout_us)
{
	LOCKED(s);
	size_t n = 0;

	(void)dir;
	(void)timeout_us;
	f->hooking++;
	pthread_cond_broadcast(&f->changed);
	while (f->hook_stuck)
		pthread_cond_wait(&f->changed, &f->lock);
	for (; *env; env++)
		n += (size_t)snprintf(f->hook_env + n, sizeof(f->hook_env) - n, "%s\n", *env);
	(void)snprintf(f->hook_text, sizeof(f->hook_text), "%s", text);
	h->status = 3;
	f->hook_runs++;
	return 0;
}
