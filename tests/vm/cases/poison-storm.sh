# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: events:xfs full:xfs removal:xfs
# timeout: 600
# named: it is not seen green yet
#
# poison-storm WHAT FILESYSTEM: more than anybody can look at
#   events   100 000 reports of single pages in random order over 64 MiB while a load
#            runs, with a SIGKILL of the daemon in the middle: the record covers exactly
#            the union, no mapper is told twice for one failure, memory stays small
#   full     the kernel's list of 512 entries is filled, twice
#   removal  the device goes in the middle of a storm

# shellcheck source=tests/vm/cases/lib/poison.sh
source "$TESTS/cases/lib/poison.sh"

SPAN=$((64 << 20))

set_up() {
	pmemfail_up_with RescanIntervalSec=5
	DEV=$(fs_make "$1" raw)
	fallocate -l 128M "$MNT/big"
	dd if=/dev/zero of="$MNT/big" bs=1M count=128 conv=notrunc,fsync status=none
	file_make "$MNT/good" 1
	keep "$MNT/good"
	mkdir "$MNT/load"
	victim big reader "$MNT/big"
	victim good reader "$MNT/good"
	watched
}

daemon_kib() {
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$(systemctl show -P MainPID pmemfaild.service)/status"
}

# how many bytes of the device are on record as bad
bytes_on_record() {
	local id
	for id in $(pmemfailctl list --json | jq -r '.failures[] | select(.kind == "poison") | .id'); do
		pmemfailctl show "$id" --json | jq -r '.failure.ranges[] | "\(.start) \(.end)"'
	done | sort -n | awk '{ if ($1 < end) $1 = end; if ($2 > $1) { sum += $2 - $1; end = $2 } }
		END { printf "%d\n", sum }'
}

covers() {
	(($(bytes_on_record) == $1))
}

settled() {
	[[ $(pmemfailctl list --json | jq '[.failures[] | select(.state == "handled" | not)] | length') == 0 ]]
}

# At most once for each failure.
told_enough() {
	local failures
	failures=$(failures pmem0)
	(($(victim_sigbus big) >= 1)) || fault "big was told nothing"
	(($(victim_sigbus big) <= failures)) ||
		fault "big was told $(victim_sigbus big) times for $failures failures"
	expect_sigbus good 0
}

storm_begin() {
	local spa
	spa=$(spa_of "$DEV" "$(sector_of "$MNT/big" 0)")
	background "$TESTS/badstorm" "$spa" "$SPAN" "$1" 7 >"$RUN/badstorm"
	STORM_PID=$BG_PID
	background "$TESTS/fsstorm" --status "$RUN/storm" --procs 2 "$MNT/load"
	LOAD_PID=$BG_PID
}

storm_ended() {
	try_for 300 gone "$STORM_PID" || fault "the storm does not end"
	kill "$LOAD_PID" 2>/dev/null || true
	has_line "$RUN/badstorm" '^hit' || fault "the storm broke off"
	HIT=$(sed -n 's/^hit //p' "$RUN/badstorm")
}

case_events() {
	local most=0 kib
	set_up "$1"
	storm_begin 100000
	sleep 5
	kill -KILL "$(systemctl show -P MainPID pmemfaild.service)"
	wait_for 20 "restarted daemon" systemctl -q is-active pmemfaild.service
	while ! gone "$STORM_PID"; do
		kib=$(daemon_kib) && [[ $kib ]] && ((kib <= most)) || most=${kib:-$most}
		sleep 0.5
	done
	storm_ended
	try_for 120 covers $((HIT * PAGE)) ||
		fault "on record: $(bytes_on_record) bytes, should be $((HIT * PAGE))"
	wait_for 120 "all handled" settled
	told_enough
	say "$HIT pages, daemon: $most KiB at most, $(daemon_kib) KiB now, failures: $(failures pmem0)"
	((most < 32 << 10)) || fault "the daemon took $most KiB"
	reads_nothing_bad "$HIT"
}

case_removal() {
	set_up "$1"
	site "$MNT"
	storm_begin 100000
	sleep 3
	unbind_bounded /dev/pmem0
	kill "$STORM_PID" "$LOAD_PID" 2>/dev/null || true
	try_for 20 gone "$STORM_PID" || fault "the storm does not end"
	try_for 20 gone "$LOAD_PID" || fault "the load does not end"
	try_for 20 removal_recorded || fault "the removal is not on record as handled"
	sites_check_state
	kmsg_clean
	victims_end
	sites_umount
	kmsg_clean
}

removal_recorded() {
	pmemfailctl list --json | jq -e '[.failures[] | select(.kind == "remove" and .state == "handled")] | length == 1' >/dev/null
}

case_full() {
	local i start
	set_up "$1"
	start=$(sector_of "$MNT/big" 0)
	# single pages with gaps, so that none merge: as many as fit
	for ((i = 0; i < 512; i++)); do
		echo "$((start + i * 16)) 8"
	done >"$RUN/entries"
	while read -r i; do
		echo "$i" >/sys/block/pmem0/badblocks
	done <"$RUN/entries"
	expect_eq "entries" "$(wc -l </sys/block/pmem0/badblocks)" 512
	try_for 60 covers $((512 * PAGE)) || fault "on record: $(bytes_on_record) of $((512 * PAGE)) bytes"
	wait_for 60 "all handled" settled
	told_enough
	# what is full is said
	pmemfailctl doctor | grep -qi full || fault "doctor does not say that the list is full"
	say "daemon: $(daemon_kib) KiB, failures: $(failures pmem0)"
	reads_nothing_bad 512
}

reads_nothing_bad() {
	local line
	victim_probe big
	try_for 60 probed_more big "${PROBES[big]}" || fault "big does not answer"
	line=$(grep '^probe ' "$RUN/v-big" | tail -n 1)
	[[ $line =~ gone=([0-9]+) ]]
	((BASH_REMATCH[1] == $1)) || fault "'$line', but $1 pages should be gone"
	victims_end
	goes_on "$MNT"
	sums_verify
}

case_run() {
	local what=$1
	shift
	"case_$what" "$@"
}
