// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What takes long, as a job of pmemfaild's: it has no deadline, since nobody knows how
 * long it may take, but ends when the daemon that does it goes away or stops to answer.
 * See bus.h.
 */
#include <time.h>

#include "bus.h"

/* Without news of the job it is asked for after this long: that the daemon hangs, or that
 * a signal was lost, is found out so. */
#define NEWS_US		10000000
/* With a progress function: how long that may have to wait to say stop. */
#define PROGRESS_US	1000000

struct job {
	const char *path;	/* NULL: not begun */
	char state[16];
	uint64_t done, total;
	int error;
	char why[256];
	bool ask;		/* its properties are to be read */
	bool vanished;		/* the daemon that had it */
	bool stopped;		/* by the progress function */
};

static const struct pmf_bus_want wanted[] = {
	{ "State", "s" }, { "Done", "t" }, { "Total", "t" }, { "Errno", "i" },
	{ "Error", "s" },
};

static int read_value(sd_bus_message *m, struct job *j, size_t i)
{
	const char *text;

	switch (i) {
	case 1:
		return sd_bus_message_read(m, "t", &j->done);
	case 2:
		return sd_bus_message_read(m, "t", &j->total);
	case 3:
		return sd_bus_message_read(m, "i", &j->error);
	}
	if (sd_bus_message_read(m, "s", &text) <= 0)
		return -EBADMSG;
	(void)snprintf(i == 0 ? j->state : j->why, i == 0 ? sizeof(j->state) :
		       sizeof(j->why), "%s", text);
	return 0;
}

static int read_properties(sd_bus_message *m, struct job *j)
{
	size_t i;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	if (r < 0)
		return pmf_bus_malformed("a job");
	while ((r = pmf_bus_next_value(m, wanted, ARRAY_SIZE(wanted), &i)) > 0) {
		if (read_value(m, j, i) < 0)
			return pmf_bus_malformed(wanted[i].key);
		r = pmf_bus_value_done(m);
		if (r < 0)
			return r;
	}
	return r;
}

/* --- signals --------------------------------------------------------------- */

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	struct job *j = userdata;
	const char *interface;

	(void)e;
	if (!j->path || !streq_ptr(sd_bus_message_get_path(m), j->path))
		return 0;
	/* What it says, and what it only names, is asked for when this cannot be read. */
	if (sd_bus_message_read(m, "s", &interface) <= 0 || !streq(interface, PMF_BUS_JOB) ||
	    read_properties(m, j) < 0)
		j->ask = true;
	return 0;
}

static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	struct job *j = userdata;

	(void)m;
	(void)e;
	j->ask = true;
	return 0;
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	const char *name, *old, *new;
	struct job *j = userdata;

	(void)e;
	if (sd_bus_message_read(m, "sss", &name, &old, &new) > 0 && *old)
		j->vanished = true;
	return 0;
}

struct matches {
	sd_bus_slot *properties, *removed, *owner;
};

static void matches_done(struct matches *s)
{
	pmf_bus_slot_unrefp(&s->properties);
	pmf_bus_slot_unrefp(&s->removed);
	pmf_bus_slot_unrefp(&s->owner);
}

static int matches_add(sd_bus *bus, struct matches *s, struct job *j)
{
	int r;

	r = sd_bus_add_match(bus, &s->owner, "type='signal',sender='org.freedesktop.DBus',"
			     "path='/org/freedesktop/DBus',member='NameOwnerChanged',"
			     "arg0='" PMF_BUS_NAME "'", on_owner, j);
	if (r >= 0)
		r = sd_bus_add_match(bus, &s->properties, "type='signal',sender='"
				     PMF_BUS_NAME "',interface='" PMF_BUS_PROPERTIES "',"
				     "member='PropertiesChanged',path_namespace='"
				     PMF_BUS_JOBS "'", on_properties, j);
	if (r >= 0)
		r = sd_bus_match_signal(bus, &s->removed, PMF_BUS_NAME, PMF_BUS_PATH,
					PMF_BUS_MANAGER, "JobRemoved", on_removed, j);
	return r < 0 ? pmf_bus_why(r, NULL) : 0;
}

/* --- the wait -------------------------------------------------------------- */

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static bool is_over(const struct job *j)
{
	return streq(j->state, "done") || streq(j->state, "failed") ||
	       streq(j->state, "canceled");
}

static int ask(struct pmemfail *ctx, sd_bus *bus, struct job *j)
{
	_cleanup_message_ sd_bus_message *m = NULL;
	int r = pmf_bus_get_all(bus, ctx->bus->timeout_us, j->path, PMF_BUS_JOB, &m);

	if (r >= 0)
		r = read_properties(m, j);
	j->ask = false;
	if (r >= 0 && !is_over(j) && !streq(j->state, "waiting") && !streq(j->state, "running"))
		r = pmf_bus_malformed("a job");
	return r;
}

