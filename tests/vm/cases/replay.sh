# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: mount:ext4 namespace:xfs@6.12 daemon:xfs@6.1 ended:xfs@6.1 rebound:raw@6.12 module:xfs@6.12 kept:xfs@6.1 reboot:xfs@6.12
# timeout: 240
#
# By name also mount:xfs request:xfs; every check has time for these only.
#
# replay WHEN FILESYSTEM: what went bad when nobody could be told is handled when
# somebody can be, and what was handled is not announced again:
#   mount      a file system is mounted there
#   namespace  the same in another mount namespace only
#   daemon     the daemon starts
#   ended      the daemon starts: it had ended as it was told to, and the page's failure
#              is in no list of bad blocks
#   rebound    it was unbound and at once bound again: its new list is watched
#   module     the module is loaded
#   request    pmemfailctl replay, with no daemon
#   kept       handled before a restart: nobody is told twice, nothing is new
#   reboot     handled before a power cut: known after it; what the kernel has lost
#              the list of is cleared or marked again, never announced as new

# shellcheck source=tests/vm/cases/lib/poison.sh
source "$TESTS/cases/lib/poison.sh"

OFFSET=$((256 * 1024 + PAGE))
SCRATCH=/dev/disk/by-id/virtio-scratch

set_up() {
	DEV=$(fs_make "$1" raw)
	file_make "$MNT/bad" 2
	file_make "$MNT/good" 1
	keep "$MNT/good"
}

one_record() {
	expect_eq "failures" "$(failures pmem0)" 1
}

ends_well() {
	reads_all_but bad 1
	expect_sigbus good 0
	one_record
	victims_end
	goes_on "$MNT"
	sums_verify
	umount "$MNT"
	kmsg_clean
}

map_files() {
	victim bad reader "$MNT/bad"
	victim good reader "$MNT/good"
}

# bad_unmounted FILESYSTEM: it goes bad while nothing is mounted there
bad_unmounted() {
	local sector
	pmemfail_up_with RescanIntervalSec=5
	set_up "$1"
	watched
	sector=$(sector_of "$MNT/bad" "$OFFSET")
	umount "$MNT"
	bad_sector latent raw "$sector"
	recorded pending pmem0
}

case_mount() {
	bad_unmounted "$1"
	on_record '.reason | test("mounted")' "that nothing is mounted"
	mount_dax "$DEV"
	if [[ $1 == xfs ]]; then
		recorded handled pmem0
		recorded_file "$MNT/bad" "$OFFSET" unused
	else
		# ext4 does not say whose it is until somebody uses the file
		exec {held}<"$MNT/bad"
		try_for 20 known_file "$MNT/bad" || fault "the file is not found when it is open"
		exec {held}<&-
	fi
	one_record
	goes_on "$MNT"
	sums_verify
	umount "$MNT"
}

known_file() {
	failure_is handled pmem0 || return 1
	pmemfailctl show "$FAILURE" --json |
		jq -e --arg p "$1" '[.failure.cases[].targets[] | select(.path == $p)] | length == 1' >/dev/null
}

case_namespace() {
	bad_unmounted "$1"
	VICTIM_VIA=(unshare -m sh -c "mount -o dax=always $DEV $MNT && exec \"\$@\"" sh)
	victim elsewhere --offset 1M --size 64K reader "$MNT/bad"
	VICTIM_VIA=()
	try_for 25 failure_is handled pmem0 || fault "it was not found in the other namespace"
	recorded handled pmem0
	on_record '[.cases[].targets[] | select(.kind == "file" and .step.state == "done")] | length == 1' \
		"the file in the other namespace"
	expect_sigbus elsewhere 0
	one_record
	victims_end
}

case_daemon() {
	modprobe pmemfail
	set_up "$1"
	map_files
	bad_file latent raw "$MNT/bad" "$OFFSET"
	sleep 1
	expect_sigbus bad 0
	pmemfail_up
	told_at bad "$OFFSET"
	recorded handled pmem0
	recorded_file "$MNT/bad" "$OFFSET"
	ends_well
}

