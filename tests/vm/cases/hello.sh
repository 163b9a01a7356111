# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# hello: the machine itself: a DAX file system on both NVDIMMs can be made.

case_run() {
	local dev
	dev=$(fs_make xfs raw)
	say "$(uname -r): $dev"
	echo hello >"$MNT/file"
	expect_eq content "$(cat "$MNT/file")" hello
}
