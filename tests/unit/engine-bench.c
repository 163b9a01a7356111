// SPDX-License-Identifier: GPL-2.0-only
/* An engine on a made-up machine. See engine-bench.h. */
#include <dirent.h>
#include <poll.h>

#include "engine-bench.h"
#include "test.h"

void bench_init(struct bench *b)
{
	static unsigned int n;

	*b = (struct bench){ 0 };
	fake_holds_init(&b->f);
	n++;
	(void)snprintf(b->run, sizeof(b->run), "%s/run%u", test_dir(), n);
	(void)snprintf(b->state, sizeof(b->state), "%s/state%u", test_dir(), n);
	if (pmemfail_new(&b->ctx) < 0 ||
	    pmemfail_set(b->ctx, "RuntimeDirectory", b->run) < 0 ||
	    pmemfail_set(b->ctx, "StateDirectory", b->state) < 0)
		abort();
	pmf_act_on(b->ctx, &b->f.sys);
}

void bench_done(struct bench *b)
{
	fake_holds_set(&b->f, &b->f.slow, false);
	fake_holds_set(&b->f, &b->f.stuck, false);
	fake_holds_set(&b->f, &b->f.hook_stuck, false);
	fake_holds_set(&b->f, &b->f.bad_stuck, false);
	pmemfail_engine_free(b->e);
	pmemfail_unref(b->ctx);
	pmf_failure_free(b->last);
	fake_holds_done(&b->f);
}
void take_notices(struct bench *b)
{
	struct pmemfail_notice *n;

	while (pmemfail_engine_next(b->e, &n) == 0) {
		enum pmemfail_notice_kind kind = pmemfail_notice_get_kind(n);

		b->added += kind == PMEMFAIL_FAILURE_ADDED;
		b->changed += kind == PMEMFAIL_FAILURE_CHANGED;
		b->devices += kind == PMEMFAIL_DEVICES_CHANGED;
		b->problems += kind == PMEMFAIL_RECORD_PROBLEM;
		if (n->failure) {
			pmf_failure_free(b->last);
			b->last = TAKE_PTR(n->failure);
			b->most_ranges = MAX(b->most_ranges, b->last->ranges.n);
		}
		pmemfail_notice_free(n);
	}
}

bool run_until(struct bench *b, const unsigned int *what, unsigned int n)
{
	struct pollfd p = { .fd = pmemfail_engine_get_fd(b->e), .events = POLLIN };

	for (int i = 0; i < 200; i++) {
		if (pmemfail_engine_dispatch(b->e) < 0)
			return false;
		take_notices(b);
		if (*what >= n)
			return true;
		(void)poll(&p, 1, 50);
	}
	return false;
}

bool run_to_end(struct bench *b)
{
	struct pollfd p = { .fd = pmemfail_engine_get_fd(b->e), .events = POLLIN };

	for (int i = 0; i < 200; i++) {
		(void)pmemfail_engine_dispatch(b->e);
		take_notices(b);
		if (b->last && b->last->state != PMF_STATE_HANDLING &&
		    pmemfail_engine_busy(b->e) == 0)
			return true;
		(void)poll(&p, 1, 50);
	}
	return false;
}

bool run_to_sites(struct bench *b)
{
	struct pollfd p = { .fd = pmemfail_engine_get_fd(b->e), .events = POLLIN };

	for (int i = 0; i < 200; i++) {
		(void)pmemfail_engine_dispatch(b->e);
		take_notices(b);
		if (b->last && b->last->n_cases > 0)
			return true;
		(void)poll(&p, 1, 50);
	}
	return false;
}

unsigned int files_in(const char *run)
{
	char path[300];
	unsigned int n = 0;
	struct dirent *de;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/handling", run);
	d = opendir(path);
	while (d && (de = readdir(d)))
		n += strstr(de->d_name, ".json") != NULL;
	if (d)
		closedir(d);
	return n;
}

static int count_failure(const struct pmemfail_failure *f, void *userdata)
{
	unsigned int *n = userdata;

	(void)f;
	(*n)++;
	return 0;
}

unsigned int recorded(struct bench *b, int state)
{
	unsigned int n = 0;

	return pmemfail_list_failures(b->ctx, state, count_failure, &n) < 0 ? 9999 : n;
}
