/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who maps a site, and who was told. */
#ifndef PMF_VICTIMS_H
#define PMF_VICTIMS_H

#include "sys/sys.h"

/*
 * Who maps the site behind fd, into the case: by the module when there is an
 * attempt, else by reading every process. Describes each (unit, path), for at
 * most budget_us. The list is complete however long it is.
 */
int pmf_victims_look(struct pmf_sys *sys, int attempt, int fd, struct pmf_case *c,
		     uint64_t budget_us);

/* Who maps this range of one file of the site, added to the case; those of one process
 * and file are one. Names only until end_ns. */
int pmf_victims_look_file(struct pmf_sys *sys, int attempt, int fd, struct pmf_range range,
			  struct pmf_case *c, uint64_t end_ns);

/* Mark in all cases whom the attempt has told, and add who mapped a file only
 * after the look (forked since, say). */
int pmf_victims_told(struct pmf_sys *sys, int attempt, struct pmf_case *cases, size_t n);

/* Without the module there is only the plain signal, which carries no address: one
 * for each process, however many sites it maps. */
void pmf_victims_signal(struct pmf_sys *sys, struct pmf_case *cases, size_t n);

#endif
