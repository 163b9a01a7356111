# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# seed: make the namespace that every guest finds on each of its NVDIMMs.
# Run by tests/vm/host/session.py, once; the contents are kept in the cache.

case_run() {
	local region
	for region in /sys/bus/nd/devices/region*; do
		ns_make_fsdax "${region##*region}"
	done
}
