# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: poison@6.1 removal@6.12
#
# rtdev poison|removal: an XFS has the content of its files on a realtime device, a
# pmem device of its own; a page of that goes bad, or all of it goes. The data device
# holds the metadata, and numbers its blocks from 0 as the other does: whoever mixes
# up the two takes the wrong bytes. The realtime device has no reverse map before
# Linux 6.14: the owner is found among the files that are mapped.

# shellcheck source=tests/vm/cases/lib/poison.sh
source "$TESTS/cases/lib/poison.sh"

OFFSET=$((256 * 1024 + PAGE))

case_run() {
	local data realtime
	pmemfail_up
	data=$(ns_make_fsdax 0)
	realtime=$(ns_make_fsdax 1)
	mkfs.xfs -q -f -m reflink=0 -d su=2m,sw=1 -r "rtdev=$realtime,extsize=4096" "$data"
	mount_with_realtime
	xfs_io -f -r -c 'chattr +r' "$MNT/bad"
	file_make "$MNT/bad" 2
	[[ $(xfs_io -r -c 'lsattr' "$MNT/bad") == *r* ]] || die "the file is not on the realtime device"
	file_make "$MNT/elsewhere" 2
	sync
	watched
	"case_$1"
	kmsg_clean
}

mount_with_realtime() {
	mkdir -p "$MNT"
	mount -t xfs -o "rtdev=$realtime,dax=always" "$data" "$MNT"
}

case_poison() {
	local sector
	victim bad reader "$MNT/bad"
	victim elsewhere reader "$MNT/elsewhere"
	sector=$(sector_of "$MNT/bad" "$OFFSET")
	badblocks_add "$realtime" "$sector" 8
	told_at bad "$OFFSET"
	recorded handled "${realtime##*/}"
	recorded_file "$MNT/bad" "$OFFSET"
	recorded_victims "${VICTIM[bad]}"
	on_record '[.cases[].site | select(.role == "realtime")] | length == 1' "that it is the realtime device"
	reads_all_but bad 1
	reads_all_but elsewhere 0
	goes_on "$MNT"
	victims_end
	umount "$MNT" || fault "$MNT cannot be unmounted"
}

case_removal() {
	local pid
	keep "$MNT/bad" "$MNT/elsewhere"
	site "$MNT"
	victim bad reader "$MNT/bad"
	pid=${VICTIM[bad]}
	removal "$realtime"
	recorded handled "${realtime##*/}"
	recorded_victims "$pid"
	on_record '[.cases[].site | select(.role == "realtime")] | length == 1' "that it is the realtime device"
	rebind "$realtime"
	mount_with_realtime
	sums_verify
	umount "$MNT" || fault "$MNT cannot be unmounted after the return"
}
