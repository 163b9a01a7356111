# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# demo-poison poison|replay FILESYSTEM STACK with|without: a page goes bad as a
# scrub finds it, under a program or before anything is mounted; told in plain
# lines, judged by what was measured. Not a test case: scripts/demo runs it by its
# path and shows the lines that begin with "demo:".

# shellcheck source=tests/vm/cases/lib/tell.sh
source "$TESTS/cases/lib/tell.sh"

OFFSET=$((256 * 1024))

prepare() {
	pmemfail_up
	DEV=$(fs_make "$1" "$2")
	tell "$DEV is mounted on $MNT with DAX"
	file_make "$MNT/ledger" 2
	file_make "$MNT/photos" 2
	keep "$MNT/photos"
	watched
}

goes_bad() {
	local sector=$1
	on_disk "$2" "$sector"
	tell "a scrub finds a bad page on ${DISK##*/}, sectors $AT to $((AT + 7)), which is"
	tell "  byte $OFFSET of $MNT/ledger; nobody has touched it since"
	bad_sector latent "$2" "$sector"
}

named() {
	[[ ! $STOCK ]] || { fault "nobody was told that $MNT/ledger is damaged"; return 0; }
	recorded handled pmem0
	recorded_file "$MNT/ledger" "$OFFSET" "${1:-}"
}

story_poison() {
	local start
	introduce ledger "maps $MNT/ledger" reader "$MNT/ledger"
	introduce photos "maps $MNT/photos" reader "$MNT/photos"
	start=$(now_ms)
	goes_bad "$(sector_of "$MNT/ledger" "$OFFSET")" "$1"
	told_at ledger "$OFFSET"
	tell_faults "pid ${VICTIM[ledger]} was told $(($(now_ms) - start)) ms later, by one SIGBUS with the address"
	reads_all_but ledger 1
	tell_faults "it can read all of the file but that page"
	reads_all_but photos 0
	goes_on "$MNT"
	tell_faults "pid ${VICTIM[photos]} and the filesystem go on as if nothing had happened"
	tell_record
	named
	tell_faults "the record names the file and its bytes"
	victims_end
}

story_replay() {
	local sector
	sector=$(sector_of "$MNT/ledger" "$OFFSET")
	umount "$MNT"
	tell "$MNT is unmounted"
	goes_bad "$sector" "$1"
	if [[ ! $STOCK ]]; then
		recorded pending pmem0
		tell_faults "pmemfail has it on record, pending: nothing is mounted there"
	fi
	tell "$DEV is mounted again"
	mount_dax "$DEV"
	named unused
	tell_faults "the file it hits is known before anybody reads it"
	tell_record
	tell "inode $(stat -c %i "$MNT/ledger") is $MNT/ledger, of which nobody has looked since the mount"
	goes_on "$MNT"
	tell_faults "the filesystem goes on"
}

case_run() {
	local what=$1 start
	demo_begin "$4"
	start=$(now_ms)
	tell "Linux $(uname -r), $(on_what "$2" "$3"), $4 pmemfail"
	prepare "$2" "$3"
	"story_$what" "$3"
	sums_verify
	umount "$MNT" || fault "$MNT cannot be unmounted"
	kmsg_clean
	tell_faults "what was not hit is as it was, and the kernel has nothing to complain of"
	told_verdict "$start" "the file named, who maps it told, all others untouched"
}
