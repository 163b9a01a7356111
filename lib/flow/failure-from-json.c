// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * JSON back to the model, for the store. The document may come from a damaged
 * disk: every type, word and number is checked, and nothing is believed.
 */
#include "flow/json-get.h"
#include "flow/json.h"

const struct pmf_json_field pmf_json_steps[] = {
#define STEP(name) { #name, offsetof(struct pmf_outcome, name) }
	STEP(open), STEP(look), STEP(resolve), STEP(freeze), STEP(revoke), STEP(shutdown),
	STEP(remount_ro), STEP(stop_dax), STEP(settle), STEP(thaw), STEP(unmount),
#undef STEP
};
const size_t pmf_json_n_steps = ARRAY_SIZE(pmf_json_steps);

const struct pmf_json_field pmf_json_counts[] = {
#define COUNT(name) { #name, offsetof(struct pmf_outcome, name) }
	COUNT(frozen_ns), COUNT(walk_ns), COUNT(unmap_ns), COUNT(invalidate_ns),
	COUNT(signal_ns), COUNT(files), COUNT(vmas), COUNT(entries),
	COUNT(entries_left), COUNT(pinned), COUNT(told),
#undef COUNT
};
const size_t pmf_json_n_counts = ARRAY_SIZE(pmf_json_counts);

/* Absent, as in records of before there was such a thing: left as it is. */
#define IF_THERE(o, key, get) (pmf_json_has(o, key) ? (get) : 0)

static int get_site(struct json_object *o, struct pmf_site *s)
{
	int r;

	if (pmf_site_kind_from_string(pmf_json_peek(o, "kind"), &s->kind) < 0 ||
	    IF_THERE(o, "role", pmf_site_role_from_string(pmf_json_peek(o, "role"), &s->role)) < 0)
		return -EBADMSG;
	if ((r = pmf_json_get_devno(o, "devno", &s->devno)) < 0 ||
	    (r = pmf_json_get_devno(o, "fs_devno", &s->fs_devno)) < 0 ||
	    (r = pmf_json_get_string(o, "name", &s->name)) < 0 ||
	    (r = pmf_json_get_string(o, "node", &s->node)) < 0 ||
	    (r = pmf_json_get_string(o, "fstype", &s->fstype)) < 0 ||
	    (r = pmf_json_get_string(o, "mountpoint", &s->mountpoint)) < 0 ||
	    (r = pmf_json_get_string(o, "holder", &s->holder)) < 0 ||
	    (r = pmf_json_get_bool(o, "dax", &s->dax)) < 0 ||
	    (r = pmf_json_get_ranges(o, "ranges", &s->ranges)) < 0)
		return r;
	return 0;
}

static int get_step(struct json_object *o, struct pmf_step *s)
{
	uint64_t err = 0;

	if (pmf_step_state_from_string(pmf_json_peek(o, "state"), &s->state) < 0 ||
	    pmf_json_get_u64(o, "ns", UINT64_MAX, &s->ns) < 0 ||
	    (pmf_json_has(o, "errno") && pmf_json_get_u64(o, "errno", 4095, &err) < 0))
		return -EBADMSG;
	s->error = -(int)err;
	return 0;
}

static int get_outcome(struct json_object *o, struct pmf_outcome *out)
{
	struct json_object *steps = pmf_json_get(o, "steps", json_type_object);
	size_t i;
	int r;

	if (!steps)
		return -EBADMSG;
	for (i = 0; i < pmf_json_n_steps; i++) {
		const char *key = pmf_json_steps[i].key;

		r = IF_THERE(steps, key,
			     get_step(pmf_json_get(steps, key, json_type_object),
				      (void *)((char *)out + pmf_json_steps[i].offset)));
		if (r < 0)
			return r;
	}
	for (i = 0; i < pmf_json_n_counts; i++) {
		r = pmf_json_get_u64(o, pmf_json_counts[i].key, UINT64_MAX,
			    (void *)((char *)out + pmf_json_counts[i].offset));
		if (r < 0)
			return r;
	}
	(void)snprintf(out->problem, sizeof(out->problem), "%s", pmf_json_peek(o, "problem"));
	r = pmf_json_get_bool(o, "freeze_late", &out->freeze_late);
	return r < 0 ? r : pmf_json_get_bool(o, "self", &out->self);
}

static int get_target(struct json_object *o, struct pmf_target *t)
{
	int r;

	if (pmf_target_kind_from_string(pmf_json_peek(o, "kind"), &t->kind) < 0 ||
	    IF_THERE(o, "action", pmf_action_from_string(pmf_json_peek(o, "action"), &t->action)) < 0)
		return -EBADMSG;
	if ((r = pmf_json_get_u64(o, "ino", UINT64_MAX, &t->ino)) < 0 ||
	    (r = pmf_json_get_u32(o, "generation", &t->generation)) < 0 ||
	    (r = pmf_json_get_range(pmf_json_get(o, "range", json_type_object), &t->range)) < 0 ||
	    (r = IF_THERE(o, "at", pmf_json_get_range(pmf_json_get(o, "at", json_type_object), &t->at))) < 0 ||
	    (r = IF_THERE(o, "shared", pmf_json_get_bool(o, "shared", &t->shared))) < 0 ||
	    (r = IF_THERE(o, "step", get_step(pmf_json_get(o, "step", json_type_object),
					      &t->step))) < 0 ||
	    (r = IF_THERE(o, "told", pmf_json_get_u64(o, "told", UINT64_MAX, &t->told))) < 0 ||
	    (r = IF_THERE(o, "pinned", pmf_json_get_u64(o, "pinned", UINT64_MAX, &t->pinned))) < 0)
		return r;
	return pmf_json_get_string(o, "path", &t->path);
}

