// SPDX-License-Identifier: GPL-2.0-only
/*
 * inhibitor: a program that maps a file, writes to it without pause, and asks
 * pmemfaild for a moment before the device is taken away.
 *
 *	inhibitor --status FILE WHAT PATH MODE
 *
 * MODE "flush": when told, it stores a last time, msyncs, unmaps, closes and drops the
 * lock; "hang": it is told and does nothing; "die": it ends with the lock held, when
 * told. Reports "ready", "told ms=N" and "end sigbus=N last=N": N is what it stored
 * last, which must be in the file for ever after.
 */
/* libs: -lsystemd */
#include <sys/mman.h>
#include <systemd/sd-bus.h>

#include "report.h"

#define SIZE	(4UL << 20)

static volatile sig_atomic_t buses;
static bool asked;

static void on_bus_error(int sig)
{
	(void)sig;
	buses++;
	report("sigbus");
	_exit(3);
}

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *device;
	int active;

	(void)userdata;
	(void)error;
	if (sd_bus_message_read(m, "sb", &device, &active) >= 0 && active)
		asked = true;
	return 0;
}

/* Ends when r says so. */
static void must(int r, const char *what)
{
	if (r >= 0)
		return;
	errno = -r;
	broken("%s", what);
}

static int take_lock(sd_bus *bus, const char *what)
{
	sd_bus_message *reply = NULL;
	int fd = -1;

	must(sd_bus_call_method(bus, "org.pmemfail1", "/org/pmemfail1", "org.pmemfail1.Manager",
				"Inhibit", NULL, &reply, "ssss", what, "inhibitor", "test",
				"delay"), "Inhibit");
	must(sd_bus_message_read(reply, "h", &fd), "the answer of Inhibit");
	fd = dup(fd);
	if (fd < 0)
		broken("dup");
	sd_bus_message_unref(reply);
	return fd;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_bus_error };
	unsigned long *map, n = 0;
	sd_bus *bus = NULL;
	int fd, lock;

	errno = EINVAL;
	if (argc != 6 || strcmp(argv[1], "--status"))
		broken("usage: inhibitor --status FILE WHAT PATH MODE");
	report_to(argv[2]);
	sigaction(SIGBUS, &sa, NULL);
	fd = open(argv[4], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, SIZE) < 0)
		broken("open %s", argv[4]);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		broken("mmap");
	must(sd_bus_open_system(&bus), "no bus");
	must(sd_bus_match_signal(bus, NULL, "org.pmemfail1", "/org/pmemfail1",
				 "org.pmemfail1.Manager", "PrepareForRemoval", on_signal, NULL),
	     "no match");
	lock = take_lock(bus, argv[3]);
	report("ready");
	while (!asked) {
		map[(n * 512) % (SIZE / sizeof(*map))] = n;
		map[0] = ++n;
		if (sd_bus_process(bus, NULL) == 0)
			(void)sd_bus_wait(bus, 1000);
	}
	report("told");
	if (strcmp(argv[5], "die") == 0)
		_exit(0);
	while (strcmp(argv[5], "hang") == 0)
		pause();
	map[0] = ++n;
	if (msync(map, SIZE, MS_SYNC) < 0 || munmap(map, SIZE) < 0 || close(fd) < 0)
		broken("flush");
	close(lock);
	report("end sigbus=%d last=%lu", (int)buses, n);
	return 0;
}
