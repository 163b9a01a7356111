// SPDX-License-Identifier: GPL-2.0-only
/* What the doctor says about poison: each state its finding, a word that stays, advice. */
#include <fcntl.h>

#include "diagnosis.h"
#include "fake-holds.h"
#include "flow/store.h"
#include "test.h"

#define MAX_OPEN 16

struct bench {
	struct fake_holds f;
	struct pmf_sys_ops ops;		/* the fake's, with more */
	struct pmf_policy policy;
	struct pmf_bad bad[1];
	struct pmf_failure failures[MAX_OPEN], *open[MAX_OPEN];
	struct pmf_hook_result hooks[2];
	struct pmf_checkup c;
	struct pmemfail_diagnosis *d;
};

static int owners_answer;

static int open_site(struct pmf_sys *s, const struct pmf_site *site, int *ret)
{
	(void)s;
	(void)site;
	*ret = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? -errno : 0;
}

static int owners(struct pmf_sys *s, int fd, enum pmf_site_role role, struct pmf_range at,
		  struct pmf_extent *v, size_t max, size_t *ret)
{
	(void)s;
	(void)fd;
	(void)role;
	(void)at;
	(void)v;
	(void)max;
	*ret = 0;
	return owners_answer;
}

static int is_own(struct pmf_sys *s, int fd, const struct pmf_policy *p, bool *ret)
{
	(void)s;
	(void)fd;
	(void)p;
	*ret = false;
	return 0;
}

/* A machine where all is well: nothing bad, nothing on record, no hooks. */
static void bench_init(struct bench *b)
{
	*b = (struct bench){ 0 };
	fake_holds_init(&b->f);
	fake_holds_add(&b->f, 0);
	pmf_policy_defaults(&b->policy);
	(void)strcpy(b->policy.hooks_dir, "/etc/pmemfail/hooks.d");
	b->f.watch_error = -EBUSY;	/* the daemon has it */
	b->ops = *b->f.sys.ops;
	b->ops.open_site = open_site;
	b->ops.owners = owners;
	b->ops.is_own = is_own;
	b->f.sys.ops = &b->ops;
	owners_answer = 0;
	b->c = (struct pmf_checkup){
		.sys = &b->f.sys, .policy = &b->policy, .topology = b->f.topology,
		.facts = { .kernel = "6.1.0-56-amd64", .major = 6, .minor = 1,
			   .lockdown = "none", .module_on_disk = true, .engine = 42,
			   .ras_event = true },
		.abi = 1, .features = 0x1f, .bad = b->bad, .open = b->open, .hooks = b->hooks,
		.hooks_error = -ENOENT,
	};
}

static void bench_done(struct bench *b)
{
	pmemfail_diagnosis_free(b->d);
	pmf_ranges_done(&b->bad[0].ranges);
	for (size_t i = 0; i < MAX_OPEN; i++)
		pmf_ranges_done(&b->failures[i].ranges);
	fake_holds_done(&b->f);
}
#define BENCH(b) _cleanup_(bench_done) struct bench b; bench_init(&(b))

static void add(struct pmf_ranges *set, uint64_t start, uint64_t end)
{
	if (pmf_ranges_add(set, (struct pmf_range){ start, end }) < 0)
		abort();
}

static struct pmf_failure *record(struct bench *b, enum pmf_state state, uint64_t start,
				  uint64_t end, const char *reason)
{
	size_t i = b->c.n_open++;

	b->failures[i] = (struct pmf_failure){
		.id = 7 + i, .kind = PMF_KIND_POISON, .state = state, .reason = (char *)reason,
		.device_id = b->f.topology->devices[0].id,	/* all borrowed */
	};
	add(&b->failures[i].ranges, start, end);
	b->open[i] = &b->failures[i];
	return b->open[i];
}

static void diagnose(struct bench *b)
{
	b->d = pmemfail_diagnosis_free(b->d);
	if (pmf_diagnose(&b->c, &b->d) < 0)
		abort();
}

