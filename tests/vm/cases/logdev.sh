# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: pmem@6.12
#
# By name also disk; every check has time for these only.
#
# logdev DATA: the device goes that is the log of an XFS, whose data is on another
# pmem device (mapped there), or on a disk that pmemfail has nothing to do with.

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

case_run() {
	local data log geometry=() pids
	pmemfail_up
	log=$(ns_make_fsdax 0)
	if [[ $1 == pmem ]]; then
		data=$(ns_make_fsdax 1)
		geometry=(-d 'su=2m,sw=1')
	else
		truncate -s 400M /var/tmp/data
		data=$(losetup -f --show /var/tmp/data)
	fi
	mkfs.xfs -q -f -m reflink=0 "${geometry[@]}" -l "logdev=$log,size=64m" "$data"
	mount_with_log "$1" "$data" "$log"
	file_make "$MNT/file" 4
	keep "$MNT/file"
	site "$MNT"
	[[ $1 != pmem ]] || victim reader reader "$MNT/file"
	watched
	pids=("${VICTIM[@]}")

	removal "$log"
	recorded handled pmem0
	recorded_victims "${pids[@]}"
	jq -e '[.cases[].site | select(.role == "log")] | length == 1' "$RUN/failure" >/dev/null ||
		fault "the record does not say that it was the log"

	rebind "$log"
	mount_with_log "$1" "$data" "$log"
	sums_verify
	umount "$MNT"
	[[ $1 == pmem ]] || losetup -d "$data"
	rm -f /var/tmp/data
	kmsg_clean
}

mount_with_log() {
	local options="logdev=$3"
	[[ $1 != pmem ]] || options+=",dax=always"
	mkdir -p "$MNT"
	mount -t xfs -o "$options" "$2" "$MNT"
}
