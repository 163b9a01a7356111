# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: xfs:lazy@6.1 xfs:namespace@6.12 xfs:mapped@6.12 ext4:lazy@6.12 ext4:namespace@named ext4:mapped@named
#
# hidden FILESYSTEM HOW: a file system that no path of ours leads to: lazily
# unmounted, mounted in another mount namespace only, or "mapped": lazily
# unmounted, and nothing but the mappings keeps it.

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

# A process with a mount namespace of its own, in which the device is mounted.
namespace_make() {
	background unshare -m sh -c \
		"mount -o dax=always '$1' '$MNT' && touch $RUN/inside && exec sleep infinity"
	INSIDE=$BG_PID
	wait_for 10 "mount in a namespace" test -e "$RUN/inside"
}

case_run() {
	local kind=$1 how=$2 dev fd via=()
	pmemfail_up
	dev=$(fs_make "$kind" raw)
	file_make "$MNT/read" 2
	file_make "$MNT/written" 2
	keep "$MNT/read"

	if [[ $how == namespace ]]; then
		umount "$MNT"
		namespace_make "$dev"
		via=(nsenter -t "$INSIDE" -m --)
	fi
	VICTIM_VIA=("${via[@]}")
	victim reader reader "$MNT/read"
	victim writer dirty "$MNT/written"
	case $how in
	namespace)
		exec {fd}<"/proc/$INSIDE/root$MNT"
		SITE[$MNT]=$fd
		;;
	lazy) site "$MNT" ;;&
	*) umount -l "$MNT" ;;
	esac
	watched

	unbind_bounded /dev/pmem0
	victims_check "$REMOVED_MS"
	sites_check_state
	kmsg_clean
	recorded handled pmem0
	recorded_victims "${VICTIM[@]}"
	victims_end
	sites_close
	if [[ $how == namespace ]]; then
		umount_check "$MNT" "${via[@]}"
		kill "$INSIDE"
	fi
	sites_umount
	kmsg_clean

	returned raw
	sums_check "$dev"
}
