/* SPDX-License-Identifier: GPL-2.0-only */
/* The daemon's event loop around the library's engine. */
#ifndef DAEMON_MANAGER_H
#define DAEMON_MANAGER_H

#include <pmemfail/pmemfail.h>

/*
 * Watch and handle until told to stop. lib is a context that has been configured
 * and not yet used; it is borrowed, as a reload replaces it. Returns an enum
 * daemon_exit.
 */
int manager_run(struct pmemfail *lib);

/* Where the configuration is looked for, also by a reload. */
void manager_set_root(const char *root);

/* A context with the configuration read. Logs what is wrong. NULL: cannot. */
struct pmemfail *manager_configure(void);

#endif
