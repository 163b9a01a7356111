// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tool tells of poison: who owns what is bad, by the kernel's list and the
 * record together, and what was done for each owner.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "../../ctl/bad.h"
#include "../../ctl/report.h"
#include "context.h"
#include "fake-holds.h"
#include "flow/store.h"
#include "test.h"

struct bench {
	struct fake_holds f;
	struct pmf_sys_ops ops;
	struct pmemfail *ctx;
	struct pmf_store *store;
	struct pmemfail_devices *devices;
	struct open_failures open;
	struct bad bad;
};

static struct pmf_ranges listed;	/* what the fake kernel holds for bad */
static int list_error;
static bool list_full;

static int read_badblocks(struct pmf_sys *s, const struct pmf_device *d,
			  struct pmf_ranges *ret, bool *ret_full)
{
	(void)s;
	(void)d;
	*ret_full = list_full;
	return list_error < 0 ? list_error : pmf_ranges_copy(&listed, ret);
}

static void bench_init(struct bench *b)
{
	static unsigned int n;
	char dir[256];

	*b = (struct bench){ 0 };
	fake_holds_init(&b->f);
	fake_holds_add(&b->f, 0);
	b->ops = *b->f.sys.ops;
	b->ops.read_badblocks = read_badblocks;
	b->f.sys.ops = &b->ops;
	(void)snprintf(dir, sizeof(dir), "%s/%u", test_dir(), n++);
	if (mkdir(dir, 0700) < 0 || pmemfail_new(&b->ctx) < 0 ||
	    pmemfail_set(b->ctx, "StateDirectory", dir) < 0 ||
	    pmf_store_open(dir, true, &b->store, NULL) < 0)
		abort();
	pmf_act_on(b->ctx, &b->f.sys);
	if (pmemfail_list_devices(b->ctx, &b->devices) < 0)
		abort();
	list_error = 0;
	list_full = false;
}

static void bench_done(struct bench *b)
{
	bad_done(&b->bad);
	open_failures_done(&b->open);
	pmemfail_devices_free(b->devices);
	pmf_store_close(b->store);
	pmemfail_unref(b->ctx);
	pmf_ranges_done(&listed);
	fake_holds_done(&b->f);
}
#define BENCH(b) _cleanup_(bench_done) struct bench b; bench_init(&(b))

static void add(struct pmf_ranges *set, uint64_t start, uint64_t end)
{
	if (pmf_ranges_add(set, (struct pmf_range){ start, end }) < 0)
		abort();
}

static void *no_null(void *p)
{
	if (!p)
		abort();
	return p;
}

/* Poison of pmem0 in one range, with a site of that name, if any. */
static struct pmf_failure *failure(enum pmf_state state, uint64_t start, uint64_t end,
				   const char *site)
{
	struct pmf_failure *f = no_null(calloc(1, sizeof(*f)));

	f->kind = PMF_KIND_POISON;
	f->source = PMF_SOURCE_BADBLOCKS;
	f->state = state;
	f->device_id = no_null(strdup("ACPI.NFIT/uuid-0"));
	f->device_name = no_null(strdup("pmem0"));
	add(&f->ranges, start, end);
	if (!site)
		return f;
	f->cases = no_null(calloc(1, sizeof(*f->cases)));
	f->n_cases = 1;
	f->cases[0].site.name = no_null(strdup(site));
	f->cases[0].site.fstype = no_null(strdup("xfs"));
	f->cases[0].site.mountpoint = no_null(strdup("/mnt"));
	return f;
}

static struct pmf_target *target(struct pmf_failure *f, enum pmf_target_kind kind,
				 uint64_t start, uint64_t end)
{
	struct pmf_case *c = &f->cases[0];

	c->targets = no_null(reallocarray(c->targets, c->n_targets + 1, sizeof(*c->targets)));
	c->targets[c->n_targets] = (struct pmf_target){ .kind = kind, .at = { start, end } };
	return &c->targets[c->n_targets++];
}

static void put(struct bench *b, struct pmf_failure *f)
{
	if (pmf_store_put(b->store, f) < 0)
		abort();
	pmf_failure_free(f);
}

static int look(struct bench *b)
{
	int r;

	open_failures_done(&b->open);
	bad_done(&b->bad);
	r = open_failures_read(b->ctx, &b->open);
	return r < 0 ? r : bad_read(b->ctx, pmemfail_devices_get(b->devices, 0), &b->open,
				    &b->bad);
}

/* "START-END:OWNER ...", freed by the next call. */
static const char *owners(const struct bad *b)
{
	static char *last;
	size_t size;
	FILE *f;

	free(last);
	last = NULL;
	f = no_null(open_memstream(&last, &size));
	for (size_t i = 0; i < b->n; i++)
		fprintf(f, "%s%llx-%llx:%s", i ? " " : "", (unsigned long long)b->v[i].start,
			(unsigned long long)b->v[i].end, strip_owner_name(b->v[i].owner));
	fclose(f);
	return last;
}

