# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: nondax:xfs@6.1 nondax:ext4@named raw-namespace:xfs@6.12 raw-namespace:ext4@named pinned:xfs pinned:ext4@6.12
#
# other WHAT FILESYSTEM: file systems that are used otherwise than usual.
#   nondax         mounted without DAX: shut down in good order, told nobody
#   raw-namespace  on a namespace without info block, bound as namespace0.0: no DAX
#   pinned         a direct read into the mapping is pending when it goes

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

case_run_nondax() {
	local dev
	dev=$(ns_make_fsdax 0)
	mkfs_as "$1" "$dev"
	mkdir -p "$MNT"
	mount -o dax=never "$dev" "$MNT" 2>/dev/null || mount "$dev" "$MNT"
	file_make "$MNT/file" 2
	keep "$MNT/file"
	site "$MNT"
	watched

	removal "$dev"
	recorded handled pmem0
	returned raw
	sums_check "$dev"
}

# With labels such a namespace has no DAX; without, see legacy.sh.
case_run_raw-namespace() {
	local dev
	dev=$(ns_make_raw 0)
	expect_eq "bound device" "$(nd_of "$dev")" namespace0.0
	mkfs_as "$1" "$dev"
	mkdir -p "$MNT"
	mount "$dev" "$MNT"
	file_make "$MNT/file" 2
	keep "$MNT/file"
	site "$MNT"
	watched

	removal "$dev"
	recorded handled pmem0
	rebind "$dev"
	mount "$dev" "$MNT"
	sums_verify
	umount "$MNT"
	ns_make_fsdax 0 >/dev/null
}

# A disk that answers no read until it is resumed.
slow_disk() {
	modprobe brd rd_nr=1 rd_size=65536
	wait_for 10 /dev/ram0 test -b /dev/ram0
	echo "0 131072 linear /dev/ram0 0" | dmsetup create slow
	wait_for 10 /dev/mapper/slow test -b /dev/mapper/slow
	udevadm settle
	dmsetup suspend --noflush slow
}

case_run_pinned() {
	local dev pids resumer
	dev=$(fs_make "$1" raw)
	slow_disk
	file_make "$MNT/file" 2
	file_make "$MNT/still" 2
	keep "$MNT/still"
	victim pin --source /dev/mapper/slow pin "$MNT/file"
	victim still reader "$MNT/still"
	site "$MNT"
	watched
	pids=("${VICTIM[@]}")
	wait_for 10 "pending read" has_line "$RUN/v-pin" '^reading'
	wait_for 10 "pending read" pin_waits

	# the read goes on some time after the unbind has begun
	(sleep 3 && dmsetup resume slow) &
	resumer=$!
	unbind_bounded "$dev"
	has_line "$RUN/v-pin" '^read n=' ||
		fault "the unbind went on while pages were pinned (it took $UNBIND_MS ms)"
	expect_ok wait "$resumer"
	removal_judge
	recorded handled pmem0
	recorded_victims "${pids[@]}"
	returned raw
	sums_check "$dev"
	dmsetup remove --retry slow
}

# A thread of it sleeps in the read.
pin_waits() {
	grep -qs '^0 ' /proc/"${VICTIM[pin]}"/task/*/syscall
}

case_run() {
	local what=$1
	shift
	pmemfail_up
	"case_run_$what" "$@"
}
