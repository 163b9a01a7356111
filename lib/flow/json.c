// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The model as JSON, schema 1. Everything is bytes, nanoseconds or microseconds,
 * and the key says which; what is unknown is left out, so that no reader mistakes
 * a zero for knowledge. Text from users is made valid UTF-8 and stays text: who
 * prints it on a terminal escapes it there.
 */
#include <sys/sysmacros.h>

#include "base/str.h"
#include "flow/json.h"

/*
 * json-c reports ENOMEM by NULL at each step. These take a value that may be
 * NULL, always consume it, and say whether all went well.
 */
static bool put(struct json_object *o, const char *key, struct json_object *value)
{
	if (!value)
		return false;
	if (json_object_object_add(o, key, value) != 0) {
		json_object_put(value);
		return false;
	}
	return true;
}

static bool put_u64(struct json_object *o, const char *key, uint64_t v)
{
	return put(o, key, json_object_new_uint64(v));
}

static bool put_bool(struct json_object *o, const char *key, bool v)
{
	return put(o, key, json_object_new_boolean(v));
}

/* Nothing for NULL. */
static bool put_text(struct json_object *o, const char *key, const char *s, size_t n)
{
	_cleanup_free_ char *clean = NULL;

	if (pmf_str_to_utf8(s, n, &clean) < 0)
		return false;
	return put(o, key, json_object_new_string(clean));
}

static bool put_string(struct json_object *o, const char *key, const char *s)
{
	return !s || put_text(o, key, s, strlen(s));
}

static bool put_devno(struct json_object *o, const char *key, dev_t d)
{
	char s[32];

	if (d == 0)
		return true;
	(void)snprintf(s, sizeof(s), "%u:%u", major(d), minor(d));
	return put_string(o, key, s);
}

static void putp(struct json_object **o)
{
	json_object_put(*o);
}
#define _cleanup_json_ _cleanup_(putp)

static bool append(struct json_object *array, struct json_object *value)
{
	if (!value)
		return false;
	if (json_object_array_add(array, value) != 0) {
		json_object_put(value);
		return false;
	}
	return true;
}

static struct json_object *from_range(const struct pmf_range *r)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	if (!o || !put_u64(o, "start", r->start) || !put_u64(o, "end", r->end))
		return NULL;
	return TAKE_PTR(o);
}

static struct json_object *from_ranges(const struct pmf_ranges *set)
{
	_cleanup_json_ struct json_object *a = json_object_new_array();
	size_t i;

	for (i = 0; a && i < set->n; i++)
		if (!append(a, from_range(&set->v[i])))
			return NULL;
	return TAKE_PTR(a);
}

static struct json_object *from_site(const struct pmf_site *s)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	if (!o || !put_string(o, "kind", pmf_site_kind_to_string(s->kind)) ||
	    !put_string(o, "role", pmf_site_role_to_string(s->role)) ||
	    !put_devno(o, "devno", s->devno) || !put_devno(o, "fs_devno", s->fs_devno) ||
	    !put_string(o, "name", s->name) ||
	    !put_string(o, "node", s->node) || !put_string(o, "fstype", s->fstype) ||
	    !put_string(o, "mountpoint", s->mountpoint) ||
	    !put_string(o, "holder", s->holder) || !put_bool(o, "dax", s->dax) ||
	    !put(o, "ranges", from_ranges(&s->ranges)))
		return NULL;
	return TAKE_PTR(o);
}

static struct json_object *from_step(const struct pmf_step *s)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int error = abs(s->error);	/* people's errno numbers are positive */

	if (!o || !put_string(o, "state", pmf_step_state_to_string(s->state)) ||
	    (error && !put(o, "errno", json_object_new_int(error))) ||
	    (error && !put_string(o, "error", strerrordesc_np(error))) ||
	    !put_u64(o, "ns", s->ns))
		return NULL;
	return TAKE_PTR(o);
}

static struct json_object *from_outcome(const struct pmf_outcome *out)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_json_ struct json_object *steps = json_object_new_object();
	size_t i;

	if (!o || !steps)
		return NULL;
	for (i = 0; i < pmf_json_n_steps; i++)
		if (!put(steps, pmf_json_steps[i].key,
			 from_step((const void *)((const char *)out + pmf_json_steps[i].offset))))
			return NULL;
	for (i = 0; i < pmf_json_n_counts; i++)
		if (!put_u64(o, pmf_json_counts[i].key, *(const uint64_t *)
			     (const void *)((const char *)out + pmf_json_counts[i].offset)))
			return NULL;
	if (!put_bool(o, "freeze_late", out->freeze_late) ||
	    !put_bool(o, "self", out->self) ||
	    (out->problem[0] && !put_text(o, "problem", out->problem,
					  strnlen(out->problem, sizeof(out->problem)))) ||
	    !put(o, "steps", TAKE_PTR(steps)))
		return NULL;
	return TAKE_PTR(o);
}

static struct json_object *from_target(const struct pmf_target *t)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	if (!o || !put_string(o, "kind", pmf_target_kind_to_string(t->kind)) ||
	    !put_string(o, "action", pmf_action_to_string(t->action)) ||
	    !put_u64(o, "ino", t->ino) || !put_u64(o, "generation", t->generation) ||
	    !put(o, "at", from_range(&t->at)) || !put(o, "range", from_range(&t->range)) ||
	    !put_string(o, "path", t->path) || !put_bool(o, "shared", t->shared) ||
	    !put(o, "step", from_step(&t->step)) || !put_u64(o, "told", t->told) ||
	    !put_u64(o, "pinned", t->pinned))
		return NULL;
	return TAKE_PTR(o);
}

