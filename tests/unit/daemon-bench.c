// SPDX-License-Identifier: GPL-2.0-only
/* See daemon-bench.h. */
#include "daemon-bench.h"

#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "../../daemon/log.h"
#include "test.h"

#define JOB	"org.pmemfail1.Job"
#define SECONDS	10
#define NOBODY	65534

/* --- the journal ------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char entries[64][2048];		/* fields, each with a line end before and behind */
static size_t n_entries;

int __wrap_sd_journal_sendv(const struct iovec *v, int n);
int __wrap_sd_journal_sendv(const struct iovec *v, int n)
{
	size_t used = 1;

	pthread_mutex_lock(&lock);
	if (n_entries < ARRAY_SIZE(entries)) {
		char *e = entries[n_entries++];

		e[0] = '\n';
		for (int i = 0; i < n && used + v[i].iov_len + 2 < sizeof(entries[0]); i++) {
			memcpy(e + used, v[i].iov_base, v[i].iov_len);
			used += v[i].iov_len;
			e[used++] = '\n';
		}
		e[used] = '\0';
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

static bool has_all(const char *entry, const char *const *fields)
{
	char line[256];

	for (; *fields; fields++) {
		(void)snprintf(line, sizeof(line), "\n%s\n", *fields);
		if (!strstr(entry, line))
			return false;
	}
	return true;
}

bool journal_has(const char *const *fields)
{
	bool found = false;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < n_entries && !found; i++)
		found = has_all(entries[i], fields);
	pthread_mutex_unlock(&lock);
	return found;
}

/* --- the daemon -------------------------------------------------------------- */

static int on_engine(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct daemon_bench *d = userdata;
	struct pmemfail_notice *n;

	(void)s;
	(void)fd;
	(void)revents;
	if (pmemfail_engine_dispatch(d->b.e) < 0)
		abort();
	while (pmemfail_engine_next(d->b.e, &n) == 0) {
		bus_notice(d->daemon, n);
		pmemfail_notice_free(n);
	}
	bus_engine_moved(d->daemon);
	return 0;
}

static int reload(void *userdata)
{
	(void)userdata;
	return 0;
}

static void idle(void *userdata)
{
	(void)userdata;
}

static void start(struct daemon_bench *d)
{
	static const struct bus_ops ops = { .reload = reload, .idle = idle };

	if (pmemfail_engine_new(d->b.ctx, &d->b.e) < 0 || !settle(&d->b) ||
	    bus_new(d->event, &ops, d, &d->daemon) < 0 ||
	    sd_event_add_io(d->event, &d->engine, pmemfail_engine_get_fd(d->b.e), EPOLLIN,
			    on_engine, d) < 0)
		abort();
	bus_engine_begins(d->daemon, d->b.ctx, d->b.e);
}

/* --- what it tells ----------------------------------------------------------- */

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *interface, *key, *state;
	struct daemon_bench *d = userdata;
	bool far = false;

	(void)error;
	if (sd_bus_message_read(m, "s", &interface) < 0 || !streq(interface, JOB) ||
	    sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
		return 0;
	while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
		if (sd_bus_message_read(m, "s", &key) < 0)
			abort();
		if (streq(key, "Done"))
			far = sd_bus_message_read(m, "v", "t", &d->done) > 0;
		else if (streq(key, "Total"))
			(void)sd_bus_message_read(m, "v", "t", &d->total);
		else if (streq(key, "State") && sd_bus_message_read(m, "v", "s", &state) > 0)
			(void)snprintf(d->state, sizeof(d->state), "%s", state);
		else if (!streq(key, "State"))
			(void)sd_bus_message_skip(m, "v");
		(void)sd_bus_message_exit_container(m);
	}
	d->told += far;
	return 0;
}

static bool is_named(struct daemon_bench *d)
{
	sd_bus_message *m = NULL;
	int there = 0;

	if (sd_bus_call_method(d->watch, "org.freedesktop.DBus", "/org/freedesktop/DBus",
			       "org.freedesktop.DBus", "NameHasOwner", NULL, &m, "s",
			       "org.pmemfail1") >= 0)
		(void)sd_bus_message_read(m, "b", &there);
	sd_bus_message_unref(m);
	return there;
}

/* --- what there is ------------------------------------------------------------ */

static int ignore(const struct pmemfail_failure *f, void *userdata)
{
	(void)f;
	(void)userdata;
	return 0;
}

