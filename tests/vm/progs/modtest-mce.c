// SPDX-License-Identifier: GPL-2.0-only
/*
 * modtest-mce: run a program under a memory-failure policy of its own
 *
 *	modtest-mce early|late|default PROGRAM [ARGUMENT...]
 *
 * The policy is the thread's and lasts through exec (kernel/fork.c keeps PF_MCE_*).
 */
#include "modtest.h"

#include <sys/prctl.h>

int main(int argc, char **argv)
{
	int policy = PR_MCE_KILL_DEFAULT;

	if (argc < 3)
		broken("usage: modtest-mce early|late|default PROGRAM...");
	if (!strcmp(argv[1], "early"))
		policy = PR_MCE_KILL_EARLY;
	else if (!strcmp(argv[1], "late"))
		policy = PR_MCE_KILL_LATE;
	if (prctl(PR_MCE_KILL, PR_MCE_KILL_SET, policy, 0, 0))
		broken("PR_MCE_KILL");
	execv(argv[2], argv + 2);
	broken("exec %s", argv[2]);
}
