// SPDX-License-Identifier: GPL-2.0-only
/*
 * sources-probe: what lib/sys knows about poison, said line by line for a case.
 *
 *	sources-probe list [NAME [AS]]	devices and what of them is bad; with the disk of
 *					AS in place of its own: what the region says
 *	sources-probe mark NAME START END	bytes
 *	sources-probe fill NAME		every other sector, until the list is full
 *	sources-probe watch DISK REGION	until SIGTERM: "wake badblocks" and "wake trace"
 *					for each time that epoll returns, "page START"
 *					for each page that failed
 */
#include <inttypes.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include "sys/read.h"
#include "sys/watch.h"

static struct pmf_topology *topology;

static struct pmf_device *find(const char *name)
{
	for (size_t i = 0; i < topology->n_devices; i++)
		if (streq_ptr(topology->devices[i].name, name))
			return &topology->devices[i];
	fprintf(stderr, "no device %s\n", name);
	exit(1);
}

static int say(const char *what, int err)
{
	printf("%s %s\n", what, err < 0 ? strerrorname_np(-err) : "OK");
	return err < 0 ? 1 : 0;
}

static int list(const struct pmf_device *d)
{
	struct pmf_ranges bad = { 0 };
	char *binding = NULL;
	bool full = false;
	int err;

	err = pmf_sys_binding_id(NULL, d, &binding);
	printf("device %s spa=%#" PRIx64 " size=%" PRIu64 " ns=%#" PRIx64 "-%#" PRIx64
	       " region=%#" PRIx64 " binding=%s\n", d->name, d->spa, d->size,
	       d->ns_spa.start, d->ns_spa.end, d->region_spa,
	       err < 0 ? strerrorname_np(-err) : binding);
	err = pmf_sys_read_badblocks(NULL, d, &bad, &full);
	for (size_t i = 0; i < bad.n; i++)
		printf("bad %" PRIu64 "-%" PRIu64 "\n", bad.v[i].start, bad.v[i].end);
	printf("full %d\n", full);
	pmf_ranges_done(&bad);
	free(binding);
	return say("list", err);
}

static int fill(const struct pmf_device *d)
{
	uint64_t at = 0;
	int err = 0;

	for (; err == 0 && at < 4096 * 1024; at += 1024)
		err = pmf_sys_mark_bad(NULL, d, (struct pmf_range){ at, at + 512 });
	printf("filled %" PRIu64 "\n", at / 1024 - 1);
	return say("fill", err);
}

/* --- watching, as the engine does: each fd inside an epoll of its own --- */

static void take_pages(struct pmf_trace *t)
{
	struct pmf_range r;
	int err;

	while ((err = pmf_trace_read(t, &r)) != -EAGAIN) {
		if (err == 0)
			printf("page %#" PRIx64 "\n", r.start);
		else
			printf("trace %s\n", strerrorname_np(-err));
		if (err < 0 && err != -ENOBUFS)
			exit(1);
	}
}

static void add(int epoll, int fd, uint32_t which)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = which };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0) {
		perror("epoll_ctl");
		exit(1);
	}
}

static int watch(const char *disk, const char *region)
{
	struct pmf_badblocks_watch *w = NULL;
	struct pmf_trace *t = NULL;
	int keep;
	struct epoll_event e;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	if (say("badblocks", pmf_badblocks_watch_new(&w)) ||
	    say("set", pmf_badblocks_watch_set(w, &disk, 1, &region, 1)) ||
	    say("set", pmf_badblocks_watch_set(w, &disk, 1, &region, 1)) ||
	    say("trace", pmf_trace_open("/run/sources-probe", &t, &keep)))
		return 1;
	add(epoll, signalfd(-1, &term, SFD_CLOEXEC), 0);
	add(epoll, pmf_badblocks_watch_fd(w), 1);
	add(epoll, pmf_trace_fd(t), 2);
	printf("ready\n");
	while (epoll_wait(epoll, &e, 1, -1) == 1 && e.data.u32 != 0) {
		if (e.data.u32 == 1) {
			printf("wake badblocks%s\n",
			       pmf_badblocks_watch_read(w) ? "" : " for nothing");
		} else {
			printf("wake trace\n");
			take_pages(t);
		}
	}
	pmf_trace_close(t);
	pmf_badblocks_watch_free(w);
	printf("closed\n");
	return 0;
}

int main(int argc, char **argv)
{
	struct pmf_device d;
	int err;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && streq(argv[1], "watch"))
		return watch(argv[2], argv[3]);
	err = pmf_sys_read_topology(NULL, PMF_READ_DEVICES, NULL, &topology);
	if (err < 0)
		return say("topology", err);
	if (argc == 3 && streq(argv[1], "list"))
		return list(find(argv[2]));
	if (argc == 4 && streq(argv[1], "list")) {
		d = *find(argv[2]);
		d.devno = find(argv[3])->devno;
		return list(&d);
	}
	if (argc == 5 && streq(argv[1], "mark"))
		return say("mark", pmf_sys_mark_bad(NULL, find(argv[2]), (struct pmf_range){
			strtoull(argv[3], NULL, 0), strtoull(argv[4], NULL, 0) }));
	if (argc == 3 && streq(argv[1], "fill"))
		return fill(find(argv[2]));
	fprintf(stderr, "usage: see the head of sources-probe.c\n");
	return 2;
}