static struct json_object *from_victim(const struct pmf_victim *v)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	if (!o || !put(o, "pid", json_object_new_int(v->pid)) ||
	    !put_u64(o, "start_ns", v->start_ns) || !put_u64(o, "uid", v->uid) ||
	    !put_text(o, "comm", v->comm, strnlen(v->comm, sizeof(v->comm))) ||
	    !put_string(o, "unit", v->unit) || !put_string(o, "path", v->path) ||
	    !put_u64(o, "ino", v->ino) || !put_u64(o, "generation", v->generation) ||
	    !put_u64(o, "address", v->address) || !put_u64(o, "length", v->length) ||
	    !put_u64(o, "offset", v->offset) || !put_u64(o, "vmas", v->vmas) ||
	    !put_u64(o, "granularity", v->lsb < 64 ? 1ULL << v->lsb : 0) ||
	    !put_bool(o, "told", v->told) || !put_bool(o, "ignores", v->ignores) ||
	    !put_bool(o, "exiting", v->exiting))
		return NULL;
	return TAKE_PTR(o);
}

struct json_object *pmf_json_from_case(const struct pmf_case *c)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_json_ struct json_object *targets = json_object_new_array();
	_cleanup_json_ struct json_object *victims = json_object_new_array();
	size_t i;

	if (!o || !targets || !victims)
		return NULL;
	for (i = 0; i < c->n_targets; i++)
		if (!append(targets, from_target(&c->targets[i])))
			return NULL;
	for (i = 0; i < c->n_victims; i++)
		if (!append(victims, from_victim(&c->victims[i])))
			return NULL;
	if (!put(o, "site", from_site(&c->site)) ||
	    !put(o, "outcome", from_outcome(&c->outcome)) ||
	    !put(o, "targets", TAKE_PTR(targets)) || !put(o, "victims", TAKE_PTR(victims)))
		return NULL;
	return TAKE_PTR(o);
}

/* What a process answered: its exit status, or the errno why there was none. */
static struct json_object *from_hook(const struct pmf_hook_result *h)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	if (!o || !put_string(o, "name", h->name) ||
	    !put(o, h->status < 0 ? "errno" : "status", json_object_new_int(abs(h->status))) ||
	    (h->status < 0 && !put_string(o, "error", strerrordesc_np(-h->status))) ||
	    !put_bool(o, "timed_out", h->timed_out) || !put_u64(o, "ns", h->ns) ||
	    !put_string(o, "why", h->why))
		return NULL;
	return TAKE_PTR(o);
}

static struct json_object *from_hooks(const struct pmf_failure *f)
{
	_cleanup_json_ struct json_object *a = json_object_new_array();

	for (size_t i = 0; a && i < f->n_hooks; i++)
		if (!append(a, from_hook(&f->hooks[i])))
			return NULL;
	return TAKE_PTR(a);
}

struct json_object *pmf_json_from_failure_head(const struct pmf_failure *f)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct pmf_freezes freezes = pmf_failure_freezes(f);

	if (!o || !put_u64(o, "schema", PMF_JSON_SCHEMA) || !put_u64(o, "id", f->id) ||
	    !put_string(o, "kind", pmf_kind_to_string(f->kind)) ||
	    !put_string(o, "source", pmf_source_to_string(f->source)) ||
	    !put_string(o, "state", pmf_state_to_string(f->state)) ||
	    !put_string(o, "reason", f->reason) ||
	    !put_string(o, "device_id", f->device_id) ||
	    !put_string(o, "device_name", f->device_name) ||
	    !put_u64(o, "created_us", f->created_us) ||
	    !put_u64(o, "updated_us", f->updated_us) ||
	    (f->hold && !put_u64(o, "hold", f->hold)) ||
	    (f->hold_ns && !put_u64(o, "hold_ns", f->hold_ns)) ||
	    !put_bool(o, "hold_ended", f->hold_ended) ||
	    !put_u64(o, "told", pmf_failure_told(f)) ||
	    (freezes.ns && (!put_u64(o, "frozen_ns", freezes.ns) ||
			    !put_u64(o, "frozen_longest_ns", freezes.longest_ns))) ||
	    !put(o, "ranges", from_ranges(&f->ranges)) ||
	    !put(o, "listed", from_ranges(&f->listed)) ||
	    !put_string(o, "marked_in", f->marked_in) || !put(o, "hooks", from_hooks(f)))
		return NULL;
	return TAKE_PTR(o);
}

struct json_object *pmf_json_from_failure(const struct pmf_failure *f)
{
	_cleanup_json_ struct json_object *o = pmf_json_from_failure_head(f);
	_cleanup_json_ struct json_object *cases = json_object_new_array();
	size_t i;

	if (!o || !cases)
		return NULL;
	for (i = 0; i < f->n_cases; i++)
		if (!append(cases, pmf_json_from_case(&f->cases[i])))
			return NULL;
	if (!put(o, "cases", TAKE_PTR(cases)))
		return NULL;
	return TAKE_PTR(o);
}

struct json_object *pmf_json_from_device(const struct pmf_device *d)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	if (!o || !put_u64(o, "schema", PMF_JSON_SCHEMA) || !put_string(o, "id", d->id) ||
	    !put_string(o, "name", d->name) || !put_string(o, "node", d->node) ||
	    !put_string(o, "bound", d->bound) || !put_string(o, "namespace", d->ns) ||
	    !put_string(o, "region", d->region) || !put_string(o, "provider", d->provider) ||
	    !put_string(o, "uuid", d->uuid) ||
	    !put_string(o, "mode", pmf_device_mode_to_string(d->mode)) ||
	    !put_devno(o, "devno", d->devno) || !put_u64(o, "size", d->size) ||
	    (d->spa != UINT64_MAX && !put_u64(o, "spa", d->spa)))
		return NULL;
	return TAKE_PTR(o);
}
