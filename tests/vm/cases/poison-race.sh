# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: truncated:xfs given:xfs-reflink@6.12 rewritten:xfs@6.12 remounted:xfs@6.1 gone:xfs@6.12 killed:xfs@6.1
# timeout: 180
#
# By name also deleted:xfs shared:xfs-reflink unmounted:xfs; every check has time for these only.
#
# poison-race WHAT FILESYSTEM: between the event and its handling (the daemon is
# stopped meanwhile) things change, and what is so then is what counts:
#   truncated  the file has let go of the bad page: free space, nobody is told
#   deleted    the same by unlinking it
#   rewritten  the file has been written anew elsewhere, under its name: nobody is told
#   remounted  the file system is unmounted and mounted again
#   given      the file is deleted and another one has the page: that one is meant
#   shared     another file shares the page now: both are meant
#   unmounted  the file system is unmounted, and mounted again later
#   gone       the device is unbound
#   killed     the daemon and its guard are killed in the moment that somebody is told

# shellcheck source=tests/vm/cases/lib/poison.sh
source "$TESTS/cases/lib/poison.sh"

OFFSET=$((256 * 1024))

set_up() {
	pmemfail_up_with RescanIntervalSec=5 HoldTimeoutSec=3
	DEV=$(fs_make "$1" raw)
	file_make "$MNT/bad" 2
	file_make "$MNT/good" 1
	keep "$MNT/good"
	watched
	victim good reader "$MNT/good"
	SECTOR=$(sector_of "$MNT/bad" "$OFFSET")
	MAIN_PID=$(systemctl show -P MainPID pmemfaild.service)
}

stopped() {
	[[ $(proc_state "$MAIN_PID") == T ]]
}

# meanwhile COMMAND...: it goes bad, the command is run, and only then it is handled.
meanwhile() {
	kill -STOP "$MAIN_PID"
	wait_for 5 "stop of the daemon" stopped
	bad_sector latent raw "$SECTOR"
	"$@"
	kill -CONT "$MAIN_PID"
}

ends() {
	expect_sigbus good 0
	reads_all_but good 0
	victims_end
	goes_on "$MNT"
	sums_verify
	expect_eq "failures" "$(failures pmem0)" 1
	umount "$MNT"
	kmsg_clean
}

shrink() {
	truncate -s 0 "$MNT/bad"
	sync
}

vanish() {
	rm "$MNT/bad"
	sync
}

# As editors do: the old blocks are let go of, and kept from being used at once.
rewrite() {
	file_make "$MNT/new" 2
	mv "$MNT/new" "$MNT/bad"
	sync
}

ended() {
	failure_is pending pmem0 || failure_is handled pmem0
}

case_truncated() {
	set_up "$1"
	meanwhile "${2:-shrink}"
	# 6.1 has no owner for what was freed so shortly before
	try_for 15 ended || fault "it is neither pending nor handled"
	recorded "$(pmemfailctl show "$(newest pmem0)" --json | jq -r .failure.state)" pmem0
	on_record '[.cases[].targets[] | select(.kind == "file")] | length == 0' "that no file has it"
	ends
}

case_deleted() {
	case_truncated "$1" vanish
}

case_rewritten() {
	case_truncated "$1" rewrite
}

# Another file has the page, and the one that had it is gone.
give_away() {
	cp --reflink=always "$MNT/bad" "$MNT/heir"
	rm "$MNT/bad"
	sync
}

case_given() {
	set_up "$1"
	meanwhile give_away
	recorded handled pmem0
	on_record "[.cases[].targets[] | select(.kind == \"file\") | .path] == [\"$MNT/heir\"]" \
		"the file that has it now, and no other"
	ends
}

share() {
	cp --reflink=always "$MNT/bad" "$MNT/twin"
	sync
}

case_shared() {
	set_up "$1"
	meanwhile share
	recorded handled pmem0
	on_record "[.cases[].targets[] | select(.kind == \"file\") | .path] | sort == [\"$MNT/bad\", \"$MNT/twin\"]" \
		"both files"
	ends
}

let_go() {
	kill -TERM "${VICTIM[good]}"
	wait_for 10 "end of a victim" gone "${VICTIM[good]}"
	unset "VICTIM[good]"
	umount "$MNT"
}

case_unmounted() {
	set_up "$1"
	meanwhile let_go
	recorded pending pmem0
	mount_dax "$DEV"
	recorded handled pmem0
	recorded_file "$MNT/bad" "$OFFSET" unused
	victim good reader "$MNT/good"
	ends
}

mount_again() {
	let_go
	mount_dax "$DEV"
	victim bad --size "$OFFSET" reader "$MNT/bad"	# up to what is bad
	victim good reader "$MNT/good"
}

case_remounted() {
	set_up "$1"
	meanwhile mount_again
	recorded handled pmem0
	recorded_file "$MNT/bad" "$OFFSET"
	expect_sigbus bad 0
	ends
}

# The hold ends by its time, for nobody is there.
go_away() {
	let_go
	unbind_bounded /dev/pmem0
}

case_gone() {
	set_up "$1"
	meanwhile go_away
	sleep 3
	systemctl -q is-active pmemfaild.service || fault "the daemon has ended"
	pmemfailctl list
	rebind /dev/pmem0
	mount_dax "$DEV"
	goes_on "$MNT"
	sums_verify
	umount "$MNT"
	kmsg_clean
}

nothing_kept() {
	[[ $(systemctl show -P NFileDescriptorStore pmemfaild.service) == 0 ]]
}

# The first one was told, but that is not on record: the next daemon must know all the same.
case_killed() {
	local avenge=() pid
	set_up "$1"
	for pid in "$MAIN_PID" $(pgrep -P "$MAIN_PID"); do avenge+=(--avenge "$pid"); done
	((${#avenge[@]} == 4)) || die "not a daemon and a guard: ${avenge[*]}"
	victim bad "${avenge[@]}" reader "$MNT/bad"
	bad_sector latent raw "$SECTOR"
	told_at bad "$OFFSET"
	try_for 10 gone "$MAIN_PID" || fault "the daemon lives"
	wait_for 30 "restarted daemon" systemctl -q is-active pmemfaild.service
	recorded handled pmem0
	recorded_file "$MNT/bad" "$OFFSET"
	recorded_victims "${VICTIM[bad]}"
	expect_sigbus bad 1
	reads_all_but bad 1
	try_for 10 nothing_kept || fault "systemd keeps what is over"
	expect_sigbus bad 1
	ends
}

case_run() {
	local what=$1
	shift
	"case_$what" "$@"
}
