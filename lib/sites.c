// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is to know about a failure's sites, targets and victims. Public: pure getters.
 */
#include "context.h"

static const struct pmf_case *model(const struct pmemfail_site *s)
{
	return (const struct pmf_case *)s;
}

static const struct pmf_target *target(const struct pmemfail_target *t)
{
	return (const struct pmf_target *)t;
}

static const struct pmf_victim *victim(const struct pmemfail_victim *v)
{
	return (const struct pmf_victim *)v;
}

_public_ const char *pmemfail_site_kind(const struct pmemfail_site *s)
{
	return s ? pmf_site_kind_to_string(model(s)->site.kind) : NULL;
}

_public_ const char *pmemfail_site_role(const struct pmemfail_site *s)
{
	return s ? pmf_site_role_to_string(model(s)->site.role) : NULL;
}

_public_ const char *pmemfail_site_name(const struct pmemfail_site *s)
{
	return s ? model(s)->site.name : NULL;
}

_public_ const char *pmemfail_site_node(const struct pmemfail_site *s)
{
	return s ? model(s)->site.node : NULL;
}

_public_ const char *pmemfail_site_fstype(const struct pmemfail_site *s)
{
	return s ? model(s)->site.fstype : NULL;
}

_public_ const char *pmemfail_site_mountpoint(const struct pmemfail_site *s)
{
	return s ? model(s)->site.mountpoint : NULL;
}

_public_ const char *pmemfail_site_holder(const struct pmemfail_site *s)
{
	return s ? model(s)->site.holder : NULL;
}

_public_ bool pmemfail_site_is_dax(const struct pmemfail_site *s)
{
	return s && model(s)->site.dax;
}

_public_ const char *pmemfail_site_problem(const struct pmemfail_site *s)
{
	return s && model(s)->outcome.problem[0] ? model(s)->outcome.problem : NULL;
}

_public_ uint64_t pmemfail_site_frozen_ns(const struct pmemfail_site *s)
{
	return s ? model(s)->outcome.frozen_ns : 0;
}

_public_ uint64_t pmemfail_site_files(const struct pmemfail_site *s)
{
	return s ? model(s)->outcome.files : 0;
}

_public_ uint64_t pmemfail_site_told(const struct pmemfail_site *s)
{
	return s ? model(s)->outcome.told : 0;
}

_public_ uint64_t pmemfail_site_entries_left(const struct pmemfail_site *s)
{
	return s ? model(s)->outcome.entries_left : 0;
}

_public_ size_t pmemfail_site_ranges(const struct pmemfail_site *s)
{
	return s ? model(s)->site.ranges.n : 0;
}

_public_ int pmemfail_site_range(const struct pmemfail_site *s, size_t i, uint64_t *ret_start,
				 uint64_t *ret_end)
{
	if (!s)
		return pmf_why(-EINVAL, "pmemfail_site_range() needs a site");
	return pmf_get_range(&model(s)->site.ranges, i, ret_start, ret_end);
}

/* As the public calls say it: 1 done, 0 skipped, or why not. */
static int result(const struct pmf_step *st)
{
	if (st->state == PMF_STEP_SKIPPED)
		return 0;
	if (st->state == PMF_STEP_DONE)
		return 1;
	if (st->error < 0)
		return st->error;
	return st->state == PMF_STEP_UNSUPPORTED ? -EOPNOTSUPP : -EIO;
}

