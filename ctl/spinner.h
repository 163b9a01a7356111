/* SPDX-License-Identifier: GPL-2.0-only */
/* A line that shows that work goes on, on a terminal only, after a second. */
#ifndef CTL_SPINNER_H
#define CTL_SPINNER_H

#include <stdint.h>

#include <pmemfail/pmemfail.h>

struct spinner;

/* text and p are borrowed until the end; p NULL: spinner_progress() is called instead.
 * Returns NULL where there is nothing to show it on. */
struct spinner *spinner_start(const char *text, const struct pmemfail_progress *p);
/* How far it is, from any thread; total 0: not known. NULL is accepted. */
void spinner_progress(struct spinner *s, uint64_t done, uint64_t total);
void spinner_stop(struct spinner *s);

#endif
