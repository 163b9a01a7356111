/* SPDX-License-Identifier: GPL-2.0-only */
/* What the library's notices look like in the log. */
#ifndef DAEMON_NOTICE_H
#define DAEMON_NOTICE_H

#include <pmemfail/pmemfail.h>

void notice_log(const struct pmemfail_notice *n);
/* A failure that was handled beside the engine, which then has no notice of it: all of it,
 * since it comes once. From any thread. */
void notice_log_failure(const struct pmemfail_failure *f);

#endif