TEST(owners_by_the_record)
{
	struct pmf_failure *f;
	BENCH(b);

	add(&listed, 0x1000, 0x3000);
	add(&listed, 0x8000, 0x9000);
	add(&listed, 0x10000, 0x11000);
	/* on the device itself: every target is where it says */
	f = failure(PMF_STATE_HANDLED, 0x1000, 0x3000, "pmem0");
	target(f, PMF_TARGET_FILE, 0x1000, 0x2000);
	target(f, PMF_TARGET_FREE, 0x2000, 0x3000);
	put(&b, f);
	put(&b, failure(PMF_STATE_PENDING, 0x8000, 0x9000, NULL));
	/* what is cleared, or a removal, says nothing about what is bad now */
	put(&b, failure(PMF_STATE_CLEARED, 0x10000, 0x11000, NULL));
	f = failure(PMF_STATE_HANDLED, 0, UINT64_MAX, NULL);
	f->kind = PMF_KIND_REMOVE;
	put(&b, f);
	CHECK_EQ(look(&b), 0);
	CHECK_STR(owners(&b.bad), "1000-2000:file 2000-3000:free 8000-9000:unmounted "
		  "10000-11000:unrecorded");
	CHECK_EQ(b.bad.bytes, 0x4000);
}

TEST(owners_behind_a_partition)
{
	struct pmf_failure *f;
	BENCH(b);

	add(&listed, 0x4000, 0x6000);
	f = failure(PMF_STATE_HANDLED, 0x4000, 0x6000, "pmem0p1");
	add(&f->cases[0].site.ranges, 0x1000, 0x3000);
	target(f, PMF_TARGET_DIRECTORY, 0x1000, 0x2000);
	target(f, PMF_TARGET_LOG, 0x2000, 0x3000);
	put(&b, f);
	CHECK_EQ(look(&b), 0);
	CHECK_STR(owners(&b.bad), "4000-5000:directory 5000-6000:metadata");
}

/* Several ranges through a stack: which is which is not known, so the worst is said of
 * all rather than something wrong of one. */
TEST(owners_behind_a_stack)
{
	struct pmf_failure *f;
	BENCH(b);

	add(&listed, 0x4000, 0x5000);
	add(&listed, 0x8000, 0x9000);
	f = failure(PMF_STATE_HANDLED, 0x4000, 0x5000, "dm-0");
	add(&f->ranges, 0x8000, 0x9000);
	add(&f->cases[0].site.ranges, 0x1000, 0x2000);
	add(&f->cases[0].site.ranges, 0x6000, 0x7000);
	target(f, PMF_TARGET_FILE, 0x1000, 0x2000);
	target(f, PMF_TARGET_FREE, 0x6000, 0x7000);
	put(&b, f);
	CHECK_EQ(look(&b), 0);
	CHECK_STR(owners(&b.bad), "4000-5000:file 8000-9000:file");
}

/* One of two ranges reaches a partition: nothing tells which. */
TEST(owners_behind_a_partition_in_part)
{
	struct pmf_failure *f;
	BENCH(b);

	add(&listed, 0x4000, 0x5000);
	add(&listed, 0x8000, 0x9000);
	f = failure(PMF_STATE_HANDLED, 0x4000, 0x5000, "pmem0p2");
	add(&f->ranges, 0x8000, 0x9000);
	add(&f->cases[0].site.ranges, 0x1000, 0x2000);
	target(f, PMF_TARGET_FILE, 0x1000, 0x2000);
	target(f, PMF_TARGET_METADATA, 0x1000, 0x1000);
	put(&b, f);
	CHECK_EQ(look(&b), 0);
	CHECK_STR(owners(&b.bad), "4000-5000:metadata 8000-9000:metadata");
}

TEST(owners_not_known)
{
	BENCH(b);

	add(&listed, 0x4000, 0x5000);
	put(&b, failure(PMF_STATE_FAILED, 0x4000, 0x5000, "pmem0"));
	CHECK_EQ(look(&b), 0);
	CHECK_STR(owners(&b.bad), "4000-5000:unknown");
}

TEST(lists_that_cannot_be_read)
{
	BENCH(b);

	list_error = -EOPNOTSUPP;	/* sector mode has none */
	CHECK_EQ(look(&b), 0);
	CHECK_EQ(b.bad.n, 0);
	list_error = -EIO;
	CHECK_EQ(look(&b), -EIO);
}

/* --- what is printed ------------------------------------------------------- */

static int saved = -1;
static FILE *captured;

static void capture(void)
{
	fflush(stdout);
	captured = no_null(tmpfile());
	saved = dup(STDOUT_FILENO);
	if (saved < 0 || dup2(fileno(captured), STDOUT_FILENO) < 0)
		abort();
}

/* Freed by the next call. */
static const char *printed(void)
{
	static char text[4096];
	ssize_t n;

	fflush(stdout);
	n = pread(fileno(captured), text, sizeof(text) - 1, 0);
	if (n < 0 || dup2(saved, STDOUT_FILENO) < 0)
		abort();
	text[n] = '\0';
	close(saved);
	fclose(captured);
	return text;
}

