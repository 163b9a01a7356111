// SPDX-License-Identifier: GPL-2.0-only
/* What a job has found, for a client who is root and for one who only may have it done. */
#include "daemon-bench.h"
#include "test.h"

#define PATH "/srv/secret"

static unsigned int shown, hidden;

static int see_path(const struct pmemfail_failure *f, void *userdata)
{
	const struct pmemfail_target *t = pmemfail_site_target(pmemfail_failure_site(f, 0), 0);
	const char *path = pmemfail_target_path(t);

	(void)userdata;
	shown += t && streq_ptr(path, PATH);
	hidden += t && !path;
	return 0;
}

static int replay(struct daemon_bench *d)
{
	world.nobody = false;
	return pmemfail_replay(d->ctx, NULL, see_path, NULL);
}

static int replay_as_nobody(struct daemon_bench *d)
{
	int r = daemon_client_as_nobody(d);

	return r < 0 ? r : replay(d);
}

/* A replay of three failures by one who is let do it. */
static bool see(struct daemon_bench *d, int (*call)(struct daemon_bench *d))
{
	bool ended;

	if (!daemon_three_wait(d))
		return false;
	world.path = PATH;
	shown = hidden = 0;
	daemon_bench_polkit(d);
	daemon_begin(d, call);
	ended = daemon_end(d);
	if (d->r < 0)
		test_say("%s", d->why);
	return ended && d->r == 3 && streq(d->state, "done");
}

TEST(root_sees_the_files)
{
	DAEMON(d);

	CHECK(see(&d, replay));
	CHECK(shown == 3 && hidden == 0);
}

TEST(others_do_not_though_they_may_replay)
{
	DAEMON(d);

	CHECK(see(&d, replay_as_nobody));
	CHECK(shown == 0 && hidden == 3);
}
