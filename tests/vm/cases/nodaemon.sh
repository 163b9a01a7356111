# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# kernels: 6.1
#
# nodaemon: with nobody to tell, no unbind waits: not with the module alone, and
# not when the daemon has ended. Measured against the module unloaded, in the
# same guest, on a device that nobody uses.

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

ROUNDS=7

# The median time of an unbind, in ms.
unbind_median() {
	local i times=()
	for ((i = 0; i < ROUNDS; i++)); do
		unbind_bounded /dev/pmem0
		times+=("$UNBIND_MS")
		rebind /dev/pmem0
		udevadm settle
	done
	printf '%s\n' "${times[@]}" | sort -n | sed -n "$((ROUNDS / 2 + 1))p"
}

case_run() {
	local without with after
	ns_make_fsdax 0 >/dev/null
	pmemfail_down
	unbind_median >/dev/null
	without=$(unbind_median)
	modprobe pmemfail
	with=$(unbind_median)
	systemctl start pmemfaild.service
	watched
	systemctl stop pmemfaild.service
	after=$(unbind_median)
	say "median unbind: $without ms without the module, $with ms with it," \
		"$after ms after the daemon ended"
	((with <= without * 3 / 2 + 50)) || die "the module alone delays: $with ms, not $without"
	((after <= without * 3 / 2 + 50)) || die "after the daemon: $after ms, not $without"
	kmsg_clean
}
