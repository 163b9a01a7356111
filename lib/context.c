// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The context: settings, the log, why a call failed, and the machine behind it.
 * Public; the rest of lib/ uses it through context.h.
 */
#include <stdarg.h>

#include "bus.h"
#include "ops.h"

#ifndef PMEMFAIL_VERSION
#define PMEMFAIL_VERSION "0.1.0"
#endif

static _Thread_local char why[512] = "nothing failed";

static int set_why(int error, bool words, const char *fmt, va_list ap)
{
	char text[sizeof(why)];
	int n;

	/* into a buffer of its own: an argument may be the last reason */
	n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n < 0)
		n = 0;
	n = MIN(n, (int)sizeof(text) - 1);
	if (words)
		(void)snprintf(text + n, sizeof(text) - (size_t)n, ": %s%s",
			       strerror(-error), error == -EPERM || error == -EACCES ?
			       " (this needs root)" : "");
	for (char *p = text; *p; p++)
		if (*p == '\n')
			*p = ' ';
	memcpy(why, text, sizeof(why));
	return error;
}

int pmf_why(int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)set_why(error, false, fmt, ap);
	va_end(ap);
	return error;
}

int pmf_why_errno(int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)set_why(error, true, fmt, ap);
	va_end(ap);
	return error;
}

void pmf_log(struct pmemfail *ctx, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (atomic_load(&ctx->quiet) > 0)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&ctx->log_lock);
	if (ctx->log_fn)
		ctx->log_fn(/* LOG_DEBUG */ 7, text, ctx->log_userdata);
	pthread_mutex_unlock(&ctx->log_lock);
}

_public_ const char *pmemfail_version(void)
{
	return PMEMFAIL_VERSION;
}

_public_ const char *pmemfail_why(void)
{
	return why;
}

_public_ int pmemfail_new(struct pmemfail **ret)
{
	struct pmemfail *ctx;

	if (!ret)
		return pmf_why(-EINVAL, "pmemfail_new() needs a place for the context");
	ctx = calloc(1, sizeof(*ctx));
	if (!ctx)
		return pmf_why_errno(-ENOMEM, "cannot make a context");
	atomic_init(&ctx->refs, 1);
	ctx->ops = &pmf_direct_ops;
	atomic_init(&ctx->quiet, 0);
	pthread_mutex_init(&ctx->lock, NULL);
	pthread_mutex_init(&ctx->log_lock, NULL);
	pmf_policy_defaults(&ctx->policy);
	*ret = ctx;
	return 0;
}

_public_ struct pmemfail *pmemfail_ref(struct pmemfail *ctx)
{
	if (ctx)
		atomic_fetch_add(&ctx->refs, 1);
	return ctx;
}

_public_ struct pmemfail *pmemfail_unref(struct pmemfail *ctx)
{
	if (!ctx || atomic_fetch_sub(&ctx->refs, 1) > 1)
		return NULL;
	if (!ctx->sys_borrowed)
		pmf_sys_free(ctx->sys);
	pmf_bus_free(ctx->bus);
	pmf_policy_done(&ctx->policy);
	for (size_t i = 0; i < ARRAY_SIZE(ctx->values); i++)
		free(ctx->values[i]);
	pthread_mutex_destroy(&ctx->lock);
	pthread_mutex_destroy(&ctx->log_lock);
	free(ctx);
	return NULL;
}

_public_ void pmemfail_set_log_fn(struct pmemfail *ctx, pmemfail_log_fn fn, void *userdata)
{
	if (!ctx)
		return;
	pthread_mutex_lock(&ctx->log_lock);
	ctx->log_fn = fn;
	ctx->log_userdata = userdata;
	pthread_mutex_unlock(&ctx->log_lock);
}

/* --- settings -------------------------------------------------------------- */

static int setting_index(const char *key, size_t *ret)
{
	const char *name, *value, *what;

	for (size_t i = 0; i < PMF_MAX_SETTINGS; i++) {
		if (pmf_policy_describe(i, &name, &value, &what) < 0)
			break;
		if (streq(name, key)) {
			*ret = i;
			return 0;
		}
	}
	return -ENOENT;
}

