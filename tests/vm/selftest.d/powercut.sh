# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# powercut: the same case goes on in a new guest, with the NVDIMMs' contents.

case_run() {
	if ((BOOT == 1)); then
		fs_make xfs raw
		echo durable >"$MNT/file"
		sync
		powercut
	fi
	mount_dax "$(ns_make_fsdax 0)"
	expect_eq content "$(cat "$MNT/file")" durable
	expect_eq boot "$BOOT" 2
}
