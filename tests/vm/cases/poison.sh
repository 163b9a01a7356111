# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: mapped:xfs:raw mapped:ext4:raw mapped:xfs-plain:raw@6.1 free:xfs@6.12 shared:xfs-reflink directory:xfs@6.12 metadata:xfs metadata:ext4@6.1 log:ext4@6.12 quota:xfs@6.1 twice:xfs@6.12 cleared:xfs@6.1 devdax:nd@6.12
# timeout: 180
#
# By name also mapped:xfs:STACK unmapped:xfs unmapped:ext4 log:xfs log:xfs-plain
# metadata:xfs-plain free:ext4 free:xfs-plain report-only:xfs policy:xfs; every check has
# time for these only.
#
# poison WHAT FILESYSTEM [STACK]: a page goes bad as a scrub would find it, written
# to badblocks; before anybody touches it:
#   mapped       who maps it is told, once, where; all others go on
#   unmapped     a file that nobody maps is named on record
#   free         free space waits; when a file gets it, that file is found
#   shared       both files of a reflinked page, and both processes
#   directory    a directory's block: as metadata
#   metadata     an allocation group's header: shut down
#   log          the same with the log
#   quota        the same with where quota is kept
#   report-only  Metadata=report: nothing is done but said
#   twice        a second page, the first one again: told once for each
#   policy       Signal=policy, and PR_MCE_KILL
#   cleared      the kernel's list is empty again: cleared

# shellcheck disable=SC2034 # for the stories
SOURCE=latent
# shellcheck source=tests/vm/cases/lib/poison-stories.sh
source "$TESTS/cases/lib/poison-stories.sh"
