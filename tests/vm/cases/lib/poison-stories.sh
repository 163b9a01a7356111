# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# poison-stories.sh: what poison.sh and poison-mce.sh tell; SOURCE says how a page goes
# bad. Sourced by the two.

# shellcheck source=tests/vm/cases/lib/poison.sh
source "$TESTS/cases/lib/poison.sh"

OFFSET=$((256 * 1024 + PAGE))

# set_up FILESYSTEM STACK: $MNT with a file to go bad, and one that stays
set_up() {
	pmemfail_up
	DEV=$(fs_make "$1" "$2")
	file_make "$MNT/bad" 2
	file_make "$MNT/good" 1
	keep "$MNT/good"
	watched
}

three_victims() {
	victim bad reader "$MNT/bad"
	victim other --offset 1M --size 64K reader "$MNT/bad"
	victim good reader "$MNT/good"
}

# The file system is as it was but for the bad page.
case_still_works() {
	goes_on "$MNT"
	! dd if="$MNT/bad" of=/dev/null bs=$PAGE skip=$((OFFSET / PAGE)) count=1 status=none 2>/dev/null ||
		fault "the bad page can be read"
	sums_verify
	victims_end
	umount "$MNT" || fault "$MNT cannot be unmounted"
	kmsg_clean
}

case_mapped() {
	local start
	set_up "$1" "$2"
	three_victims
	start=$(now_ms)
	bad_file "$SOURCE" "$2" "$MNT/bad" "$OFFSET"
	told_at bad "$OFFSET"
	say "told $(($(now_ms) - start)) ms after it went bad"
	recorded handled "${DISK##*/}"
	recorded_file "$MNT/bad" "$OFFSET"
	recorded_victims "${VICTIM[bad]}"
	reads_all_but bad 1
	reads_all_but other 0
	reads_all_but good 0
	case_still_works
}

case_unmapped() {
	set_up "$1" raw
	exec {held}<"$MNT/bad"
	bad_file "$SOURCE" raw "$MNT/bad" "$OFFSET"
	recorded handled pmem0
	recorded_file "$MNT/bad" "$OFFSET"
	on_record '[.cases[].victims[]] | length == 0' "nobody was told"
	exec {held}<&-
	case_still_works
}

case_free() {
	local sector
	pmemfail_up_with RescanIntervalSec=5
	DEV=$(fs_make "$1" raw)
	file_make "$MNT/bad" 2
	sector=$(sector_of "$MNT/bad" "$OFFSET")
	# a hole in a file, for that is what the allocator fills with the page that was
	# there: next to what is before it. Nobody gets all free space: some is reserved.
	fallocate --punch-hole -o "$OFFSET" -l $PAGE "$MNT/bad"
	sync
	watched
	bad_sector "$SOURCE" raw "$sector"
	recorded pending pmem0
	on_record '.reason | test("free")' "that it is free space"
	# where ext4 puts what comes next is its own affair
	[[ $1 != ext4* ]] || return 0
	# in use, for some filesystems do not know owners
	exec {held}<"$MNT/bad"
	fallocate -o "$OFFSET" -l $PAGE "$MNT/bad"
	sync
	expect_eq "the sector of the page" "$(sector_of "$MNT/bad" "$OFFSET")" "$sector"
	recorded handled pmem0
	on_record "[.cases[].targets[] | select(.kind == \"file\" and .path == \"$MNT/bad\")] | length == 1" \
		"the file that has it now"
	expect_eq "failures" "$(failures pmem0)" 1
	exec {held}<&-
}

case_shared() {
	set_up "$1" raw
	[[ $(uname -r) != 6.1.* ]] || kmsg_expect 'WARNING: .* fs/dax\.c|Call Trace:'
	cp --reflink=always "$MNT/bad" "$MNT/twin"
	sync
	three_victims
	victim twin reader "$MNT/twin"
	bad_file "$SOURCE" raw "$MNT/bad" "$OFFSET"
	told_at bad "$OFFSET"
	told_at twin "$OFFSET"
	recorded handled pmem0
	recorded_file "$MNT/bad" "$OFFSET"
	recorded_file "$MNT/twin" "$OFFSET"
	on_record '[.cases[].targets[] | select(.kind == "file" and .shared)] | length == 2' "that it is shared"
	recorded_victims "${VICTIM[bad]}" "${VICTIM[twin]}"
	reads_all_but bad 1
	reads_all_but twin 1
	reads_all_but other 0
	case_still_works
}

# bad_metadata SECTOR ACTION KIND: what metadata leads to
bad_metadata() {
	three_victims
	site "$MNT"
	bad_sector "$SOURCE" raw "$1"
	# XFS hears of a machine check, shuts itself down, and answers nothing any more
	if [[ $SOURCE == mce ]]; then
		recorded unsupported pmem0
		on_record '.reason | test("shut down already")' "that it was shut down already"
		return 0
	fi
	recorded handled pmem0
	on_record "[.cases[].targets[] | select(.action == \"$2\")] | length > 0" "the action $2"
	recorded_kind "$3"
}

shut_down_well() {
	sites_check_state
	victims_end
	sites_umount
	kmsg_clean
}

case_directory() {
	local i
	set_up "$1" raw
	mkdir "$MNT/dir"
	for i in {1..300}; do : >"$MNT/dir/some-longer-name-$i"; done
	sync
	bad_metadata "$(xfs_bmap -v "$MNT/dir" | awk '$1 == "0:" { split($3, a, /\.\./); print a[1] }')" shutdown directory
	shut_down_well
}