bool daemon_three_wait(struct daemon_bench *d)
{
	begin();
	fake_holds_add(&d->b.f, 0);
	set_bad(&d->b, 0, 0, 3 * PAGE);
	world.nobody = true;
	for (unsigned int i = 0; i < 3; i++)
		if (pmemfail_report(d->b.ctx, "pmem0", i * PAGE, PAGE, ignore, NULL) != 1)
			return false;
	return true;
}

/* --- who may ----------------------------------------------------------------- */

static int on_check(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)userdata;
	(void)error;
	return sd_bus_reply_method_return(m, "(bba{ss})", 1, 0, 0);
}

static const sd_bus_vtable polkit[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("CheckAuthorization", "(sa{sv})sa{ss}us", "(bba{ss})", on_check,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END
};

void daemon_bench_polkit(struct daemon_bench *d)
{
	if (sd_bus_add_object_vtable(d->watch, NULL, "/org/freedesktop/PolicyKit1/Authority",
				     "org.freedesktop.PolicyKit1.Authority", polkit, d) < 0 ||
	    sd_bus_request_name(d->watch, "org.freedesktop.PolicyKit1", 0) < 0)
		abort();
}

/* By the system call, which is for this thread alone. */
int daemon_client_as_nobody(struct daemon_bench *d)
{
	char socket[300], above[300];

	(void)snprintf(socket, sizeof(socket), "%s/bus", d->bus.dir);
	(void)snprintf(above, sizeof(above), "%s/..", d->bus.dir);
	d->ctx = pmemfail_unref(d->ctx);
	if (chmod(above, 0711) < 0 || chmod(d->bus.dir, 0711) < 0 || chmod(socket, 0777) < 0 ||
	    syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) < 0)
		return -errno;
	return pmemfail_connect(&d->ctx);
}

/* --- the whole --------------------------------------------------------------- */

bool daemon_bench_init(struct daemon_bench *d)
{
	*d = (struct daemon_bench){ 0 };
	bench_init(&d->b);
	if (geteuid() != 0)
		return false;
	(void)log_set_target("journal");
	n_entries = 0;
	fake_bus_init(&d->bus);
	if (sd_event_new(&d->event) < 0 || sd_bus_open_system(&d->watch) < 0 ||
	    sd_bus_attach_event(d->watch, d->event, SD_EVENT_PRIORITY_NORMAL) < 0 ||
	    sd_bus_add_match(d->watch, NULL, "type='signal',"
			     "interface='org.freedesktop.DBus.Properties',"
			     "member='PropertiesChanged',path_namespace='/org/pmemfail1/job'",
			     on_changed, d) < 0)
		abort();
	return true;
}

void daemon_bench_done(struct daemon_bench *d)
{
	if (d->event) {
		bus_free(d->daemon);
		sd_event_source_disable_unref(d->engine);
		sd_bus_flush_close_unref(d->watch);
		sd_event_unref(d->event);
		fake_bus_done(&d->bus);
	}
	pmemfail_progress_free(d->progress);
	bench_done(&d->b);
}

static void *client(void *userdata)
{
	struct daemon_bench *d = userdata;

	d->r = pmemfail_connect(&d->ctx);
	if (d->r >= 0)
		d->r = d->call(d);
	if (d->r < 0)
		(void)snprintf(d->why, sizeof(d->why), "%s", pmemfail_why());
	d->ctx = pmemfail_unref(d->ctx);
	atomic_store(&d->called, true);
	return NULL;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

bool daemon_round(struct daemon_bench *d)
{
	return sd_event_run(d->event, 20000) >= 0 && now_us() < d->until_us;
}

void daemon_begin(struct daemon_bench *d, int (*call)(struct daemon_bench *d))
{
	start(d);
	d->until_us = now_us() + SECONDS * 1000000;
	while (!is_named(d) && daemon_round(d))
		;
	d->call = call;
	if (pmemfail_progress_new(&d->progress) < 0 ||
	    pthread_create(&d->thread, NULL, client, d) != 0)
		abort();
}

static bool is_over(const struct daemon_bench *d)
{
	return streq(d->state, "done") || streq(d->state, "failed") ||
	       streq(d->state, "canceled");
}

bool daemon_end(struct daemon_bench *d)
{
	bool ok = true;

	while (ok && !(atomic_load(&d->called) && is_over(d)))
		ok = daemon_round(d);
	if (!ok) {	/* what waits is let go, and the client sees that nobody is there */
		world.stuck = false;
		fake_holds_set(&d->b.f, &d->b.f.hook_stuck, false);
		fake_holds_set(&d->b.f, &d->b.f.slow, false);
		d->daemon = bus_free(d->daemon);
	}
	pthread_join(d->thread, NULL);
	return ok;
}
