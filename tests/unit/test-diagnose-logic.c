// SPDX-License-Identifier: GPL-2.0-only
/* Each state of a machine gives its finding, with a word that stays and advice. */
#include "diagnosis.h"
#include "fake-holds.h"
#include "test.h"

struct bench {
	struct fake_holds f;
	struct pmf_policy policy;
	struct pmf_checkup c;
	struct pmemfail_diagnosis *d;
};

/* A machine where all is well. */
static void bench_init(struct bench *b)
{
	*b = (struct bench){ 0 };
	fake_holds_init(&b->f);
	fake_holds_add(&b->f, 0);
	pmf_policy_defaults(&b->policy);
	b->f.watch_error = -EBUSY;	/* the daemon has it */
	b->c = (struct pmf_checkup){
		.sys = &b->f.sys, .policy = &b->policy, .topology = b->f.topology,
		.facts = { .kernel = "6.1.0-56-amd64", .major = 6, .minor = 1,
			   .lockdown = "none", .module_on_disk = true, .engine = 42,
			   .ras_event = true },
		.abi = 1, .features = 0x1f,
	};
}

static void bench_done(struct bench *b)
{
	pmemfail_diagnosis_free(b->d);
	fake_holds_done(&b->f);
}
#define BENCH(b) _cleanup_(bench_done) struct bench b; bench_init(&(b))

static void diagnose(struct bench *b)
{
	b->d = pmemfail_diagnosis_free(b->d);
	if (pmf_diagnose(&b->c, &b->d) < 0)
		abort();
}

/* The severity of the finding so called, -ENOENT without one. */
static int found(struct bench *b, const char *about, const char *code)
{
	for (size_t i = 0; i < pmemfail_diagnosis_count(b->d); i++) {
		const char *a, *c, *what, *advice;
		int severity = pmemfail_diagnosis_get(b->d, i, &a, &c, &what, &advice);

		if (!streq(c, code) || !streq_ptr(a, about))
			continue;
		/* what is wrong has advice */
		if (!what[0] || (severity >= PMEMFAIL_WARNING && !advice &&
				 !streq(code, "kernel-unknown")))
			return -EINVAL;
		return severity;
	}
	return -ENOENT;
}

TEST(all_is_well)
{
	BENCH(b);

	diagnose(&b);
	CHECK_EQ(found(&b, NULL, "module-ok"), PMEMFAIL_OK);
	CHECK_EQ(found(&b, NULL, "daemon-ok"), PMEMFAIL_OK);
	CHECK_EQ(found(&b, NULL, "kernel-ok"), PMEMFAIL_OK);
	CHECK_EQ(found(&b, "pmem0", "protected"), PMEMFAIL_OK);
	CHECK_EQ(pmemfail_diagnosis_worst(b.d, NULL), PMEMFAIL_OK);
	CHECK_EQ(pmemfail_diagnosis_get(b.d, 99, NULL, NULL, NULL, NULL), -ENOENT);
}

TEST(module)
{
	BENCH(b);

	b.c.module = -ENODEV;
	diagnose(&b);
	CHECK_EQ(found(&b, NULL, "module-not-loaded"), PMEMFAIL_PROBLEM);
	CHECK_EQ(found(&b, "pmem0", "protected"), -ENOENT);
	(void)strcpy(b.c.facts.lockdown, "integrity");
	diagnose(&b);
	CHECK_EQ(found(&b, NULL, "module-unsigned"), PMEMFAIL_PROBLEM);
	b.c.facts.module_on_disk = false;
	diagnose(&b);
	CHECK_EQ(found(&b, NULL, "module-missing"), PMEMFAIL_PROBLEM);
	b.c.module = -EPROTO;
	diagnose(&b);
	CHECK_EQ(found(&b, NULL, "module-other-abi"), PMEMFAIL_PROBLEM);
	b.c.module = -EPERM;
	diagnose(&b);
	CHECK_EQ(found(&b, NULL, "module-unusable"), PMEMFAIL_PROBLEM);
	b.c.module = 0;
	b.c.features = 1;
	diagnose(&b);
	CHECK_EQ(found(&b, NULL, "module-partial"), PMEMFAIL_WARNING);
}

TEST(daemon)
{
	BENCH(b);

	b.c.facts.engine = 0;
	diagnose(&b);
	CHECK_EQ(found(&b, NULL, "daemon-not-running"), PMEMFAIL_PROBLEM);
	CHECK_EQ(found(&b, "pmem0", "protected"), -ENOENT);
	CHECK_EQ(b.f.watch_calls, 0);	/* nobody's business then */
	b.c.facts.engine_error = -EACCES;
	diagnose(&b);
	CHECK_EQ(found(&b, NULL, "daemon-unknown"), PMEMFAIL_WARNING);
}

TEST(kernel)
{
	static const struct {
		unsigned int major, minor;
		const char *code;
		int severity;
	} k[] = {
		{ 5, 10, "kernel-too-old", PMEMFAIL_PROBLEM },
		{ 6, 0, "kernel-too-old", PMEMFAIL_PROBLEM },
		{ 6, 1, "kernel-ok", PMEMFAIL_OK },
		{ 6, 6, "kernel-untested", PMEMFAIL_NOTE },
		{ 6, 12, "kernel-ok", PMEMFAIL_OK },
		{ 7, 1, "kernel-untested", PMEMFAIL_NOTE },
		{ 0, 0, "kernel-unknown", PMEMFAIL_WARNING },
	};
	BENCH(b);

	for (size_t i = 0; i < ARRAY_SIZE(k); i++) {
		b.c.facts.major = k[i].major;
		b.c.facts.minor = k[i].minor;
		diagnose(&b);
		CHECK_EQ(found(&b, NULL, k[i].code), k[i].severity);
	}
}

