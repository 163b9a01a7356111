# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# append: memmap=384M!1G
#
# poison-cleared: the range has been written anew, and with that cleared, between the
# event and its handling: nobody is told, nothing is on record; when it goes bad again
# it is news. On memory set aside by memmap=, where writing clears (see hooks-restore).

# shellcheck source=tests/vm/cases/lib/poison.sh
source "$TESTS/cases/lib/poison.sh"

OFFSET=$((256 * 1024))

stopped() {
	[[ $(proc_state "$MAIN_PID") == T ]]
}

case_run() {
	local dev sector
	dev=$(ns_set_aside)
	pmemfail_up
	mkfs_as xfs "$dev"
	mount_dax "$dev"
	file_make "$MNT/bad" 2
	keep "$MNT/bad"
	cp "$MNT/bad" "$RUN/backup"
	victim bad reader "$MNT/bad"
	watched
	sector=$(sector_of "$MNT/bad" "$OFFSET")
	MAIN_PID=$(systemctl show -P MainPID pmemfaild.service)

	kill -STOP "$MAIN_PID"
	wait_for 5 "stop of the daemon" stopped
	badblocks_add "$dev" "$sector" 8
	dd if="$RUN/backup" of="$MNT/bad" bs=$PAGE skip=$((OFFSET / PAGE)) seek=$((OFFSET / PAGE)) \
		count=1 conv=notrunc,fsync oflag=direct status=none
	expect_eq "list" "$(<"/sys/block/${dev##*/}/badblocks")" ""
	kill -CONT "$MAIN_PID"
	sleep 2
	expect_eq "failures" "$(failures "${dev##*/}")" 0
	reads_all_but bad 0

	badblocks_add "$dev" "$sector" 8
	told_at bad "$OFFSET"
	recorded handled "${dev##*/}"
	expect_eq "failures" "$(failures "${dev##*/}")" 1
	victims_end
	umount "$MNT"
	kmsg_clean
}