static const struct pmf_step *find_step(const struct pmf_outcome *o, const char *name)
{
	const struct {
		const char *name;
		const struct pmf_step *step;
	} steps[] = {
		{ "open", &o->open }, { "look", &o->look }, { "resolve", &o->resolve },
		{ "freeze", &o->freeze }, { "revoke", &o->revoke },
		{ "shutdown", &o->shutdown }, { "remount_ro", &o->remount_ro },
		{ "stop_dax", &o->stop_dax }, { "settle", &o->settle },
		{ "thaw", &o->thaw }, { "unmount", &o->unmount },
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (streq(steps[i].name, name))
			return steps[i].step;
	return NULL;
}

_public_ int pmemfail_site_step(const struct pmemfail_site *s, const char *step,
				uint64_t *ret_ns)
{
	const struct pmf_step *st;

	if (!s || !step)
		return pmf_why(-EINVAL, "pmemfail_site_step() needs a site and a step");
	st = find_step(&model(s)->outcome, step);
	if (!st)
		return pmf_why(-ENOENT, "there is no step \"%.64s\"", step);
	if (ret_ns)
		*ret_ns = st->ns;
	return result(st);
}

_public_ size_t pmemfail_site_targets(const struct pmemfail_site *s)
{
	return s ? model(s)->n_targets : 0;
}

_public_ const struct pmemfail_target *pmemfail_site_target(const struct pmemfail_site *s,
							    size_t i)
{
	if (!s || i >= model(s)->n_targets)
		return NULL;
	return (const struct pmemfail_target *)&model(s)->targets[i];
}

_public_ size_t pmemfail_site_victims(const struct pmemfail_site *s)
{
	return s ? model(s)->n_victims : 0;
}

_public_ const struct pmemfail_victim *pmemfail_site_victim(const struct pmemfail_site *s,
							    size_t i)
{
	if (!s || i >= model(s)->n_victims)
		return NULL;
	return (const struct pmemfail_victim *)&model(s)->victims[i];
}

/* --- targets --------------------------------------------------------------- */

_public_ const char *pmemfail_target_kind(const struct pmemfail_target *t)
{
	return t ? pmf_target_kind_to_string(target(t)->kind) : NULL;
}

_public_ const char *pmemfail_target_action(const struct pmemfail_target *t)
{
	return t ? pmf_action_to_string(target(t)->action) : NULL;
}

_public_ int pmemfail_target_result(const struct pmemfail_target *t)
{
	return t ? result(&target(t)->step) :
		pmf_why(-EINVAL, "pmemfail_target_result() needs a target");
}

_public_ const char *pmemfail_target_path(const struct pmemfail_target *t)
{
	return t ? target(t)->path : NULL;
}

_public_ uint64_t pmemfail_target_ino(const struct pmemfail_target *t)
{
	return t ? target(t)->ino : 0;
}

_public_ uint32_t pmemfail_target_generation(const struct pmemfail_target *t)
{
	return t ? target(t)->generation : 0;
}

static void set_range(struct pmf_range r, uint64_t *ret_start, uint64_t *ret_end)
{
	if (ret_start)
		*ret_start = r.start;
	if (ret_end)
		*ret_end = r.end;
}

_public_ void pmemfail_target_at(const struct pmemfail_target *t, uint64_t *ret_start,
				 uint64_t *ret_end)
{
	set_range(t ? target(t)->at : (struct pmf_range){ 0, 0 }, ret_start, ret_end);
}

_public_ void pmemfail_target_range(const struct pmemfail_target *t, uint64_t *ret_start,
				    uint64_t *ret_end)
{
	set_range(t ? target(t)->range : (struct pmf_range){ 0, 0 }, ret_start, ret_end);
}

_public_ bool pmemfail_target_is_shared(const struct pmemfail_target *t)
{
	return t && target(t)->shared;
}

_public_ uint64_t pmemfail_target_told(const struct pmemfail_target *t)
{
	return t ? target(t)->told : 0;
}

_public_ uint64_t pmemfail_target_pinned(const struct pmemfail_target *t)
{
	return t ? target(t)->pinned : 0;
}

/* --- victims --------------------------------------------------------------- */

_public_ int32_t pmemfail_victim_pid(const struct pmemfail_victim *v)
{
	return v ? victim(v)->pid : 0;
}

_public_ uint64_t pmemfail_victim_start_ns(const struct pmemfail_victim *v)
{
	return v ? victim(v)->start_ns : 0;
}

_public_ uint32_t pmemfail_victim_uid(const struct pmemfail_victim *v)
{
	return v ? victim(v)->uid : 0;
}

_public_ const char *pmemfail_victim_comm(const struct pmemfail_victim *v)
{
	return v ? victim(v)->comm : NULL;
}

_public_ const char *pmemfail_victim_unit(const struct pmemfail_victim *v)
{
	return v ? victim(v)->unit : NULL;
}

_public_ const char *pmemfail_victim_path(const struct pmemfail_victim *v)
{
	return v ? victim(v)->path : NULL;
}

_public_ uint64_t pmemfail_victim_address(const struct pmemfail_victim *v)
{
	return v ? victim(v)->address : 0;
}

_public_ uint64_t pmemfail_victim_length(const struct pmemfail_victim *v)
{
	return v ? victim(v)->length : 0;
}

_public_ bool pmemfail_victim_told(const struct pmemfail_victim *v)
{
	return v && victim(v)->told;
}

_public_ bool pmemfail_victim_ignores(const struct pmemfail_victim *v)
{
	return v && victim(v)->ignores;
}
