/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Facts about this machine and kernel that diagnosis judges. Diagnosis calls.
 */
#ifndef PMF_SYS_FACTS_H
#define PMF_SYS_FACTS_H

#include <sys/types.h>

#include "model/policy.h"

struct pmf_facts {
	char kernel[65];		/* 6.1.0-56-amd64 */
	unsigned int major, minor;	/* 6, 1 */
	char lockdown[24];		/* none, integrity, confidentiality; "" unknown */
	bool secure_boot;
	bool module_on_disk;		/* built for this kernel, whether loaded or not */
	bool early_kill;		/* vm.memory_failure_early_kill=1 */
	bool ras_event;			/* ras:memory_failure_event is there to be traced */
	pid_t engine;			/* who runs the engine; 0: nobody */
	int engine_error;		/* 0, or why that is unknown: -errno */
};

int pmf_facts_read(const struct pmf_policy *policy, struct pmf_facts *ret);

/* Pure, for tests. */
int pmf_facts_parse_kernel(const char *release, unsigned int *ret_major,
			   unsigned int *ret_minor);
/* The word in brackets of "none [integrity] confidentiality". -EINVAL */
int pmf_facts_parse_lockdown(const char *text, char *buf, size_t size);

#endif
