# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# clean: nothing of the cases before is left.

case_run() {
	local dev
	expect_eq mounts "$(findmnt -rno TARGET -t xfs,ext4 || true)" ""
	expect_eq mappings "$(dmsetup ls)" "No devices found"
	expect_eq sleepers "$(pgrep -fx 'sleep 1000' || true)" ""
	for dev in /dev/pmem?; do
		expect_eq "badblocks of $dev" "$(<"/sys/block/${dev##*/}/badblocks")" ""
		expect_eq "contents of $dev" "$(blkid -p "$dev" || true)" ""
	done
}
