// SPDX-License-Identifier: GPL-2.0-only
/* A failure with every field filled. See sample.h. */
#include <sys/sysmacros.h>

#include "flow/json.h"
#include "sample.h"
#include "test.h"

static bool fill_case(struct pmf_case *c)
{
	size_t i;

	c->site.devno = makedev(259, 3);
	c->site.fs_devno = makedev(259, 4);
	c->site.role = PMF_ROLE_REALTIME;
	c->site.dax = true;
	for (i = 0; i < pmf_json_n_counts; i++)
		*(uint64_t *)(void *)((char *)&c->outcome + pmf_json_counts[i].offset) =
			UINT64_MAX - i;
	for (i = 0; i < pmf_json_n_steps; i++)
		*(struct pmf_step *)(void *)((char *)&c->outcome + pmf_json_steps[i].offset) =
			(struct pmf_step){ (enum pmf_step_state)(i % PMF_STEP_N), -(int)i, i * 7 };
	c->outcome.freeze_late = true;
	strcpy(c->outcome.problem, "it \"broke\"\n");
	c->targets = calloc(1, sizeof(*c->targets));
	c->victims = calloc(2, sizeof(*c->victims));
	if (!c->targets || !c->victims)
		return false;
	c->n_targets = 1;
	c->targets[0] = (struct pmf_target){ .kind = PMF_TARGET_XATTR, .ino = 1ULL << 63,
					     .generation = UINT32_MAX, .range = { 1, 2 },
					     .at = { 3, UINT64_MAX }, .shared = true,
					     .action = PMF_ACTION_REPORT, .told = 5,
					     .step = { PMF_STEP_FAILED, -EIO, 6 },
					     .pinned = UINT64_MAX };
	c->n_victims = 2;
	c->victims[0] = (struct pmf_victim){
		.pid = 4194304, .start_ns = UINT64_MAX, .uid = UINT32_MAX, .comm = "a\033b\\c\"",
		.ino = 99, .generation = 3, .address = 0xffffffffff600000, .length = 4096,
		.offset = 1, .vmas = 2, .lsb = 21, .told = true, .exiting = true,
	};
	c->victims[1].pid = 1;
	memcpy(c->victims[1].comm, "sixteen-bytes-ab", 16);	/* not terminated */
	return strdup_to(&c->site.name, "pmem0p1") && strdup_to(&c->site.node, "/dev/pmem0p1") &&
	       strdup_to(&c->site.fstype, "xfs") && strdup_to(&c->site.mountpoint, "/a\tb") &&
	       pmf_ranges_add(&c->site.ranges, PMF_RANGE_ALL) == 0 &&
	       strdup_to(&c->targets[0].path, "/a\tb/\xe2\x82\xac") &&
	       strdup_to(&c->victims[0].unit, "x.service") &&
	       strdup_to(&c->victims[0].path, "/a\tb/file (deleted)");
}

static bool fill_hooks(struct pmf_failure *f)
{
	f->hooks = calloc(2, sizeof(*f->hooks));
	if (!f->hooks)
		return false;
	f->n_hooks = 2;
	f->hooks[0] = (struct pmf_hook_result){ .status = 137, .timed_out = true, .ns = 7 };
	f->hooks[1] = (struct pmf_hook_result){ .status = -EACCES };
	return strdup_to(&f->hooks[0].name, "10-restore") &&
	       strdup_to(&f->hooks[1].name, "20-\"x\"") &&
	       strdup_to(&f->hooks[1].why, "others may write to it");
}

struct pmf_failure *sample_failure(void)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->kind = PMF_KIND_POISON;
	f->source = PMF_SOURCE_MEMORY_FAILURE;
	f->state = PMF_STATE_FAILED;
	f->created_us = 1700000000000000;
	f->updated_us = 1700000000000001;
	f->hold = 12;
	f->hold_ns = 34;
	f->hold_ended = true;
	f->cases = calloc(2, sizeof(*f->cases));
	if (!f->cases)
		return NULL;
	f->n_cases = 2;
	f->cases[1].site.kind = PMF_SITE_HOLDER;
	if (!strdup_to(&f->device_id, "ACPI.NFIT/1b4e28ba-2fa1-11d2-883f-0016d3cca427") ||
	    !strdup_to(&f->device_name, "pmem0") || !strdup_to(&f->reason, "why; 'quoted'") ||
	    pmf_ranges_add(&f->ranges, (struct pmf_range){ 4096, 8192 }) < 0 ||
	    pmf_ranges_add(&f->ranges, (struct pmf_range){ 1ULL << 40, UINT64_MAX }) < 0 ||
	    pmf_ranges_add(&f->listed, (struct pmf_range){ 4096, 4608 }) < 0 ||
	    !strdup_to(&f->marked_in, "b0a7/12") || !fill_hooks(f) ||
	    !strdup_to(&f->cases[1].site.holder, "swap") || !fill_case(&f->cases[0]))
		return NULL;
	return TAKE_PTR(f);
}

static bool same_ranges(const struct pmf_ranges *a, const struct pmf_ranges *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->v, b->v, a->n * sizeof(*a->v)) == 0);
}

