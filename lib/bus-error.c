// SPDX-License-Identifier: LGPL-2.1-or-later
/* What errors on the bus mean here; see bus.h. */
#include "bus.h"

#define OWN(name)	PMF_BUS_NAME ".Error." name
#define COMMON(name)	"org.freedesktop.DBus.Error." name

static const struct {
	const char *name;
	int error;
	const char *what;	/* NULL: the daemon's own sentence */
} errors[] = {
	{ OWN("NoSuchDevice"), -ENODEV, NULL },
	{ OWN("NotUnique"), -ENOTUNIQ, NULL },
	{ OWN("NoSuchFailure"), -ENOENT, NULL },
	{ OWN("OutOfRange"), -ERANGE, NULL },
	{ OWN("Unsupported"), -EOPNOTSUPP, NULL },
	{ OWN("TooManyJobs"), -EBUSY, NULL },
	{ OWN("TooManyInhibitors"), -EBUSY, NULL },
	{ OWN("Busy"), -EBUSY, NULL },
	{ COMMON("InvalidArgs"), -EINVAL, NULL },
	{ COMMON("AccessDenied"), -EACCES, NULL },
	{ COMMON("InteractiveAuthorizationRequired"), -EACCES, NULL },
	{ COMMON("LimitsExceeded"), -EBUSY, NULL },
	{ COMMON("NoMemory"), -ENOMEM, "pmemfaild is out of memory" },
	{ COMMON("ServiceUnknown"), -EHOSTDOWN, "pmemfaild is not running" },
	{ COMMON("NameHasNoOwner"), -EHOSTDOWN, "pmemfaild is not running" },
	{ COMMON("NoReply"), -ECONNRESET, "pmemfaild went away before it answered" },
	{ COMMON("Disconnected"), -ECONNRESET, "the system bus went away" },
	{ COMMON("Timeout"), -ETIMEDOUT, "pmemfaild does not answer" },
	{ COMMON("InconsistentMessage"), -EBADMSG, "what came from the bus is no message" },
	{ COMMON("UnknownMethod"), -EOPNOTSUPP, "pmemfaild is of another version: it does not "
		"know what it was asked" },
	{ COMMON("UnknownInterface"), -EOPNOTSUPP, "pmemfaild is of another version: it does "
		"not know what it was asked" },
	{ COMMON("UnknownProperty"), -EOPNOTSUPP, "pmemfaild is of another version: it does "
		"not know what it was asked" },
	{ COMMON("UnknownObject"), -ENOENT, "pmemfaild has no such object (any more)" },
};

/* sd-bus says by its own errno, too, that the connection is gone. */
static bool is_lost(int r)
{
	return r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE || r == -ESHUTDOWN ||
	       r == -ECONNABORTED;
}

int pmf_bus_why(int r, const sd_bus_error *e)
{
	for (size_t i = 0; e && e->name && i < ARRAY_SIZE(errors); i++) {
		if (!streq(e->name, errors[i].name))
			continue;
		if (errors[i].what || !e->message || !*e->message)
			return pmf_why(errors[i].error, "%s", errors[i].what ?:
				       strerror(-errors[i].error));
		return pmf_why(errors[i].error, "%s", e->message);
	}
	if (is_lost(r))
		return pmf_why(-ECONNRESET, "the system bus went away");
	if (r == -ETIMEDOUT)
		return pmf_why(r, "pmemfaild does not answer");
	if (r == -ENOMEM)
		return pmf_why_errno(r, "cannot ask pmemfaild");
	if (e && e->message && *e->message)
		return pmf_why(-EIO, "pmemfaild answered: %s", e->message);
	return pmf_why(r < 0 ? r : -EIO, "cannot ask pmemfaild: %s", strerror(r < 0 ? -r : EIO));
}

int pmf_bus_malformed(const char *what)
{
	return pmf_why(-EBADMSG, "pmemfaild's answer (%s) cannot be read: it may be of another "
		       "version", what ?: "of a call");
}