TEST(watching)
{
	BENCH(b);

	b.f.watch_error = 0;
	diagnose(&b);
	CHECK_EQ(found(&b, "pmem0", "not-watched"), PMEMFAIL_PROBLEM);
	CHECK_EQ(found(&b, "pmem0", "protected"), -ENOENT);
	b.f.watch_error = -EOPNOTSUPP;
	diagnose(&b);
	CHECK_EQ(found(&b, "pmem0", "not-watchable"), PMEMFAIL_PROBLEM);
}

static void mount_here(struct bench *b, const char *fstype, bool dax, const char *where)
{
	struct pmf_topology *t = b->f.topology;

	t->mounts = calloc(1, sizeof(*t->mounts));
	if (!t->mounts)
		abort();
	t->n_mounts = 1;
	t->mounts[0] = (struct pmf_mount){
		.id = 1, .devno = t->devices[0].devno, .fstype = strdup(fstype),
		.source = strdup("/dev/pmem0"), .root = strdup("/"), .target = strdup(where),
		.options = strdup("rw"), .dax = dax,
	};
}

TEST(filesystem_unsupported)
{
	BENCH(b);

	mount_here(&b, "btrfs", false, "/mnt");
	diagnose(&b);
	CHECK_EQ(found(&b, "pmem0", "filesystem-unsupported"), PMEMFAIL_WARNING);
	CHECK_EQ(found(&b, "pmem0", "watched"), PMEMFAIL_OK);
	CHECK_EQ(found(&b, "pmem0", "protected"), -ENOENT);
}

TEST(filesystem_not_dax)
{
	BENCH(b);

	mount_here(&b, "ext4", false, "/mnt");
	diagnose(&b);
	CHECK_EQ(found(&b, "pmem0", "filesystem-not-dax"), PMEMFAIL_NOTE);
	CHECK_EQ(found(&b, "pmem0", "protected"), PMEMFAIL_OK);
}

TEST(kernel_helps_xfs)
{
	BENCH(b);

	mount_here(&b, "xfs", true, "/mnt");
	diagnose(&b);
	CHECK_EQ(found(&b, "pmem0", "kernel-helps"), -ENOENT);
	b.c.facts.minor = 12;
	diagnose(&b);
	CHECK_EQ(found(&b, "pmem0", "kernel-helps"), PMEMFAIL_NOTE);
}

TEST(root_filesystem)
{
	BENCH(b);

	mount_here(&b, "ext4", true, "/");
	diagnose(&b);
	CHECK_EQ(found(&b, "pmem0", "root-filesystem"), PMEMFAIL_WARNING);
}

TEST(holders)
{
	BENCH(b);

	b.f.topology->blocks[0].swap = true;
	diagnose(&b);
	CHECK_EQ(found(&b, "pmem0", "holder-swap"), PMEMFAIL_PROBLEM);
	b.f.topology->blocks[0].swap = false;
	b.f.topology->blocks[0].kind = PMF_BLOCK_HOLDER;
	diagnose(&b);
	CHECK_EQ(found(&b, "pmem0", "holder-unknown"), PMEMFAIL_PROBLEM);
}

TEST(modes)
{
	BENCH(b);

	b.f.topology->devices[0].mode = PMF_MODE_SECTOR;
	diagnose(&b);
	CHECK_EQ(found(&b, "pmem0", "sector-mode"), PMEMFAIL_NOTE);
	b.f.topology->devices[0].mode = PMF_MODE_DEVDAX;
	diagnose(&b);
	CHECK_EQ(found(&b, "pmem0", "protected"), PMEMFAIL_OK);
	b.f.topology->devices[0].devno = 0;
	diagnose(&b);
	CHECK_EQ(found(&b, "pmem0", "not-bound"), PMEMFAIL_OK);
}

TEST(settings)
{
	BENCH(b);

	b.policy.fs.freeze = false;
	b.c.facts.early_kill = true;
	diagnose(&b);
	CHECK_EQ(found(&b, NULL, "freeze-off"), PMEMFAIL_NOTE);
	CHECK_EQ(found(&b, NULL, "early-kill"), PMEMFAIL_NOTE);
}

TEST(facts_are_parsed)
{
	unsigned int major = 9, minor = 9;
	char word[24] = "same";

	CHECK_EQ(pmf_facts_parse_kernel("6.12.107+deb12-amd64", &major, &minor), 0);
	CHECK_EQ(major, 6);
	CHECK_EQ(minor, 12);
	CHECK_EQ(pmf_facts_parse_kernel("rolling", &major, &minor), -EINVAL);
	CHECK_EQ(major, 6);
	CHECK_EQ(pmf_facts_parse_lockdown("none [integrity] confidentiality\n", word,
					  sizeof(word)), 0);
	CHECK_STR(word, "integrity");
	CHECK_EQ(pmf_facts_parse_lockdown("none integrity", word, sizeof(word)), -EINVAL);
	CHECK_EQ(pmf_facts_parse_lockdown("[]", word, sizeof(word)), -EINVAL);
	CHECK_EQ(pmf_facts_parse_lockdown("[a-word-that-is-far-too-long-for-it]", word,
					  sizeof(word)), -EINVAL);
	CHECK_STR(word, "integrity");
}
