/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * monitor: wait for failures and say when one has been handled, until SIGTERM.
 *
 *	cc monitor.c $(pkg-config --cflags --libs libpmemfail)
 *
 * The library never waits: poll its descriptor with whatever else you wait for.
 */
#include <errno.h>
#include <pmemfail/pmemfail.h>
#include <poll.h>
#include <stdio.h>

/* All that has changed; then there is nothing until the descriptor says so. */
static int take_changes(struct pmemfail_monitor *m)
{
	struct pmemfail_failure *f;
	int r;

	while ((r = pmemfail_monitor_next(m, &f)) >= 0) {
		printf("failure %llu is %s\n", (unsigned long long)pmemfail_failure_id(f),
		       pmemfail_state_name(pmemfail_failure_state(f)));
		fflush(stdout);
		pmemfail_failure_free(f);
	}
	return r == -EAGAIN ? 0 : r;
}

int main(void)
{
	struct pmemfail_monitor *m = NULL;
	struct pmemfail *lib;
	struct pollfd p = { .events = POLLIN };
	int r = pmemfail_new(&lib);

	if (r >= 0)
		r = pmemfail_read_config(lib, NULL);
	if (r >= 0)
		r = pmemfail_monitor_new(lib, &m);
	while (r >= 0) {
		r = take_changes(m);
		p.fd = pmemfail_monitor_get_fd(m);
		if (r >= 0 && poll(&p, 1, -1) < 0 && errno != EINTR)
			r = -errno;
	}
	fprintf(stderr, "monitor: %s\n", pmemfail_why());
	pmemfail_monitor_free(m);
	pmemfail_unref(lib);
	return 1;
}
