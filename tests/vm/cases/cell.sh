# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: xfs:raw xfs:partition@6.12 xfs:dm@6.1 ext4:raw ext4:partition@6.1 ext4:dm@6.12 xfs-plain:raw@6.1 xfs-plain:partition@named xfs-reflink:raw ext4-nojournal:raw@6.12 xfs:striped@6.12 ext4:dm2@named
#
# cell FILESYSTEM STACK [stock]: the device goes while a file system on it is
# mounted and mapped, and everything ends well. With "stock", without pmemfail.

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

case_run() {
	local kind=$1 stack=$2 dev pids name
	STOCK=${3:-}

	pmemfail_up
	dev=$(fs_make "$kind" "$stack")
	for name in reader writer untouched ignore; do
		file_make "$MNT/$name" 4
	done
	mkdir "$MNT/dir"
	file_make "$MNT/dir/still" 2
	if [[ $kind == xfs-reflink ]]; then
		# 6.1 warns by itself when a second file faults in a shared page: its
		# dax_associate_entry() learnt of sharing by reads only in 6.2
		[[ $(uname -r) != 6.1.* ]] || kmsg_expect 'WARNING: .* fs/dax\.c|Call Trace:'
		cp --reflink=always "$MNT/reader" "$MNT/shared"
		victim shared reader "$MNT/shared"
	fi
	victim reader reader "$MNT/reader"
	victim writer writer "$MNT/writer"
	victim untouched untouched "$MNT/untouched"
	victim ignore ignore "$MNT/ignore"
	keep "$MNT/reader" "$MNT/writer" "$MNT/untouched" "$MNT/ignore" "$MNT/dir/still"
	site "$MNT"
	watched
	pids=("${VICTIM[@]}")

	removal /dev/pmem0
	say "unbind took $UNBIND_MS ms"
	recorded handled pmem0
	recorded_victims "${pids[@]}"

	returned "$stack"
	sums_check "$dev"
}
