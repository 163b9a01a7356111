// SPDX-License-Identifier: GPL-2.0-only
/* What goes on beside the handling of poison: unbinds, lists that hang, hooks. */
#include <fcntl.h>
#include <sqlite3.h>

#include "poison-bench.h"
#include "test.h"

TEST(an_unbind_waits_for_no_poison)
{
	BENCH(b);

	begin();
	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	world.stuck = true;
	event(&b, 0, PAGE);
	CHECK(run_until(&b, &world.calls, 1));
	fake_holds_unbind(&b.f, 0, 3, false);
	CHECK(run_until(&b, &b.f.released, 1));
	CHECK_EQ(world.at_once, 1);
	world.stuck = false;
	CHECK(settle(&b));
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 2);
}

/* Nothing of a held device's sysfs is read, and who was at it already keeps nobody. */
TEST(a_list_that_hangs_keeps_nobody)
{
	BENCH(b);
	unsigned int reads;

	begin();
	fake_holds_add(&b.f, 0);
	fake_holds_add(&b.f, 1);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	fake_holds_set(&b.f, &b.f.bad_stuck, true);
	set_bad(&b, 1, 0, PAGE);
	pmf_engine_look(b.e, NULL, false);
	CHECK(run_until(&b, &world.calls, 1));
	fake_holds_unbind(&b.f, 0, 3, false);
	CHECK(run_until(&b, &b.f.released, 1));
	fake_holds_set(&b.f, &b.f.bad_stuck, false);
	pthread_cond_broadcast(&b.f.changed);
	CHECK(settle(&b));
	fake_holds_set(&b.f, &b.f.slow, true);
	fake_holds_unbind(&b.f, 0, 4, false);
	CHECK(run_until(&b, &b.f.handling, 1));
	reads = b.f.bad_reads;
	pmf_engine_look(b.e, b.e->topology->devices[0].id, false);
	for (int i = 0; i < 20; i++) {
		CHECK(pmemfail_engine_dispatch(b.e) >= 0);
		usleep(5000);
	}
	CHECK_EQ(b.f.bad_reads, reads);
	fake_holds_set(&b.f, &b.f.slow, false);
	pthread_cond_broadcast(&b.f.changed);
	CHECK(settle(&b));
	CHECK(b.f.bad_reads > reads);
}

TEST(hooks_run_after_the_end_and_their_answers_are_recorded)
{
	BENCH(b);
	struct pmemfail_failure *f = NULL;

	begin();
	b.f.hook = "50-mail";
	if (!b.ctx->policy.hooks_dir[0])
		strcpy(b.ctx->policy.hooks_dir, "/nonexistent");
	fake_holds_add(&b.f, 0);
	free(b.f.topology->devices[0].name);
	b.f.topology->devices[0].name = strdup("pm\nem0");
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	event(&b, 0, PAGE);
	CHECK(settle(&b));
	CHECK_EQ(b.f.hook_runs, 1);
	CHECK(strstr(b.f.hook_env, "PMEMFAIL_ID=1\n"));
	CHECK(strstr(b.f.hook_env, "PMEMFAIL_KIND=poison\n"));
	CHECK(strstr(b.f.hook_env, "PMEMFAIL_STATE=handled\n"));
	CHECK(strstr(b.f.hook_env, "PMEMFAIL_DEVICE=pm em0\n"));
	CHECK(strstr(b.f.hook_env, "PMEMFAIL_DEVICE_ID=ACPI.NFIT/uuid-0\n"));
	CHECK(strstr(b.f.hook_text, "\"schema\":1"));
	CHECK_EQ(pmemfail_get_failure(b.ctx, 1, &f), 0);
	CHECK_EQ(pmemfail_failure_hooks(f), 2);
	CHECK_EQ(pmemfail_hook_status(pmemfail_failure_hook(f, 0)), 3);
	CHECK_EQ(pmemfail_hook_status(pmemfail_failure_hook(f, 1)), -EPERM);
	CHECK_EQ(pmemfail_failure_sites(f), 1);
	pmemfail_failure_free(f);
	fake_holds_unbind(&b.f, 0, 3, false);
	CHECK(run_until(&b, &b.f.hook_runs, 2));
	CHECK(settle(&b));
	CHECK(strstr(b.f.hook_env, "PMEMFAIL_KIND=remove\n"));
	CHECK_EQ(pmemfail_get_failure(b.ctx, 2, &f), 0);
	CHECK_EQ(pmemfail_failure_hooks(f), 2);
	pmemfail_failure_free(f);
	CHECK_EQ(b.f.hook_runs, 2);
}

/* The end and the hooks' answers wait together, as one version: once that is written,
 * the device is looked at again and its lock is free. */
