// SPDX-License-Identifier: GPL-2.0-only
/*
 * The logic of handling, on a machine that is not real (fake-sys.h): in every
 * scenario every call fails in turn, with each error that it can give (fake-errors.c),
 * and each time what is recorded must agree with what happened. What kernels do is not
 * tested here: that is tests/vm.
 */
#include <dirent.h>

#include "fake-errors.h"
#include "fake-sys.h"
#include "flow/handle.h"
#include "test.h"
#include "three-partitions.h"

/* As a snapshot of the machine would be. */
static struct pmf_topology topology_of(const struct fake *f)
{
	return (struct pmf_topology){
		.devices = devices, .n_devices = 1,
		.blocks = blocks, .n_blocks = ARRAY_SIZE(blocks),
		.mounts = mounts, .n_mounts = MIN(f->n_fs, ARRAY_SIZE(mounts)),
	};
}

struct scenario {
	const char *name;
	bool hold, unmount;
	void (*change)(struct fake *f);
};

static void base_machine(struct fake *f)
{
	fake_init(f);
	f->n_fs = 3;
	f->fs[0] = (struct fake_fs){ .devno = 2, .name = "pmem0p1", .fstype = "xfs",
				     .mounted = true, .entries = 5, .dirty = 2, .refaults = true };
	f->fs[1] = (struct fake_fs){ .devno = 3, .name = "pmem0p2", .fstype = "ext4",
				     .mounted = true, .entries = 3, .dirty = 1, .refaults = true };
	f->fs[2] = (struct fake_fs){ .devno = 5, .name = "dm-0", .fstype = "xfs",
				     .mounted = true, .hidden = true, .entries = 1 };
	f->n_procs = 4;
	f->procs[0] = (struct fake_proc){ .pid = 100, .maps = 1 | 2 };
	f->procs[1] = (struct fake_proc){ .pid = 101, .maps = 1 };
	f->procs[2] = (struct fake_proc){ .pid = 102, .maps = 2 | 4 };
	f->procs[3] = (struct fake_proc){ .pid = 103, .maps = 4 };
}

static void one_filesystem(struct fake *f) { f->n_fs = 1; }
static void all_seen(struct fake *f) { f->n_fs = 2; }
static void late(struct fake *f) { f->freeze_late = true; }
static void no_module(struct fake *f) { f->no_module = true; }
static void pins_that_go(struct fake *f) { f->fs[0].pinned_for = 20; }
static void pins_that_stay(struct fake *f) { f->fs[1].pinned_for = UINT32_MAX; }
static void own(struct fake *f) { f->fs[1].own = true; }
static void frozen_by_another(struct fake *f)
{
	f->fs[0].frozen = f->fs[0].foreign_freeze = true;
}
static void other_fs(struct fake *f)
{
	f->n_fs = 1;
	f->fs[0].fstype = "ext2";
	f->fs[0].refaults = false;
}
static void nobody(struct fake *f) { f->n_fs = 0; }
static void hold_over(struct fake *f) { f->held = false; }

static const struct scenario scenarios[] = {
	{ "hold, all", true, false, NULL },
	{ "hold, one", true, false, one_filesystem },
	{ "hold, unmount", true, true, all_seen },
	{ "hold, frozen too late", true, false, late },
	{ "hold, no module", true, false, no_module },
	{ "hold, pins that go", true, false, pins_that_go },
	{ "hold, pins that stay", true, false, pins_that_stay },
	{ "hold, own filesystem", true, false, own },
	{ "hold, frozen by another", true, false, frozen_by_another },
	{ "hold, no shutdown call", true, false, other_fs },
	{ "hold, nobody", true, false, nobody },
	{ "hold, over before", true, false, hold_over },
	{ "prepare", false, true, all_seen },
	{ "prepare, hidden too", false, true, NULL },
	{ "prepare, no module", false, true, no_module },
	{ "prepare, no module, all seen", false, true, NULL },
};

