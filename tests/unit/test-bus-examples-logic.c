// SPDX-License-Identifier: GPL-2.0-only
/* The examples that use a connection do what they say. */
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "bus-bench.h"

struct run {
	pid_t pid;
	int out;
};

/* The example so called, which is built beside this program. */
static struct run start(const char *name, const char *a, const char *b)
{
	char self[PATH_MAX] = "", path[PATH_MAX + 64];
	struct run r;
	int fds[2];

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0 || pipe2(fds, O_CLOEXEC) < 0)
		abort();
	(void)snprintf(path, sizeof(path), "%s/example-%s", dirname(self), name);
	fflush(NULL);
	r.pid = fork();
	if (r.pid == 0) {
		(void)dup2(fds[1], STDOUT_FILENO);
		execl(path, name, a, b, NULL);
		_exit(99);
	}
	close(fds[1]);
	r.out = fds[0];
	return r;
}

/* What it prints has this in it, soon; line after line is thrown away. */
static bool says(struct run *r, const char *text)
{
	struct pollfd p = { .fd = r->out, .events = POLLIN };
	char line[256];
	size_t n = 0;

	while (n + 1 < sizeof(line) && poll(&p, 1, 20000) > 0 && read(r->out, &line[n], 1) == 1) {
		line[n + 1] = '\0';
		if (strstr(line, text))
			return true;
		n = line[n] == '\n' ? 0 : n + 1;
	}
	return false;
}

static int end(struct run *r, int signal)
{
	int status = 0;

	if (signal)
		kill(r->pid, signal);
	waitpid(r->pid, &status, 0);
	close(r->out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(follow_lists_and_follows)
{
	BENCH(x);
	struct run r = start("follow", NULL, NULL);
	bool listed = says(&r, "failure 5: "), added, protected;

	fake_server_emit(&x.b, 'a', 6);
	added = says(&r, "failure 6: ");
	fake_server_emit(&x.b, 'p', 0);
	protected = says(&r, "an id is not protected");
	CHECK_EQ(end(&r, SIGTERM), 128 + SIGTERM);
	CHECK(listed);
	CHECK(added);
	CHECK(protected);
}

TEST(inhibit_lets_go_when_all_is_safe)
{
	BENCH(x);
	struct run r = start("inhibit", "pmem0", "/dev/null");
	bool waits = says(&r, "removals wait");
	unsigned int before = x.b.shared->released;

	fake_server_emit(&x.b, 'r', 0);
	CHECK_EQ(end(&r, 0), 0);
	CHECK(waits);
	CHECK_EQ(before, 0);
	for (int i = 0; i < 1000 && x.b.shared->released == 0; i++)
		poll(NULL, 0, 10);
	CHECK_EQ(x.b.shared->released, 1);
}

TEST(without_a_daemon_they_say_so)
{
	BENCH(x);
	struct run r;

	fake_server_kill(&x.b);
	r = start("follow", NULL, NULL);
	CHECK_EQ(end(&r, 0), 1);
}