/* The severity of the first finding so called whose sentence holds words. */
static int found(struct bench *b, const char *about, const char *code, const char *words)
{
	for (size_t i = 0; i < pmemfail_diagnosis_count(b->d); i++) {
		const char *a, *c, *what, *advice;
		int severity = pmemfail_diagnosis_get(b->d, i, &a, &c, &what, &advice);

		if (!streq(c, code) || !streq_ptr(a, about) || !strstr(what, words))
			continue;
		return advice ? severity : -EINVAL;	/* each of these has advice */
	}
	return -ENOENT;
}

static size_t how_many(struct bench *b, const char *code)
{
	const char *c;
	size_t n = 0;

	for (size_t i = 0; pmemfail_diagnosis_get(b->d, i, NULL, &c, NULL, NULL) >= 0; i++)
		n += streq(c, code);
	return n;
}

TEST(nothing_bad)
{
	BENCH(b);

	diagnose(&b);
	CHECK_EQ(pmemfail_diagnosis_worst(b.d, NULL), PMEMFAIL_OK);
	b.c.hooks_error = 0;	/* a directory without hooks */
	b.c.n_hooks = 0;
	diagnose(&b);
	CHECK_EQ(pmemfail_diagnosis_worst(b.d, NULL), PMEMFAIL_OK);
}

TEST(trace_event)
{
	BENCH(b);

	b.c.facts.ras_event = false;
	diagnose(&b);
	CHECK_EQ(found(&b, NULL, "trace-missing", "machine check"), PMEMFAIL_WARNING);
}

TEST(record_unreadable)
{
	BENCH(b);

	b.c.record_error = -EBADMSG;
	diagnose(&b);
	CHECK_EQ(found(&b, NULL, "record-unreadable", "/var/lib/pmemfail"), PMEMFAIL_WARNING);
}

TEST(badblocks_not_on_record)
{
	BENCH(b);

	add(&b.bad[0].ranges, 4096, 8192);
	diagnose(&b);
	CHECK_EQ(found(&b, "pmem0", "badblocks-unrecorded", "4096 bytes at offset 0x1000 of pmem0"),
		 PMEMFAIL_WARNING);
	CHECK_EQ(found(&b, "pmem0", "protected", ""), -ENOENT);

	/* A part of it is known, and so only the rest is news. */
	add(&b.bad[0].ranges, 65536, 65536 + 1024);
	(void)record(&b, PMF_STATE_HANDLING, 4096, 8192, NULL);
	diagnose(&b);
	CHECK_EQ(found(&b, "pmem0", "badblocks-unrecorded", "1024 bytes at offset 0x10000"),
		 PMEMFAIL_WARNING);
	(void)record(&b, PMF_STATE_HANDLING, 65536, 1 << 20, NULL);
	diagnose(&b);
	CHECK_EQ(pmemfail_diagnosis_worst(b.d, NULL), PMEMFAIL_OK);
}

TEST(badblocks_known_of_another_device)
{
	BENCH(b);

	add(&b.bad[0].ranges, 4096, 8192);
	record(&b, PMF_STATE_HANDLED, 0, 1 << 20, NULL)->device_id = (char *)"another";
	diagnose(&b);
	CHECK_EQ(found(&b, "pmem0", "badblocks-unrecorded", ""), PMEMFAIL_WARNING);
	CHECK_EQ(found(&b, "pmem0", "poison-stands", ""), -ENOENT);
}

TEST(badblocks_full_or_unreadable)
{
	BENCH(b);

	b.bad[0].full = true;
	diagnose(&b);
	CHECK_EQ(found(&b, "pmem0", "badblocks-full", "pmem0 is full"), PMEMFAIL_WARNING);
	b.bad[0] = (struct pmf_bad){ .error = -EIO };
	diagnose(&b);
	CHECK_EQ(found(&b, "pmem0", "badblocks-full", ""), -ENOENT);
	CHECK_EQ(found(&b, "pmem0", "badblocks-unreadable", strerror(EIO)), PMEMFAIL_WARNING);
}

