// SPDX-License-Identifier: GPL-2.0-only
/*
 * Jobs from end to end: the client's library, a bus, the daemon's bus code, the flow. How
 * far they are is told while they last, to whoever listens and to the client; and what
 * became of them is in the journal.
 */
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../../daemon/names.h"
#include "daemon-bench.h"
#include "test.h"

static int ignore(const struct pmemfail_failure *f, void *userdata)
{
	(void)f;
	(void)userdata;
	return 0;
}

static bool is_far(struct daemon_bench *d, uint64_t done, uint64_t total)
{
	uint64_t n = 0, all = 0;

	(void)pmemfail_progress_get(d->progress, &n, &all);
	return n == done && all == total;
}

/* Until it is told that so much is done, and the client knows. */
static bool told_far(struct daemon_bench *d, uint64_t done, uint64_t total)
{
	bool ok = true;

	while (ok && !(d->done == done && d->total == total && is_far(d, done, total)))
		ok = daemon_round(d);
	return ok;
}

static int replay(struct daemon_bench *d)
{
	return pmemfail_replay_with_progress(d->ctx, NULL, d->progress, ignore, NULL);
}

TEST(a_replay_tells_how_many_failures_it_has_looked_at)
{
	DAEMON(d);
	bool begun, ended;

	CHECK(daemon_three_wait(&d));
	daemon_begin(&d, replay);
	world.stuck = true;
	begun = told_far(&d, 0, 3);
	world.stuck = false;
	ended = daemon_end(&d);
	CHECK(begun);
	CHECK(ended);
	CHECK_EQ(d.r, 3);
	CHECK_STR(d.state, "done");
	CHECK(d.done == 3 && d.total == 3);
	CHECK(is_far(&d, 3, 3));
	/* Nothing came of it, and so nothing is said. */
	CHECK(!journal_has((const char *const[]){ "MESSAGE_ID=" MESSAGE_FAILURE, NULL }));
}

static int replay_for_somebody(struct daemon_bench *d)
{
	world.nobody = false;
	return replay(d);
}

TEST(what_came_of_a_replay_is_in_the_journal)
{
	DAEMON(d);
	bool ended;

	CHECK(daemon_three_wait(&d));
	daemon_begin(&d, replay_for_somebody);
	ended = daemon_end(&d);
	CHECK(ended);
	CHECK_EQ(d.r, 3);
	CHECK(journal_has((const char *const[]){
		"MESSAGE_ID=" MESSAGE_FAILURE, "PRIORITY=4", FIELD_FAILURE_ID "=3",
		FIELD_DEVICE "=pmem0", FIELD_KIND "=poison", FIELD_STATE "=handled", NULL }));
	CHECK(journal_has((const char *const[]){
		"MESSAGE_ID=" MESSAGE_TARGET, FIELD_FAILURE_ID "=3", FIELD_TARGET "=file",
		FIELD_ACTION "=revoke", NULL }));
}

static int prepare_remove(struct daemon_bench *d)
{
	struct pmemfail_failure *f = NULL;
	int r = pmemfail_prepare_remove_with_progress(d->ctx, "pmem0", d->progress, &f);

	pmemfail_failure_free(f);
	return r;
}

/* Something is mounted there, which cannot be opened. */
static void mount(struct daemon_bench *d)
{
	struct pmf_topology *t = d->b.f.topology;

	t->mounts = calloc(1, sizeof(*t->mounts));
	if (!t->mounts)
		abort();
	t->mounts[0] = (struct pmf_mount){
		.devno = t->devices[0].devno, .source = strdup("/dev/pmem0"),
		.target = strdup("/srv"), .fstype = strdup("xfs"),
	};
	t->n_mounts = 1;
}

