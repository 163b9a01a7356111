# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# hangs: a case that takes longer than it may.
# timeout: 5

case_run() {
	sleep 1000
}
