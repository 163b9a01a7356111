// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Failures: reading the record, and what is to know about one. Public.
 */
#include "context.h"
#include "flow/store.h"
#include "ops.h"

static_assert((int)PMEMFAIL_PENDING == (int)PMF_STATE_PENDING, "same states");
static_assert((int)PMEMFAIL_HANDLING == (int)PMF_STATE_HANDLING, "same states");
static_assert((int)PMEMFAIL_HANDLED == (int)PMF_STATE_HANDLED, "same states");
static_assert((int)PMEMFAIL_CLEARED == (int)PMF_STATE_CLEARED, "same states");
static_assert((int)PMEMFAIL_FAILED == (int)PMF_STATE_FAILED, "same states");
static_assert((int)PMEMFAIL_UNSUPPORTED == (int)PMF_STATE_UNSUPPORTED, "same states");
static_assert((int)PMEMFAIL_UNSUPPORTED + 1 == (int)PMF_STATE_N, "same states");

static int open_record(struct pmemfail *ctx, struct pmf_store **ret)
{
	int r = pmf_store_open(ctx->policy.state_dir, false, ret, NULL);

	if (r < 0 && r != -ENOENT)
		return pmf_why_errno(r, "cannot read the record in %s", ctx->policy.state_dir);
	return r;
}

/* Settings stand from here on, but reading the record needs no machine. */
static void begin(struct pmemfail *ctx)
{
	pthread_mutex_lock(&ctx->lock);
	ctx->acted = true;
	pthread_mutex_unlock(&ctx->lock);
}

struct forward {
	pmemfail_failure_fn fn;
	void *userdata;
};

static int forward(const struct pmf_failure *f, void *userdata)
{
	struct forward *to = userdata;

	return to->fn((const struct pmemfail_failure *)f, to->userdata);
}

int pmf_direct_list_failures(struct pmemfail *ctx, int state, uint64_t before,
			     pmemfail_failure_fn fn, void *userdata)
{
	_cleanup_(pmf_store_closep) struct pmf_store *store = NULL;
	struct forward to = { fn, userdata };
	int r;

	begin(ctx);
	r = open_record(ctx, &store);
	if (r == -ENOENT)
		return 0;	/* nothing was ever recorded */
	if (r < 0)
		return r;
	r = pmf_store_foreach_before(store, state, before, forward, &to);
	return r < 0 ? pmf_why_errno(r, "cannot read the record") : 0;
}

int pmf_direct_get_failure(struct pmemfail *ctx, uint64_t id, struct pmf_failure **ret)
{
	_cleanup_(pmf_store_closep) struct pmf_store *store = NULL;
	int r;

	begin(ctx);
	r = open_record(ctx, &store);
	if (r >= 0)
		r = pmf_store_get(store, id, ret);
	if (r == -ENOENT)
		return pmf_why(r, "there is no failure %llu; \"pmemfailctl list\" lists them",
			       (unsigned long long)id);
	if (r < 0)
		return pmf_why_errno(r, "cannot read failure %llu", (unsigned long long)id);
	return 0;
}

_public_ struct pmemfail_failure *pmemfail_failure_free(struct pmemfail_failure *f)
{
	pmf_failure_free((struct pmf_failure *)f);
	return NULL;
}

/* --- getters --------------------------------------------------------------- */

_public_ uint64_t pmemfail_failure_id(const struct pmemfail_failure *f)
{
	return f ? pmf_failure_from_public(f)->id : 0;
}

_public_ const char *pmemfail_failure_kind(const struct pmemfail_failure *f)
{
	return f ? pmf_kind_to_string(pmf_failure_from_public(f)->kind) : NULL;
}

_public_ const char *pmemfail_failure_source(const struct pmemfail_failure *f)
{
	return f ? pmf_source_to_string(pmf_failure_from_public(f)->source) : NULL;
}

_public_ enum pmemfail_state pmemfail_failure_state(const struct pmemfail_failure *f)
{
	return f ? (enum pmemfail_state)pmf_failure_from_public(f)->state : PMEMFAIL_PENDING;
}

_public_ const char *pmemfail_state_name(enum pmemfail_state s)
{
	if ((int)s < 0 || (int)s >= (int)PMF_STATE_N)
		return NULL;
	return pmf_state_to_string((enum pmf_state)s);
}

_public_ const char *pmemfail_failure_reason(const struct pmemfail_failure *f)
{
	return f ? pmf_failure_from_public(f)->reason : NULL;
}