static int get_victim(struct json_object *o, struct pmf_victim *v)
{
	uint64_t pid, granularity;
	int r;

	if ((r = pmf_json_get_u64(o, "pid", INT32_MAX, &pid)) < 0 ||
	    (r = pmf_json_get_u64(o, "start_ns", UINT64_MAX, &v->start_ns)) < 0 ||
	    (r = pmf_json_get_u32(o, "uid", &v->uid)) < 0 ||
	    (r = pmf_json_get_u64(o, "ino", UINT64_MAX, &v->ino)) < 0 ||
	    (r = pmf_json_get_u32(o, "generation", &v->generation)) < 0 ||
	    (r = pmf_json_get_u64(o, "address", UINT64_MAX, &v->address)) < 0 ||
	    (r = pmf_json_get_u64(o, "length", UINT64_MAX, &v->length)) < 0 ||
	    (r = pmf_json_get_u64(o, "offset", UINT64_MAX, &v->offset)) < 0 ||
	    (r = pmf_json_get_u32(o, "vmas", &v->vmas)) < 0 ||
	    (r = pmf_json_get_u64(o, "granularity", UINT64_MAX, &granularity)) < 0 ||
	    (r = pmf_json_get_bool(o, "told", &v->told)) < 0 ||
	    (r = pmf_json_get_bool(o, "ignores", &v->ignores)) < 0 ||
	    (r = pmf_json_get_bool(o, "exiting", &v->exiting)) < 0 ||
	    (r = pmf_json_get_string(o, "unit", &v->unit)) < 0)
		return r;
	v->pid = (int32_t)pid;
	v->lsb = granularity ? (uint32_t)__builtin_ctzll(granularity) : 64;
	(void)snprintf(v->comm, sizeof(v->comm), "%s", pmf_json_peek(o, "comm"));
	return pmf_json_get_string(o, "path", &v->path);
}