TEST(a_removal_tells_its_steps_and_is_in_the_journal)
{
	DAEMON(d);
	bool begun, ended;

	begin();
	fake_holds_add(&d.b.f, 0);
	mount(&d);
	d.b.f.hook = "hook";
	d.b.f.hook_stuck = true;
	daemon_begin(&d, prepare_remove);
	begun = told_far(&d, 8, 9);		/* all but what comes after it */
	fake_holds_set(&d.b.f, &d.b.f.hook_stuck, false);
	ended = daemon_end(&d);
	CHECK(begun);
	CHECK(ended);
	CHECK_EQ(d.r, 0);
	CHECK_STR(d.state, "done");
	CHECK(d.done == 9 && d.total == 9);
	CHECK(is_far(&d, 9, 9));
	/* It could not be done, and so says the journal of what was made of it, */
	CHECK(journal_has((const char *const[]){
		"MESSAGE_ID=" MESSAGE_FAILURE, "PRIORITY=3", FIELD_FAILURE_ID "=1",
		FIELD_DEVICE "=pmem0", FIELD_DEVICE_ID "=ACPI.NFIT/uuid-0", FIELD_KIND "=remove",
		FIELD_SOURCE "=request", FIELD_STATE "=failed", NULL }));
	CHECK(journal_has((const char *const[]){
		"MESSAGE_ID=" MESSAGE_SITE, "PRIORITY=3", FIELD_FAILURE_ID "=1",
		FIELD_SITE "=pmem0", FIELD_FSTYPE "=xfs", FIELD_MOUNTPOINT "=/srv", NULL }));
	CHECK(journal_has((const char *const[]){
		"MESSAGE_ID=" MESSAGE_HOOK, FIELD_FAILURE_ID "=1", FIELD_HOOK "=hook", NULL }));
	/* but not that the job failed: it came to its end. */
	CHECK(!journal_has((const char *const[]){ "MESSAGE_ID=" MESSAGE_JOB_FAILED, NULL }));
}

/* It waits for the device's lock, and does not know yet what there is to do. */
static int prepare_remove_slowly(struct daemon_bench *d)
{
	fake_holds_set(&d->b.f, &d->b.f.slow, true);
	return prepare_remove(d);
}

TEST(what_nobody_knows_yet_is_not_told)
{
	DAEMON(d);
	bool running, unknown, ended;

	begin();
	fake_holds_add(&d.b.f, 0);
	daemon_begin(&d, prepare_remove_slowly);
	while (!streq(d.state, "running") && daemon_round(&d))
		;
	running = streq(d.state, "running");
	unknown = d.told == 0 && is_far(&d, 0, 0);
	fake_holds_set(&d.b.f, &d.b.f.slow, false);
	pthread_cond_broadcast(&d.b.f.changed);
	ended = daemon_end(&d);
	CHECK(running);
	CHECK(unknown);
	CHECK(ended);
	CHECK(d.done == 2 && d.total == 2);	/* to look, and to say what came of it */
}

/* --- what fails --------------------------------------------------------------- */

static int replay_another(struct daemon_bench *d)
{
	return pmemfail_replay(d->ctx, "pmem77", ignore, NULL);
}

TEST(a_job_that_fails_is_in_the_journal)
{
	DAEMON(d);
	char why[400];
	bool ended;

	begin();
	fake_holds_add(&d.b.f, 0);
	daemon_begin(&d, replay_another);
	ended = daemon_end(&d);
	CHECK(ended);
	CHECK_EQ(d.r, -ENODEV);
	CHECK_STR(d.state, "failed");
	CHECK(journal_has((const char *const[]){
		"MESSAGE_ID=" MESSAGE_JOB_FAILED, "PRIORITY=4", "SYSLOG_IDENTIFIER=pmemfaild",
		FIELD_JOB "=replay", FIELD_DEVICE "=pmem77", FIELD_CLIENT_UID "=0",
		FIELD_ERRNO "=19", NULL }));
	(void)snprintf(why, sizeof(why), "MESSAGE=replay of pmem77 failed, which user 0 had asked"
		       " for: %s", d.why);
	CHECK(journal_has((const char *const[]){ why, NULL }));
}

static int assess_another(struct daemon_bench *d)
{
	struct pmemfail_failure *f = NULL;

	return pmemfail_assess(d->ctx, "pmem77", &f);
}

