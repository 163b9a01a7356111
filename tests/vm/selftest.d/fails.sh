# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# fails: a case whose command fails must fail, and say where.

case_run() {
	say "before"
	grep -q nothing /proc/version
	say "never reached"
}
