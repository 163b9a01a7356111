# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# complains: all is well but for what the kernel said.

case_run() {
	echo "BUG: test" >/dev/kmsg
}
