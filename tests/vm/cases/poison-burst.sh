# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: xfs
# kernels: 6.12
# timeout: 300
#
# poison-burst FILESYSTEM: poison-storm's events, few enough for every check: 6 000
# memory failures over 16 MiB. On one kernel, for it takes a minute; poison-storm's are for both.

# shellcheck source=tests/vm/cases/lib/storm.sh
source "$TESTS/cases/lib/storm.sh"

SPAN=$((16 << 20))

case_run() {
	storm_survived "$1" 6000
}
