// SPDX-License-Identifier: GPL-2.0-only
/* Memory failures that the trace tells: kept until they are on disk, by a made-up trace
 * whose keeping outlives the engine. */
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "poison-bench.h"
#include "sys/watch.h"
#include "test.h"

#define SPA	(1ULL << 32)	/* of pmem0, which is 1 MiB */
#define ALL	(PMF_READ_DEVICES | PMF_READ_BLOCKS | PMF_READ_STACK | PMF_READ_MOUNTS)

static struct {
	int pipe[2];
	uint64_t queue[64], kept[64];
	size_t next, n, n_kept;
} trace;

int __wrap_pmf_trace_open(const char *run_dir, struct pmf_trace **ret, int *ret_keep);
struct pmf_trace *__wrap_pmf_trace_close(struct pmf_trace *t);
int __wrap_pmf_trace_fd(const struct pmf_trace *t);
int __wrap_pmf_trace_read(struct pmf_trace *t, struct pmf_range *ret_spa);
bool __wrap_pmf_trace_has(const struct pmf_trace *t);
void __wrap_pmf_trace_settle(struct pmf_trace *t, pmf_trace_settled_fn fn, void *userdata);

int __wrap_pmf_trace_open(const char *run_dir, struct pmf_trace **ret, int *ret_keep)
{
	(void)run_dir;
	if (pipe2(trace.pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		abort();
	memcpy(trace.queue, trace.kept, sizeof(trace.queue));
	trace.n = trace.n_kept;
	trace.next = 0;
	*ret = (struct pmf_trace *)&trace;
	*ret_keep = 0;
	return 0;
}

struct pmf_trace *__wrap_pmf_trace_close(struct pmf_trace *t)
{
	if (t) {
		close(trace.pipe[0]);
		close(trace.pipe[1]);
	}
	return NULL;
}

int __wrap_pmf_trace_fd(const struct pmf_trace *t)
{
	(void)t;
	return trace.pipe[0];
}

bool __wrap_pmf_trace_has(const struct pmf_trace *t)
{
	(void)t;
	return trace.next < trace.n;
}

int __wrap_pmf_trace_read(struct pmf_trace *t, struct pmf_range *ret_spa)
{
	char c;

	if (!__wrap_pmf_trace_has(t))
		return -EAGAIN;
	(void)!read(trace.pipe[0], &c, 1);
	ret_spa->start = trace.queue[trace.next++];
	ret_spa->end = ret_spa->start + PAGE;
	return 0;
}

void __wrap_pmf_trace_settle(struct pmf_trace *t, pmf_trace_settled_fn fn, void *userdata)
{
	(void)t;
	for (size_t i = 0; i < trace.n_kept;)
		if (fn((struct pmf_range){ trace.kept[i], trace.kept[i] + PAGE }, userdata))
			trace.kept[i] = trace.kept[--trace.n_kept];
		else
			i++;
}

static void fails(uint64_t spa)
{
	trace.kept[trace.n_kept++] = trace.queue[trace.n++] = spa;
	if (write(trace.pipe[1], "", 1) != 1)
		abort();
}

static void machine(struct bench *b, bool device)
{
	begin();
	trace.n_kept = trace.n = trace.next = 0;
	if (!device)
		return;
	fake_holds_add(&b->f, 0);
	b->f.topology->devices[0].spa = SPA;
	b->f.topology->devices[0].ns_spa = (struct pmf_range){ SPA - PAGE, SPA + (1 << 20) };
}

TEST(kept_until_saved)
{
	BENCH(b);

	machine(&b, true);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	fails(SPA);
	fails(SPA + 3 * PAGE);
	CHECK(pmemfail_engine_dispatch(b.e) >= 0);
	CHECK_EQ(trace.next, 2);
	pmf_engine_trace_settle(b.e);
	CHECK_EQ(trace.n_kept, 2);
	CHECK(settle(&b));
	CHECK_EQ(trace.n_kept, 0);
	CHECK_EQ(pmf_ranges_bytes(&world.told), 2 * PAGE);
	/* what tells nothing new is not kept either */
	fails(SPA);
	fails(SPA + 5 * PAGE);
	CHECK(settle(&b));
	CHECK_EQ(trace.n_kept, 0);
	CHECK_EQ(pmf_ranges_bytes(&world.told), 3 * PAGE);
}

/* Handled, but there is no disk; then the machine goes on without us. */
TEST(kept_as_long_as_the_disk_refuses)
{
	BENCH(b);
	int fd;

	machine(&b, true);
	fd = open(b.state, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	close(fd);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(run_until(&b, &b.problems, 1));
	fails(SPA);
	CHECK(run_until(&b, &world.calls, 1));
	CHECK_EQ(trace.n_kept, 1);
	b.e = pmemfail_engine_free(b.e);
	CHECK_EQ(trace.n_kept, 1);
	CHECK_EQ(unlink(b.state), 0);
	begin();
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	CHECK_EQ(trace.n_kept, 0);
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
	CHECK_EQ(b.last->ranges.v[0].start, 0);
	CHECK_EQ(b.last->ranges.v[0].end, PAGE);
}

/* It died after the record was written, and before it forgot what it kept. */
TEST(no_news_after_a_restart)
{
	BENCH(b);

	machine(&b, true);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	fails(SPA);
	CHECK(settle(&b));
	b.e = pmemfail_engine_free(b.e);
	b.added = b.changed = 0;
	trace.kept[trace.n_kept++] = SPA;
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	CHECK_EQ(trace.n_kept, 0);
	CHECK_EQ(b.added + b.changed, 0);
	CHECK_EQ(recorded(&b, -1), 1);
	CHECK_EQ(world.twice, 0);
}

/* Before it ends in order, too: not lost, and known to the successor. */
TEST(read_to_the_end)
{
	BENCH(b);

	machine(&b, true);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	fails(SPA);
	b.e = pmemfail_engine_free(b.e);
	CHECK_EQ(trace.n_kept, 0);
	CHECK_EQ(recorded(&b, PMF_STATE_PENDING), 1);
}

TEST(news_again_once_cleared)
{
	BENCH(b);

	machine(&b, true);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	fails(SPA);
	CHECK(settle(&b));
	CHECK(pmf_ranges_cover(&b.e->poisoned[0]->saved, (struct pmf_range){ 0, PAGE }));
	set_bad(&b, 0, 0, 0);
	pmf_engine_look(b.e, NULL, false);
	CHECK(settle(&b));
	CHECK_EQ(recorded(&b, PMF_STATE_CLEARED), 1);
	CHECK_EQ(b.e->poisoned[0]->saved.n, 0);
	fails(SPA);
	CHECK(settle(&b));
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
	CHECK_EQ(trace.n_kept, 0);
}

TEST(the_info_block)
{
	BENCH(b);

	machine(&b, true);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	fails(SPA - PAGE);
	CHECK(pmemfail_engine_dispatch(b.e) >= 0);
	pmf_engine_trace_settle(b.e);
	CHECK_EQ(trace.n_kept, 1);
	CHECK(run_until(&b, &b.added, 1));
	CHECK_EQ(recorded(&b, PMF_STATE_UNSUPPORTED), 1);
	CHECK_EQ(trace.n_kept, 0);
}

/* Of a device that is not known yet; and of none. */
TEST(kept_until_its_device_comes)
{
	BENCH(b);

	machine(&b, false);
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	fails(SPA);
	fails(SPA - 9 * PAGE);
	CHECK(settle(&b));
	pmf_engine_trace_settle(b.e);
	CHECK_EQ(trace.n_kept, 2);
	fake_holds_add(&b.f, 0);
	b.f.topology->devices[0].spa = SPA;
	pmf_snapshots_refresh(b.e->snapshots, ALL);
	CHECK(run_until(&b, &b.added, 1));
	CHECK(settle(&b));
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
	CHECK_EQ(trace.n_kept, 0);
}

TEST(kept_until_devices_can_be_read)
{
	BENCH(b);

	machine(&b, true);
	b.f.read_error = -EIO;
	trace.kept[trace.n_kept++] = SPA;
	CHECK_EQ(pmemfail_engine_new(b.ctx, &b.e), 0);
	CHECK(settle(&b));
	CHECK_EQ(trace.next, 1);
	CHECK_EQ(trace.n_kept, 1);
	b.f.read_error = 0;
	pmf_snapshots_refresh(b.e->snapshots, ALL);
	CHECK(run_until(&b, &b.added, 1));
	CHECK(settle(&b));
	CHECK_EQ(recorded(&b, PMF_STATE_HANDLED), 1);
	CHECK_EQ(trace.n_kept, 0);
}
