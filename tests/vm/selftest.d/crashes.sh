# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# crashes: the guest dies under the case.

case_run() {
	echo c >/proc/sysrq-trigger
	sleep 1000
}
