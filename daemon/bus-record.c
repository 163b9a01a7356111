/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the bus knows of the record: read once when an engine begins, then after each
 * change, whoever makes it. Threads read it, in parts, so that a long one keeps
 * nobody waiting.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "bus-internal.h"

#define MAX_KEPT	100000	/* when KeepMax= is no bound */
#define PART		64
#define DAY_US		86400000000ULL

struct reading {
	struct work_item item;
	struct bus *bus;
	unsigned int generation;
	struct pmemfail *lib;
	struct pmemfail_monitor *monitor;
	bool first, more;
	struct bus_failure **v;
	size_t n, cap;
	int error;
};

/* --- in a thread ----------------------------------------------------------- */

static int add(struct reading *g, const struct pmemfail_failure *f)
{
	if (g->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : PART;
		struct bus_failure **v = realloc(g->v, cap * sizeof(*v));

		if (!v)
			return -ENOMEM;
		g->v = v;
		g->cap = cap;
	}
	g->v[g->n] = bus_summary_new(g->bus, f);
	return g->v[g->n] ? (g->n++, 0) : -ENOMEM;
}

static int add_listed(const struct pmemfail_failure *f, void *userdata)
{
	struct reading *g = userdata;

	g->error = add(g, f);
	return g->error < 0 || g->n >= MAX_KEPT;
}

static void read_all(struct work_item *i)
{
	struct reading *g = (struct reading *)i;

	/* The monitor first: nothing falls between the two. */
	g->error = pmemfail_monitor_new(g->lib, &g->monitor);
	if (g->error >= 0) {
		int r = pmemfail_list_failures(g->lib, -1, add_listed, g);

		g->error = g->error < 0 ? g->error : r;
	}
}

static void read_changes(struct work_item *i)
{
	struct reading *g = (struct reading *)i;
	struct pmemfail_failure *f = NULL;

	while (g->n < PART) {
		g->error = pmemfail_monitor_next(g->monitor, &f);
		if (g->error < 0)
			break;
		g->error = add(g, f);
		f = pmemfail_failure_free(f);
		if (g->error < 0)
			break;
	}
	if (g->error == -EAGAIN)
		g->error = 0;
	else
		g->more = g->error >= 0;
}

/* --- in the main loop ------------------------------------------------------ */

/* As the record says: poison is over only when it is cleared. */
static bool is_over(const struct bus_failure *f)
{
	if (f->state == PMEMFAIL_PENDING || f->state == PMEMFAIL_HANDLING)
		return false;
	return f->state == PMEMFAIL_CLEARED || strcmp(f->kind, "poison") != 0;
}

static void forget(struct bus *b, size_t i)
{
	struct bus_failure *f = b->failures[i];
	char path[64];

	bus_failure_path(f->id, path);
	if (bus_has_room(b))
		(void)sd_bus_emit_object_removed(b->bus, path);
	memmove(&b->failures[i], &b->failures[i + 1],
		(b->n_failures - i - 1) * sizeof(struct bus_failure *));
	b->n_failures--;
	bus_summary_free(f);
}

/* As the record does when something new comes; see KeepMax= and KeepDays=. */
static void prune(struct bus *b, uint64_t now_us)
{
	uint64_t most = b->keep_max && b->keep_max < MAX_KEPT ? b->keep_max : MAX_KEPT;

	for (size_t i = 0; i < b->n_failures; ) {
		const struct bus_failure *f = b->failures[i];
		bool old = b->keep_us && f->updated_us < now_us &&
			   now_us - f->updated_us > b->keep_us;

		if (is_over(f) && (old || b->n_failures > most))
			forget(b, i);
		else
			i++;
	}
}

/* Takes f, always. Returns 1 when it is new. */
static int put(struct bus *b, struct bus_failure *f)
{
	size_t i = b->n_failures;

	while (i > 0 && b->failures[i - 1]->id > f->id)
		i--;
	if (i > 0 && b->failures[i - 1]->id == f->id) {
		bus_summary_free(b->failures[i - 1]);
		b->failures[i - 1] = f;
		return 0;
	}
	if (b->n_failures == b->cap_failures) {
		size_t cap = b->cap_failures ? b->cap_failures * 2 : PART;
		struct bus_failure **v = realloc(b->failures, cap * sizeof(*v));

		if (!v) {
			bus_summary_free(f);
			return -ENOMEM;
		}
		b->failures = v;
		b->cap_failures = cap;
	}
	memmove(&b->failures[i + 1], &b->failures[i],
		(b->n_failures - i) * sizeof(struct bus_failure *));
	b->failures[i] = f;
	b->n_failures++;
	return 1;
}

static void put_and_tell(struct bus *b, struct bus_failure *f)
{
	enum pmemfail_state state = f->state;
	uint64_t id = f->id;
	char path[64];
	int r = put(b, f);

	if (r < 0 || !bus_has_room(b))
		return;
	bus_failure_path(id, path);
	if (r > 0) {
		(void)sd_bus_emit_object_added(b->bus, path);
		(void)bus_emit(b, "FailureAdded", "to", id, path);
	} else {
		bus_failure_tell_changed(b, id);
		(void)bus_emit(b, "FailureChanged", "tos", id, path,
			       pmemfail_state_name(state));
	}
}

