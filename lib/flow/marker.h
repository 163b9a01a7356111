/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A failure as the text of a note in RuntimeDirectory, and back: what a successor
 * needs to finish the record of a daemon that died. Pure.
 */
#ifndef PMF_MARKER_H
#define PMF_MARKER_H

#include "model/failure.h"

int pmf_marker_from_failure(const struct pmf_failure *f, char **ret);
/* -EBADMSG: it is none. */
int pmf_failure_from_marker(const char *text, struct pmf_failure **ret);

#endif
