/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which errors each operation of the system seam can really give, and why: what the
 * fault sweeps make it give. "store_put" and "note_write" are no operations of the seam,
 * but can fail as those can.
 */
#ifndef PMF_FAKE_ERRORS_H
#define PMF_FAKE_ERRORS_H

#include "base/base.h"

#define FAKE_ERRORS	7

struct fake_errors {
	const char *op;
	int errors[FAKE_ERRORS];	/* negative, 0 at the end */
	const char *why;
};

/* The nth (from 0) error of the operation; 0: it has no more. */
int fake_error_of(const char *op, unsigned int nth);
unsigned int fake_errors_of(const char *op);	/* how many */
/* The table, for whoever wants all of it; op NULL at the end. */
extern const struct fake_errors fake_errors[];

#endif