static void begin(struct bus *b, bool first);

static int on_change(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	(void)s;
	(void)fd;
	(void)revents;
	begin(userdata, false);
	return 0;
}

static int newest_last(const void *a, const void *b)
{
	const struct bus_failure *x = *(struct bus_failure *const *)a;
	const struct bus_failure *y = *(struct bus_failure *const *)b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void drop_all(struct bus *b)
{
	while (b->n_failures > 0)
		bus_summary_free(b->failures[--b->n_failures]);
}

static void take_first(struct bus *b, struct reading *g)
{
	drop_all(b);	/* of an engine before, whose record may have been another */
	if (g->n > 0)
		qsort(g->v, g->n, sizeof(*g->v), newest_last);
	for (size_t i = 0; i < g->n; i++)
		(void)put(b, g->v[i]);
	g->n = 0;
	if (g->monitor && sd_event_add_io(b->event, &b->monitor_source,
					  pmemfail_monitor_get_fd(g->monitor), EPOLLIN,
					  on_change, b) < 0)
		log_say(LOG_WARNING, MESSAGE_PROBLEM, "the bus does not see the record change");
}

static void take_changes(struct bus *b, struct reading *g)
{
	uint64_t now_us = 0;

	for (size_t i = 0; i < g->n; i++)
		put_and_tell(b, g->v[i]);
	if (g->n > 0) {
		(void)sd_event_now(b->event, CLOCK_REALTIME, &now_us);
		prune(b, now_us);
		bus_manager_changed(b, "Counters");
		bus_devices_look(b);	/* their bad ranges may be others now */
	}
	g->n = 0;
}

static void reading_free(struct reading *g)
{
	for (size_t i = 0; i < g->n; i++)
		bus_summary_free(g->v[i]);
	free(g->v);
	pmemfail_monitor_free(g->monitor);
	pmemfail_unref(g->lib);
	free(g);
}

static void done(struct work_item *i)
{
	struct reading *g = (struct reading *)i;
	struct bus *b = g->bus;
	bool ours = g->generation == b->generation && b->engine && !i->canceled;
	bool again = b->engine && !i->canceled && (!ours || g->more);
	bool written = false;	/* while it was read */

	b->reading = false;
	if (ours && g->error < 0)
		log_say(LOG_WARNING, MESSAGE_PROBLEM, "the bus does not know the record: %s",
			strerror(-g->error));
	if (ours) {
		if (g->first)
			take_first(b, g);
		else
			take_changes(b, g);
		b->monitor = g->monitor;	/* it was lent */
		g->monitor = NULL;
		b->failures_read = true;
		written = b->read_again;
		b->read_again = g->first && g->error < 0;
	}
	reading_free(g);
	if (again)
		begin(b, !ours);
	else if (ours && b->monitor_source)
		(void)sd_event_source_set_enabled(b->monitor_source, SD_EVENT_ON);
	if (written)
		bus_record_written(b);
	bus_claim_name(b);
}

static void begin(struct bus *b, bool first)
{
	struct reading *g;

	if (b->reading)
		return;		/* its end sees what is due */
	if (b->monitor_source)
		(void)sd_event_source_set_enabled(b->monitor_source, SD_EVENT_OFF);
	g = calloc(1, sizeof(*g));
	if (!g)
		return;
	g->item.run = first ? read_all : read_changes;
	g->item.done = done;
	g->bus = b;
	g->generation = b->generation;
	g->first = first;
	g->lib = pmemfail_ref(b->lib);
	g->monitor = b->monitor;
	b->monitor = NULL;
	b->reading = true;
	if (work_add(b->work, WORK_RECORD, &g->item) < 0) {
		b->reading = false;
		b->monitor = g->monitor;
		g->monitor = NULL;
		reading_free(g);
		if (b->monitor_source)
			(void)sd_event_source_set_enabled(b->monitor_source, SD_EVENT_ON);
	}
}

static uint64_t number(struct bus *b, const char *key)
{
	const char *name, *what;
	uint64_t n = 0;
	char *value;

	for (size_t i = 0; pmemfail_setting(b->lib, i, &name, &value, &what) >= 0; i++) {
		if (strcmp(name, key) == 0)
			n = strtoull(value, NULL, 10);
		free(value);
	}
	return n;
}

void bus_record_begins(struct bus *b)
{
	b->keep_max = number(b, "KeepMax");
	b->keep_us = number(b, "KeepDays") * DAY_US;
	begin(b, true);
}

void bus_record_written(struct bus *b)
{
	if (b->reading) {
		b->read_again = true;
	} else if (b->read_again) {
		b->read_again = false;
		bus_record_ends(b);
		begin(b, true);
	}
}

void bus_record_ends(struct bus *b)
{
	b->monitor_source = sd_event_source_disable_unref(b->monitor_source);
	b->monitor = pmemfail_monitor_free(b->monitor);
}

void bus_record_done(struct bus *b)
{
	bus_record_ends(b);
	drop_all(b);
	free(b->failures);
	b->failures = NULL;
}
