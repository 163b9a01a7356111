/* SPDX-License-Identifier: GPL-2.0-only */
/* A line that shows that work goes on, on a terminal only, after a second. */
#ifndef CTL_SPINNER_H
#define CTL_SPINNER_H

struct spinner;

/* text is borrowed until the end. NULL where there is nothing to show it on. */
struct spinner *spinner_start(const char *text);
void spinner_stop(struct spinner *s);

#endif