TEST(open_failures)
{
	BENCH(b);

	(void)record(&b, PMF_STATE_PENDING, 0, 512, "Nothing is mounted there");
	(void)record(&b, PMF_STATE_HANDLED, 4096, 8192, NULL);
	(void)record(&b, PMF_STATE_FAILED, 8192, 8704, "The thaw failed");
	(void)record(&b, PMF_STATE_UNSUPPORTED, 16384, 16896, "It is swap");
	diagnose(&b);
	CHECK_EQ(found(&b, "pmem0", "poison-waits", "Failure 7 waits (512 bytes at offset 0x0): "
		       "Nothing is mounted there"), PMEMFAIL_NOTE);
	CHECK_EQ(found(&b, "pmem0", "poison-stands", "Failure 8"), PMEMFAIL_NOTE);
	CHECK_EQ(found(&b, "pmem0", "poison-failed", "The thaw failed"), PMEMFAIL_WARNING);
	CHECK_EQ(found(&b, "pmem0", "poison-unsupported", "It is swap"), PMEMFAIL_WARNING);
	CHECK_EQ(how_many(&b, "poison-more"), 0);
}

TEST(many_open_failures)
{
	BENCH(b);

	for (uint64_t i = 0; i < 11; i++)
		(void)record(&b, PMF_STATE_HANDLED, i * 8192, i * 8192 + 4096, NULL);
	add(&b.bad[0].ranges, 10 * 8192, 10 * 8192 + 4096);	/* of one not told */
	diagnose(&b);
	CHECK_EQ(how_many(&b, "poison-stands"), 8);
	CHECK_EQ(found(&b, "pmem0", "poison-more", "3 more failures"), PMEMFAIL_NOTE);
	CHECK_EQ(how_many(&b, "badblocks-unrecorded"), 0);
}

TEST(hooks)
{
	BENCH(b);

	b.c.hooks_error = 0;
	b.c.n_hooks = 2;
	b.hooks[0].name = (char *)"10-mail";
	b.hooks[1] = (struct pmf_hook_result){ .name = (char *)"20-\033restore", .status = -EPERM,
					       .why = (char *)"others can write to it" };
	diagnose(&b);
	CHECK_EQ(how_many(&b, "hook-refused"), 1);
	CHECK_EQ(found(&b, NULL, "hook-refused",
		       "20-\\x1brestore in /etc/pmemfail/hooks.d is refused: others can write"),
		 PMEMFAIL_WARNING);
	b.hooks[0] = (struct pmf_hook_result){ .name = (char *)".", .status = -EPERM,
					       .why = (char *)"others may write to it" };
	b.c.n_hooks = 1;
	diagnose(&b);
	CHECK_EQ(how_many(&b, "hook-refused"), 0);
	CHECK_EQ(found(&b, NULL, "hooks-refused", "All hooks in /etc/pmemfail/hooks.d are"),
		 PMEMFAIL_WARNING);
	b.c.n_hooks = 0;
	b.c.hooks_error = -EACCES;
	diagnose(&b);
	CHECK_EQ(found(&b, NULL, "hooks-unreadable", strerror(EACCES)), PMEMFAIL_WARNING);
}

TEST(filesystem_without_owners)
{
	static const char *const types[] = { "xfs", "ext4" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		BENCH(b);
		struct pmf_topology *t = b.f.topology;

		t->mounts = calloc(1, sizeof(*t->mounts));
		CHECK(t->mounts);
		t->n_mounts = 1;
		t->mounts[0] = (struct pmf_mount){
			.id = 1, .devno = t->devices[0].devno, .fstype = strdup(types[i]),
			.source = strdup("/dev/pmem0"), .root = strdup("/"),
			.target = strdup("/mnt"), .options = strdup("rw"), .dax = true,
		};
		diagnose(&b);
		CHECK_EQ(how_many(&b, "owners-in-use"), 0);
		owners_answer = -EIO;	/* a sick one is no finding of this kind */
		diagnose(&b);
		CHECK_EQ(how_many(&b, "owners-in-use"), 0);
		owners_answer = -EOPNOTSUPP;
		diagnose(&b);
		CHECK_EQ(found(&b, "pmem0", "owners-in-use", types[i]), PMEMFAIL_NOTE);
		CHECK_EQ(found(&b, "pmem0", "protected", "") == -EINVAL, true);	/* no advice */
	}
}

