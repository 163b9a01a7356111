/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How pmemfailctl speaks: errors on stderr that name the thing and what to do,
 * lines and JSON on stdout. Every verb calls this; nobody else prints errors.
 */
#include "ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "text.h"

__attribute__((format(printf, 3, 0)))
static void print_escaped(FILE *f, const char *prefix, const char *fmt, va_list ap)
{
	char *text = NULL, *safe;

	if (vasprintf(&text, fmt, ap) < 0)
		text_alloc(NULL);
	safe = text_escape(text);
	fprintf(f, "%s%s\n", prefix, safe);
	free(safe);
	free(text);
}

int ctl_error(enum ctl_exit code, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);	/* what came before stands before it also in a shared log */
	va_start(ap, fmt);
	print_escaped(stderr, "pmemfailctl: ", fmt, ap);
	va_end(ap);
	return code;
}

/* In parentheses behind what the library said; NULL: nothing. */
static const char *spoken_way;

void ctl_speak_of(const char *way)
{
	spoken_way = way;
}

const char *ctl_full_stop(const char *sentence)
{
	size_t n = strlen(sentence);

	return n > 0 && strchr(".!?", sentence[n - 1]) ? "" : ".";
}

void ctl_say(const struct ctl *c, const char *fmt, ...)
{
	va_list ap;

	if (c->json || c->quiet)
		return;
	va_start(ap, fmt);
	print_escaped(stdout, "", fmt, ap);
	va_end(ap);
}

enum ctl_exit ctl_exit_from_errno(int r)
{
	switch (-r) {
	case 0:
		return CTL_OK;
	case EPERM:
	case EACCES:
		return CTL_PERMISSION;
	case ENODEV:
	case ENOENT:
	case ENXIO:
	case ENOTUNIQ:
		return CTL_NOT_FOUND;
	case EBUSY:
		return CTL_BUSY;
	case EOPNOTSUPP:
		return CTL_UNSUPPORTED;
	case EPROTO:
		return CTL_NO_MODULE;
	}
	return CTL_FAILED;
}

int ctl_error_library(int r, const char *doing)
{
	enum ctl_exit code = ctl_exit_from_errno(r);
	const char *why = pmemfail_why(), *end, *advice = "";
	const char *open = spoken_way ? " (" : "", *close = spoken_way ? ".)" : "";

	if (!*why)
		why = strerror(-r);
	end = ctl_full_stop(why);
	if (code == CTL_PERMISSION)
		advice = " It takes root: try sudo.";
	if (code == CTL_BUSY)
		advice = " Try again when 'pmemfailctl status' shows nothing being handled.";
	return ctl_error(code, "cannot %s%s: %s%s%s%s%s%s", doing, code == CTL_BUSY ? " now" : "",
			 why, end, advice, open, spoken_way ? spoken_way : "", close);
}

int ctl_error_device(const struct ctl *c, int r, const char *doing, const char *device)
{
	if (r == -ENODEV && device_is_unbound(c->lib, device))
		return ctl_error(CTL_NOT_FOUND, "'%s' is not bound to a driver: nothing uses it,"
				 " and it can be removed as it is.", device);
	if (r == -ENODEV)
		return ctl_error(CTL_NOT_FOUND, "no pmem device is called '%s'. 'pmemfailctl"
				 " devices' lists those there are.", device);
	if (r == -ENOTUNIQ)
		return ctl_error(CTL_NOT_FOUND, "'%s' lies on more than one pmem device: name"
				 " one of them. 'pmemfailctl devices' lists them.", device);
	if (r == -ERANGE)
		return ctl_error(CTL_USAGE, "OFFSET and LENGTH reach beyond the end of '%s': %s%s",
				 device, pmemfail_why(), ctl_full_stop(pmemfail_why()));
	return ctl_error_library(r, doing);
}

struct json_object *ctl_json_new(void)
{
	struct json_object *o = text_alloc(json_object_new_object());

	ctl_json_add(o, "schema", text_alloc(json_object_new_int(1)));
	return o;
}

struct json_object *ctl_json_from_library(char *text)
{
	struct json_object *o = json_tokener_parse(text);

	if (!o) {
		ctl_error(CTL_FAILED, "libpmemfail and pmemfailctl do not fit together: its JSON"
			  " cannot be read. Install both in the same version.");
		exit(CTL_FAILED);
	}
	free(text);
	/* It is said once, at the top of what is printed. */
	json_object_object_del(o, "schema");
	return o;
}

void ctl_json_add(struct json_object *to, const char *key, struct json_object *value)
{
	if (json_object_object_add(to, key, value) < 0)
		text_alloc(NULL);
}

void ctl_json_add_string(struct json_object *to, const char *key, const char *s)
{
	ctl_json_add(to, key, s ? text_alloc(json_object_new_string(s)) : NULL);
}

void ctl_json_print(struct json_object *o)
{
	ctl_json_puts(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
}

void ctl_json_puts(struct json_object *o, int how)
{
	const char *text = json_object_to_json_string_ext(o, how | JSON_C_TO_STRING_NOSLASHESCAPE);
	char *safe = text_json(text_alloc((void *)text));

	puts(safe);
	free(safe);
	json_object_put(o);
}
