// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-intake: how many events a second intake takes.
 *
 *	bench-intake EVENTS PAGES RUNS
 *
 * Single pages in random order, out of PAGES. Prints lines of JSON: what "intake" took
 * for all, and "sorted" (the peer: keep every event, sort them, join neighbours), with
 * the number of ranges that came out, which must be the same. scripts/bench reads it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "flow/intake.h"

#define PAGE 4096ULL

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void say(const char *what, uint64_t ns, uint64_t ranges)
{
	printf("{\"what\": \"%s\", \"ns\": %" PRIu64 ", \"ranges\": %" PRIu64 "}\n", what, ns,
	       ranges);
}

static int intake(const uint64_t *pages, size_t n)
{
	struct pmf_event e = { .kind = PMF_KIND_POISON, .source = PMF_SOURCE_MEMORY_FAILURE,
			       .device_id = (char[]){ "bench" },
			       .device_name = (char[]){ "pmem0" } };
	enum pmf_intake_verdict verdict;
	struct pmf_failure *f = NULL;
	struct pmf_intake *in;
	uint64_t begin = now_ns();
	int r;

	r = pmf_intake_new(65536, &in);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		e.range = (struct pmf_range){ pages[i] * PAGE, (pages[i] + 1) * PAGE };
		r = pmf_intake_add(in, &e, &verdict);
	}
	if (r >= 0)
		r = pmf_intake_next(in, &f);
	if (r >= 0)
		say("intake", now_ns() - begin, f->ranges.n);
	pmf_failure_free(f);
	pmf_intake_free(in);
	return r;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int sorted(const uint64_t *pages, size_t n)
{
	uint64_t begin = now_ns(), *copy = malloc(n * sizeof(*copy)), ranges = 1;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, pages, n * sizeof(*copy));
	qsort(copy, n, sizeof(*copy), by_number);
	for (size_t i = 1; i < n; i++)
		ranges += copy[i] > copy[i - 1] + 1;
	say("sorted", now_ns() - begin, ranges);
	free(copy);
	return 0;
}

int main(int argc, char **argv)
{
	size_t n, span;
	uint64_t *pages;
	int r = 0;

	if (argc != 4)
		return 2;
	n = strtoull(argv[1], NULL, 0);
	span = strtoull(argv[2], NULL, 0);
	pages = malloc(n * sizeof(*pages));
	if (!pages || !n || !span)
		return 2;
	srandom(7);
	for (size_t i = 0; i < n; i++)
		pages[i] = (uint64_t)random() % span;
	for (int i = 0; i < atoi(argv[3]) && r >= 0; i++) {
		r = intake(pages, n);
		if (r >= 0)
			r = sorted(pages, n);
	}
	free(pages);
	if (r < 0)
		fprintf(stderr, "bench-intake: %s\n", strerror(-r));
	return r < 0;
}
