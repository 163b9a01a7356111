// SPDX-License-Identifier: GPL-2.0-only
/*
 * writeprobe: write to a filesystem every few milliseconds, and note how long
 * the longest write had to wait.
 *
 *	writeprobe --status FILE PATH
 *
 * Why: a filesystem that stays frozen keeps its writers waiting; this is how a
 * case measures that, without trusting what the freezer says about itself.
 * Reports "ready" after the first write; ends by itself at the first error with
 * "end writes=.. longest_ms=.. error=5", on SIGTERM with error=0, and after each
 * write that waited more than 100 ms adds "waited ms=..".
 */
#include "report.h"

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_term };
	unsigned long writes = 0, longest = 0, ms;
	int fd, error = 0;
	uint64_t begin;

	errno = EINVAL;
	if (argc != 4 || strcmp(argv[1], "--status"))
		broken("usage: writeprobe --status FILE PATH");
	report_to(argv[2]);
	sigaction(SIGTERM, &sa, NULL);
	fd = open(argv[3], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		broken("open %s", argv[3]);
	while (!stop && !error) {
		begin = boottime_ns();
		if (pwrite(fd, "w", 1, 0) != 1)
			error = errno;
		ms = (boottime_ns() - begin) / 1000000;
		if (ms > 100)
			report("waited ms=%lu", ms);
		if (ms > longest)
			longest = ms;
		if (!writes++)
			report("ready");
		usleep(5000);
	}
	report("end writes=%lu longest_ms=%lu error=%d", writes, longest, error);
	return 0;
}
