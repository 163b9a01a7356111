/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * follow: ask pmemfaild, as any user, what failures there are, then tell what happens to
 * devices and failures until it is ended.
 *
 *	cc follow.c $(pkg-config --cflags --libs libpmemfail)
 */
#include <errno.h>
#include <pmemfail/pmemfail.h>
#include <poll.h>
#include <stdio.h>

static int print_failure(const struct pmemfail_failure *f, void *userdata)
{
	(void)userdata;
	printf("failure %llu: %s of %s is %s\n", (unsigned long long)pmemfail_failure_id(f),
	       pmemfail_failure_kind(f), pmemfail_failure_device_id(f),
	       pmemfail_state_name(pmemfail_failure_state(f)));
	return 0;
}

static void print_notice(const struct pmemfail_notice *n)
{
	switch (pmemfail_notice_get_kind(n)) {
	case PMEMFAIL_FAILURE_ADDED:
	case PMEMFAIL_FAILURE_CHANGED:
		print_failure(pmemfail_notice_failure(n), NULL);
		break;
	case PMEMFAIL_REMOVAL_BEGINS:
	case PMEMFAIL_REMOVAL_ENDS:
		printf("removal of %s %s\n", pmemfail_notice_device(n),
		       pmemfail_notice_on(n) ? "begins" : "ends");
		break;
	case PMEMFAIL_PROTECTION_CHANGED:
		printf("%s is %sprotected\n", pmemfail_notice_device(n),
		       pmemfail_notice_on(n) ? "" : "not ");
		break;
	default:	/* a later version may tell of more */
		break;
	}
}

static int follow(struct pmemfail_monitor *m)
{
	struct pollfd fd = { .fd = pmemfail_monitor_get_fd(m), .events = POLLIN };
	struct pmemfail_notice *n;
	int r;

	for (;;) {
		while ((r = pmemfail_monitor_next_notice(m, &n)) >= 0) {
			print_notice(n);
			pmemfail_notice_free(n);
		}
		if (r != -EAGAIN)
			return r;
		fflush(stdout);
		/* There is nothing for now: only then wait. */
		if (poll(&fd, 1, -1) < 0 && errno != EINTR)
			return -errno;
	}
}

int main(void)
{
	struct pmemfail_monitor *m = NULL;
	struct pmemfail *lib = NULL;
	int r;

	r = pmemfail_connect(&lib);
	if (r >= 0)
		r = pmemfail_monitor_new(lib, &m);	/* first, so that nothing is missed */
	if (r >= 0)
		r = pmemfail_list_failures(lib, -1, print_failure, NULL);
	if (r >= 0)
		r = follow(m);
	if (r < 0)
		fprintf(stderr, "follow: %s\n", pmemfail_why());
	pmemfail_monitor_free(m);
	pmemfail_unref(lib);
	return r < 0;
}
