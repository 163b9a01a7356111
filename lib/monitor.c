// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The record's changes as they come, read directly; see ops.h. Over D-Bus:
 * bus-monitor.c.
 *
 * A commit of SQLite is done when its journal is deleted, and that is what the
 * directory is watched for: nothing else wakes whoever waits.
 */
#include "base/file.h"
#include "flow/store.h"
#include "notice.h"
#include "ops.h"
#include "sys/watch.h"

struct direct_monitor {
	struct pmemfail_monitor base;	/* its fd watches the directory */
	uint64_t last;			/* the last change that was told */
	uint64_t top;			/* the highest id so far: ids are never used again */
	struct pmf_store *store;	/* open while there is more to tell */
};

static struct direct_monitor *direct(struct pmemfail_monitor *m)
{
	return (struct direct_monitor *)m;
}

static int open_store(struct direct_monitor *m)
{
	return m->store ? 0 : pmf_store_open(m->base.ctx->policy.state_dir, false, &m->store,
					     NULL);
}

static int take_top(const struct pmf_failure *f, void *userdata)
{
	struct direct_monitor *m = userdata;

	m->top = f->id;
	return 1;	/* newest first */
}

static int begin(struct direct_monitor *m)
{
	const char *dir = m->base.ctx->policy.state_dir;
	_cleanup_close_ int dir_fd = -1;
	int r;

	/* It need not be there yet: then all that comes is new. */
	r = pmf_open_dir(dir, true, 0700, &dir_fd);
	if (r < 0)
		return r;
	r = pmf_dir_watch(dir, &m->base.fd);
	if (r < 0)
		return r;
	/* After the watch, so that nothing falls between the two. */
	r = open_store(m);
	if (r == -ENOENT)
		return 0;
	if (r >= 0)
		r = pmf_store_last_change(m->store, &m->last);
	/* Newer ones are told as new; a damaged record hides how many there were. */
	if (r >= 0)
		(void)pmf_store_foreach(m->store, -1, take_top, m);
	return r;
}

static void done(struct pmemfail_monitor *m)
{
	pmf_store_close(direct(m)->store);
}

static int next(struct pmemfail_monitor *base, struct pmemfail_notice **ret)
{
	struct direct_monitor *m = direct(base);
	struct pmf_failure *f = NULL;
	struct pmemfail_notice *n;
	int r;

	/* First: what is committed after this makes the fd readable again. */
	pmf_dir_watch_drain(m->base.fd);
	n = calloc(1, sizeof(*n));
	if (!n)
		return pmf_why_errno(-ENOMEM, "cannot tell of a failure");
	r = open_store(m);
	if (r >= 0)
		r = pmf_store_next_change(m->store, m->last, &f, &m->last);
	if (r < 0) {
		m->store = pmf_store_close(m->store);	/* it may be replaced meanwhile */
		free(n);
	}
	if (r == -ENOENT)
		return pmf_why(-EAGAIN, "there is no change");
	if (r < 0)
		return pmf_why_errno(r, "cannot read the record in %s",
				     m->base.ctx->policy.state_dir);
	n->kind = f->id > m->top ? PMEMFAIL_FAILURE_ADDED : PMEMFAIL_FAILURE_CHANGED;
	n->failure = f;
	m->top = MAX(m->top, f->id);
	*ret = n;
	return 0;
}

static const struct pmf_monitor_ops monitor_ops = { .next = next, .done = done };

int pmf_direct_monitor(struct pmemfail *ctx, struct pmemfail_monitor **ret)
{
	struct pmemfail_monitor *m;
	int r;

	m = pmf_monitor_alloc(ctx, sizeof(struct direct_monitor), &monitor_ops);
	if (!m)
		return pmf_why_errno(-ENOMEM, "cannot make a monitor");
	pthread_mutex_lock(&ctx->lock);
	ctx->acted = true;
	pthread_mutex_unlock(&ctx->lock);
	r = begin(direct(m));
	if (r < 0) {
		r = pmf_why_errno(r, "cannot watch the record in %s", ctx->policy.state_dir);
		pmemfail_monitor_free(m);
		return r;
	}
	*ret = m;
	return 0;
}
