# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: ranges@6.12 spa:raw@named spa:partition@6.12 spa:dm@named spa:striped@6.12 corrupt@6.1 future@6.12 hooks@6.1 reload@6.12
#
# bad-input WHAT: what others hand in is judged before it is believed
#   ranges   reports outside the device, empty, beyond 2^64, of no region
#   spa      pmemfailctl report --spa: the address by what /sys says of the stack
#   corrupt  the record is damaged: kept aside, said, made anew from badblocks
#   future   the same with one of a later version
#   hooks    hooks of every wrong kind: refused or ended, with the reason on record
#   reload   malformed settings at a reload: the old ones stay in force

# shellcheck source=tests/vm/cases/lib/poison.sh
source "$TESTS/cases/lib/poison.sh"

OFFSET=$((256 * 1024))
STORE=/var/lib/pmemfail/failures.db
HOOKS=/etc/pmemfail/hooks.d

set_up() {
	pmemfail_up
	fs_make xfs "${1:-raw}" >/dev/null
	file_make "$MNT/bad" 2
	watched
}

# refused STATUS ARGUMENT...: with one line that says why
refused() {
	local want=$1 status=0
	shift
	pmemfailctl report "$@" >"$RUN/answer" 2>"$RUN/error" || status=$?
	[[ $status == "$want" ]] ||
		die "report $* ends with $status, not $want: $(<"$RUN/error")"
	[[ -s $RUN/error ]] || die "report $* says nothing"
}

case_ranges() {
	local size
	set_up
	size=$(($(</sys/class/block/pmem0/size) * 512))
	refused 2 pmem0 "$size" 4K
	refused 2 pmem0 $((size - 4096)) 8K
	refused 2 pmem0 0 0
	refused 2 pmem0 0 18446744073709551616
	refused 2 pmem0 18446744073709551616 4K
	refused 2 pmem0 18446744073709551615 4K
	refused 2 pmem0 4K 18446744073709551615
	refused 2 pmem0 -1 4K
	refused 2 --spa 0xffffffffffffffff 4K
	refused 2 --spa 0x1000 0
	refused 4 --spa 0x1000 4K
	refused 4 --spa 0x7fffffff0000 4K
	expect_eq "failures" "$(pmemfailctl list --quiet | wc -l)" 0
	# the namespace's own page: known, and nothing can be done
	refused 6 --spa "$(<"$ND/devices/namespace0.0/resource")" 4K
	expect_ok grep -q "info block" "$RUN/error"
	expect_eq "marked" "$(</sys/block/pmem0/badblocks)" ""
	goes_on "$MNT"
}

case_spa() {
	local stack=$1 spa at
	set_up "$stack"
	victim bad reader "$MNT/bad"
	on_disk "$stack" "$(sector_of "$MNT/bad" "$OFFSET")"
	spa=$(spa_of "$DISK" "$AT") at=$((AT * 512))
	expect_ok pmemfailctl report --spa "$spa" 4K
	told_at bad "$OFFSET"
	recorded handled "${DISK##*/}"
	recorded_file "$MNT/bad" "$OFFSET"
	on_record ".ranges == [{\"start\": $at, \"end\": $((at + PAGE))}]" "byte $at of $DISK"
	expect_ok has_line "/sys/block/${DISK##*/}/badblocks" "^$AT 8\$"
	victims_end
	goes_on "$MNT"
}

# store_replaced HOW: the daemon finds the record so at its start
store_replaced() {
	set_up
	bad_file latent raw "$MNT/bad" "$OFFSET"
	recorded handled pmem0
	systemctl stop pmemfaild.service
	"$1"
	journal_mark
	systemctl start pmemfaild.service
	watched
	recorded handled pmem0
	recorded_file "$MNT/bad" "$OFFSET"
	expect_eq "failures" "$(failures pmem0)" 1
	compgen -G "$STORE.corrupt-*" >/dev/null || fault "the old record is not kept aside"
	journal_since -u pmemfaild -o cat | grep -F "$STORE.corrupt-" >/dev/null ||
		fault "the journal does not name what was kept aside"
	goes_on "$MNT"
}

