/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon's event loop: the engine's one fd, the signals, the watchdog, and what
 * systemd is told. Called by main.c. All handling happens in the engine's threads;
 * nothing here blocks, so a watchdog that fires means that something is broken.
 *
 * Reload: a new configuration is read into a context of its own. Only when it is
 * valid and differs is the engine replaced, and only while it handles nothing; an
 * unbind in the milliseconds between is not held, which the log says.
 */
#include "manager.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "bus.h"
#include "log.h"
#include "memory.h"
#include "names.h"
#include "notice.h"

struct manager {
	struct pmemfail *lib;
	struct pmemfail *next;		/* a reload that waits for the engine to be idle */
	struct pmemfail_engine *engine;
	struct bus *bus;		/* NULL: without */
	sd_event *event;
	sd_event_source *engine_source;
	sd_event_source *watchdog;	/* runs while something is done; NULL: not wanted */
	uint64_t watchdog_us;
	unsigned int devices, watched, busy;	/* as last told */
	bool told;
};

static void log_library(int level, const char *text, void *userdata)
{
	(void)userdata;
	log_say(level, NULL, "%s", text);
}

static const char *config_root;

void manager_set_root(const char *root)
{
	config_root = root;
}

struct pmemfail *manager_configure(void)
{
	struct pmemfail *lib = NULL;
	int r = pmemfail_new(&lib);

	if (r < 0) {
		log_say(LOG_ERR, MESSAGE_PROBLEM, "cannot begin: %s", pmemfail_why());
		return NULL;
	}
	pmemfail_set_log_fn(lib, log_library, NULL);
	r = pmemfail_read_config(lib, config_root);
	if (r < 0) {
		log_say(LOG_ERR, MESSAGE_BAD_CONFIG, "bad configuration: %s", pmemfail_why());
		return pmemfail_unref(lib);
	}
	return lib;
}

/*
 * The watchdog is armed while something is done, and disarmed when nothing has been for
 * half its time: idle, it would be the only thing that ever wakes us. Nothing is lost by
 * that: nobody waits for us then, an unbind that we do not answer goes on after its
 * time, and whatever wakes us arms it first of all.
 */
