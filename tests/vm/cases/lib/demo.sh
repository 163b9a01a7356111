# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# demo FILESYSTEM STACK with|without: one removal, told in plain lines, judged
# by what was measured. Not a test case: scripts/demo runs it by its path and
# shows the lines that begin with "demo:".

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

FAULTS=()
COLLECT_FAULTS=1

tell() {
	echo "demo:$*"
}

# victim NAME WHAT MODE FILE, introduced
introduce() {
	local name=$1 what=$2
	shift 2
	victim "$name" "$@"
	tell "  pid ${VICTIM[$name]}: $what"
}

tell_faults() {
	local fault
	for fault in "${FAULTS[@]:$TOLD_FAULTS}"; do
		tell "  NOT WELL: $fault"
	done
	if ((${#FAULTS[@]} == TOLD_FAULTS)); then
		tell "  $1"
	fi
	TOLD_FAULTS=${#FAULTS[@]}
}

tell_signals() {
	local name line
	for name in reader writer untouched; do
		line=$(grep -m1 '^sigbus ' "$RUN/v-$name") || continue
		[[ $line =~ addr=(0x[0-9a-f]+) ]]
		tell "  pid ${VICTIM[$name]} ($name) got SIGBUS for address ${BASH_REMATCH[1]}," \
			"$(victim_sigbus "$name") time(s)"
	done
}

tell_record() {
	recorded handled pmem0
	[[ -s $RUN/failure ]] || return 0
	tell "pmemfail's record of it (pmemfailctl show $FAILURE):"
	pmemfailctl show "$FAILURE" | sed 's/^/demo:  | /'
}

story() {
	local kind=$1 stack=$2 with=$3 dev nd

	tell "Linux $(uname -r), $kind on a ${stack/raw/whole} ${stack/dm/device-mapper device over} pmem device," \
		"$with pmemfail" | sed 's/ raw pmem/ pmem/; s/partition partition/partition of a/; s/dm device-mapper device over/device-mapper device over a/'
	pmemfail_up
	dev=$(fs_make "$kind" "$stack")
	tell "$dev is mounted on $MNT with DAX; files on it are mapped by"
	file_make "$MNT/read" 4
	file_make "$MNT/written" 4
	file_make "$MNT/untouched" 4
	introduce reader "reads" reader "$MNT/read"
	introduce writer "writes and syncs" writer "$MNT/written"
	introduce untouched "has mapped, but never touched" untouched "$MNT/untouched"
	keep "$MNT/read" "$MNT/written" "$MNT/untouched"
	site "$MNT"
	watched

	nd=$(nd_of /dev/pmem0)
	tell "echo $nd > /sys/bus/nd/drivers/nd_pmem/unbind"
	unbind_bounded /dev/pmem0
	tell_faults "returned after $UNBIND_MS ms; the device is gone"

	victims_check "$REMOVED_MS"
	tell_signals
	tell_faults "every process was told once, and none can read the removed memory"
	sites_check_state
	tell_faults "$MNT is shut down, and not frozen"
	kmsg_clean
	[[ $with == without ]] || tell_record

	victims_end
	tell "umount $MNT"
	sites_umount
	kmsg_clean
	tell_faults "succeeded; the kernel has nothing to complain of"
	if ((${#FAULTS[@]})); then
		return 0	# nothing that comes now would be worth anything
	fi
	tell "the device is bound and mounted again"
	returned "$stack"
	sums_check "$dev"
	tell_faults "everything that was synced is there, with the same checksums"
}

case_run() {
	local start
	TOLD_FAULTS=0
	STOCK=
	[[ $3 == with ]] || STOCK=1
	start=$(now_ms)
	story "$@"
	if ((${#FAULTS[@]})); then
		guest_spoiled "lost"
		tell "VERDICT LOST ${FAULTS[0]}"
	else
		tell "VERDICT RESCUED every process told, nothing readable, unmounted," \
			"and back in $((($(now_ms) - start) / 1000)) s"
	fi
}