static size_t open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* Which rule of the design was broken; NULL: none. */
static const char *complaint(const struct scenario *sc, const struct fake *f,
			     const struct pmf_failure *failure, int r)
{
	bool no_thaw = f->fail_op && streq(f->fail_op, "thaw");
	size_t i;

	if (f->broken[0])
		return f->broken;
	if (fake_allocs_frozen() > 0)
		return "memory was asked for while it was frozen";
	if (r != 0 && r != -ENOMEM)
		return "no truth was told";
	if (f->releases != (sc->hold ? 1 : 0))
		return "hold not released exactly once";
	if (f->prepared != f->freed)
		return "a freeze was forgotten";
	for (i = 0; i < f->n_fs; i++) {
		if (!no_thaw && f->fs[i].frozen && !f->fs[i].foreign_freeze)
			return "still frozen";
		if (!no_thaw && f->fs[i].freezes != f->fs[i].thaws)
			return "freezes are not thaws";
	}
	for (i = 0; i < f->n_procs; i++)
		if (f->procs[i].told > 1)
			return "told twice";
	if (r != 0)
		return NULL;
	if (failure->state == PMF_STATE_HANDLED && !fake_is_safe(f))
		return "handled, it says, but an unbind now would do harm";
	if (failure->state == PMF_STATE_HANDLED && failure->reason)
		return "a reason without need";
	if (failure->state != PMF_STATE_HANDLED && !failure->reason)
		return "no reason";
	if (failure->state == PMF_STATE_FAILED && streq(sc->name, "hold, one") &&
	    streq(f->failed_op, "shutdown") && f->fail_error == -EOPNOTSUPP)
		return "failed, it says, where nothing can be done";
	if (failure->state == PMF_STATE_HANDLING || failure->state == PMF_STATE_PENDING)
		return "no end";
	return NULL;
}

/* Whatever went wrong, all steps are passed but those of the caller; without memory it
 * may have ended before. */
static const char *untrue_progress(const struct pmf_progress *p, bool no_memory)
{
	if (p->done > p->total)
		return "more was done than there was to do";
	if (p->done + PMF_REMOVAL_AFTER > p->total)
		return "the caller's steps are done already";
	return p->done + PMF_REMOVAL_AFTER < p->total && !no_memory ? "steps were left out" : NULL;
}

/* One handling. False, and told, when a rule was broken. */
static bool handle(const struct scenario *sc, struct fake *f, enum pmf_state *ret_state)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *failure = NULL;
	struct pmf_event e = { .kind = PMF_KIND_REMOVE, .source = PMF_SOURCE_HOLD,
			       .device_id = text("ACPI.NFIT/u"), .device_name = text("pmem0"),
			       .range = PMF_RANGE_ALL, .hold = sc->hold ? 7 : 0 };
	struct pmf_policy policy;
	struct pmf_progress progress = { 0 };
	struct pmf_topology topology = topology_of(f);
	struct pmf_run run = { .sys = &f->sys, .policy = &policy, .topology = &topology,
			       .hold_fd = sc->hold ? 99 : -1, .unmount = sc->unmount,
			       .hold_time_ns = sc->hold ? f->now_ns : 0,
			       .progress = &progress };
	size_t fds = open_fds();
	const char *why;
	int r;

	pmf_policy_defaults(&policy);
	if (pmf_failure_from_event(&e, &failure) < 0)
		abort();
	test_alloc_watch = fake_watch_alloc;
	r = pmf_handle_removal(&run, failure);
	test_alloc_watch = NULL;
	test_alloc_fail(0);
	why = complaint(sc, f, failure, r) ?: untrue_progress(&progress, test_alloc_failed());
	if (!why && open_fds() != fds)
		why = "a fd leaked";
	if (why)
		test_say("%s [failed: %s%s with %s]: %s; %s %s", sc->name, f->failed_op,
			 f->fail_op ?: "", strerrorname_np(-f->fail_error), why,
			 pmf_state_to_string(failure->state), failure->reason ?: "");
	if (ret_state)
		*ret_state = failure->state;
	return !why;
}