TEST(bad_is_drawn)
{
	const struct ctl c = { .width = 34 };
	struct pmf_failure *f;
	BENCH(b);

	add(&listed, 0x1000, 0x2000);
	add(&listed, 0xff000, 0x100000);
	list_full = true;
	f = failure(PMF_STATE_HANDLED, 0x1000, 0x2000, "pmem0");
	target(f, PMF_TARGET_FILE, 0x1000, 0x2000);
	put(&b, f);
	CHECK_EQ(look(&b), 0);
	capture();
	bad_print(&c, pmemfail_devices_get(b.devices, 0), &b.bad, &b.open);
	CHECK_STR(printed(),
		  "\n"
		  "pmem0: 8.0 KiB bad in 2 ranges; the kernel's list is full, so there may be more\n"
		  "|F..............................!|\n"
		  "  !  not on record: 4.0 KiB in 1 range\n"
		  "  F  file: 4.0 KiB in 1 range\n"
		  "   OFFSET   LENGTH  OWNER          FAILURE\n"
		  "   0x1000  4.0 KiB  file                 1\n"
		  "  0xff000  4.0 KiB  not on record        -\n");
	bad_done(&b.bad);
	capture();
	bad_print(&c, pmemfail_devices_get(b.devices, 0), &b.bad, &b.open);
	CHECK_STR(printed(), "");
}

TEST(targets_are_told)
{
	const struct ctl c = { 0 };
	struct pmf_failure *f = failure(PMF_STATE_HANDLED, 0x1000, 0x4000, "pmem0");
	struct pmf_target *t = target(f, PMF_TARGET_FILE, 0x1000, 0x2000);

	t->path = no_null(strdup("/mnt/\033[2Jx"));
	t->ino = 99;
	t->range = (struct pmf_range){ 0x8000, 0x9000 };
	t->shared = true;
	t->action = PMF_ACTION_REVOKE;
	t->step.state = PMF_STEP_DONE;
	t->told = 2;
	t = target(f, PMF_TARGET_FILE, 0x2000, 0x3000);
	t->ino = 100;
	t->range = (struct pmf_range){ 0, 0x1000 };
	t->action = PMF_ACTION_REVOKE;
	t->step = (struct pmf_step){ .state = PMF_STEP_FAILED, .error = -EIO };
	t = target(f, PMF_TARGET_METADATA, 0x3000, 0x4000);
	t->action = PMF_ACTION_SHUTDOWN;
	capture();
	report_targets(&c, pmemfail_failure_site(pmf_failure_to_public(f), 0));
	CHECK_STR(printed(),
		  "  OWNER          FILE           IN THE FILE        ON THE DEVICE      WHAT\n"
		  "  file (shared)  /mnt/\\x1b[2Jx  4.0 KiB at 0x8000  4.0 KiB at 0x1000  "
		  "taken away, 2 processes told\n"
		  "  file           inode 100      4.0 KiB at 0       4.0 KiB at 0x2000  "
		  "not taken away: Input/output error\n"
		  "  metadata       -              -                  4.0 KiB at 0x3000  "
		  "filesystem to be shut down\n");
	pmf_failure_free(f);
}

TEST(hooks_are_told)
{
	const struct ctl c = { 0 };
	static const struct { int status; bool late; const char *why, *words; } h[] = {
		{ 0, false, NULL, "done" }, { 3, false, NULL, "ended with 3" },
		{ 137, false, NULL, "ended by signal 9" },
		{ 137, true, NULL, "took too long and was ended" },
		{ -ETIMEDOUT, true, NULL, "took too long and cannot be ended" },
		{ -EPERM, false, "others can write", "not run: others can write" },
		{ -ENOENT, false, NULL, "not run: No such file or directory" },
	};
	struct pmf_failure *f = failure(PMF_STATE_HANDLED, 0, 512, NULL);
	char words[REPORT_WORDS_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(h); i++)
		CHECK_STR(report_hook_result(words, h[i].status, h[i].late, h[i].why),
			  h[i].words);
	f->hooks = no_null(calloc(1, sizeof(*f->hooks)));
	f->n_hooks = 1;
	f->hooks[0].name = no_null(strdup("50-\nx"));
	f->hooks[0].ns = 2000000;
	capture();
	report_hooks(&c, pmf_failure_to_public(f));
	CHECK_STR(printed(), "\nHOOK        TOOK  RESULT\n50-\\x0ax  2.0 ms  done\n");
	pmf_failure_free(f);
}

TEST(many_ranges_are_cut)
{
	const struct ctl c = { 0 };
	struct pmf_failure *f = failure(PMF_STATE_HANDLED, 0, 512, NULL);
	const char *text;

	for (uint64_t i = 1; i < 11; i++)
		add(&f->ranges, i * 4096, i * 4096 + 512);
	CHECK_EQ(report_bytes(pmf_failure_to_public(f)), 11 * 512);
	capture();
	report_ranges(&c, pmf_failure_to_public(f));
	text = printed();
	CHECK(strstr(text, "  bad      5.5 KiB in 11 ranges of pmem0\n"));
	CHECK(strstr(text, "           512 B at 0x7000\n"));
	CHECK(!strstr(text, "0x8000"));
	CHECK(strstr(text, "and 3 more"));
	pmf_failure_free(f);
}
