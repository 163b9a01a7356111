# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# sticks: a process that no signal ends is thawed by the cleaning up, and the
# case fails for its time.
# timeout: 5

case_run() {
	fs_make xfs raw
	fsfreeze -f "$MNT"
	echo data >"$MNT/file"
}