# doctor_says CODE: while no daemon has put it right
doctor_says() {
	pmemfailctl doctor --json >"$RUN/doctor" || true
	jq -e --arg c "$1" 'any(.findings[]; .code == $c)' "$RUN/doctor" >/dev/null ||
		fault "doctor does not find $1"
}

damage() {
	dd if=/dev/urandom of="$STORE" bs=4096 count=2 conv=notrunc status=none
	doctor_says record-unreadable
}

make_later() {
	sqlite3 "$STORE" 'PRAGMA user_version = 99'
	doctor_says record-unreadable
}

case_corrupt() {
	store_replaced damage
}

case_future() {
	store_replaced make_later
}

hook() {
	cat >"$HOOKS/$1"
	chmod 755 "$HOOKS/$1"
}

# the hook's result on record: hook_was NAME JQ-CONDITION
hook_was() {
	on_record ".hooks[] | select(.name == \"$1\") | $2" "that $1 was: $2"
}

has_hooks() {
	FAILURE=$(newest pmem0) && [[ $FAILURE ]] || return 1
	pmemfailctl show "$FAILURE" --json | jq .failure >"$RUN/failure"
	jq -e --argjson n "$1" '.hooks | length == $n' "$RUN/failure" >/dev/null
}

case_hooks() {
	local ran='touch /run/pmemfail-test/ran'
	mkdir -p "$HOOKS"
	hook 10-dies <<<$'#!/bin/sh\nkill -SEGV $$'
	hook 20-loud <<<$'#!/bin/sh\nhead -c 20M /dev/zero | tr "\\0" x\nhead -c 1M /dev/urandom\nexit 0'
	hook 30-plain <<<$'#!/bin/sh\n'"$ran"
	chmod 644 "$HOOKS/30-plain"
	hook ../elsewhere <<<$'#!/bin/sh\n'"$ran"
	ln -s ../elsewhere "$HOOKS/40-link"
	mkdir "$HOOKS/50-directory"
	head -c 4096 /dev/zero | hook 60-nothing
	hook 70-good <<<$'#!/bin/sh\nexit 0'
	set_up
	bad_file latent raw "$MNT/bad" "$OFFSET"
	recorded handled pmem0
	wait_for 30 "the hooks' results" has_hooks 7
	jq -c '.hooks[]' "$RUN/failure"
	hook_was 10-dies '.status != 0'
	hook_was 20-loud '.status == 0'
	hook_was 30-plain '.why | test("executable")'
	hook_was 40-link '.why | test("symbolic link")'
	hook_was 50-directory '.why | test("regular file")'
	hook_was 60-nothing '.status != 0'
	hook_was 70-good '.status == 0'
	[[ ! -e $RUN/ran ]] || fault "a hook that must be refused was run"
	goes_on "$MNT"
}

settings_refused() {
	journal_mark
	! systemctl reload pmemfaild.service 2>/dev/null || true
	try_for 10 said_why || fault "the journal does not name file and line of '$1'"
	systemctl -q is-active pmemfaild.service || fault "the daemon has ended by '$1'"
}

said_why() {
	sync_journal
	journal_since -u pmemfaild -o cat | grep -E "test\.conf:[0-9]+: " >/dev/null
}

case_reload() {
	local line pid
	pmemfail_conf Signal=none
	set_up
	pid=$(systemctl show -P MainPID pmemfaild.service)
	for line in 'HoldTimeoutSec=never' 'Freeze=perhaps' 'nonsense'; do
		pmemfail_conf "Signal=all" "$line"
		settings_refused "$line"
	done
	expect_eq "the daemon" "$(systemctl show -P MainPID pmemfaild.service)" "$pid"
	# by the settings that it had: unmapped, and not told
	victim bad reader "$MNT/bad"
	bad_file latent raw "$MNT/bad" "$OFFSET"
	# without which the tool says, as the daemon did, what is wrong; nobody reads it yet
	pmemfail_conf Signal=all
	recorded handled pmem0
	expect_sigbus bad 0
	expect_ok systemctl reload pmemfaild.service
	watched
	bad_file latent raw "$MNT/bad" $((OFFSET * 2))
	told_at bad $((OFFSET * 2))
	victims_end
	goes_on "$MNT"
}

case_run() {
	local what=$1
	shift
	"case_$what" "$@"
}
