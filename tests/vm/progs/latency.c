// SPDX-License-Identifier: GPL-2.0-only
/*
 * latency: how soon is a process told of latent poison in a file that it maps?
 *
 *	latency BADBLOCKS FILE PAUSE_MS OFFSET:SECTOR...
 *
 * Maps FILE and reads all of it. Then, for each OFFSET in turn, writes SECTOR, where
 * that page lies, to BADBLOCKS as a scrub's find, and waits for SIGBUS without touching
 * anything: the time from just before write(2) to the handler's first instruction. Says
 *	told offset=N ns=N write_us=REALTIME code=5 right=1 unread=1
 * for each (right: the address is that page's; unread: a read of it fails from then
 * on), then waits PAUSE_MS for what is still done about it.
 */
#include "report.h"

static volatile uint64_t told_ns, told_addr;
static volatile int told_code;

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void on_bus(int sig, siginfo_t *info, void *context)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (info->si_code != BUS_MCEERR_AO && recover) {
		on_sigbus(sig, info, context);
		return;
	}
	told_addr = (uintptr_t)info->si_addr;
	told_code = info->si_code;
	told_ns = now;
}

static void round_of(int badblocks, const volatile unsigned char *p, size_t offset,
		     unsigned long long sector, const struct timespec *pause)
{
	struct timespec limit = { .tv_sec = 10 };
	uint64_t begin, write_us;
	sigset_t none, bus, old;
	unsigned char v;
	char text[64];
	int n;

	n = snprintf(text, sizeof(text), "%llu %lu\n", sector, PAGE / 512);
	sigemptyset(&none);
	sigemptyset(&bus);
	sigaddset(&bus, SIGBUS);
	/* only in ppoll() can it come, so that none is missed before the wait */
	sigprocmask(SIG_BLOCK, &bus, &old);
	told_ns = 0;
	write_us = clock_ns(CLOCK_REALTIME) / 1000;
	begin = clock_ns(CLOCK_MONOTONIC);
	if (pwrite(badblocks, text, n, 0) != n)
		broken("write to badblocks");
	(void)syscall(SYS_ppoll, NULL, 0, &limit, &none, 8);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (!told_ns)
		broken("not told of %zu in 10 s", offset);
	report("told offset=%zu ns=%llu write_us=%llu code=%d right=%d unread=%d", offset,
	       (unsigned long long)(told_ns - begin), (unsigned long long)write_us, told_code,
	       told_addr == (uintptr_t)p + offset, try_read(p + offset, &v) != 0);
	nanosleep(pause, NULL);
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };
	const volatile unsigned char *p;
	struct timespec pause;
	struct stat st;
	int badblocks, fd;
	long ms;

	if (argc < 5) {
		fprintf(stderr, "usage: latency BADBLOCKS FILE PAUSE_MS OFFSET:SECTOR...\n");
		return 2;
	}
	badblocks = open(argv[1], O_WRONLY | O_CLOEXEC);
	if (badblocks < 0)
		broken("open %s", argv[1]);
	fd = open(argv[2], O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		broken("open %s", argv[2]);
	p = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		broken("mmap");
	close(fd);
	if (sigaction(SIGBUS, &sa, NULL))
		broken("sigaction");
	for (off_t at = 0; at < st.st_size; at += PAGE)
		(void)p[at];
	ms = atol(argv[3]);
	pause = (struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	nanosleep(&pause, NULL);
	for (int i = 4; i < argc; i++) {
		char *end;
		size_t offset = strtoull(argv[i], &end, 0);

		if (*end != ':')
			broken("'%s'", argv[i]);
		round_of(badblocks, p, offset, strtoull(end + 1, NULL, 0), &pause);
	}
	return 0;
}
