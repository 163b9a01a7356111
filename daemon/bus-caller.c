/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clients of the bus: who each is, asked of the bus without waiting, and how much of
 * it is being worked on. A client is known as long as something of it is under way.
 */
#include <errno.h>
#include <string.h>

#include "bus-internal.h"

#define NOBODY	UINT32_MAX

struct waiter {
	struct waiter *next;
	bus_caller_fn fn;
	sd_bus_message *call;
	void *userdata;
};

struct bus_caller {
	struct bus_caller *next;
	struct bus *bus;
	char *name;
	unsigned int calls, long_calls;
	uint32_t uid, pid;
	bool identified;
	sd_bus_slot *asking;
	struct waiter *waiters;
};

int bus_caller_begin(struct bus *b, sd_bus_message *m, struct bus_caller **ret,
		     sd_bus_error *error)
{
	const char *sender = sd_bus_message_get_sender(m);
	struct bus_caller *c = b->callers;

	if (!sender)
		return bus_fail(error, -EPERM, "the call has no sender");
	while (c && strcmp(c->name, sender) != 0)
		c = c->next;
	if (c && c->calls >= BUS_MAX_CALLS)
		return bus_fail(error, -EBUSY, "too many of your calls are being worked on; wait"
				" for answers");
	if (!c) {
		c = calloc(1, sizeof(*c));
		if (!c)
			return -ENOMEM;
		c->name = strdup(sender);
		if (!c->name) {
			free(c);
			return -ENOMEM;
		}
		c->bus = b;
		c->uid = c->pid = NOBODY;
		c->next = b->callers;
		b->callers = c;
	}
	c->calls++;
	*ret = c;
	return 0;
}

void bus_caller_done(struct bus_caller *c)
{
	struct bus_caller **p;

	if (!c || --c->calls > 0)
		return;
	p = &c->bus->callers;
	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	sd_bus_slot_unref(c->asking);
	free(c->name);
	free(c);
}

int bus_caller_begin_long(struct bus_caller *c, sd_bus_error *error)
{
	if (c->long_calls >= BUS_MAX_LONG)
		return bus_fail(error, -EBUSY, "you ask for too much at once; wait for answers");
	c->long_calls++;
	return 0;
}

void bus_caller_end_long(struct bus_caller *c)
{
	c->long_calls--;
}

uint32_t bus_caller_uid(const struct bus_caller *c)
{
	return c->uid;
}

uint32_t bus_caller_pid(const struct bus_caller *c)
{
	return c->pid;
}

const char *bus_caller_name(const struct bus_caller *c)
{
	return c->name;
}

struct bus *bus_caller_bus(const struct bus_caller *c)
{
	return c->bus;
}

/* --- who it is ------------------------------------------------------------- */

static void tell_waiters(struct bus_caller *c, int error)
{
	struct waiter *w;

	c->calls++;	/* the last of them may be done with it */
	while ((w = c->waiters)) {
		c->waiters = w->next;
		w->fn(c, w->call, w->userdata, error);
		sd_bus_message_unref(w->call);
		free(w);
	}
	bus_caller_done(c);
}

static int read_credentials(sd_bus_message *m, uint32_t *ret_uid, uint32_t *ret_pid)
{
	const char *key;
	int r = sd_bus_message_enter_container(m, 'a', "{sv}");

	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &key);
		if (r < 0)
			break;
		if (strcmp(key, "UnixUserID") == 0)
			r = sd_bus_message_read(m, "v", "u", ret_uid);
		else if (strcmp(key, "ProcessID") == 0)
			r = sd_bus_message_read(m, "v", "u", ret_pid);
		else
			r = sd_bus_message_skip(m, "v");
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r < 0 ? r : *ret_uid == NOBODY ? -EPERM : 0;
}

static int on_credentials(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct bus_caller *c = userdata;
	int r;

	(void)ret_error;
	r = sd_bus_message_is_method_error(m, NULL) ? -EPERM :
		read_credentials(m, &c->uid, &c->pid);
	c->asking = sd_bus_slot_unref(c->asking);
	c->identified = r >= 0;
	tell_waiters(c, r);
	return 0;
}

void bus_caller_identify(struct bus_caller *c, sd_bus_message *m, bus_caller_fn fn,
			 void *userdata)
{
	struct waiter *w;
	int r = 0;

	if (c->identified) {
		fn(c, m, userdata, 0);
		return;
	}
	w = calloc(1, sizeof(*w));
	if (!w) {
		fn(c, m, userdata, -ENOMEM);
		return;
	}
	w->fn = fn;
	w->call = sd_bus_message_ref(m);
	w->userdata = userdata;
	w->next = c->waiters;
	c->waiters = w;
	if (!c->asking)
		r = sd_bus_call_method_async(c->bus->bus, &c->asking, "org.freedesktop.DBus",
					     "/org/freedesktop/DBus", "org.freedesktop.DBus",
					     "GetConnectionCredentials", on_credentials, c, "s",
					     c->name);
	if (r < 0)
		tell_waiters(c, r);
}

void bus_callers_disconnected(struct bus *b)
{
	struct bus_caller *c = b->callers, *next;

	for (; c; c = next) {
		c->calls++;
		/* Another client may have the name on the next connection. */
		c->name[0] = '\0';
		c->asking = sd_bus_slot_unref(c->asking);
		tell_waiters(c, -ENOTCONN);
		next = c->next;
		bus_caller_done(c);
	}
}