int pmf_case_from_json(struct json_object *o, struct pmf_case *c)
{
	struct json_object *targets = pmf_json_get(o, "targets", json_type_array);
	struct json_object *victims = pmf_json_get(o, "victims", json_type_array);
	size_t i, n;
	int r;

	if (!targets || !victims)
		return -EBADMSG;
	r = get_site(pmf_json_get(o, "site", json_type_object), &c->site);
	if (r == 0)
		r = get_outcome(pmf_json_get(o, "outcome", json_type_object), &c->outcome);
	if (r < 0)
		return r;

	n = json_object_array_length(targets);
	c->targets = calloc(n + 1, sizeof(*c->targets));
	if (!c->targets)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		c->n_targets++;
		r = get_target(json_object_array_get_idx(targets, i), &c->targets[i]);
		if (r < 0)
			return r;
	}
	n = json_object_array_length(victims);
	c->victims = calloc(n + 1, sizeof(*c->victims));
	if (!c->victims)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		c->n_victims++;
		r = get_victim(json_object_array_get_idx(victims, i), &c->victims[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int get_hook(struct json_object *o, struct pmf_hook_result *h)
{
	bool refused = pmf_json_has(o, "errno");
	uint64_t status;
	int r;

	if ((r = pmf_json_get_u64(o, refused ? "errno" : "status", 4095, &status)) < 0 ||
	    (r = pmf_json_get_bool(o, "timed_out", &h->timed_out)) < 0 ||
	    (r = pmf_json_get_u64(o, "ns", UINT64_MAX, &h->ns)) < 0 ||
	    (r = pmf_json_get_string(o, "name", &h->name)) < 0 ||
	    (r = pmf_json_get_string(o, "why", &h->why)) < 0)
		return r;
	h->status = refused ? -(int)status : (int)status;
	return h->name ? 0 : -EBADMSG;
}

static int get_hooks(struct json_object *o, struct pmf_failure *f)
{
	struct json_object *a = pmf_json_get(o, "hooks", json_type_array);
	size_t n;
	int r;

	if (!a)
		return -EBADMSG;
	n = json_object_array_length(a);
	f->hooks = calloc(n + 1, sizeof(*f->hooks));
	if (!f->hooks)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		f->n_hooks++;
		r = get_hook(json_object_array_get_idx(a, i), &f->hooks[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

int pmf_failure_head_from_json(struct json_object *o, struct pmf_failure **ret)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = calloc(1, sizeof(*f));
	uint64_t schema;
	int r;

	if (!f)
		return -ENOMEM;
	if (pmf_json_get_u64(o, "schema", UINT64_MAX, &schema) < 0 || schema != PMF_JSON_SCHEMA ||
	    pmf_kind_from_string(pmf_json_peek(o, "kind"), &f->kind) < 0 ||
	    pmf_source_from_string(pmf_json_peek(o, "source"), &f->source) < 0 ||
	    pmf_state_from_string(pmf_json_peek(o, "state"), &f->state) < 0)
		return -EBADMSG;
	if ((r = pmf_json_get_u64(o, "id", UINT64_MAX, &f->id)) < 0 ||
	    (r = pmf_json_get_string(o, "reason", &f->reason)) < 0 ||
	    (r = pmf_json_get_string(o, "device_id", &f->device_id)) < 0 ||
	    (r = pmf_json_get_string(o, "device_name", &f->device_name)) < 0 ||
	    (r = pmf_json_get_u64(o, "created_us", UINT64_MAX, &f->created_us)) < 0 ||
	    (r = pmf_json_get_u64(o, "updated_us", UINT64_MAX, &f->updated_us)) < 0 ||
	    (pmf_json_has(o, "hold") && (r = pmf_json_get_u64(o, "hold", UINT64_MAX, &f->hold)) < 0) ||
	    (pmf_json_has(o, "hold_ns") && (r = pmf_json_get_u64(o, "hold_ns", UINT64_MAX, &f->hold_ns)) < 0) ||
	    (r = pmf_json_get_bool(o, "hold_ended", &f->hold_ended)) < 0 ||
	    (r = IF_THERE(o, "told", pmf_json_get_u64(o, "told", UINT64_MAX, &f->told))) < 0 ||
	    (r = IF_THERE(o, "frozen_ns", pmf_json_get_u64(o, "frozen_ns", UINT64_MAX,
							   &f->freezes.ns))) < 0 ||
	    (r = IF_THERE(o, "frozen_longest_ns",
			  pmf_json_get_u64(o, "frozen_longest_ns", UINT64_MAX,
					   &f->freezes.longest_ns))) < 0 ||
	    (r = pmf_json_get_ranges(o, "ranges", &f->ranges)) < 0 ||
	    (r = IF_THERE(o, "listed", pmf_json_get_ranges(o, "listed", &f->listed))) < 0 ||
	    (r = pmf_json_get_string(o, "marked_in", &f->marked_in)) < 0 ||
	    (r = IF_THERE(o, "hooks", get_hooks(o, f))) < 0)
		return r;
	if (!f->device_id)
		return -EBADMSG;
	*ret = TAKE_PTR(f);
	return 0;
}

static int get_cases(struct json_object *o, struct pmf_failure *f)
{
	struct json_object *a = pmf_json_get(o, "cases", json_type_array);
	size_t n;
	int r;

	if (!a)
		return -EBADMSG;
	n = json_object_array_length(a);
	f->cases = calloc(n + 1, sizeof(*f->cases));
	if (!f->cases)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		f->n_cases++;
		r = pmf_case_from_json(json_object_array_get_idx(a, i), &f->cases[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

int pmf_failure_from_json(struct json_object *o, struct pmf_failure **ret)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = NULL;
	int r = pmf_failure_head_from_json(o, &f);

	if (r == 0)
		r = get_cases(o, f);
	if (r == 0)
		*ret = TAKE_PTR(f);
	return r;
}

int pmf_device_from_json(struct json_object *o, struct pmf_device *d)
{
	uint64_t schema;
	int r;

	if (pmf_json_get_u64(o, "schema", UINT64_MAX, &schema) < 0 ||
	    schema != PMF_JSON_SCHEMA ||
	    pmf_device_mode_from_string(pmf_json_peek(o, "mode"), &d->mode) < 0)
		return -EBADMSG;
	d->spa = UINT64_MAX;
	if ((r = pmf_json_get_string(o, "id", &d->id)) < 0 ||
	    (r = pmf_json_get_string(o, "name", &d->name)) < 0 ||
	    (r = pmf_json_get_string(o, "node", &d->node)) < 0 ||
	    (r = pmf_json_get_string(o, "bound", &d->bound)) < 0 ||
	    (r = pmf_json_get_string(o, "namespace", &d->ns)) < 0 ||
	    (r = pmf_json_get_string(o, "region", &d->region)) < 0 ||
	    (r = pmf_json_get_string(o, "provider", &d->provider)) < 0 ||
	    (r = pmf_json_get_string(o, "uuid", &d->uuid)) < 0 ||
	    (r = pmf_json_get_devno(o, "devno", &d->devno)) < 0 ||
	    (r = pmf_json_get_u64(o, "size", UINT64_MAX, &d->size)) < 0 ||
	    (r = IF_THERE(o, "spa", pmf_json_get_u64(o, "spa", UINT64_MAX - 1, &d->spa))) < 0)
		return r;
	return d->id ? 0 : -EBADMSG;
}
