// SPDX-License-Identifier: GPL-2.0-only
/*
 * modtest-watch: a watcher of /dev/pmemfail, as bare as can be
 *
 *	modtest-watch [--timeout MS] [--cookie N] [--after MS|--never]
 *		      [--events N] DEV...
 *
 * watches each DEV, prints "watching" (or "refused DEV ERRNO" and ends), then each
 * event as a line
 *	hold id=1 cookie=7 name=pfn0.0 dev=259:0 age_ms=0
 *	ended id=1 ...
 * and answers a hold with RELEASE after MS milliseconds (0), or never, printing
 * "released id=1 OK". Ends after N events (never), closing on its way; by SIGUSR1
 * it watches all devices again.
 */
#include "modtest.h"

#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

static struct {
	unsigned int timeout_ms, after_ms, events;
	unsigned long long cookie;
	bool never;
} opt = { .timeout_ms = 30000, .cookie = 7 };

static volatile sig_atomic_t again;

static void on_usr1(int sig)
{
	(void)sig;
	again = 1;
}

static uint64_t boottime_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void watch(int fd, const char *path)
{
	struct pmemfail_watch arg = {
		.size = sizeof(arg), .timeout_ms = opt.timeout_ms, .cookie = opt.cookie,
	};
	int error;

	arg.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (arg.fd < 0)
		broken("open %s", path);
	error = call(fd, PMEMFAIL_IOC_WATCH, &arg);
	close(arg.fd);
	if (error) {
		printf("refused %s %s\n", path, error_name(error));
		exit(1);
	}
}

static void answer(int fd, const struct pmemfail_event *e)
{
	struct pmemfail_release arg = { .size = sizeof(arg), .id = e->id };

	printf("%s id=%llu cookie=%llu name=%s dev=%u:%u age_ms=%llu\n",
	       e->type == PMEMFAIL_EVENT_HOLD ? "hold" :
	       e->type == PMEMFAIL_EVENT_HOLD_ENDED ? "ended" : "UNKNOWN",
	       (unsigned long long)e->id, (unsigned long long)e->cookie, e->name, e->major,
	       e->minor, (unsigned long long)(boottime_ns() - e->time_ns) / 1000000);
	if (e->type != PMEMFAIL_EVENT_HOLD || opt.never)
		return;
	usleep(opt.after_ms * 1000);
	printf("released id=%llu %s\n", (unsigned long long)e->id,
	       error_name(call(fd, PMEMFAIL_IOC_RELEASE, &arg)));
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "timeout", 1, NULL, 't' }, { "cookie", 1, NULL, 'c' },
		{ "after", 1, NULL, 'a' }, { "never", 0, NULL, 'n' },
		{ "events", 1, NULL, 'e' }, { NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1)
		switch (c) {
		case 't': opt.timeout_ms = atoi(optarg); break;
		case 'c': opt.cookie = strtoull(optarg, NULL, 0); break;
		case 'a': opt.after_ms = atoi(optarg); break;
		case 'n': opt.never = true; break;
		case 'e': opt.events = atoi(optarg); break;
		default: exit(2);
		}
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_usr1 };
	unsigned int seen = 0;
	int fd, i;

	setlinebuf(stdout);
	parse(argc, argv);
	sigaction(SIGUSR1, &sa, NULL);
	fd = module_open(O_NONBLOCK);
	for (i = optind; i < argc; i++)
		watch(fd, argv[i]);
	printf("watching\n");

	while (!opt.events || seen < opt.events) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		struct pmemfail_event e;
		ssize_t n;

		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			broken("poll");
		if (again) {
			again = 0;
			for (i = optind; i < argc; i++)
				watch(fd, argv[i]);
			printf("watching\n");
			continue;
		}
		n = read(fd, &e, sizeof(e));
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n != sizeof(e) || e.size != sizeof(e))
			broken("read: %zd", n);
		answer(fd, &e);
		seen++;
	}
	return 0;
}