static void start(const struct scenario *sc, struct fake *f)
{
	base_machine(f);
	if (sc->change)
		sc->change(f);
	if (streq(sc->name, "prepare, no module, all seen")) {
		all_seen(f);
		no_module(f);
	}
}

TEST(logic_without_failures)
{
	static const enum pmf_state want[] = {
		PMF_STATE_HANDLED, PMF_STATE_HANDLED, PMF_STATE_HANDLED, PMF_STATE_HANDLED,
		PMF_STATE_FAILED, PMF_STATE_HANDLED, PMF_STATE_FAILED, PMF_STATE_HANDLED,
		PMF_STATE_HANDLED, PMF_STATE_UNSUPPORTED, PMF_STATE_HANDLED, PMF_STATE_FAILED,
		PMF_STATE_HANDLED, PMF_STATE_HANDLED, PMF_STATE_FAILED, PMF_STATE_HANDLED,
	};
	enum pmf_state state;
	size_t i, j;

	static_assert(ARRAY_SIZE(want) == ARRAY_SIZE(scenarios), "one for each");
	for (i = 0; i < ARRAY_SIZE(scenarios); i++) {
		struct fake f;
		unsigned int told = 0;
		bool ok;

		start(&scenarios[i], &f);
		ok = handle(&scenarios[i], &f, &state);
		ok = ok && !f.fs[0].frozen;	/* whoever froze it */
		for (j = 0; j < f.n_procs; j++)
			told += f.procs[j].told > 0 || !(f.procs[j].maps & ((1U << f.n_fs) - 1));
		fake_done(&f);
		test_say("%s: %s", scenarios[i].name, pmf_state_to_string(state));
		CHECK(ok);
		CHECK_EQ(state, want[i]);
		CHECK(told == f.n_procs || (f.no_module && scenarios[i].hold));
	}
}

TEST(logic_every_call_fails_once)
{
	unsigned int runs = 0, bad = 0, nth, k;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(scenarios); i++)
		for (k = 0; k < FAKE_ERRORS; k++)
			for (nth = 1; ; nth++) {
				struct fake f;
				bool over;

				start(&scenarios[i], &f);
				f.fail_nth = nth;
				f.fail_by_table = true;
				f.fail_kth = k;
				bad += !handle(&scenarios[i], &f, NULL);
				runs++;
				over = f.fail_nth > 0;	/* beyond the last call */
				fake_done(&f);
				/* Waiting for a pin makes as many calls as it takes. */
				if (over || nth > 400)
					break;
			}
	test_say("%u runs", runs);
	CHECK(runs > 3000);
	CHECK_EQ(bad, 0);
}

TEST(logic_every_kind_of_call_fails_always)
{
	static const int errors[] = { -EIO, -EOPNOTSUPP, -EBUSY, -ENODEV, -EBADF };
	unsigned int bad = 0;
	size_t i, k, op;

	for (op = 0; fake_op(op); op++)
		for (i = 0; i < ARRAY_SIZE(scenarios); i++)
			for (k = 0; k < ARRAY_SIZE(errors); k++) {
				struct fake f;

				start(&scenarios[i], &f);
				f.fail_op = fake_op(op);
				f.fail_error = errors[k];
				bad += !handle(&scenarios[i], &f, NULL);
				fake_done(&f);
			}
	CHECK_EQ(bad, 0);
}

TEST(logic_every_allocation_fails_once)
{
	unsigned int runs = 0, bad = 0, nth;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(scenarios); i++)
		for (nth = 1; nth < 300; nth++) {
			struct fake f;
			bool over;

			start(&scenarios[i], &f);
			/* Beyond the three that make the failure itself. */
			test_alloc_fail(nth + 4);
			bad += !handle(&scenarios[i], &f, NULL);
			over = !test_alloc_failed();
			runs++;
			fake_done(&f);
			if (over)
				break;
		}
	test_say("%u runs", runs);
	CHECK(runs > 100);
	CHECK_EQ(bad, 0);
}

