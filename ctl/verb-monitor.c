/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pmemfailctl monitor: failures as they begin and change, until it is interrupted or
 * nobody reads any more. One line each for people, one JSON object a line with --json.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "report.h"

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

/* Signals end the wait and nothing else: *ret_waiting is the mask to wait with. */
static void take_signals(sigset_t *ret_waiting)
{
	static const int taken[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction act = { .sa_handler = end };
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(&blocked, taken[i]);
	sigprocmask(SIG_BLOCK, &blocked, ret_waiting);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		sigdelset(ret_waiting, taken[i]);
		sigaction(taken[i], &act, NULL);
	}
}

static void print_json(const struct pmemfail_failure *f)
{
	struct json_object *o = ctl_json_new();

	ctl_json_add(o, "failure", report_to_json(f));
	ctl_json_puts(o, JSON_C_TO_STRING_PLAIN);
}

static void print_line(const struct ctl *c, const struct pmemfail_failure *f)
{
	enum pmemfail_state state = pmemfail_failure_state(f);
	const char *begin = c->colour ? text_colour(report_state_colour(state)) : "";
	const char *reason = pmemfail_failure_reason(f);
	struct report_totals t = report_totals(f);
	char a[TEXT_NUMBER_MAX];
	char *device = text_escape(report_device(f) ? report_device(f) : "?");

	printf("%s  failure %llu: %s of %s", text_time(a, pmemfail_failure_updated_us(f)),
	       (unsigned long long)pmemfail_failure_id(f), pmemfail_failure_kind(f), device);
	free(device);
	if (report_is_poison(f))
		printf(" (%s)", text_size(a, report_bytes(f)));
	printf(": %s%s%s", begin, pmemfail_state_name(state), *begin ? TEXT_END : "");
	if (t.told > 0)
		printf(", %s told", text_count(a, t.told, "process", "processes"));
	if (reason) {
		char *safe = text_escape(reason);

		printf(": %s", safe);
		free(safe);
	}
	putchar('\n');
}

static void print(const struct ctl *c, const struct pmemfail_failure *f)
{
	if (c->json)
		print_json(f);
	else if (c->quiet)
		printf("%llu\n", (unsigned long long)pmemfail_failure_id(f));
	else
		print_line(c, f);
}

/* Nobody reads any more, which is how such a pipeline ends, or we were interrupted
 * while a reader was slow: no error. What stdio still holds goes nowhere. */
static void forget_output(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
		return;
	close(fd);
	clearerr(stdout);
}

/* Print it and see that it is out. False: that is the end, and when it was for want of
 * space or the like, main() finds out and says so. */
static bool put(const struct ctl *c, const struct pmemfail_failure *f,
		const sigset_t *waiting)
{
	sigset_t blocked;
	bool out;

	/* A reader that stands still must not keep Ctrl-C from ending this. */
	sigprocmask(SIG_SETMASK, waiting, &blocked);
	errno = 0;
	print(c, f);
	out = fflush(stdout) == 0 && !ferror(stdout);
	if (!out && (errno == EPIPE || ended))
		forget_output();
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	return out && !ended;
}

/* All that is there now. 0, a negative errno, or 1: no more is to be written. */
static int drain(const struct ctl *c, struct pmemfail_monitor *m, const sigset_t *waiting)
{
	struct pmemfail_failure *f;
	int r;

	while ((r = pmemfail_monitor_next(m, &f)) >= 0) {
		bool more = put(c, f, waiting);

		pmemfail_failure_free(f);
		if (!more)
			return 1;
	}
	return r == -EAGAIN ? 0 : r;
}

static int watch(const struct ctl *c, struct pmemfail_monitor *m, const sigset_t *waiting)
{
	struct pollfd fds[] = {
		{ .fd = pmemfail_monitor_get_fd(m), .events = POLLIN },
		{ .fd = STDOUT_FILENO },	/* POLLERR, POLLHUP: its reader went away */
	};
	int r;

	if (fds[0].fd < 0)
		return fds[0].fd;
	for (;;) {
		r = drain(c, m, waiting);
		if (r != 0)
			return r < 0 ? r : 0;
		if (ppoll(fds, sizeof(fds) / sizeof(fds[0]), NULL, waiting) < 0 &&
		    errno != EINTR)
			return -errno;
		if (ended)
			return 0;
		if (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL))
			return 0;
	}
}

int ctl_monitor(struct ctl *c, char **args)
{
	struct pmemfail_monitor *m = NULL;
	sigset_t waiting;
	int r;

	(void)args;
	take_signals(&waiting);
	r = pmemfail_monitor_new(c->lib, &m);
	if (r < 0)
		return ctl_error_library(r, "watch the record of failures");
	if (c->width > 0)
		ctl_say(c, "Failures show here as they begin and change. Ctrl-C ends.");
	r = watch(c, m, &waiting);
	pmemfail_monitor_free(m);
	return r < 0 ? ctl_error_library(r, "watch the record of failures") : CTL_OK;
}
