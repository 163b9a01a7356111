// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of holds, as a module might send them: whole, cut short, of another version,
 * with a name that does not end.
 */
#include <fcntl.h>
#include <sys/sysmacros.h>

#include <linux/pmemfail.h>

#include "fuzz.h"
#include "sys/sys-internal.h"

static void check(const struct pmf_hold_event *e, const struct pmemfail_event *u, size_t n)
{
	CHECK(n == sizeof(*u) && u->size == sizeof(*u));
	CHECK(u->type == PMEMFAIL_EVENT_HOLD || u->type == PMEMFAIL_EVENT_HOLD_ENDED);
	CHECK(e->ended == (u->type == PMEMFAIL_EVENT_HOLD_ENDED));
	CHECK(e->id == u->id && e->cookie == u->cookie && e->time_ns == u->time_ns);
	CHECK(major(e->devno) == u->major && minor(e->devno) == u->minor);
	CHECK(memchr(e->name, '\0', sizeof(e->name)));
	CHECK(strncmp(e->name, u->name, sizeof(e->name) - 1) == 0);
}

/* Each write is what one read(2) gets, as it is with the module. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { data, size };
	static int fds[2] = { -1, -1 };
	static const struct pmf_hold_event untouched = { .id = 1, .name = "untouched" };

	if (fds[0] < 0)
		CHECK(pipe2(fds, O_CLOEXEC | O_NONBLOCK | O_DIRECT) == 0);
	while (f.n > 0) {
		struct pmf_hold_event e = untouched;
		struct pmemfail_event u;
		uint8_t how = fuzz_u8(&f);
		size_t n = how & 1 ? fuzz_u8(&f) % (sizeof(u) + 1) : sizeof(u);
		int r;

		fuzz_take(&f, &u, sizeof(u));
		if (how & 2)
			u.size = sizeof(u);
		if (how & 4)
			u.type = how & 8 ? PMEMFAIL_EVENT_HOLD : PMEMFAIL_EVENT_HOLD_ENDED;
		CHECK(n == 0 || write(fds[1], &u, n) == (ssize_t)n);
		r = pmf_sys_hold_read(NULL, fds[0], &e);
		if (r == 0)
			check(&e, &u, n);
		else
			CHECK(r == (n == 0 ? -EAGAIN : -EPROTO) &&
			      memcmp(&e, &untouched, sizeof(e)) == 0);
		/* What is whole and known is never refused. */
		if (n == sizeof(u) && u.size == sizeof(u) &&
		    (u.type == PMEMFAIL_EVENT_HOLD || u.type == PMEMFAIL_EVENT_HOLD_ENDED))
			CHECK(r == 0);
		CHECK(pmf_sys_hold_read(NULL, fds[0], &e) == -EAGAIN);
	}
	return 0;
}
