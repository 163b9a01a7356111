/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * daemon: what pmemfaild does, in a program of your own: it holds unbinds, takes what
 * is lost away from its users, and records it, until SIGTERM or SIGINT.
 *
 *	cc daemon.c $(pkg-config --cflags --libs libpmemfail)
 *
 * One process of a machine can do this: stop pmemfaild first.
 */
#include <errno.h>
#include <pmemfail/pmemfail.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void say(const struct pmemfail_notice *n)
{
	const struct pmemfail_failure *f = pmemfail_notice_failure(n);
	const char *text = pmemfail_notice_text(n);

	if (f)
		printf("failure %llu is %s\n", (unsigned long long)pmemfail_failure_id(f),
		       pmemfail_state_name(pmemfail_failure_state(f)));
	else if (text)
		puts(text);
	fflush(stdout);
}

/* Handling is done by threads of the library: none of this waits for it. */
static int dispatch(struct pmemfail_engine *e)
{
	struct pmemfail_notice *n;
	int r = pmemfail_engine_dispatch(e);

	while (r >= 0 && (r = pmemfail_engine_next(e, &n)) >= 0) {
		say(n);
		pmemfail_notice_free(n);
	}
	return r == -EAGAIN ? 0 : r;
}

static int watch(struct pmemfail_engine *e, int signals)
{
	struct pollfd p[2] = {
		{ .fd = pmemfail_engine_get_fd(e), .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};
	int r = 0;

	while (r >= 0 && !p[1].revents) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (p[0].revents)
			r = dispatch(e);
	}
	return r;
}

int main(void)
{
	struct pmemfail_engine *e = NULL;
	struct pmemfail *lib;
	sigset_t set;
	int signals, r;

	/* Before the engine: its threads, and its guard process, inherit this. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);

	r = signals < 0 ? -errno : pmemfail_new(&lib);
	if (r < 0)
		return 1;
	r = pmemfail_read_config(lib, NULL);
	if (r >= 0)
		r = pmemfail_engine_new(lib, &e);
	if (r >= 0) {
		puts("watching");
		fflush(stdout);
		r = watch(e, signals);
	}
	if (r < 0)
		fprintf(stderr, "daemon: %s\n", pmemfail_why());
	pmemfail_engine_free(e);	/* waits for what is being handled */
	pmemfail_unref(lib);
	close(signals);
	return r < 0;
}