static int on_watchdog(sd_event_source *s, uint64_t now, void *userdata)
{
	struct manager *m = userdata;

	(void)now;
	if (pmemfail_engine_busy(m->engine) == 0 && bus_busy(m->bus) == 0) {
		sd_notify(0, "WATCHDOG_USEC=0");
		return 0;	/* it was for once */
	}
	sd_notify(0, "WATCHDOG=1");
	if (sd_event_source_set_time_relative(s, m->watchdog_us / 2) < 0)
		return -ENOMEM;
	return sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

static void watchdog_arm(struct manager *m)
{
	int enabled = SD_EVENT_OFF;

	if (!m->watchdog || (sd_event_source_get_enabled(m->watchdog, &enabled) >= 0 &&
			     enabled != SD_EVENT_OFF))
		return;
	sd_notifyf(0, "WATCHDOG_USEC=%" PRIu64, m->watchdog_us);
	if (sd_event_source_set_time_relative(m->watchdog, m->watchdog_us / 2) < 0 ||
	    sd_event_source_set_enabled(m->watchdog, SD_EVENT_ONESHOT) < 0)
		log_say(LOG_WARNING, MESSAGE_PROBLEM, "cannot answer the watchdog");
}

/* As long as the start takes it runs by the unit's own setting. */
static int watchdog_prepare(struct manager *m)
{
	int r = sd_watchdog_enabled(0, &m->watchdog_us);

	if (r <= 0)
		return r;
	return sd_event_add_time_relative(m->event, &m->watchdog, CLOCK_MONOTONIC,
					  m->watchdog_us / 2, 0, on_watchdog, m);
}

/* Say how many devices are protected: to the log when that changed, to systemd. */
static void tell_protection(struct manager *m)
{
	unsigned int devices = 0, watched = 0, busy = pmemfail_engine_busy(m->engine);

	pmemfail_engine_protected(m->engine, &devices, &watched);
	if (!m->told || devices != m->devices || watched != m->watched)
		log_say(watched < devices ? LOG_WARNING : LOG_NOTICE, MESSAGE_PROTECTED,
			"%u of %u pmem devices protected%s", watched, devices,
			watched < devices ? "; 'pmemfailctl doctor' tells why" : "");
	if (m->told && devices == m->devices && watched == m->watched && busy == m->busy)
		return;
	m->devices = devices;
	m->watched = watched;
	m->busy = busy;
	m->told = true;
	sd_notifyf(0, "STATUS=%u of %u pmem devices protected, %u failures being handled.",
		   watched, devices, busy);
}

static int on_engine(sd_event_source *s, int fd, uint32_t revents, void *userdata);

/* Start the engine of lib and listen to it. */
static int begin_engine(struct manager *m, struct pmemfail *lib)
{
	struct pmemfail_engine *engine = NULL;
	int r = pmemfail_engine_new(lib, &engine);

	if (r < 0)
		return r;
	r = sd_event_add_io(m->event, &m->engine_source, pmemfail_engine_get_fd(engine),
			    EPOLLIN, on_engine, m);
	/* Whatever the bus brings, a rescue goes first. */
	if (r >= 0)
		r = sd_event_source_set_priority(m->engine_source, SD_EVENT_PRIORITY_IMPORTANT);
	if (r < 0) {
		m->engine_source = sd_event_source_disable_unref(m->engine_source);
		pmemfail_engine_free(engine);
		return r;
	}
	m->engine = engine;
	bus_engine_begins(m->bus, lib, engine);
	return 0;
}

static void end_engine(struct manager *m)
{
	bus_engine_ends(m->bus);
	/* The source first: the engine closes the fd that it watches. */
	m->engine_source = sd_event_source_disable_unref(m->engine_source);
	m->engine = pmemfail_engine_free(m->engine);
}

/* Replace the engine by one with the settings of m->next; m->next is used up. */
static int apply_reload(struct manager *m)
{
	struct pmemfail *next = m->next;
	int r;

	m->next = NULL;
	end_engine(m);
	r = begin_engine(m, next);
	if (r >= 0) {
		pmemfail_unref(m->lib);
		m->lib = next;
		m->told = false;
		log_say(LOG_NOTICE, MESSAGE_RELOADED, "configuration reloaded; unbinds were not"
			" held for the moment that it took");
		tell_protection(m);
		return 0;
	}
	log_say(LOG_ERR, MESSAGE_PROBLEM, "cannot start with the new configuration: %s;"
		" going back to the old one", pmemfail_why());
	pmemfail_unref(next);
	r = begin_engine(m, m->lib);
	if (r < 0)
		log_say(LOG_CRIT, MESSAGE_PROBLEM, "cannot start again: %s", pmemfail_why());
	return r;
}

static int apply_when_idle(struct manager *m)
{
	if (!m->next || pmemfail_engine_busy(m->engine) > 0 || bus_busy(m->bus) > 0)
		return 0;
	return apply_reload(m);
}

/* Read all notices and act on what they say. */
static int drain(struct manager *m)
{
	struct pmemfail_notice *n = NULL;
	int r;

	while ((r = pmemfail_engine_next(m->engine, &n)) >= 0) {
		notice_log(n);
		bus_notice(m->bus, n);
		n = pmemfail_notice_free(n);
	}
	if (r != -EAGAIN)
		return r;
	bus_engine_moved(m->bus);
	tell_protection(m);
	return apply_when_idle(m);
}

static int on_engine(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct manager *m = userdata;
	int r;

	(void)s;
	(void)fd;
	(void)revents;
	watchdog_arm(m);
	r = pmemfail_engine_dispatch(m->engine);
	if (r == -EINTR || r == -EAGAIN)
		return 0;
	if (r >= 0)
		r = drain(m);
	if (r < 0) {
		/* An engine that cannot go on is replaced by a fresh process: systemd
		 * restarts us, and all state is read again from what is so now. */
		log_say(LOG_CRIT, MESSAGE_PROBLEM, "watching failed: %s", pmemfail_why());
		return sd_event_exit(m->event, DAEMON_FAILURE);
	}
	return 0;
}

static int on_stop(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
	struct manager *m = userdata;

	(void)s;
	log_say(LOG_NOTICE, MESSAGE_STOPPING, "stopping by %s: pmem devices are not protected"
		" from now on", strsignal((int)si->ssi_signo));
	sd_notify(0, "STOPPING=1\nSTATUS=Finishing what is being handled.");
	return sd_event_exit(m->event, DAEMON_OK);
}

/* Do two configured contexts differ in any setting? */
static bool differ(struct pmemfail *a, struct pmemfail *b)
{
	const char *key, *what;
	char *x = NULL, *y = NULL;
	bool different = false;

	for (size_t i = 0; !different && pmemfail_setting(a, i, &key, &x, &what) >= 0; i++) {
		different = pmemfail_setting(b, i, &key, &y, &what) < 0 || strcmp(x, y) != 0;
		free(x);
		free(y);
		x = y = NULL;
	}
	return different;
}

/* Returns the errno of a bad configuration, with which nothing changes. */
static int reload(struct manager *m)
{
	struct pmemfail *next;
	int r = 0;

	sd_notify(0, "RELOADING=1");
	next = manager_configure();
	if (!next) {
		log_say(LOG_ERR, MESSAGE_BAD_CONFIG, "going on with the old configuration");
		r = -EINVAL;
	} else if (!differ(m->lib, next)) {
		log_say(LOG_NOTICE, MESSAGE_RELOADED, "no setting changed");
		pmemfail_unref(next);
		m->next = pmemfail_unref(m->next);
	} else {
		pmemfail_unref(m->next);
		m->next = next;
		if (pmemfail_engine_busy(m->engine) > 0 || bus_busy(m->bus) > 0)
			log_say(LOG_NOTICE, MESSAGE_RELOADED, "the new configuration comes into"
				" force when what is being handled is done");
		else if (apply_reload(m) < 0)
			(void)sd_event_exit(m->event, DAEMON_FAILURE);
	}
	sd_notify(0, "READY=1");
	return r;
}

static int on_reload(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
	(void)s;
	(void)si;
	(void)reload(userdata);
	return 0;
}

static int on_bus_reload(void *userdata)
{
	return reload(userdata);
}

static void on_bus_idle(void *userdata)
{
	struct manager *m = userdata;

	if (m->engine && apply_when_idle(m) < 0)
		(void)sd_event_exit(m->event, DAEMON_FAILURE);
}

static const struct bus_ops bus_ops = { .reload = on_bus_reload, .idle = on_bus_idle };

static void lock_memory(void)
{
	int r = memory_lock();

	if (r < 0)
		log_say(LOG_WARNING, MESSAGE_PROBLEM, "cannot lock memory: %s; raise"
			" LimitMEMLOCK=", strerror(-r));
}

static int prepare(struct manager *m)
{
	static const struct { int signal; sd_event_signal_handler_t handler; } signals[] = {
		{ SIGTERM, on_stop }, { SIGINT, on_stop }, { SIGHUP, on_reload },
	};
	int r = sd_event_new(&m->event);

	for (size_t i = 0; r >= 0 && i < sizeof(signals) / sizeof(signals[0]); i++)
		r = sd_event_add_signal(m->event, NULL, signals[i].signal, signals[i].handler, m);
	if (r >= 0)
		r = watchdog_prepare(m);
	return r;
}

int manager_run(struct pmemfail *lib)
{
	struct manager m = { .lib = pmemfail_ref(lib) };
	int r = prepare(&m), code = DAEMON_FAILURE;

	if (r < 0) {
		log_say(LOG_ERR, MESSAGE_PROBLEM, "cannot set up: %s", strerror(-r));
		goto out;
	}
	/* It has no threads before the engine, which forks its guard, has work for them. */
	r = bus_new(m.event, &bus_ops, &m, &m.bus);
	if (r < 0)
		log_say(LOG_WARNING, MESSAGE_PROBLEM, "going on without the bus: %s",
			strerror(-r));
	lock_memory();	/* before any thread has a stack to be locked in full */
	r = begin_engine(&m, m.lib);
	if (r == -EBUSY) {
		log_say(LOG_ERR, MESSAGE_PROBLEM, "another pmemfaild runs: one per machine. See"
			" 'systemctl status pmemfaild'.");
		code = DAEMON_ANOTHER;
		goto out;
	}
	if (r < 0) {
		log_say(LOG_ERR, MESSAGE_PROBLEM, "cannot start: %s", pmemfail_why());
		code = r == -EPERM || r == -EACCES ? DAEMON_NOT_ROOT : DAEMON_FAILURE;
		goto out;
	}
	log_say(LOG_NOTICE, MESSAGE_STARTED, "pmemfaild %s started", pmemfail_version());
	sd_notify(0, "READY=1");
	r = drain(&m);
	code = r < 0 ? DAEMON_FAILURE : sd_event_loop(m.event);
	if (code < 0) {
		log_say(LOG_CRIT, MESSAGE_PROBLEM, "the event loop failed: %s", strerror(-code));
		code = DAEMON_FAILURE;
	}
out:
	end_engine(&m);
	bus_free(m.bus);
	sd_event_source_disable_unref(m.watchdog);
	sd_event_unref(m.event);
	pmemfail_unref(m.next);
	pmemfail_unref(m.lib);
	return code;
}