case_ended() {
	pmemfail_up
	set_up "$1"
	watched
	systemctl stop pmemfaild.service
	bad_file failure raw "$MNT/bad" "$OFFSET"
	sleep 1
	expect_eq "bad blocks" "$(</sys/block/pmem0/badblocks)" ""
	systemctl start pmemfaild.service
	recorded handled pmem0
	recorded_file "$MNT/bad" "$OFFSET" unused
	one_record
	goes_on "$MNT"
	sums_verify
	umount "$MNT"
}

case_rebound() {
	pmemfail_up
	DEV=$(ns_make_fsdax 0)
	watched
	unbind "$DEV"
	rebind "$DEV"
	watched
	# until the lists have been read for the bind itself
	sleep 2
	badblocks_add "$DEV" 65536 8
	try_for 10 bad_pages 1 || fault "the new list is not watched"
	badblocks_add "$DEV" 131072 8
	try_for 10 bad_pages 2 || fault "the new list is not watched any more"
}

bad_pages() {
	(($(pmemfailctl list --json | jq '[.failures[] | select(.kind == "poison") | .ranges[] |
		.end - .start] | add // 0') == $1 * PAGE))
}

case_module() {
	expect_ok systemctl start pmemfaild.service
	[[ ! -d /sys/module/pmemfail ]] || { systemctl stop pmemfaild; rmmod pmemfail; systemctl start pmemfaild; }
	set_up "$1"
	map_files
	bad_file latent raw "$MNT/bad" "$OFFSET"
	try_for 15 not_handled || fault "nothing on record without the module, or too much"
	expect_sigbus bad 0
	modprobe pmemfail
	told_at bad "$OFFSET"
	recorded handled pmem0
	ends_well
}

# Without the module it is on record, and not as done.
not_handled() {
	FAILURE=$(newest pmem0) && [[ $FAILURE ]] &&
		pmemfailctl show "$FAILURE" --json | jq -e '.failure.state | IN("unsupported", "failed", "pending")' >/dev/null
}

case_request() {
	modprobe pmemfail
	set_up "$1"
	map_files
	# the daemon sees it, and cannot do anything
	rmmod pmemfail
	systemctl start pmemfaild.service
	bad_file latent raw "$MNT/bad" "$OFFSET"
	try_for 15 not_handled || fault "it is not on record"
	systemctl stop pmemfaild.service
	modprobe pmemfail
	expect_ok pmemfailctl replay pmem0
	told_at bad "$OFFSET"
	recorded handled pmem0
	ends_well
}

case_kept() {
	pmemfail_up
	set_up "$1"
	watched
	map_files
	bad_file latent raw "$MNT/bad" "$OFFSET"
	told_at bad "$OFFSET"
	recorded handled pmem0
	systemctl restart pmemfaild.service
	pmemfailctl replay
	rmmod pmemfail 2>/dev/null || true
	sleep 2
	ends_well
}

# The store lives on the disk that survives.
case_reboot() {
	if ((BOOT == 1)); then
		mkfs.ext4 -q "$SCRATCH"
	fi
	mkdir -p /var/lib/pmemfail
	mount "$SCRATCH" /var/lib/pmemfail
	trap 'systemctl stop pmemfaild.service; umount /var/lib/pmemfail' EXIT
	if ((BOOT == 1)); then
		pmemfail_up
		set_up "$1"
		watched
		map_files
		bad_file latent raw "$MNT/bad" "$OFFSET"
		told_at bad "$OFFSET"
		recorded handled pmem0
		# and one that we wrote ourselves
		expect_ok pmemfailctl report pmem0 $(($(sector_of "$MNT/bad" $((1 << 20))) * 512)) 4K
		expect_eq "failures" "$(failures pmem0)" 2
		sync
		powercut
	fi
	pmemfail_up
	mount_dax "$(ns_make_fsdax 0)"
	wait_for 20 "the scrub's one to be cleared" states cleared 1
	wait_for 20 "ours to stand" states handled 1
	wait_for 20 "our mark in the list again" grep -q . /sys/block/pmem0/badblocks
	expect_eq "failures" "$(failures pmem0)" 2
	sha256sum "$MNT/good" >/dev/null || fault "a good file cannot be read"
	umount "$MNT"
}

states() {
	[[ $(pmemfailctl list --json | jq --arg s "$1" '[.failures[] | select(.state == $s)] | length') == "$2" ]]
}

case_run() {
	local what=$1
	shift
	"case_$what" "$@"
}