TEST(hooks_while_nothing_can_be_recorded)
{
	BENCH(b);
	int fd;

	begin();
	b.f.hook = "50-mail";
	strcpy(b.ctx->policy.hooks_dir, "/nonexistent");
	world.nobody = true;
	fd = open(b.state, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	close(fd);
	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	event(&b, 0, PAGE);
	CHECK(run_until(&b, &b.f.hook_runs, 1));
	for (int i = 0; i < 20 || b.e->jobs; i++) {
		CHECK(pmemfail_engine_dispatch(b.e) >= 0);
		usleep(5000);
	}
	CHECK(pmf_record_is_behind(b.e->record, b.e->topology->devices[0].id));
	CHECK_EQ(unlink(b.state), 0);
	pmf_record_keep(b.e->record, UINT64_MAX, UINT64_MAX);	/* so it tries at once */
	CHECK(settle(&b));
	CHECK_EQ(recorded(&b, PMF_STATE_PENDING), 1);
	CHECK(!pmf_record_is_behind(b.e->record, b.e->topology->devices[0].id));
	CHECK_EQ(b.e->n_poisoned, 1);
	CHECK_EQ(b.e->poisoned[0]->lock_fd, -1);
	world.nobody = false;
	pmf_engine_look(b.e, NULL, true);
	CHECK(settle(&b));
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
}

/* That it cannot be handled is all there is to it, and keeps no other. */
TEST(a_bad_page_of_its_own_keeps_nothing)
{
	BENCH(b);

	begin();
	world.nobody = true;
	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	pmf_engine_bad_info(b.e, &b.e->topology->devices[0]);
	CHECK(settle(&b));
	CHECK_EQ(recorded(&b, PMF_STATE_UNSUPPORTED), 1);
	CHECK_EQ(b.last->ranges.n, 0);
	pmf_engine_look(b.e, NULL, true);
	CHECK(settle(&b));
	CHECK_EQ(b.e->poisoned[0]->n_open, 0);	/* no timer for it */
	event(&b, 0, PAGE);
	CHECK(settle(&b));
	world.nobody = false;
	pmf_engine_look(b.e, NULL, true);
	CHECK(settle(&b));
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
}

static atomic_int no_snapshots;

int __wrap_pmf_snapshots_for_hold(struct pmf_snapshots *s, struct pmf_topology **ret);
int __real_pmf_snapshots_for_hold(struct pmf_snapshots *s, struct pmf_topology **ret);
int __wrap_pmf_snapshots_for_hold(struct pmf_snapshots *s, struct pmf_topology **ret)
{
	if (atomic_load(&no_snapshots) > 0) {
		atomic_fetch_sub(&no_snapshots, 1);
		return -ENOMEM;
	}
	return __real_pmf_snapshots_for_hold(s, ret);
}

TEST(begun_again_when_there_is_memory)
{
	BENCH(b);

	begin();
	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	atomic_store(&no_snapshots, 1);
	event(&b, 0, PAGE);
	CHECK(settle(&b));
	CHECK_EQ(atomic_load(&no_snapshots), 0);
	CHECK_EQ(world.calls, 1);
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
}

static bool sql(const struct bench *b, const char *text)
{
	char path[300];
	sqlite3 *db = NULL;
	bool ok;

	(void)snprintf(path, sizeof(path), "%s/failures.db", b->state);
	ok = sqlite3_open(path, &db) == SQLITE_OK &&
	     sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK;
	sqlite3_close(db);
	return ok;
}

/* It can be read, but not written: what it says is older than what the hooks were told. */
TEST(hooks_answer_while_the_record_is_behind)
{
	BENCH(b);

	begin();
	b.f.hook = "50-mail";
	strcpy(b.ctx->policy.hooks_dir, "/nonexistent");
	fake_holds_add(&b.f, 0);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	world.stuck = true;
	event(&b, 0, PAGE);
	CHECK(run_until(&b, &world.calls, 1));
	CHECK(sql(&b, "CREATE TRIGGER no BEFORE UPDATE ON failure BEGIN"
		      " SELECT RAISE(ABORT, 'no'); END"));
	world.stuck = false;
	CHECK(run_until(&b, &b.f.hook_runs, 1));
	for (int i = 0; i < 20 || b.e->jobs; i++) {
		CHECK(pmemfail_engine_dispatch(b.e) >= 0);
		usleep(5000);
	}
	CHECK(sql(&b, "DROP TRIGGER no"));
	pmf_record_keep(b.e->record, UINT64_MAX, UINT64_MAX);
	CHECK(settle(&b));
	CHECK_EQ(recorded(&b, -1), 1);
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
	CHECK_EQ(b.last->n_hooks, 2);
	CHECK_EQ(world.calls, 1);
}