static int lost(void)
{
	return pmf_why(-ECONNRESET, "pmemfaild went away in the middle of it; what it began is "
		       "finished when it starts again, and \"pmemfailctl list\" shows what is "
		       "on record");
}

/* Until it is over: 0; what progress said; or why it cannot be told. */
static int wait_for(struct pmemfail *ctx, sd_bus *bus, struct job *j,
		    pmemfail_progress_fn progress, void *userdata)
{
	uint64_t heard = now_us(), now;
	bool over;
	int r;

	for (;;) {
		while ((r = sd_bus_process(bus, NULL)) > 0)
			heard = now_us();
		if (r < 0 || j->vanished)
			return lost();
		now = now_us();
		if (j->ask || now - heard >= NEWS_US) {
			r = ask(ctx, bus, j);
			heard = now_us();
			if (r == -ECONNRESET || r == -EHOSTDOWN)
				return lost();
			if (r < 0)
				return r;
			continue;	/* signals may have come before the answer */
		}
		over = is_over(j);
		r = progress ? progress(j->done, j->total, userdata) : 0;
		if (over)
			return 0;	/* too late to stop it */
		if (r != 0) {
			j->stopped = true;
			return r;
		}
		/* A signal to this process ends it, too: then progress is asked again. */
		r = sd_bus_wait(bus, progress ? MIN(PROGRESS_US, heard + NEWS_US - now) :
				heard + NEWS_US - now);
		if (r < 0 && r != -EINTR)
			return lost();
	}
}

static int begin(struct pmemfail *ctx, sd_bus *bus, sd_bus_message *call,
		 sd_bus_message **ret_answer, struct job *j)
{
	int r = pmf_bus_call(bus, ctx->bus->timeout_us, call, "o", ret_answer);

	if (r >= 0 && sd_bus_message_read(*ret_answer, "o", &j->path) <= 0)
		r = pmf_bus_malformed("a job");
	/* Only there is it that its progress is told of. */
	if (r >= 0 && strncmp(j->path, PMF_BUS_JOBS "/", strlen(PMF_BUS_JOBS "/")) != 0)
		r = pmf_bus_malformed("a job");
	j->ask = true;
	return r;
}

static void cancel(struct pmemfail *ctx, sd_bus *bus, struct job *j)
{
	_cleanup_message_ sd_bus_message *m = NULL;

	/* That it is over already, or that there is no daemon any more, is as good. */
	if (pmf_bus_message(bus, j->path, PMF_BUS_JOB, "Cancel", &m) >= 0)
		(void)pmf_bus_call(bus, ctx->bus->timeout_us, m, "", NULL);
}

static int describe(struct pmemfail *ctx, sd_bus *bus, struct job *j,
		    struct pmf_failure ***ret, size_t *ret_n)
{
	_cleanup_message_ sd_bus_message *m = NULL, *answer = NULL;
	int r = pmf_bus_message(bus, j->path, PMF_BUS_JOB, "Describe", &m);

	if (r >= 0)
		r = pmf_bus_call(bus, ctx->bus->timeout_us, m, "s", &answer);
	return r < 0 ? r : pmf_bus_read_failures(answer, ret, ret_n);
}

/* How it ended; what is not known of that is -EIO. */
static int verdict(const struct job *j)
{
	if (streq(j->state, "done"))
		return 0;
	if (streq(j->state, "canceled"))
		return pmf_why(-ECANCELED, "it was canceled");
	return pmf_why(j->error < 0 && j->error >= -4095 ? j->error : -EIO, "%s",
		       j->why[0] ? j->why : "pmemfaild does not say why it failed");
}

int pmf_bus_job(struct pmemfail *ctx, sd_bus *bus, sd_bus_message *call,
		pmemfail_progress_fn progress, void *userdata, struct pmf_failure ***ret,
		size_t *ret_n)
{
	_cleanup_message_ sd_bus_message *answer = NULL;
	_cleanup_(matches_done) struct matches matches = { 0 };
	struct job j = { 0 };
	int r, described;

	r = matches_add(bus, &matches, &j);	/* before it begins: nothing is missed */
	if (r >= 0)
		r = begin(ctx, bus, call, &answer, &j);
	if (r < 0)
		return r;
	r = wait_for(ctx, bus, &j, progress, userdata);
	if (j.stopped) {
		cancel(ctx, bus, &j);
		return pmf_why(r, "it was stopped");
	}
	if (r < 0)
		return r;
	described = describe(ctx, bus, &j, ret, ret_n);
	r = verdict(&j);
	return r < 0 ? r : described;
}
