# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# demo FILESYSTEM STACK with|without: one removal, told in plain lines, judged
# by what was measured. Not a test case: scripts/demo runs it by its path and
# shows the lines that begin with "demo:".

# shellcheck source=tests/vm/cases/lib/tell.sh
source "$TESTS/cases/lib/tell.sh"

tell_signals() {
	local name line
	for name in reader writer untouched; do
		line=$(grep -m1 '^sigbus ' "$RUN/v-$name") || continue
		[[ $line =~ addr=(0x[0-9a-f]+) ]]
		tell "  pid ${VICTIM[$name]} ($name) got SIGBUS for address ${BASH_REMATCH[1]}," \
			"$(victim_sigbus "$name") time(s)"
	done
}

story() {
	local kind=$1 stack=$2 with=$3 dev nd

	tell "Linux $(uname -r), $(on_what "$kind" "$stack"), $with pmemfail"
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
	tell_record

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
	demo_begin "$3"
	start=$(now_ms)
	story "$@"
	told_verdict "$start" "every process told, nothing readable, unmounted, and back"
}
