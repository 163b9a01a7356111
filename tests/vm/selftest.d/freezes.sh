# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# freezes: a file system unmounted while frozen leaves its superblock behind.

case_run() {
	fs_make ext4 raw
	fsfreeze -f "$MNT"
	umount "$MNT"
}
