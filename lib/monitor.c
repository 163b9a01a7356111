// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The record's changes as they come. Public.
 *
 * A commit of SQLite is done when its journal is deleted, and that is what the
 * directory is watched for: nothing else wakes whoever waits.
 */
#include "base/file.h"
#include "context.h"
#include "flow/store.h"
#include "sys/watch.h"

struct pmemfail_monitor {
	struct pmemfail *ctx;
	int fd;
	uint64_t last;			/* the last change that was told */
	struct pmf_store *store;	/* open while there is more to tell */
};

_public_ struct pmemfail_monitor *pmemfail_monitor_free(struct pmemfail_monitor *m)
{
	if (!m)
		return NULL;
	pmf_store_close(m->store);
	safe_close(m->fd);
	pmemfail_unref(m->ctx);
	free(m);
	return NULL;
}

static int open_store(struct pmemfail_monitor *m)
{
	return m->store ? 0 : pmf_store_open(m->ctx->policy.state_dir, false, &m->store, NULL);
}

static int begin(struct pmemfail_monitor *m)
{
	const char *dir = m->ctx->policy.state_dir;
	_cleanup_close_ int dir_fd = -1;
	int r;

	/* It need not be there yet: then all that comes is new. */
	r = pmf_open_dir(dir, true, 0700, &dir_fd);
	if (r < 0)
		return r;
	r = pmf_dir_watch(dir, &m->fd);
	if (r < 0)
		return r;
	/* After the watch, so that nothing falls between the two. */
	r = open_store(m);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : pmf_store_last_change(m->store, &m->last);
}

_public_ int pmemfail_monitor_new(struct pmemfail *ctx, struct pmemfail_monitor **ret)
{
	struct pmemfail_monitor *m;
	int r;

	if (!ctx || !ret)
		return pmf_why(-EINVAL, "pmemfail_monitor_new() needs a context and a place for "
			       "the monitor");
	m = calloc(1, sizeof(*m));
	if (!m)
		return pmf_why_errno(-ENOMEM, "cannot make a monitor");
	pthread_mutex_lock(&ctx->lock);
	ctx->acted = true;
	pthread_mutex_unlock(&ctx->lock);
	m->ctx = pmemfail_ref(ctx);
	m->fd = -1;
	r = begin(m);
	if (r < 0) {
		r = pmf_why_errno(r, "cannot watch the record in %s", ctx->policy.state_dir);
		pmemfail_monitor_free(m);
		return r;
	}
	*ret = m;
	return 0;
}

_public_ int pmemfail_monitor_get_fd(const struct pmemfail_monitor *m)
{
	return m ? m->fd : pmf_why(-EINVAL, "pmemfail_monitor_get_fd() needs a monitor");
}

_public_ int pmemfail_monitor_next(struct pmemfail_monitor *m, struct pmemfail_failure **ret)
{
	struct pmf_failure *f = NULL;
	int r;

	if (!m || !ret)
		return pmf_why(-EINVAL, "pmemfail_monitor_next() needs a monitor and a place "
			       "for the failure");
	/* First: what is committed after this makes the fd readable again. */
	pmf_dir_watch_drain(m->fd);
	r = open_store(m);
	if (r >= 0)
		r = pmf_store_next_change(m->store, m->last, &f, &m->last);
	if (r < 0)
		m->store = pmf_store_close(m->store);	/* it may be replaced meanwhile */
	if (r == -ENOENT)
		return pmf_why(-EAGAIN, "there is no change");
	if (r < 0)
		return pmf_why_errno(r, "cannot read the record in %s",
				     m->ctx->policy.state_dir);
	*ret = pmf_failure_to_public(f);
	return 0;
}
