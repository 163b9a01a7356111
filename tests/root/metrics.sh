#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# metrics: what pmemfailctl prints is OpenMetrics, as Prometheus's own parser has it,
# and the file for a textfile collector is whole and readable by others.
#
# Why: monitoring that is silently not taken is found out on the worst day. Needs
# root, as pmemfailctl does; no pmem.

set -euo pipefail

build=${BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The families of a file, by type; fails when it is not well-formed.
parsed() {
	/usr/bin/python3 -c '
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
with open(sys.argv[1], encoding="utf-8") as file:
    for family in parse(file.read()):
        print(family.type, family.name, family.unit)
' "$1"
}

# judge NAME COMMAND...
judge() {
	local name=$1
	shift
	if "$@" >"$work/log" 2>&1; then
		echo "ok $name"
	else
		echo "not ok $name: $(tail -n 1 "$work/log")"
		status=1
	fi
}

refuses_half() {
	sed '$d' "$work/out" >"$work/half"
	! parsed "$work/half"
}

has_families() {
	local family
	parsed "$work/out" >"$work/families"
	for family in 'gauge pmemfail_devices ' 'gauge pmemfail_device_bad_bytes bytes' \
		'gauge pmemfail_failures ' 'gauge pmemfail_victims ' \
		'gauge pmemfail_freeze_seconds seconds' 'gauge pmemfail_hold_seconds seconds'; do
		grep -qxF "$family" "$work/families" || {
			echo "there is no '$family'"
			return 1
		}
	done
}

is_written_whole() {
	"$build/ctl/pmemfailctl" metrics --output="$work/dir/pmemfail.prom" &&
		parsed "$work/dir/pmemfail.prom" &&
		[[ $(stat -c %a "$work/dir/pmemfail.prom") == 644 ]] &&
		[[ $(ls -A "$work/dir") == pmemfail.prom ]]
}

[[ $EUID == 0 ]] || exit 77
status=0
mkdir "$work/dir"
"$build/ctl/pmemfailctl" metrics >"$work/out"
judge families has_families
judge half-is-none refuses_half
judge file is_written_whole
exit "$status"