_public_ const char *pmemfail_failure_device_id(const struct pmemfail_failure *f)
{
	return f ? pmf_failure_from_public(f)->device_id : NULL;
}

_public_ const char *pmemfail_failure_device_name(const struct pmemfail_failure *f)
{
	return f ? pmf_failure_from_public(f)->device_name : NULL;
}

_public_ uint64_t pmemfail_failure_created_us(const struct pmemfail_failure *f)
{
	return f ? pmf_failure_from_public(f)->created_us : 0;
}

_public_ uint64_t pmemfail_failure_updated_us(const struct pmemfail_failure *f)
{
	return f ? pmf_failure_from_public(f)->updated_us : 0;
}

_public_ uint64_t pmemfail_failure_told(const struct pmemfail_failure *f)
{
	return f ? pmf_failure_told(pmf_failure_from_public(f)) : 0;
}

_public_ uint64_t pmemfail_failure_hold_ns(const struct pmemfail_failure *f)
{
	return f ? pmf_failure_from_public(f)->hold_ns : 0;
}

_public_ uint64_t pmemfail_failure_frozen_ns(const struct pmemfail_failure *f)
{
	return f ? pmf_failure_freezes(pmf_failure_from_public(f)).ns : 0;
}

_public_ uint64_t pmemfail_failure_frozen_longest_ns(const struct pmemfail_failure *f)
{
	return f ? pmf_failure_freezes(pmf_failure_from_public(f)).longest_ns : 0;
}

int pmf_get_range(const struct pmf_ranges *set, size_t i, uint64_t *ret_start,
		  uint64_t *ret_end)
{
	if (i >= set->n)
		return pmf_why(-ENOENT, "there is no range number %zu", i);
	if (ret_start)
		*ret_start = set->v[i].start;
	if (ret_end)
		*ret_end = set->v[i].end;
	return 0;
}

_public_ size_t pmemfail_failure_ranges(const struct pmemfail_failure *f)
{
	return f ? pmf_failure_from_public(f)->ranges.n : 0;
}

_public_ int pmemfail_failure_range(const struct pmemfail_failure *f, size_t i,
				    uint64_t *ret_start, uint64_t *ret_end)
{
	if (!f)
		return pmf_why(-EINVAL, "pmemfail_failure_range() needs a failure");
	return pmf_get_range(&pmf_failure_from_public(f)->ranges, i, ret_start, ret_end);
}

_public_ size_t pmemfail_failure_sites(const struct pmemfail_failure *f)
{
	return f ? pmf_failure_from_public(f)->n_cases : 0;
}

_public_ const struct pmemfail_site *pmemfail_failure_site(const struct pmemfail_failure *f,
							   size_t i)
{
	if (!f || i >= pmf_failure_from_public(f)->n_cases)
		return NULL;
	return (const struct pmemfail_site *)&pmf_failure_from_public(f)->cases[i];
}

/* --- hooks ----------------------------------------------------------------- */

static const struct pmf_hook_result *hook(const struct pmemfail_hook *h)
{
	return (const struct pmf_hook_result *)h;
}

_public_ size_t pmemfail_failure_hooks(const struct pmemfail_failure *f)
{
	return f ? pmf_failure_from_public(f)->n_hooks : 0;
}

_public_ const struct pmemfail_hook *pmemfail_failure_hook(const struct pmemfail_failure *f,
							   size_t i)
{
	if (!f || i >= pmf_failure_from_public(f)->n_hooks)
		return NULL;
	return (const struct pmemfail_hook *)&pmf_failure_from_public(f)->hooks[i];
}

_public_ const char *pmemfail_hook_name(const struct pmemfail_hook *h)
{
	return h ? hook(h)->name : NULL;
}

_public_ int pmemfail_hook_status(const struct pmemfail_hook *h)
{
	return h ? hook(h)->status : pmf_why(-EINVAL, "pmemfail_hook_status() needs a hook");
}

_public_ bool pmemfail_hook_timed_out(const struct pmemfail_hook *h)
{
	return h && hook(h)->timed_out;
}

_public_ uint64_t pmemfail_hook_ns(const struct pmemfail_hook *h)
{
	return h ? hook(h)->ns : 0;
}

_public_ const char *pmemfail_hook_why(const struct pmemfail_hook *h)
{
	return h ? hook(h)->why : NULL;
}
