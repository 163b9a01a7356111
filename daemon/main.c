/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pmemfaild: makes the loss of persistent memory end well.
 *
 * This file reads the command line and prepares the process; manager.c runs. The
 * daemon needs nothing but <pmemfail/pmemfail.h>: what it does, yours can.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <pmemfail/pmemfail.h>

#include "log.h"
#include "manager.h"
#include "names.h"

static int help(void)
{
	puts("Usage: pmemfaild [OPTIONS]\n\n"
	     "Watch persistent memory devices and make their removal safe. Runs in the\n"
	     "foreground and logs to stderr; started by pmemfaild.service.\n\n"
	     "Options:\n"
	     "      --foreground  run in the foreground: the only way, and the default\n"
	     "      --check       exit 0 when this machine has a pmem device, 1 when not\n"
	     "      --root DIR    read the configuration below DIR\n"
	     "  -V, --version     show the version\n"
	     "  -h, --help        show this\n\n"
	     "Signals: SIGTERM and SIGINT finish what is being handled and end it; SIGHUP\n"
	     "reads the configuration again.\n\n"
	     "Exit codes:\n"
	     "  0  ended as asked\n"
	     "  1  failed; --check: there is no pmem device\n"
	     "  2  wrong arguments\n"
	     "  3  not permitted: needs root\n"
	     "  4  the configuration is malformed\n"
	     "  5  another pmemfaild runs\n\n"
	     "See pmemfaild(8) and pmemfail.conf(5).");
	return fflush(stdout) == 0 ? DAEMON_OK : DAEMON_FAILURE;
}

static int check(struct pmemfail *lib)
{
	struct pmemfail_devices *l = NULL;
	size_t n;

	if (pmemfail_list_devices(lib, &l) < 0) {
		log_say(LOG_ERR, NULL, "cannot list the pmem devices: %s", pmemfail_why());
		return DAEMON_FAILURE;
	}
	n = pmemfail_devices_count(l);
	pmemfail_devices_free(l);
	log_say(LOG_INFO, NULL, n ? "there is a pmem device" :
		"there is no pmem device on this machine");
	return n ? DAEMON_OK : DAEMON_FAILURE;
}

/* The unit does this too; here for who starts the daemon by hand. */
static void become_unkillable_by_oom(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "-1000", 5) != 5)
		log_say(LOG_DEBUG, NULL, "cannot lower the OOM score: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

/*
 * Before the first thread and the guard process, which inherit all of this. Blocked
 * signals are taken by sd-event from a signalfd; in the guard they stay blocked, so
 * that no signal to the whole service ends it before its work is done.
 */
static void prepare_process(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* A core dump keeps every fd open until it is written, perhaps to a filesystem
	 * that this process froze: it must let go at once (do_coredump() comes before
	 * exit_files() in do_exit()). */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	become_unkillable_by_oom();
	/* All memory is locked, so what glibc keeps for later is taken from everybody. An
	 * arena for each of the threads that come and go would be most of it; setting a
	 * threshold ends that they grow by themselves. */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	mallopt(M_TRIM_THRESHOLD, 256 << 10);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "foreground", no_argument, NULL, 'f' },
		{ "check", no_argument, NULL, 'c' },
		{ "root", required_argument, NULL, 'r' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	struct pmemfail *lib;
	bool only_check = false;
	int o, code;

	log_open();
	while ((o = getopt_long(argc, argv, "Vh", options, NULL)) != -1)
		switch (o) {
		case 'f':
			break;
		case 'c':
			only_check = true;
			break;
		case 'r':
			manager_set_root(optarg);
			break;
		case 'V':
			printf("pmemfaild %s\n", pmemfail_version());
			return fflush(stdout) == 0 ? DAEMON_OK : DAEMON_FAILURE;
		case 'h':
			return help();
		default:
			return DAEMON_USAGE;	/* getopt_long() has said what is wrong */
		}
	if (optind < argc) {
		log_say(LOG_ERR, NULL, "there is no argument '%s'. See 'pmemfaild --help'.",
			argv[optind]);
		return DAEMON_USAGE;
	}
	if (geteuid() != 0) {
		log_say(LOG_ERR, NULL, "pmemfaild needs root: start it by 'systemctl start"
			" pmemfaild'.");
		return DAEMON_NOT_ROOT;
	}
	prepare_process();
	lib = manager_configure();
	if (!lib)
		return DAEMON_CONFIG;
	code = only_check ? check(lib) : manager_run(lib);
	pmemfail_unref(lib);
	return code;
}
