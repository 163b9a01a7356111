# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# mce: the host injects a machine check, as hardware would.
# cpu: Skylake-Server-v4

case_run() {
	local dev spa
	dev=$(ns_make_fsdax 0)
	spa=$(spa_of "$dev" 8192)
	say "$(host_hmp info status)"
	host_hmp mce -b 0 9 0xbd000000000000c0 0x5 "$spa" 0x8c
	wait_for 10 "badblock" has_line "/sys/block/${dev##*/}/badblocks" '^8192 8'
}
