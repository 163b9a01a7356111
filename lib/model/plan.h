/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What to do about each target of a site, under the policy of its filesystem. Pure.
 */
#ifndef PMF_PLAN_H
#define PMF_PLAN_H

#include "model/failure.h"
#include "model/policy.h"

/*
 * Set the action of each of c's targets. A file's data is taken from the processes;
 * what the filesystem itself needs to be sound (metadata, directories, extended
 * attributes, anything in a log) is for Metadata= to decide; free space is nobody's;
 * the rest can only be reported. What is done already keeps its action.
 */
void pmf_plan(struct pmf_case *c, const struct pmf_fs_policy *p);

#endif
