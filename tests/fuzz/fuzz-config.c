// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmemfail.conf and a drop-in. A file is taken whole or not at all; what is taken has
 * every setting in its limits, and a refusal says a sentence.
 */
#include "context.h"
#include "fuzz.h"

static void check_fs(const struct pmf_fs_policy *p)
{
	CHECK(p->signal <= PMF_SIGNAL_POLICY && p->metadata <= PMF_METADATA_REPORT);
}

static void check_taken(const struct pmf_policy *p)
{
	char why[160];

	CHECK(p->hold_timeout_us > 0 && p->freeze_timeout_us > 0);
	CHECK(*p->state_dir == '/' && *p->run_dir == '/' && *p->hooks_dir == '/');
	CHECK(!strstr(p->state_dir, "/../") && !strstr(p->hooks_dir, "/../"));
	CHECK(memchr(p->state_dir, '\0', sizeof(p->state_dir)));
	CHECK(pmf_policy_check(p, true, why) == 0 ||
	      p->inhibit_us > p->hold_timeout_us / 2);
	check_fs(&p->fs);
	for (size_t i = 0; i < p->n_overrides; i++) {
		const struct pmf_fs_override *o = &p->overrides[i];

		CHECK(*o->name == '/');
		check_fs(&o->policy);
		CHECK(o->has_freeze || o->has_signal || o->has_metadata || o->has_mark_bad);
		for (size_t j = 0; j < i; j++)
			CHECK(!streq(o->name, p->overrides[j].name));
	}
}

/* The same values set one by one are the same settings: what a value means does not
 * depend on where it stands. */
static void set_again(const struct pmemfail *ctx)
{
	struct pmf_policy p;
	const char *key, *def, *what;
	char why[160];

	pmf_policy_defaults(&p);
	for (size_t i = 0; pmf_policy_describe(i, &key, &def, &what) == 0; i++)
		if (ctx->values[i])
			CHECK(pmf_policy_set(&p, key, ctx->values[i], why) == 0);
	CHECK(p.hold_timeout_us == ctx->policy.hold_timeout_us && p.fs.freeze ==
	      ctx->policy.fs.freeze && p.keep_us == ctx->policy.keep_us &&
	      p.fs.signal == ctx->policy.fs.signal && streq(p.state_dir, ctx->policy.state_dir));
	pmf_policy_done(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { data, size };
	const uint8_t *split = size > 0 ? memchr(data, '\f', size) : NULL;
	struct pmemfail *ctx = NULL;
	struct pmf_policy defaults;

	pmf_policy_defaults(&defaults);
	fuzz_file("etc/pmemfail/pmemfail.conf", data, split ? (size_t)(split - data) : size);
	if (split)
		f = (struct fuzz){ split + 1, size - (size_t)(split + 1 - data) };
	fuzz_file("etc/pmemfail/pmemfail.conf.d/50-x.conf", f.p, split ? f.n : 0);
	CHECK(pmemfail_new(&ctx) == 0);
	if (pmemfail_read_config(ctx, fuzz_dir()) < 0) {
		CHECK(*pmemfail_why() && ctx->policy.n_overrides == 0);
		CHECK(ctx->policy.hold_timeout_us == defaults.hold_timeout_us &&
		      streq(ctx->policy.state_dir, defaults.state_dir));
	} else {
		check_taken(&ctx->policy);
		set_again(ctx);
	}
	pmemfail_unref(ctx);
	pmf_policy_done(&defaults);
	return 0;
}
