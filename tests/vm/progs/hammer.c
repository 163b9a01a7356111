// SPDX-License-Identifier: GPL-2.0-only
/*
 * hammer: threads that read and write a mapped file without a pause, and note
 * when an access last succeeded.
 *
 *	hammer --status FILE [--readers N] [--writers N] [--size N] FILE
 *
 * Why: a page that comes back for one access between two steps of a removal is
 * found only by somebody who never stops asking. Reports "ready" once every
 * thread has had its first success; SIGUSR1: "hammer reads=.. writes=.. bus=..
 * last_ns=.. told=..", last_ns being CLOCK_BOOTTIME of the newest success;
 * SIGTERM: the same, and ends.
 */
#include "report.h"

#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>

#define THREADS_MAX 16
/* pages touched between two looks at the clock */
#define BATCH 16

static volatile unsigned char *map;
static size_t pages;
static struct worker {
	bool writes;
	unsigned int seed;
	atomic_ulong ok, bus, last_ns;
} workers[THREADS_MAX];
static unsigned int n_workers;

static void *work(void *arg)
{
	struct worker *w = arg;
	unsigned long failed, i;
	unsigned char v;

	for (;;) {
		for (i = failed = 0; i < BATCH; i++) {
			volatile unsigned char *p = map + rand_r(&w->seed) % pages * PAGE;

			if (w->writes ? try_write(p, (unsigned char)i) : try_read(p, &v))
				failed++;
		}
		w->bus += failed;
		w->ok += BATCH - failed;
		if (failed < BATCH)
			w->last_ns = boottime_ns();
		else
			usleep(1000);	/* all is gone: leave the processor to others */
	}
	return NULL;
}

static void tell(void)
{
	unsigned long reads = 0, writes = 0, bus = 0, last = 0;
	unsigned int i;

	for (i = 0; i < n_workers; i++) {
		struct worker *w = &workers[i];

		if (w->writes)
			writes += w->ok;
		else
			reads += w->ok;
		bus += w->bus;
		if (w->last_ns > last)
			last = w->last_ns;
	}
	report("hammer reads=%lu writes=%lu bus=%lu last_ns=%lu told=%u", reads, writes, bus,
	       last, told);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "status", 1, NULL, 'S' }, { "readers", 1, NULL, 'r' },
		{ "writers", 1, NULL, 'w' }, { "size", 1, NULL, 's' }, { NULL, 0, NULL, 0 }
	};
	unsigned int readers = 1, writers = 1, i;
	size_t size = 0;
	sigset_t commands;
	struct stat st;
	int c, fd;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'S': report_to(optarg); break;
		case 'r': readers = atoi(optarg); break;
		case 'w': writers = atoi(optarg); break;
		case 's': size = parse_size(optarg); break;
		default: return 2;
		}
	errno = EINVAL;
	if (optind + 1 != argc || readers + writers > THREADS_MAX)
		broken("usage: hammer [OPTION...] FILE");
	sigemptyset(&commands);
	sigaddset(&commands, SIGUSR1);
	sigaddset(&commands, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &commands, NULL);
	handle_sigbus();

	fd = open(argv[optind], O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		broken("open %s", argv[optind]);
	if (!size)
		size = st.st_size;
	pages = size / PAGE;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED || !pages)
		broken("mmap");
	close(fd);
	report("map n=0 addr=%p size=%zu path=%s", (void *)map, size, argv[optind]);

	for (i = 0; i < readers + writers; i++) {
		pthread_t t;

		workers[i].writes = i >= readers;
		workers[i].seed = i + 1;
		n_workers++;
		if (pthread_create(&t, NULL, work, &workers[i]))
			broken("pthread_create");
	}
	for (i = 0; i < n_workers; i++)
		while (!workers[i].last_ns)
			usleep(1000);
	report("ready");
	for (;;) {
		int sig = sigwaitinfo(&commands, NULL);

		if (sig == SIGUSR1 || sig == SIGTERM)
			tell();
		if (sig == SIGTERM)
			return 0;
	}
}
