/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The end of the connection when the daemon ends: the last answers go out, but a bus that
 * does not take them keeps nobody.
 */
#include <time.h>

#include "bus-job.h"

#define SEC		1000000ULL
#define LAST_WORDS_US	SEC

/* The loop does not run any more, so its clock stands. */
static uint64_t now_mono(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SEC + (uint64_t)t.tv_nsec / 1000;
}

/* Before sd-bus hears of the exit (sd_bus_attach_event() has a source for that): it would
 * flush, and so wait for a bus that does not read. */
static int on_loop_exit(sd_event_source *s, void *userdata)
{
	struct bus *b = userdata;

	(void)s;
	return b->bus ? sd_bus_detach_event(b->bus) : 0;
}

/* What comes now is nobody's. */
static int ignore(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)m;
	(void)userdata;
	(void)error;
	return 1;
}

/* The last answers. sd_bus_flush() would wait for a bus that does not read, for ever. */
void bus_end_send(struct bus *b)
{
	uint64_t n = 0, start = now_mono(), now = start;
	int r = sd_bus_add_filter(b->bus, NULL, ignore, NULL);

	/* Nothing may be called any more that waits for an answer. */
	bus_callers_disconnected(b);
	bus_checks_disconnected(b);
	bus_jobs_disconnected(b);
	(void)sd_bus_detach_event(b->bus);
	while (r >= 0 && sd_bus_get_n_queued_write(b->bus, &n) >= 0 && n > 0 &&
	       now - start < LAST_WORDS_US) {
		r = sd_bus_process(b->bus, NULL);
		if (r == 0)
			r = sd_bus_wait(b->bus, LAST_WORDS_US - (now - start));
		now = now_mono();
	}
}

int bus_end_prepare(struct bus *b)
{
	int r = sd_event_add_exit(b->event, &b->exit, on_loop_exit, b);

	return r < 0 ? r : sd_event_source_set_priority(b->exit, SD_EVENT_PRIORITY_IMPORTANT);
}

void bus_end_done(struct bus *b)
{
	b->exit = sd_event_source_disable_unref(b->exit);
}
