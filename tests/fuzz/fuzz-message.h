/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages of D-Bus with what the input says in them, as they are when sd-bus hands them
 * on: their types have been checked by then, their values are anybody's.
 */
#ifndef FUZZ_MESSAGE_H
#define FUZZ_MESSAGE_H

#include <systemd/sd-bus.h>

#include "fuzz.h"

/* An empty call, as it would come from a client. */
sd_bus_message *fuzz_message_of(const char *member);
/* No more is appended; it is read from its begin. */
void fuzz_message_end(sd_bus_message *m);

void fuzz_append_string(sd_bus_message *m, struct fuzz *f);
/* a(tt) */
void fuzz_append_ranges(sd_bus_message *m, struct fuzz *f);
/* a{sv}: keys are one of names (NULL at the end), or a string of the input's. */
void fuzz_append_options(sd_bus_message *m, struct fuzz *f, const char *const *names);

#endif
