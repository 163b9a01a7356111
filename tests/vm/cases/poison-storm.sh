# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: events:xfs full:xfs removal:xfs
# timeout: 900
# named: each takes minutes under emulation
#
# poison-storm WHAT FILESYSTEM: more than anybody can look at
#   events   100 000 memory failures of single pages in random order over 64 MiB while a
#            load runs, with a SIGKILL of the daemon in the middle: the record covers
#            exactly the union, each mapper is told once for a failure, memory stays small
#   full     the kernel's list is filled to its 512 entries, and what goes bad then is on
#            record all the same; the list is emptied and filled again
#   removal  the device goes in the middle of a storm

# shellcheck source=tests/vm/cases/lib/storm.sh
source "$TESTS/cases/lib/storm.sh"

SPAN=$((64 << 20))

case_events() {
	storm_survived "$1" 100000
}

case_removal() {
	set_up "$1"
	site "$MNT"
	storm_begin 100000
	wait_for 60 "failures" some_handled 1
	unbind_bounded /dev/pmem0
	kill "$STORM_PID" 2>/dev/null || true
	try_for 20 gone "$STORM_PID" || fault "the storm does not end"
	load_end
	try_for 20 removal_recorded || fault "the removal is not on record as handled"
	small
	sites_check_state
	kmsg_after_storm
	MAX_SIGBUS[big]=1000 MAX_SIGBUS[half]=1000
	victims_end
	sites_umount
	kmsg_clean
}

removal_recorded() {
	pmemfailctl list --json |
		jq -e '[.failures[] | select(.kind == "remove" and .state == "handled")] | length == 1' >/dev/null
}

# fill BYTE: the list has all its entries afterwards: single pages from there on in big,
# with gaps, so that none merge. FILLED: how many there was room for. Not by counting
# lines, for the file ends at one page of text.
fill() {
	local start
	start=$(sector_of "$MNT/big" "$1")
	for ((FILLED = 0; FILLED < 600; FILLED++)); do
		echo "$((start + FILLED * 16)) 8" >/sys/block/pmem0/badblocks 2>/dev/null || return 0
	done
	fault "the list takes more than $FILLED entries"
}

says_full() {
	pmemfailctl doctor --json >"$RUN/doctor" || true
	jq -e '[.findings[] | select(.code == "badblocks-full" and .about == "pmem0")] | length == 1' \
		"$RUN/doctor" >/dev/null || fault "doctor does not say that the list is full"
}

# What the list has no room for comes by the trace event only.
more_than_fits() {
	"$TESTS/badstorm" "$(spa_of "$DEV" "$(sector_of "$MNT/big" $((32 << 20)))")" $((1 << 20)) 400 7 |
		sed -n 's/^hit //p'
}

case_full() {
	local more
	set_up "$1"
	fill 0
	expect_eq "room" "$FILLED" 512
	covered 512
	more=$(more_than_fits)
	((more > 100)) || fault "only $more pages"
	covered $((512 + more))
	wait_for 60 "all handled" settled
	says_full
	all_told
	reads_all_but_listed "$SPAN"

	# bound anew the list is empty, the scrub's are cleared, and bad again when it
	# finds them again; what no list ever had stays bad, and has room now
	umount "$MNT"
	unbind /dev/pmem0
	rebind /dev/pmem0
	watched
	covered "$more"
	wait_for 20 "mark of what had no room" grep -q . /sys/block/pmem0/badblocks
	mount_dax /dev/pmem0
	map_files $((32 << 20))
	fill $((2 << 20))
	((FILLED > 400)) || fault "only $FILLED pages"
	covered $((FILLED + more))
	wait_for 60 "all handled" settled
	says_full
	all_told
	reads_all_but_listed $((32 << 20))
	small
	say "$more pages beyond the list, failures: $(failures pmem0), the daemon took $MOST KiB at most"
	kmsg_after_storm
	umount "$MNT"
	kmsg_clean
}

case_run() {
	local what=$1
	shift
	"case_$what" "$@"
}