TEST(logic_assess_changes_nothing)
{
	_cleanup_(pmf_failure_freep) struct pmf_failure *failure = NULL;
	struct pmf_event e = { .device_id = text("ACPI.NFIT/u"), .range = PMF_RANGE_ALL };
	struct pmf_policy policy;
	struct pmf_topology topology;
	struct fake f, before;
	struct pmf_run run = { .sys = &f.sys, .policy = &policy, .topology = &topology,
			       .hold_fd = -1 };
	size_t i, victims = 0;
	int r;

	pmf_policy_defaults(&policy);
	CHECK_EQ(pmf_failure_from_event(&e, &failure), 0);
	base_machine(&f);
	topology = topology_of(&f);
	before = f;
	r = pmf_assess_removal(&run, failure);
	for (i = 0; i < failure->n_cases; i++)
		victims += failure->cases[i].n_victims;
	fake_done(&f);
	CHECK_EQ(r, 0);
	CHECK_EQ(failure->n_cases, 3);
	CHECK_EQ(victims, 6);	/* one per process and filesystem */
	CHECK_STR(f.broken, "");
	CHECK(memcmp(f.procs, before.procs, sizeof(f.procs)) == 0);
	for (i = 0; i < f.n_fs; i++)
		CHECK(!f.fs[i].freezes && !f.fs[i].down && f.fs[i].mounted && !f.fs[i].dax_dead);
}

/* --- progress --------------------------------------------------------------- */

/* How much was done when these were called first. */
static struct step_seen {
	const char *op;
	uint64_t done, total;
} steps_seen[] = {
	{ "open_site", 0, 0 }, { "freeze", 0, 0 }, { "revoke_fs", 0, 0 }, { "shutdown", 0, 0 },
	{ "thaw", 0, 0 }, { "unmount", 0, 0 },
};
static struct pmf_progress looked_at;

static void see_step(struct fake *f, const char *op)
{
	if (streq(op, "revoke_fs") && !f->fs[0].frozen)
		return;		/* that only lists who maps it */
	for (size_t i = 0; i < ARRAY_SIZE(steps_seen); i++)
		if (streq(steps_seen[i].op, op) && steps_seen[i].total == 0) {
			steps_seen[i].done = looked_at.done;
			steps_seen[i].total = looked_at.total;
		}
}

TEST(logic_progress_is_what_was_done)
{
	static const uint64_t want[ARRAY_SIZE(steps_seen)] = { 1, 2, 3, 4, 5, 7 };
	_cleanup_(pmf_failure_freep) struct pmf_failure *failure = NULL;
	struct pmf_event e = { .device_id = text("ACPI.NFIT/u"), .range = PMF_RANGE_ALL };
	struct pmf_policy policy;
	struct pmf_topology topology;
	struct fake f;
	struct pmf_run run = { .sys = &f.sys, .policy = &policy, .topology = &topology,
			       .hold_fd = -1, .unmount = true, .progress = &looked_at };
	int r;

	pmf_policy_defaults(&policy);
	CHECK_EQ(pmf_failure_from_event(&e, &failure), 0);
	base_machine(&f);
	one_filesystem(&f);
	topology = topology_of(&f);
	f.on_call = see_step;
	r = pmf_handle_removal(&run, failure);
	fake_done(&f);
	CHECK_EQ(r, 0);
	CHECK_EQ(failure->state, PMF_STATE_HANDLED);
	for (size_t i = 0; i < ARRAY_SIZE(steps_seen); i++) {
		test_say("%s at %llu of %llu", steps_seen[i].op,
			 (unsigned long long)steps_seen[i].done,
			 (unsigned long long)steps_seen[i].total);
		CHECK_EQ(steps_seen[i].done, want[i]);
		CHECK_EQ(steps_seen[i].total, 9);
	}
	CHECK_EQ(looked_at.done, 8);
}
