# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: freeze-late:xfs freeze-late:ext4@6.12 frozen-before:xfs@6.1 frozen-before:ext4@named store-full@6.1 store-readonly@6.12
#
# failsafe WHAT: something that pmemfail needs is not to be had, and the rescue
# ends well all the same.
#   freeze-late    the freeze does not succeed within its time
#   frozen-before  somebody else has frozen the file system
#   store-full, store-readonly  nothing can be recorded: the journal says so

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

STORE=/var/lib/pmemfail

prepare() {
	DEV=$(fs_make "$1" raw)
	file_make "$MNT/file" 2
	keep "$MNT/file"
	victim reader reader "$MNT/file"
	victim untouched untouched "$MNT/file"
	site "$MNT"
	watched
	PIDS=("${VICTIM[@]}")
}

back() {
	returned raw
	sums_check "$DEV"
}

# More dirty pages than can be written back in the least time allowed.
case_run_freeze-late() {
	pmemfail_up_with FreezeTimeoutSec=100ms
	prepare "$1"
	fallocate -l 300M "$MNT/dirty"
	victim dirty dirty "$MNT/dirty"
	PIDS+=("${VICTIM[dirty]}")
	removal "$DEV"
	recorded handled pmem0
	recorded_victims "${PIDS[@]}"
	say "frozen $(jq '.cases[0].outcome.frozen_ns' "$RUN/failure") ns"
	expect_eq "deadline missed" "$(jq '.cases[0].outcome.freeze_late' "$RUN/failure")" true
	back
}

case_run_frozen-before() {
	pmemfail_up
	prepare "$1"
	fsfreeze -f "$MNT"
	removal "$DEV"
	recorded handled pmem0
	recorded_victims "${PIDS[@]}"
	back
}

# Nothing on record, but green, and said so where the administrator looks.
unrecorded() {
	removal "$DEV"
	wait_for 10 "complaint about the store" complained
	systemctl -q is-active pmemfaild.service || fault "the daemon has ended"
	say "journal: $(journal_since -o cat | grep 'cannot be recorded' | tail -n 1)"
	back
}

# Without a filter of journalctl's: behind a cursor it passes over the first entry
# that matches one (journalctl.c: sd_journal_next_skip(j, 1 + !!arg_after_cursor)).
complained() {
	journal_since -o cat | grep 'cannot be recorded' >/dev/null
}

# store_on OPTIONS: a file system of its own, which goes when the case ends.
store_on() {
	mkdir -p "$STORE"
	mount -t tmpfs -o "$1" store "$STORE"
	trap 'systemctl stop pmemfaild.service; umount "$STORE"' EXIT
}

case_run_store-full() {
	store_on size=256k
	pmemfail_up
	prepare xfs
	dd if=/dev/zero of="$STORE/filler" bs=4k status=none 2>/dev/null || true
	unrecorded
}

case_run_store-readonly() {
	store_on ro
	pmemfail_up
	prepare ext4
	unrecorded
}

case_run() {
	local what=$1
	shift
	"case_run_$what" "$@"
}
