/* SPDX-License-Identifier: GPL-2.0-only */
/* The process that is called org.pmemfail1 on the test's bus; see fake-bus.h. */
#ifndef PMF_FAKE_SERVER_H
#define PMF_FAKE_SERVER_H

#include "fake-bus.h"

struct fake_command {
	uint64_t id;
	char what;
};

/* Writes a byte to ready once it has the name. */
_Noreturn void fake_server_run(struct fake_bus_shared *s, int commands, int ready);

#endif
