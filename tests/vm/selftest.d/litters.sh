# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# litters: everything a case may leave, for the cleaning up to take down.

case_run() {
	local dev
	dev=$(fs_make ext4 striped)
	say "$dev"
	touch "$MNT/file"
	tail -f "$MNT/file" &
	setsid sleep 1000 &
	mkfs_as xfs "$(dm_linear other "$(part_make "$(loop_disk)" 50)")"
}

loop_disk() {
	truncate -s 800M /run/loop
	losetup --show -Pf /run/loop
}
