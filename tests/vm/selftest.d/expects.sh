# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# expects: a complaint that the case is about does not fail it.

case_run() {
	kmsg_expect 'BUG: test'
	echo "BUG: test" >/dev/kmsg
	wait_for 5 "the complaint" kmsg_has 'BUG: test'
}
