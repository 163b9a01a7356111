/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an engine or a monitor tells its caller. Only lib/ itself includes this; the
 * getters are in engine-notice.c.
 */
#ifndef PMF_NOTICE_H
#define PMF_NOTICE_H

#include "context.h"

struct pmemfail_notice {
	struct pmemfail_notice *next;
	enum pmemfail_notice_kind kind;
	struct pmf_failure *failure;
	char *text;
	char *device;			/* its id, unless it is about a failure */
	bool on;			/* it begins, or is so from now on */
	uint64_t token;			/* of a removal */
};

#endif
