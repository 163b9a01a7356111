# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: xfs@6.1 ext4@6.12
# append: memmap=384M!1G
#
# legacy FILESYSTEM: a DAX file system on a namespace without labels or info
# block, as memmap= and virtio-pmem make it: it is the namespace itself that is
# bound.

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

case_run() {
	local dev pids
	dev=$(ns_set_aside)
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
