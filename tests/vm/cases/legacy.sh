# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: xfs ext4
# named: needs a guest of its own: tests/vm/run --append 'memmap=256M!1G' legacy
#
# legacy FILESYSTEM: a DAX file system on a namespace without labels or info
# block, as memmap= and virtio-pmem make it: it is the namespace itself that is
# bound. Needs a guest with such memory (--append 'memmap=256M!1G').

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

case_run() {
	local disk dev='' pids
	modprobe nd_e820 2>/dev/null || true
	for disk in /sys/block/pmem*; do
		[[ $(readlink -f "$disk") == *e820_pmem* ]] && dev=/dev/${disk##*/}
	done
	[[ $dev ]] || skip "no memory is set aside by memmap="
	expect_match "bound device" "$(nd_of "$dev")" '^namespace'
	pmemfail_up
	mkfs_as "$1" "$dev"
	mount_dax "$dev"
	file_make "$MNT/file" 2
	keep "$MNT/file"
	victim reader reader "$MNT/file"
	victim private private "$MNT/file"
	site "$MNT"
	watched
	pids=("${VICTIM[@]}")

	removal "$dev"
	recorded handled "${dev##*/}"
	recorded_victims "${pids[@]}"
	rebind "$dev"
	sums_check "$dev"
}
