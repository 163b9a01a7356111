/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon on D-Bus: org.pmemfail1, whose contract is systemd/org.pmemfail1.xml.
 * manager.c calls this. The bus is never waited for: it may come late, go away and
 * come back, and what it carries is done by threads (bus-work.c).
 */
#ifndef DAEMON_BUS_H
#define DAEMON_BUS_H

#include <systemd/sd-event.h>

#include <pmemfail/pmemfail.h>

struct bus;

/* What the bus asks of the manager. */
struct bus_ops {
	/* As SIGHUP. 0 or a negative errno. */
	int (*reload)(void *userdata);
	/* A job is over: what waited for bus_busy() may go on. */
	void (*idle)(void *userdata);
};

int bus_new(sd_event *event, const struct bus_ops *ops, void *userdata, struct bus **ret);
/* Ends what may be canceled and waits for what must not. NULL is accepted. */
struct bus *bus_free(struct bus *b);

/* An engine runs, with this context, until bus_engine_ends(). Both are borrowed. */
void bus_engine_begins(struct bus *b, struct pmemfail *lib, struct pmemfail_engine *e);
void bus_engine_ends(struct bus *b);
/* One of that engine's notices. */
void bus_notice(struct bus *b, const struct pmemfail_notice *n);
/* The engine has done something: what waited for it to be idle may go on. */
void bus_engine_moved(struct bus *b);
/* How many jobs act on a device now: a reload waits for them. */
unsigned int bus_busy(const struct bus *b);

#endif
