# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: partitions:xfs:ext4@6.1 partitions:ext4:ext4@named devices:xfs:ext4@6.12 striped-other:xfs@6.1
#
# several WHAT FILESYSTEM FILESYSTEM: more than one of something.
#   partitions     two file systems on two partitions of a device that goes: who
#                  maps both is told once
#   devices        two devices go at the same time: who maps both is told of
#                  each at most once
#   striped-other  a file system over two devices, and it is the second that goes

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

A=$MNT/a
B=$MNT/b

populate() {
	file_make "$A/file" 2
	file_make "$B/file" 2
	keep "$A/file" "$B/file"
	victim a reader "$A/file"
	victim b reader "$B/file"
	victim both reader "$B/file" "$A/file"
	ANY_ADDRESS[both]=yes
	site "$A"
	site "$B"
}

both_mount() {
	mkdir -p "$A" "$B"
	mount_dax "$1" "$A"
	mount_dax "$2" "$B"
}

case_run_partitions() {
	part_make /dev/pmem0 50 >/dev/null
	wait_for 10 pmem0p2 test -b /dev/pmem0p2
	mkfs_as "$1" /dev/pmem0p1
	mkfs_as "$2" /dev/pmem0p2
	both_mount /dev/pmem0p1 /dev/pmem0p2
	populate
	watched
	local pids=("${VICTIM[@]}")

	removal /dev/pmem0
	recorded handled pmem0
	recorded_victims "${pids[@]}"
	returned partition
	wait_for 10 pmem0p2 test -b /dev/pmem0p2
	both_mount /dev/pmem0p1 /dev/pmem0p2
	sums_verify
	umount "$A" "$B"
}

case_run_devices() {
	local pids
	ns_make_fsdax 1 >/dev/null
	mkfs_as "$1" /dev/pmem0
	mkfs_as "$2" /dev/pmem1
	both_mount /dev/pmem0 /dev/pmem1
	populate
	# two failures: one signal for each, merged when both were pending
	MAX_SIGBUS[both]=2
	watched

	removal /dev/pmem0 /dev/pmem1
	recorded handled pmem0
	recorded handled pmem1
	rebind /dev/pmem0
	rebind /dev/pmem1
	both_mount /dev/pmem0 /dev/pmem1
	sums_verify
	umount "$A" "$B"
}

case_run_striped-other() {
	local dev pids
	dev=$(fs_make "$1" striped)
	file_make "$MNT/file" 8
	keep "$MNT/file"
	victim one reader "$MNT/file"
	site "$MNT"
	watched
	pids=("${VICTIM[@]}")

	removal /dev/pmem1
	recorded handled pmem1
	recorded_victims "${pids[@]}"
	dmsetup remove --retry test
	rebind /dev/pmem1
	dm_striped test /dev/pmem0 /dev/pmem1 >/dev/null
	sums_check "$dev"
}

case_run() {
	local what=$1
	shift
	pmemfail_up
	ns_make_fsdax 0 >/dev/null
	"case_run_$what" "$@"
	kmsg_clean
}