/* What only looks is no warning when there is nothing to look at. */
TEST(an_assessment_that_fails_is_told_quietly)
{
	DAEMON(d);
	bool ended;

	begin();
	fake_holds_add(&d.b.f, 0);
	daemon_begin(&d, assess_another);
	ended = daemon_end(&d);
	CHECK(ended);
	CHECK_EQ(d.r, -ENODEV);
	CHECK(journal_has((const char *const[]){
		"MESSAGE_ID=" MESSAGE_JOB_FAILED, "PRIORITY=6", FIELD_JOB "=assess", NULL }));
}

/* --- the tool on a terminal --------------------------------------------------- */

struct tool {
	const char *argv[6];
	char shown[65536];	/* as it came */
	atomic_size_t n;
	int status;
};
static struct tool tool;	/* shown is only read as far as n says */

/* Of the same build. */
static const char *tool_path(void)
{
	static char path[PATH_MAX + 64];
	char self[PATH_MAX] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		abort();
	(void)snprintf(path, sizeof(path), "%s/../../ctl/pmemfailctl", dirname(self));
	return path;
}

static _Noreturn void tool_child(const char *terminal)
{
	int fd = open(terminal, O_RDWR | O_NOCTTY | O_CLOEXEC);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (dup2(fd, STDERR_FILENO) < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0)
		_exit(99);
	execv(tool_path(), (char **)tool.argv);
	_exit(98);
}

static int use_tool(struct daemon_bench *d)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ssize_t n;
	pid_t pid;

	(void)d;
	if (fd < 0 || grantpt(fd) < 0 || unlockpt(fd) < 0)
		return -ENOTTY;
	pid = fork();
	if (pid == 0)
		tool_child(ptsname(fd));
	/* The end is EIO, when nobody has the other side any more; see that it has it first. */
	while ((n = read(fd, tool.shown + tool.n, sizeof(tool.shown) - 1 - tool.n)) > 0 ||
	       (n < 0 && waitpid(pid, &tool.status, WNOHANG) == 0))
		tool.n += n > 0 ? (size_t)n : 0;
	close(fd);
	(void)waitpid(pid, &tool.status, 0);
	return 0;
}

static bool is_shown(struct daemon_bench *d, const char *text)
{
	while (!memmem(tool.shown, tool.n, text, strlen(text)))
		if (!daemon_round(d))
			return false;
	return true;
}

static void shown(const char *what)
{
	test_say("%s: %.*s", what, (int)strcspn(tool.shown + 1, "\r\n"), tool.shown + 1);
}

TEST(the_tool_shows_how_far_a_replay_is)
{
	DAEMON(d);
	bool seen, ended;

	if (access(tool_path(), X_OK) < 0)
		SKIP("pmemfailctl is not built");
	tool = (struct tool){ .argv = { "pmemfailctl", "--bus", "replay" }, .status = -1 };
	CHECK(daemon_three_wait(&d));
	daemon_begin(&d, use_tool);
	world.stuck = true;
	seen = is_shown(&d, "looking again at what is bad: 0 of 3 (");
	world.stuck = false;
	ended = daemon_end(&d);
	shown("it shows");
	CHECK(seen);
	CHECK(ended);
	CHECK_EQ(d.r, 0);
	CHECK_EQ(tool.status, 0);
}

TEST(the_tool_shows_how_far_a_removal_is)
{
	DAEMON(d);
	bool seen, ended;

	if (access(tool_path(), X_OK) < 0)
		SKIP("pmemfailctl is not built");
	tool = (struct tool){ .argv = { "pmemfailctl", "--bus", "--yes", "prepare-remove",
					"pmem0" }, .status = -1 };
	begin();
	fake_holds_add(&d.b.f, 0);
	mount(&d);
	d.b.f.hook = "hook";
	d.b.f.hook_stuck = true;
	daemon_begin(&d, use_tool);
	seen = is_shown(&d, "taking the device out of use: 8 of 9 (");
	fake_holds_set(&d.b.f, &d.b.f.hook_stuck, false);
	ended = daemon_end(&d);
	shown("it shows");
	CHECK(seen);
	CHECK(ended);
	CHECK_EQ(d.r, 0);
	CHECK(WIFEXITED(tool.status) && WEXITSTATUS(tool.status) < 90);
}
