/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inhibit: a program that uses a device and loses nothing when that is removed: it makes
 * removals wait, and once one begins, it closes what it has open and lets it go on.
 *
 *	cc inhibit.c $(pkg-config --cflags --libs libpmemfail)
 *	./a.out /mnt/pmem /mnt/pmem/data
 */
#include <errno.h>
#include <fcntl.h>
#include <pmemfail/pmemfail.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* Until a removal of any device begins. A real program goes on with its work between
 * these, and asks whether it is its own device. */
static int wait_for_removal(struct pmemfail_monitor *m)
{
	struct pollfd fd = { .fd = pmemfail_monitor_get_fd(m), .events = POLLIN };
	struct pmemfail_notice *n;
	bool begins;
	int r;

	for (;;) {
		while ((r = pmemfail_monitor_next_notice(m, &n)) >= 0) {
			begins = pmemfail_notice_get_kind(n) == PMEMFAIL_REMOVAL_BEGINS;
			pmemfail_notice_free(n);
			if (begins)
				return 0;
		}
		if (r != -EAGAIN)
			return r;
		if (poll(&fd, 1, -1) < 0 && errno != EINTR)
			return -errno;
	}
}

int main(int argc, char **argv)
{
	struct pmemfail_monitor *m = NULL;
	struct pmemfail *lib = NULL;
	int r, data, lock = -1;

	if (argc != 3) {
		fprintf(stderr, "usage: inhibit DEVICE-OR-MOUNT-POINT FILE\n");
		return 2;
	}
	data = open(argv[2], O_RDWR | O_CLOEXEC);
	if (data < 0) {
		perror(argv[2]);
		return 1;
	}
	r = pmemfail_connect(&lib);
	if (r >= 0)
		r = pmemfail_monitor_new(lib, &m);
	if (r >= 0)
		r = lock = pmemfail_inhibit(lib, argv[1], "inhibit", "its file is open");
	if (r >= 0) {
		puts("removals wait for this program");
		fflush(stdout);
		r = wait_for_removal(m);
	}
	if (r < 0)
		fprintf(stderr, "inhibit: %s\n", pmemfail_why());
	else if (fsync(data) == 0)
		puts("all is safe: the removal may go on");
	close(data);		/* first what is on the device, then the lock */
	if (lock >= 0)
		close(lock);
	pmemfail_monitor_free(m);
	pmemfail_unref(lib);
	return r < 0;
}