# metadata_sector FILESYSTEM: of the second group, so that nothing else is near
metadata_sector() {
	case $1 in
	xfs*) xfs_info "$MNT" | sed -n 's/.*agsize=\([0-9]*\) blks.*/\1/p' | awk '{ print $1 * 8 }' ;;
	ext4*) dumpe2fs "$DEV" 2>/dev/null | awk '/^Group 1:/ { on = 1 }
		on && $2 == "bitmap" { print $4 * 8; exit }' ;;
	esac
}

# log_sector FILESYSTEM: of the middle of the log
log_sector() {
	local start blocks=()
	case $1 in
	xfs*)
		start=$(xfs_db -r -c 'sb 0' -c 'p logstart' "$DEV" | awk '{ print $3 }')
		xfs_db -r -c "convert fsblock $start daddr" "$DEV" | sed -n 's/.*(\([0-9]*\)).*/\1/p'
		;;
	ext4*)
		read -ra blocks < <(debugfs -R 'blocks <8>' "$DEV" 2>/dev/null)
		echo $((blocks[${#blocks[@]} / 2] * 8))
		;;
	esac
}

case_metadata() {
	set_up "$1" raw
	bad_metadata "$(metadata_sector "$1")" shutdown metadata
	shut_down_well
}

# The file that quota is kept in, which nobody can open.
case_quota() {
	local ino block sector
	set_up "$1" raw
	umount "$MNT"
	mount -o dax=always,uquota "$DEV" "$MNT"
	umount "$MNT"	# which writes what xfs_db is to see
	ino=$(xfs_db -r -c 'sb 0' -c 'p uquotino' "$DEV" | awk '{ print $3 }')
	block=$(xfs_db -r -c "inode $ino" -c bmap "$DEV" | awk '$2 == "offset" { print $5; exit }')
	sector=$(xfs_db -r -c "convert fsblock $block daddr" "$DEV" | sed -n 's/.*(\([0-9]*\)).*/\1/p')
	mount -o dax=always,uquota "$DEV" "$MNT"
	bad_metadata "$sector" shutdown metadata
	on_record "[.cases[].targets[] | select(.ino == $ino)] | length == 1" "its inode"
	shut_down_well
}

case_log() {
	set_up "$1" raw
	bad_metadata "$(log_sector "$1")" shutdown log
	shut_down_well
}

case_report-only() {
	pmemfail_conf Metadata=report
	set_up "$1" raw
	bad_metadata "$(metadata_sector "$1")" report metadata
	expect_sigbus bad 0
	goes_on "$MNT"
	sites_close
	victims_end
	umount "$MNT"
}

case_twice() {
	set_up "$1" raw
	three_victims
	bad_file "$SOURCE" raw "$MNT/bad" "$OFFSET"
	told_at bad "$OFFSET"
	recorded handled pmem0
	# what is known is no news
	bad_file "$SOURCE" raw "$MNT/bad" "$OFFSET"
	pmemfailctl replay pmem0
	sleep 2
	expect_sigbus bad 1
	expect_eq "failures" "$(failures pmem0)" 1
	# a page that is
	bad_file "$SOURCE" raw "$MNT/bad" $((OFFSET + 2 * PAGE))
	try_for 15 second_record || fault "the second page is not on record"
	expect_sigbus bad 2
	MAX_SIGBUS[bad]=2
	case_still_works
}

second_record() {
	(($(failures pmem0) == 2)) && failure_is handled pmem0
}

case_policy() {
	pmemfail_conf Signal=policy
	set_up "$1" raw
	VICTIM_VIA=("$TESTS/modtest-mce" early)
	victim early reader "$MNT/bad"
	VICTIM_VIA=("$TESTS/modtest-mce" late)
	victim late reader "$MNT/bad"
	VICTIM_VIA=()
	bad_file "$SOURCE" raw "$MNT/bad" "$OFFSET"
	told_at early "$OFFSET"
	recorded handled pmem0
	expect_sigbus late 0
	# unmapped all the same: it meets it at its next access
	victim_probe late
	try_for 30 probed_more late "${PROBES[late]}" || fault "late does not answer"
	has_line "$RUN/v-late" '^probe .* gone=1 ' || fault "late can still read it"
	case_still_works
}

case_cleared() {
	pmemfail_up_with RescanIntervalSec=5
	DEV=$(fs_make "$1" raw)
	file_make "$MNT/bad" 2
	watched
	bad_file "$SOURCE" raw "$MNT/bad" "$OFFSET"
	recorded handled pmem0
	umount "$MNT"
	pmemfailctl list --json | jq -c '.failures[]'
	# what was only written there is gone with the binding
	FAILURE=$(newest pmem0)
	unbind /dev/pmem0
	rebind /dev/pmem0
	wait_for 20 "the failure to be cleared" cleared "$FAILURE"
}

cleared() {
	[[ $(pmemfailctl show "$1" --json | jq -r .failure.state) == cleared ]]
}

case_devdax() {
	local node
	node=$(ns_make_devdax 1)
	pmemfail_up
	watched
	victim user --huge --size 4M reader "$node"
	victim spared --huge --size 2M --offset 16M reader "$node"
	pmemfailctl report dax1.0 $((2 << 20)) 4K
	told_at user $((2 << 20))
	recorded handled dax1.0
	recorded_victims "${VICTIM[user]}"
	expect_sigbus spared 0
	victims_end
}

case_run() {
	local what=$1
	shift
	"case_$what" "$@"
}
