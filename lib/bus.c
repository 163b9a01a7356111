// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The connection to pmemfaild, and calls over it that have a deadline. See bus.h;
 * pmemfail_connect() is public.
 */
#include "bus.h"
#include "ops.h"

/* As long as sd-bus waits by itself. The daemon's main loop never blocks: one that takes
 * longer hangs. */
#define CALL_TIMEOUT_US 25000000

struct pmf_bus *pmf_bus_free(struct pmf_bus *b)
{
	if (b) {
		pmf_bus_closep(&b->bus);
		free(b);
	}
	return NULL;
}

int pmf_bus_open(sd_bus **ret)
{
	int r = sd_bus_open_system(ret);

	if (r == -ENOMEM)
		return pmf_why_errno(r, "cannot connect to the system bus");
	return r < 0 ? pmf_why(-EHOSTDOWN, "cannot connect to the system bus: %s",
			       strerror(-r)) : 0;
}

int pmf_bus_has_daemon(sd_bus *bus, uint64_t timeout_us)
{
	_cleanup_(sd_bus_error_free) sd_bus_error e = SD_BUS_ERROR_NULL;
	_cleanup_message_ sd_bus_message *m = NULL, *answer = NULL;
	int r, has = 0;

	r = sd_bus_message_new_method_call(bus, &m, "org.freedesktop.DBus",
					   "/org/freedesktop/DBus", "org.freedesktop.DBus",
					   "NameHasOwner");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", PMF_BUS_NAME);
	if (r >= 0)
		r = sd_bus_call(bus, m, timeout_us, &e, &answer);
	if (r >= 0)
		r = sd_bus_message_read(answer, "b", &has);
	if (r < 0)
		return pmf_bus_why(r, &e);
	return has ? 0 : pmf_why(-EHOSTDOWN, "pmemfaild is not running: nobody has the name "
				 PMF_BUS_NAME " on the system bus");
}

int pmf_bus_get(struct pmemfail *ctx, sd_bus **ret)
{
	struct pmf_bus *b = ctx->bus;
	int r = 0;

	/* What came meanwhile is nobody's any more; and that the bus went away is seen. */
	while (b->bus && (r = sd_bus_process(b->bus, NULL)) > 0)
		;
	if (r == -ECHILD)
		return pmf_why(r, "a connection cannot be used by a child process: it has to "
			       "make its own");
	if (r < 0)
		pmf_bus_closep(&b->bus);
	r = b->bus ? 0 : pmf_bus_open(&b->bus);
	if (r == 0)
		*ret = b->bus;
	return r;
}

_public_ int pmemfail_connect(struct pmemfail **ret)
{
	struct pmemfail *ctx = NULL;
	int r;

	if (!ret)
		return pmf_why(-EINVAL, "pmemfail_connect() needs a place for the connection");
	r = pmemfail_new(&ctx);
	if (r < 0)
		return r;
	ctx->bus = calloc(1, sizeof(*ctx->bus));
	r = ctx->bus ? 0 : pmf_why_errno(-ENOMEM, "cannot make a connection");
	if (r == 0) {
		ctx->bus->timeout_us = CALL_TIMEOUT_US;
		ctx->ops = &pmf_bus_ops;
		r = pmf_bus_open(&ctx->bus->bus);
	}
	if (r == 0)
		r = pmf_bus_has_daemon(ctx->bus->bus, ctx->bus->timeout_us);
	if (r < 0) {
		pmemfail_unref(ctx);
		return r;
	}
	*ret = ctx;
	return 0;
}

_public_ bool pmemfail_is_connection(const struct pmemfail *ctx)
{
	return ctx && ctx->bus;
}

/* --- calls ----------------------------------------------------------------- */

int pmf_bus_message(sd_bus *bus, const char *path, const char *interface,
		    const char *member, sd_bus_message **ret)
{
	int r = sd_bus_message_new_method_call(bus, ret, PMF_BUS_NAME, path, interface,
					       member);

	/* Who asks decides nothing about whether pmemfaild is to run. */
	if (r >= 0)
		r = sd_bus_message_set_auto_start(*ret, false);
	return r < 0 ? pmf_why_errno(r, "cannot ask pmemfaild for %s", member) : 0;
}

int pmf_bus_call(sd_bus *bus, uint64_t timeout_us, sd_bus_message *m,
		 const char *signature, sd_bus_message **ret)
{
	_cleanup_(sd_bus_error_free) sd_bus_error e = SD_BUS_ERROR_NULL;
	_cleanup_message_ sd_bus_message *answer = NULL;
	int r = sd_bus_call(bus, m, timeout_us, &e, &answer);

	if (r < 0)
		return pmf_bus_why(r, &e);
	if (!sd_bus_message_has_signature(answer, signature))
		return pmf_bus_malformed(sd_bus_message_get_member(m));
	if (ret)
		*ret = TAKE_PTR(answer);
	return 0;
}

int pmf_bus_ask(struct pmemfail *ctx, const char *path, const char *interface,
		const char *member, const char *answer, sd_bus_message **ret,
		const char *types, ...)
{
	_cleanup_message_ sd_bus_message *m = NULL;
	sd_bus *bus;
	va_list ap;
	int r;

	r = pmf_bus_get(ctx, &bus);
	if (r >= 0)
		r = pmf_bus_message(bus, path, interface, member, &m);
	if (r < 0)
		return r;
	va_start(ap, types);
	r = sd_bus_message_appendv(m, types, ap);
	va_end(ap);
	/* Text from the caller that is no UTF-8, or too long for a message. */
	if (r < 0)
		return pmf_why_errno(r, "cannot ask pmemfaild for %s", member);
	return pmf_bus_call(bus, ctx->bus->timeout_us, m, answer, ret);
}

int pmf_bus_get_all(sd_bus *bus, uint64_t timeout_us, const char *path,
		    const char *interface, sd_bus_message **ret)
{
	_cleanup_message_ sd_bus_message *m = NULL;
	int r;

	r = pmf_bus_message(bus, path, PMF_BUS_PROPERTIES, "GetAll", &m);
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "s", interface);
	if (r < 0)
		return pmf_why_errno(r, "cannot ask pmemfaild for properties");
	return pmf_bus_call(bus, timeout_us, m, "a{sv}", ret);
}
