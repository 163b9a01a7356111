# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: crypt@6.1 md@6.12 swap@6.12
#
# holders WHAT: something that pmemfail cannot follow uses the device. The unbind
# is not held up by it, and the record says unsupported and names it.

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

hold_by_crypt() {
	local key
	key=$(printf 'ab%.0s' {1..64})
	echo "0 $(blockdev --getsz /dev/pmem0) crypt aes-xts-plain64 $key 0 /dev/pmem0 0" |
		dmsetup create secret
	wait_for 10 /dev/mapper/secret test -b /dev/mapper/secret
	mkfs_as ext4 /dev/mapper/secret
	mkdir -p "$MNT"
	mount /dev/mapper/secret "$MNT"
	HOLDER='crypt'
}

drop_crypt() {
	bounded 30 umount "$MNT" || fault "umount fails or hangs"
	dmsetup remove --retry secret
}

hold_by_md() {
	ns_make_fsdax 1 >/dev/null
	mdadm --build /dev/md0 --level=0 --chunk=64 --raid-devices=2 /dev/pmem0 /dev/pmem1
	wait_for 10 /dev/md0 test -b /dev/md0
	HOLDER='md'
}

drop_md() {
	mdadm --stop /dev/md0
}

hold_by_swap() {
	mkswap /dev/pmem0 >/dev/null
	swapon /dev/pmem0
	HOLDER='swap'
}

# Nobody can open the device any more to swapoff it.
drop_swap() {
	guest_spoiled "swap on a device that is gone"
}

case_run() {
	local what=$1
	pmemfail_up
	ns_make_fsdax 0 >/dev/null
	"hold_by_$what"
	watched
	wait_for 10 "$HOLDER in an assessment" assessed

	unbind_bounded /dev/pmem0
	((UNBIND_MS < 10000)) || fault "the unbind took $UNBIND_MS ms"
	recorded unsupported pmem0
	expect_match "reason" "$(jq -r .reason "$RUN/failure")" "$HOLDER"
	expect_eq "kind of site" "$(jq -r '.cases[0].site.kind' "$RUN/failure")" holder
	"drop_$what"
	kmsg_clean
}

assessed() {
	pmemfailctl assess pmem0 --json |
		jq -e --arg h "$HOLDER" 'any(.assessment.cases[]; .site.holder == $h)' >/dev/null
}
