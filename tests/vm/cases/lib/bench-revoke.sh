# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# bench-revoke RUNS SIZES PROCESSES: how long an unbind takes under a file that
# four processes map and have touched, page by page; by the kernel alone and with
# pmemfail. SIZES (MiB) and PROCESSES are lists with commas. Not a test case:
# scripts/bench runs it by its path and reads the lines that begin with "bench ".

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

MAPPERS=4
FILE=$MNT/file

sleepers() {
	local i
	for ((i = 0; i < $1; i++)); do
		sleep infinity &
		SLEEPERS+=("$!")
	done
}

# One unbind. Prints nothing but its line.
measure() {
	local side=$1 sleeping=$2 mib=$3 i nd start end
	mkfs.xfs -q -f -m rmapbt=1,reflink=0 /dev/pmem0
	mount_dax /dev/pmem0
	# written, for reads of unwritten space map the one page of zeroes
	dd if=/dev/zero of="$FILE" bs=4M count="$((mib > 0 ? mib / 4 : 1))" conv=fsync status=none
	if ((mib > 0)); then
		# SIGBUS blocked: what a process does with it is not measured
		for ((i = 0; i < MAPPERS; i++)); do
			victim "m$i" --small blocked "$FILE"
		done
	fi
	sync
	nd=$(nd_of /dev/pmem0)
	nd_remember /dev/pmem0
	[[ $side == kernel ]] || watched

	start=$EPOCHREALTIME
	echo "$nd" >"$ND/drivers/nd_pmem/unbind"
	end=$EPOCHREALTIME

	echo '{}' >"$RUN/failure"
	[[ $side == kernel ]] || recorded handled pmem0
	echo "bench $(jq -c --arg side "$side" --argjson processes "$sleeping" --argjson mib "$mib" \
		--argjson us "$((${end/./} - ${start/./}))" \
		'{side: $side, processes: $processes, mib: $mib, us: $us, hold_ns: .hold_ns,
		  outcome: .cases[0].outcome}' "$RUN/failure")"

	for i in "${!VICTIM[@]}"; do
		kill -KILL "${VICTIM[$i]}"
		wait_for 20 "end of a mapper" gone "${VICTIM[$i]}"
	done
	VICTIM=()
	rm -f "$RUN"/v-*
	umount "$MNT"
	rebind /dev/pmem0
	udevadm settle
}

case_run() {
	local runs=$1 sizes=${2//,/ } counts=${3//,/ } side sleeping run mib
	STOCK=
	kmsg_unread
	ns_make_fsdax 0 >/dev/null
	SLEEPERS=()
	for sleeping in $counts; do
		sleepers $((sleeping - ${#SLEEPERS[@]}))
		for ((run = 0; run < runs; run++)); do
			for side in kernel pmemfail; do
				if [[ $side == pmemfail ]]; then
					pmemfail_up
				else
					pmemfail_down
				fi
				for mib in 0 $sizes; do
					measure "$side" "$sleeping" "$mib"
				done
			done
		done
	done
	# thousands of lines that the kernel says about its own side
	kmsg_expect 'Memory failure'
}
