/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Errors by their names on the bus, answers that come later, and what a client's
 * strings may be; see bus-internal.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus-internal.h"

#define LONG_TEXT	65536

static const struct { int error; const char *name; } names[] = {
	{ ENODEV, BUS_ERROR("NoSuchDevice") },
	{ ENOTUNIQ, BUS_ERROR("NotUnique") },
	{ ENOENT, BUS_ERROR("NoSuchFailure") },
	{ ERANGE, BUS_ERROR("OutOfRange") },
	{ EOPNOTSUPP, BUS_ERROR("Unsupported") },
	{ EBUSY, BUS_ERROR("Busy") },
	{ EUSERS, BUS_ERROR("TooManyJobs") },
	{ EMFILE, BUS_ERROR("TooManyInhibitors") },
	{ EINVAL, SD_BUS_ERROR_INVALID_ARGS },
	{ EPERM, SD_BUS_ERROR_ACCESS_DENIED },
	{ EACCES, SD_BUS_ERROR_ACCESS_DENIED },
	{ EKEYREJECTED, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED },
	{ E2BIG, SD_BUS_ERROR_LIMITS_EXCEEDED },
	{ ENOMEM, SD_BUS_ERROR_NO_MEMORY },
};

void bus_clean(char *s)
{
	for (unsigned char *p = (unsigned char *)s; p && *p; p++)
		if (*p < 0x20 || *p >= 0x7f)
			*p = '?';
}

int bus_fail(sd_bus_error *error, int r, const char *why)
{
	const char *name = SD_BUS_ERROR_FAILED;
	char text[512];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].error == -r)
			name = names[i].name;
	/* It may name what a client or a mount point is called, and be cut in the middle. */
	(void)snprintf(text, sizeof(text), "%s", why ? why : pmemfail_why());
	bus_clean(text);
	(void)sd_bus_error_set(error, name, text);
	return r < 0 ? r : -EIO;
}

void bus_fail_later(sd_bus_message *m, int r, const char *why)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;

	(void)bus_fail(&error, r, why);
	/* Whoever asked may be gone. */
	(void)sd_bus_reply_method_error(m, &error);
	sd_bus_error_free(&error);
}

void bus_reply_text(sd_bus_message *m, const char *text)
{
	size_t n = strlen(text);

	if (n > BUS_MAX_TEXT)
		bus_fail_later(m, -E2BIG, "the answer is too long for the bus; pmemfailctl"
			       " --direct reads it from the record");
	else if (n > LONG_TEXT && !bus_takes_much(sd_bus_message_get_bus(m)))
		bus_fail_later(m, -EBUSY, "the bus does not take what is sent to it");
	else if (sd_bus_reply_method_return(m, "s", text) < 0)
		bus_fail_later(m, -ENOMEM, "the answer could not be made");
}

int bus_check_string(const char *s, const char *what, bool may_be_empty, sd_bus_error *error)
{
	char why[128];
	const char *problem = NULL;

	if (!*s && !may_be_empty)
		problem = "is empty";
	else if (strlen(s) > BUS_MAX_STRING)
		problem = "is too long";
	for (const char *p = s; *p && !problem; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			problem = "has a control character in it";
	if (!problem)
		return 0;
	(void)snprintf(why, sizeof(why), "%s %s", what, problem);
	return bus_fail(error, -EINVAL, why);
}

int bus_append_ranges(sd_bus_message *m, const struct bus_range *v, size_t n)
{
	int r = sd_bus_message_open_container(m, 'a', "(tt)");

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = sd_bus_message_append(m, "(tt)", v[i].start, v[i].end);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

const char *bus_or_empty(const char *s)
{
	return s ? s : "";
}
