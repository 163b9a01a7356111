/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * May a client do this? Root may, whether polkit is there or not; others are asked of
 * polkit, which may take a person's time, so the answer comes later.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus-internal.h"

/* A person types a password meanwhile. */
#define PATIENCE_US	(300 * 1000000ULL)
#define INTERACTIVE	1U
/* Calls that polkit has not answered. Who answers it is a program of the user's own
 * session, which need not ever do so; root is not asked for, and so never waits. */
#define MAX_ASKED	64
#define MAX_ASKED_EACH	8	/* of one user, on any number of connections */

struct bus_check {
	struct bus_check *next;
	struct bus_caller *caller;
	sd_bus_message *call;
	sd_bus_slot *slot;
	const char *action;
	bus_caller_fn fn;
	void *userdata;
};

static void decide(struct bus_check *k, int error)
{
	struct bus *b = bus_caller_bus(k->caller);
	struct bus_check **p = &b->checks;

	while (*p && *p != k)
		p = &(*p)->next;
	if (*p)
		*p = k->next;
	k->fn(k->caller, k->call, k->userdata, error);
	sd_bus_slot_unref(k->slot);
	sd_bus_message_unref(k->call);
	bus_caller_done(k->caller);
	free(k);
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct bus_check *k = userdata;
	int yes = 0, challenge = 0, r;

	(void)ret_error;
	if (sd_bus_message_is_method_error(m, NULL)) {
		decide(k, -EPERM);	/* no polkit: only root may */
		return 0;
	}
	r = sd_bus_message_enter_container(m, 'r', "bba{ss}");
	if (r >= 0)
		r = sd_bus_message_read(m, "bb", &yes, &challenge);
	decide(k, r < 0 ? -EPERM : yes ? 0 : challenge ? -EKEYREJECTED : -EPERM);
	return 0;
}

static int ask(struct bus_check *k)
{
	bool interactive = sd_bus_message_get_allow_interactive_authorization(k->call) > 0;
	struct bus *b = bus_caller_bus(k->caller);
	sd_bus_message *m = NULL;
	char action[64];
	int r;

	(void)snprintf(action, sizeof(action), "org.pmemfail1.%s", k->action);
	r = sd_bus_message_new_method_call(b->bus, &m, "org.freedesktop.PolicyKit1",
					   "/org/freedesktop/PolicyKit1/Authority",
					   "org.freedesktop.PolicyKit1.Authority",
					   "CheckAuthorization");
	if (r >= 0)
		r = sd_bus_message_append(m, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name",
					  "s", bus_caller_name(k->caller), action, 0,
					  interactive ? INTERACTIVE : 0U, "");
	if (r >= 0)
		r = sd_bus_call_async(b->bus, &k->slot, m, on_answer, k, PATIENCE_US);
	sd_bus_message_unref(m);
	return r;
}

static bool may_ask(struct bus *b, uint32_t uid)
{
	unsigned int n = 0, own = 0;

	for (const struct bus_check *k = b->checks; k; k = k->next) {
		n += k->slot != NULL;
		own += k->slot && bus_caller_uid(k->caller) == uid;
	}
	return n < MAX_ASKED && own < MAX_ASKED_EACH;
}

static void identified(struct bus_caller *c, sd_bus_message *m, void *userdata, int error)
{
	struct bus_check *k = userdata;

	(void)m;
	if (error < 0)
		decide(k, -EPERM);
	else if (bus_caller_uid(c) == 0)
		decide(k, 0);
	else if (!may_ask(bus_caller_bus(c), bus_caller_uid(c)))
		decide(k, -EBUSY);
	else if (ask(k) < 0)
		decide(k, -EPERM);
}

int bus_authorize(struct bus *b, sd_bus_message *m, const char *action, bus_caller_fn fn,
		  void *userdata, sd_bus_error *error)
{
	struct bus_check *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	r = bus_caller_begin(b, m, &k->caller, error);
	if (r < 0) {
		free(k);
		return r;
	}
	k->call = sd_bus_message_ref(m);
	k->action = action;
	k->fn = fn;
	k->userdata = userdata;
	k->next = b->checks;
	b->checks = k;
	bus_caller_identify(k->caller, m, identified, k);
	return 1;
}

void bus_deny(sd_bus_message *m, int error)
{
	bus_fail_later(m, error, error == -EKEYREJECTED ?
		       "a person must authenticate for this; ask again and allow for that" :
		       error == -EBUSY ? "too many calls wait for a person to authenticate" :
		       "this is not permitted");
}

/* After bus_callers_disconnected(): none of them waits to be identified. */
void bus_checks_disconnected(struct bus *b)
{
	while (b->checks) {
		struct bus_check *k = b->checks;

		k->slot = sd_bus_slot_unref(k->slot);
		decide(k, -ENOTCONN);
	}
}