static int set_locked(struct pmemfail *ctx, const char *key, const char *value,
		      char ret_why[static 160])
{
	struct pmf_policy p = ctx->policy;
	_cleanup_free_ char *copy = NULL;
	size_t i = 0;
	int r;

	if (ctx->acted) {
		(void)snprintf(ret_why, 160, "%.40s cannot be changed any more: the context "
			       "has been used", key);
		return -EBUSY;
	}
	r = pmf_policy_set(&p, key, value, ret_why);
	if (r < 0)
		return r;
	r = setting_index(key, &i);
	assert(r == 0);		/* what can be set is described */
	copy = strdup(value);
	if (!copy) {
		(void)snprintf(ret_why, 160, "out of memory");
		return -ENOMEM;
	}
	ctx->policy = p;
	free(ctx->values[i]);
	ctx->values[i] = TAKE_PTR(copy);
	return 0;
}

int pmf_context_set(struct pmemfail *ctx, const char *key, const char *value,
		    char ret_why[static 160])
{
	int r;

	pthread_mutex_lock(&ctx->lock);
	r = set_locked(ctx, key, value, ret_why);
	pthread_mutex_unlock(&ctx->lock);
	return r;
}

int pmf_context_take_overrides(struct pmemfail *ctx, struct pmf_policy *from)
{
	bool late;

	pthread_mutex_lock(&ctx->lock);
	late = ctx->acted && (from->n_overrides > 0 || ctx->policy.n_overrides > 0);
	if (!ctx->acted) {
		pmf_policy_done(&ctx->policy);
		ctx->policy.overrides = TAKE_PTR(from->overrides);
		ctx->policy.n_overrides = TAKE(from->n_overrides, 0);
	}
	pthread_mutex_unlock(&ctx->lock);
	return late ? pmf_why(-EBUSY, "the settings of filesystems cannot be changed any "
			       "more: the context has been used") : 0;
}

_public_ int pmemfail_set(struct pmemfail *ctx, const char *key, const char *value)
{
	char text[160];
	int r;

	if (!ctx || !key || !value)
		return pmf_why(-EINVAL, "pmemfail_set() needs a context, a name and a value");
	if (ctx->bus)
		return pmf_why(-EOPNOTSUPP, PMF_SETTINGS_ARE_THE_DAEMONS);
	r = pmf_context_set(ctx, key, value, text);
	return r < 0 ? pmf_why(r, "%s", text) : 0;
}

_public_ int pmemfail_setting(struct pmemfail *ctx, size_t i, const char **ret_key,
			      char **ret_value, const char **ret_what)
{
	const char *key, *value, *what;
	char *copy;

	if (!ctx)
		return pmf_why(-EINVAL, "pmemfail_setting() needs a context");
	if (ctx->bus)
		return pmf_why(-EOPNOTSUPP, PMF_SETTINGS_ARE_THE_DAEMONS);
	if (i >= PMF_MAX_SETTINGS || pmf_policy_describe(i, &key, &value, &what) < 0)
		return pmf_why(-ENOENT, "there is no setting number %zu", i);
	if (ret_value) {
		pthread_mutex_lock(&ctx->lock);
		copy = strdup(ctx->values[i] ?: value);
		pthread_mutex_unlock(&ctx->lock);
		if (!copy)
			return pmf_why_errno(-ENOMEM, "cannot copy %s", key);
		*ret_value = copy;
	}
	if (ret_key)
		*ret_key = key;
	if (ret_what)
		*ret_what = what;
	return 0;
}

/* --- the machine ----------------------------------------------------------- */

int pmf_act(struct pmemfail *ctx, struct pmf_sys **ret)
{
	int r = 0;

	if (ctx->bus)
		return pmf_why(-EOPNOTSUPP, "this works on the machine itself, which a "
			       "connection to pmemfaild does not: pmemfail_new() makes a "
			       "context that does");
	pthread_mutex_lock(&ctx->lock);
	if (!ctx->sys)
		r = pmf_sys_new(&ctx->policy, &ctx->sys);
	if (r >= 0) {
		ctx->acted = true;
		*ret = ctx->sys;
	}
	pthread_mutex_unlock(&ctx->lock);
	return r < 0 ? pmf_why_errno(r, "cannot begin to work on this machine") : 0;
}

void pmf_act_on(struct pmemfail *ctx, struct pmf_sys *sys)
{
	assert(!ctx->sys);
	ctx->sys = sys;
	ctx->sys_borrowed = true;
}