/* --- gathering ------------------------------------------------------------- */

static int list_error;

static int read_badblocks(struct pmf_sys *s, const struct pmf_device *d,
			  struct pmf_ranges *ret, bool *ret_full)
{
	(void)s;
	(void)d;
	if (list_error < 0)
		return list_error;
	*ret_full = true;
	return pmf_ranges_add(ret, (struct pmf_range){ 0, 512 });
}

static int list_hooks(struct pmf_sys *s, const char *dir, struct pmf_hook_result **ret,
		      size_t *ret_n)
{
	(void)s;
	if (!streq(dir, "/etc/pmemfail/hooks.d"))
		abort();
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		abort();
	(*ret)->name = strdup("10-x");
	*ret_n = 1;
	return 0;
}

/* Read it all anew; the record is what lies in dir. */
static struct pmf_checkup gather(struct bench *b, const char *dir)
{
	struct pmf_checkup c = { .sys = &b->f.sys, .policy = &b->policy,
				 .topology = b->f.topology };

	(void)snprintf(b->policy.state_dir, sizeof(b->policy.state_dir), "%s", dir);
	b->ops.read_badblocks = read_badblocks;
	b->ops.list_hooks = list_hooks;
	if (pmf_checkup_poison(&c) < 0)
		abort();
	return c;
}

static void put(struct pmf_store *s, enum pmf_kind kind, enum pmf_state state)
{
	struct pmf_failure f = { .kind = kind, .state = state, .device_id = (char *)"d" };

	if (pmf_ranges_add(&f.ranges, (struct pmf_range){ 4096, 8192 }) < 0 ||
	    pmf_store_put(s, &f) < 0)
		abort();
	pmf_ranges_done(&f.ranges);
}

TEST(gathering)
{
	const char *dir = test_dir();
	struct pmf_store *s = NULL;
	struct pmf_checkup c;
	BENCH(b);

	/* no record at all is fine */
	list_error = 0;
	c = gather(&b, dir);
	CHECK_EQ(c.record_error, 0);
	CHECK_EQ(c.n_open, 0);
	CHECK_EQ(c.n_hooks, 1);
	CHECK_EQ(c.hooks_error, 0);
	CHECK_EQ(c.bad[0].ranges.n, 1);
	CHECK(c.bad[0].full);
	pmf_checkup_poison_done(&c);

	/* only poison that is open */
	CHECK_EQ(pmf_store_open(dir, true, &s, NULL), 0);
	put(s, PMF_KIND_POISON, PMF_STATE_HANDLED);
	put(s, PMF_KIND_POISON, PMF_STATE_CLEARED);
	put(s, PMF_KIND_REMOVE, PMF_STATE_FAILED);
	put(s, PMF_KIND_POISON, PMF_STATE_PENDING);
	pmf_store_close(s);
	list_error = -EIO;
	c = gather(&b, dir);
	CHECK_EQ(c.record_error, 0);
	CHECK_EQ(c.n_open, 2);
	CHECK_EQ(pmf_ranges_bytes(&c.open[0]->ranges), 4096);
	CHECK_EQ(c.bad[0].error, -EIO);
	pmf_checkup_poison_done(&c);

	/* what has no list is nothing to complain about */
	list_error = -EOPNOTSUPP;
	c = gather(&b, dir);
	CHECK_EQ(c.bad[0].error, 0);
	pmf_checkup_poison_done(&c);
	c = gather(&b, "/proc/self/mem");	/* no directory */
	CHECK(c.record_error < 0);
	pmf_checkup_poison_done(&c);
}
