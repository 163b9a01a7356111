/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inhibitors: a client that uses a device asks for a moment before it is taken away.
 * It gets one end of a pipe; when the last copy of that is closed, by intent or by
 * death, the moment is over.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bus-internal.h"

#define MAX_INHIBITORS		256
#define MAX_INHIBITORS_EACH	64	/* of one user */

struct bus_inhibitor {
	struct bus_inhibitor *next;
	struct bus *bus;
	char *what, *who, *why;
	uint32_t uid, pid;
	uint64_t token;
	bool has_token;		/* else the engine does not know the device just now */
	int fd;
	sd_event_source *source;
};

static void inhibitor_free(struct bus_inhibitor *i)
{
	if (!i)
		return;
	if (i->has_token && i->bus->engine)
		pmemfail_engine_end_delay(i->bus->engine, i->token);
	sd_event_source_disable_unref(i->source);
	if (i->fd >= 0)
		close(i->fd);
	free(i->what);
	free(i->who);
	free(i->why);
	free(i);
}

static void drop(struct bus_inhibitor *i)
{
	struct bus_inhibitor **p = &i->bus->inhibitors;

	while (*p != i)
		p = &(*p)->next;
	*p = i->next;
	inhibitor_free(i);
}

static int on_closed(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	(void)s;
	(void)fd;
	(void)revents;
	drop(userdata);
	return 0;
}

static int delay(struct bus_inhibitor *i)
{
	int r = pmemfail_engine_delay(i->bus->engine, i->what, &i->token);

	i->has_token = r >= 0;
	return r;
}

/* The other end goes to the client. */
static int make_pipe(struct bus_inhibitor *i, int *ret_theirs)
{
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	i->fd = fds[0];
	/* Not for what the client may write: only its end counts, which is always told. */
	r = sd_event_add_io(i->bus->event, &i->source, i->fd, 0, on_closed, i);
	if (r < 0) {
		close(fds[1]);
		return r;
	}
	*ret_theirs = fds[1];
	return 0;
}

static int take(struct bus *b, struct bus_inhibitor *i)
{
	unsigned int n = 0, own = 0;

	if (!b->engine)
		return -EAGAIN;
	for (const struct bus_inhibitor *k = b->inhibitors; k; k = k->next) {
		n++;
		own += k->uid == i->uid;
	}
	return n >= MAX_INHIBITORS || own >= MAX_INHIBITORS_EACH ? -EMFILE : delay(i);
}

static void may(struct bus_caller *c, sd_bus_message *m, void *userdata, int error)
{
	struct bus_inhibitor *i = userdata;
	struct bus *b = i->bus;
	int theirs = -1, r;

	if (error < 0) {
		bus_deny(m, error);
		inhibitor_free(i);
		return;
	}
	i->uid = bus_caller_uid(c);
	i->pid = bus_caller_pid(c);
	r = take(b, i);
	if (r >= 0)
		r = make_pipe(i, &theirs);
	if (r < 0) {
		bus_fail_later(m, r, r == -EMFILE ? "there are too many inhibitors" :
			       i->has_token ? strerror(-r) : NULL);
		inhibitor_free(i);
		return;
	}
	i->next = b->inhibitors;
	b->inhibitors = i;
	/* If it cannot be sent, our copy was the last, and the pipe's end is seen. */
	(void)sd_bus_reply_method_return(m, "h", theirs);
	close(theirs);
}

static int check(const char *what, const char *who, const char *why, const char *mode,
		 sd_bus_error *error)
{
	int r = bus_check_string(what, "what is to be delayed", false, error);

	if (r >= 0)
		r = bus_check_string(who, "who asks", false, error);
	if (r >= 0)
		r = bus_check_string(why, "the reason", true, error);
	if (r >= 0 && strcmp(mode, "delay") != 0)
		return bus_fail(error, -EINVAL, "there is no mode but delay");
	return r;
}

int bus_inhibit(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *what, *who, *why, *mode;
	struct bus_inhibitor *i;
	struct bus *b = userdata;
	int r;

	r = sd_bus_message_read(m, "ssss", &what, &who, &why, &mode);
	if (r >= 0)
		r = check(what, who, why, mode, error);
	if (r < 0)
		return r;
	i = calloc(1, sizeof(*i));
	if (!i)
		return -ENOMEM;
	i->bus = b;
	i->fd = -1;
	i->what = strdup(what);
	i->who = strdup(who);
	i->why = strdup(why);
	r = i->what && i->who && i->why ? 0 : -ENOMEM;
	if (r >= 0)
		r = bus_authorize(b, m, "inhibit", may, i, error);
	if (r < 0)
		inhibitor_free(i);
	return r;
}

int bus_list_inhibitors(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus *b = userdata;
	sd_bus_message *reply = NULL;
	int r = sd_bus_message_new_method_return(m, &reply);

	(void)error;
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "(ssssuu)");
	for (const struct bus_inhibitor *i = b->inhibitors; r >= 0 && i; i = i->next)
		r = sd_bus_message_append(reply, "(ssssuu)", i->what, i->who, i->why, "delay",
					  i->uid, i->pid);
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	if (r >= 0)
		r = sd_bus_send(NULL, reply, NULL);
	sd_bus_message_unref(reply);
	return r < 0 ? r : 1;
}

/* --- the engine comes, goes, sees other devices ---------------------------- */

void bus_inhibitors_look(struct bus *b)
{
	for (struct bus_inhibitor *i = b->inhibitors; i; i = i->next)
		if (!i->has_token)
			(void)delay(i);	/* else the next change of devices tries again */
}

void bus_inhibitors_engine_ends(struct bus *b)
{
	for (struct bus_inhibitor *i = b->inhibitors; i; i = i->next)
		i->has_token = false;
}

void bus_inhibitors_done(struct bus *b)
{
	while (b->inhibitors)
		drop(b->inhibitors);
}
