/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A line that shows that work goes on; see spinner.h. Called by verbs that act or
 * look for long.
 *
 * A thread of its own writes it, past stdio: the terminal may be recorded to the
 * very filesystem that is frozen just now, and a write to it then blocks. That
 * must stop the spinner and nobody else; hence no lock is shared with the work.
 */
#include "spinner.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

struct spinner {
	pthread_t thread;
	atomic_bool stop;
	const char *text;
	const struct pmemfail_progress *progress;	/* or NULL: it is told */
	_Atomic uint64_t done, total;
};

static void put(const char *s)
{
	ssize_t n = write(STDERR_FILENO, s, strlen(s));

	(void)n;	/* a terminal that cannot be written to shows nothing */
}

/* What, how far, since when. */
static void say(struct spinner *s, char sign, unsigned int seconds)
{
	uint64_t done = atomic_load(&s->done), total = atomic_load(&s->total);
	char line[160];

	if (s->progress)
		(void)pmemfail_progress_get(s->progress, &done, &total);
	if (total > 0 && done <= total)
		snprintf(line, sizeof(line), "\r%c %s: %llu of %llu (%u s) ", sign, s->text,
			 (unsigned long long)done, (unsigned long long)total, seconds);
	else if (done > 0)
		snprintf(line, sizeof(line), "\r%c %s: %llu (%u s) ", sign, s->text,
			 (unsigned long long)done, seconds);
	else
		snprintf(line, sizeof(line), "\r%c %s (%u s) ", sign, s->text, seconds);
	put(line);
}

static void *spin(void *p)
{
	static const char signs[] = "|/-\\";
	struct spinner *s = p;
	bool shown = false;

	for (unsigned int tick = 0; !atomic_load(&s->stop); tick++) {
		struct timespec pause = { .tv_nsec = 100000000 };

		nanosleep(&pause, NULL);
		if (tick < 10)
			continue;
		say(s, signs[tick % 4], (tick + 1) / 10);
		shown = true;
	}
	if (shown)
		put("\r\033[K");
	return NULL;
}

struct spinner *spinner_start(const char *text, const struct pmemfail_progress *p)
{
	struct spinner *s;

	if (!isatty(STDERR_FILENO))
		return NULL;
	s = text_alloc(calloc(1, sizeof(*s)));
	s->text = text;
	s->progress = p;
	if (pthread_create(&s->thread, NULL, spin, s) != 0) {
		free(s);
		return NULL;
	}
	return s;
}

void spinner_progress(struct spinner *s, uint64_t done, uint64_t total)
{
	if (!s)
		return;
	atomic_store(&s->done, done);
	atomic_store(&s->total, total);
}

void spinner_stop(struct spinner *s)
{
	if (!s)
		return;
	atomic_store(&s->stop, true);
	pthread_join(s->thread, NULL);
	free(s);
}