#define DIFFERS(field)	do { if (a->field != b->field) return #field; } while (0)
#define DIFFERS_STR(field) do { if (!streq_ptr(a->field, b->field)) return #field; } while (0)

static const char *site_difference(const struct pmf_site *a, const struct pmf_site *b)
{
	DIFFERS(kind);
	DIFFERS(role);
	DIFFERS(devno);
	DIFFERS(fs_devno);
	DIFFERS(dax);
	DIFFERS_STR(name);
	DIFFERS_STR(node);
	DIFFERS_STR(fstype);
	DIFFERS_STR(mountpoint);
	DIFFERS_STR(holder);
	return same_ranges(&a->ranges, &b->ranges) ? NULL : "site.ranges";
}

static const char *outcome_difference(const struct pmf_outcome *a, const struct pmf_outcome *b)
{
	size_t i;

	for (i = 0; i < pmf_json_n_counts; i++)
		if (memcmp((const char *)a + pmf_json_counts[i].offset,
			   (const char *)b + pmf_json_counts[i].offset, sizeof(uint64_t)) != 0)
			return pmf_json_counts[i].key;
	for (i = 0; i < pmf_json_n_steps; i++) {
		const struct pmf_step *x = (const void *)((const char *)a + pmf_json_steps[i].offset);
		const struct pmf_step *y = (const void *)((const char *)b + pmf_json_steps[i].offset);

		if (x->state != y->state || x->error != y->error || x->ns != y->ns)
			return pmf_json_steps[i].key;
	}
	DIFFERS(freeze_late);
	DIFFERS(self);
	DIFFERS_STR(problem);
	return NULL;
}

static const char *victim_difference(const struct pmf_victim *a, const struct pmf_victim *b)
{
	DIFFERS(pid);
	DIFFERS(start_ns);
	DIFFERS(uid);
	DIFFERS(ino);
	DIFFERS(generation);
	DIFFERS(address);
	DIFFERS(length);
	DIFFERS(offset);
	DIFFERS(vmas);
	DIFFERS(lsb);
	DIFFERS(told);
	DIFFERS(ignores);
	DIFFERS(exiting);
	DIFFERS_STR(unit);
	DIFFERS_STR(path);
	return strncmp(a->comm, b->comm, 15) == 0 ? NULL : "comm";
}

static const char *target_difference(const struct pmf_target *a, const struct pmf_target *b)
{
	DIFFERS(kind);
	DIFFERS(action);
	DIFFERS(at.start);
	DIFFERS(at.end);
	DIFFERS(ino);
	DIFFERS(generation);
	DIFFERS(range.start);
	DIFFERS(range.end);
	DIFFERS(shared);
	DIFFERS(step.state);
	DIFFERS(step.error);
	DIFFERS(step.ns);
	DIFFERS(told);
	DIFFERS(pinned);
	DIFFERS_STR(path);
	return NULL;
}

static const char *hook_difference(const struct pmf_hook_result *a,
				   const struct pmf_hook_result *b)
{
	DIFFERS(status);
	DIFFERS(timed_out);
	DIFFERS(ns);
	DIFFERS_STR(name);
	DIFFERS_STR(why);
	return NULL;
}

static const char *case_difference(const struct pmf_case *x, const struct pmf_case *y)
{
	const char *d = site_difference(&x->site, &y->site);
	size_t i;

	if (!d)
		d = outcome_difference(&x->outcome, &y->outcome);
	if (!d && x->n_targets != y->n_targets)
		d = "n_targets";
	for (i = 0; !d && i < x->n_targets; i++)
		d = target_difference(&x->targets[i], &y->targets[i]);
	if (!d && x->n_victims != y->n_victims)
		d = "n_victims";
	for (i = 0; !d && i < x->n_victims; i++)
		d = victim_difference(&x->victims[i], &y->victims[i]);
	return d;
}

const char *failure_difference(const struct pmf_failure *a, const struct pmf_failure *b)
{
	const char *d = NULL;
	size_t i;

	DIFFERS(id);
	DIFFERS(kind);
	DIFFERS(source);
	DIFFERS(state);
	DIFFERS(created_us);
	DIFFERS(updated_us);
	DIFFERS(hold);
	DIFFERS(hold_ns);
	DIFFERS(hold_ended);
	DIFFERS(n_cases);
	DIFFERS_STR(device_id);
	DIFFERS_STR(device_name);
	DIFFERS_STR(reason);
	DIFFERS_STR(marked_in);
	DIFFERS(n_hooks);
	if (pmf_failure_told(a) != pmf_failure_told(b))
		return "told";
	if (pmf_failure_freezes(a).ns != pmf_failure_freezes(b).ns ||
	    pmf_failure_freezes(a).longest_ns != pmf_failure_freezes(b).longest_ns)
		return "frozen";
	if (!same_ranges(&a->ranges, &b->ranges))
		return "ranges";
	if (!same_ranges(&a->listed, &b->listed))
		return "listed";
	for (i = 0; !d && i < a->n_hooks; i++)
		d = hook_difference(&a->hooks[i], &b->hooks[i]);
	for (i = 0; !d && i < a->n_cases; i++)
		d = case_difference(&a->cases[i], &b->cases[i]);
	return d;
}
