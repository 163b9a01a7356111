# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: mapped:xfs:raw mapped:xfs:striped@6.12 metadata:xfs@6.12 unmounted:xfs@6.1 infoblock:xfs@6.12
# timeout: 180
# cpu: Skylake-Server-v4
#
# By name also mapped:ext4:raw mapped:xfs:STACK unmapped:xfs free:xfs
# shared:xfs-reflink log:xfs; every check has time for these only.
#
# poison-mce WHAT FILESYSTEM [STACK]: the same as poison.sh by a real machine check,
# of which the kernel tells nobody but whoever touched it; and
#   unmounted  nothing is mounted there; then it is
#   infoblock  the namespace's own page: no file system's affair

# shellcheck disable=SC2034 # for the stories
SOURCE=mce
# shellcheck source=tests/vm/cases/lib/poison-stories.sh
source "$TESTS/cases/lib/poison-stories.sh"

case_unmounted() {
	local sector
	set_up "$1" raw
	sector=$(sector_of "$MNT/bad" "$OFFSET")
	umount "$MNT"
	bad_sector mce raw "$sector"
	recorded pending pmem0
	mount_dax "$DEV"
	recorded handled pmem0
	recorded_file "$MNT/bad" "$OFFSET" unused
	expect_eq "failures" "$(failures pmem0)" 1
	case_still_works
}

case_infoblock() {
	local base name
	set_up "$1" raw
	three_victims
	base=$(<"$ND/devices/namespace0.0/resource")
	host_hmp mce -b 0 9 0xbd000000000000c0 0x5 "$base" 0x8c
	recorded unsupported pmem0
	on_record '.reason | test("info block")' "that it is the namespace's own page"
	for name in "${!VICTIM[@]}"; do
		expect_sigbus "$name" 0
	done
	goes_on "$MNT"
}
