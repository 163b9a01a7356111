# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: nd dax@6.12
#
# devdax BUS: a device-DAX node goes while processes map it: unbound from its
# driver on the NVDIMM bus, or on the DAX bus.

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

case_run() {
	local bus=$1 dev nd driver pids
	pmemfail_up
	dev=$(ns_make_devdax 0)
	nd=$(basename "$(readlink -f "/sys/bus/dax/devices/${dev##*/}/..")")
	victim reader --huge --size 16M reader "$dev"
	victim writer --huge --size 4M dirty "$dev"
	victim untouched --huge --size 4M untouched "$dev"
	watched
	pids=("${VICTIM[@]}")

	case $bus in
	nd) driver=$(readlink -f "$ND/devices/$nd/driver") ;;
	dax)
		nd=${dev##*/}
		driver=/sys/bus/dax/drivers/device_dax
		;;
	esac
	bounded 60 tee "$driver/unbind" <<<"$nd" >/dev/null || fault "the unbind hangs or fails"
	REMOVED_MS=$(now_boot)
	victims_check "$REMOVED_MS"
	recorded handled "${dev##*/}"
	recorded_victims "${pids[@]}"
	victims_end
	kmsg_clean

	bounded 20 tee "$driver/bind" <<<"$nd" >/dev/null || fault "it cannot be bound again"
	wait_for 10 "$dev" test -c "$dev"
	ns_make_fsdax 0 >/dev/null
	kmsg_clean
}
