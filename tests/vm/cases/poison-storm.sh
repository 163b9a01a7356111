# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: events:xfs full:xfs removal:xfs
# timeout: 900
# named: each takes minutes under emulation
#
# poison-storm WHAT FILESYSTEM: more than anybody can look at
#   events   100 000 memory failures of single pages in random order over 64 MiB while a
#            load runs, with a SIGKILL of the daemon in the middle: the record covers
#            exactly the union, each mapper is told once for a failure, memory stays small
#   full     the kernel's list is filled to its 512 entries, and what goes bad then is on
#            record all the same; the list is emptied and filled again
#   removal  the device goes in the middle of a storm

# shellcheck source=tests/vm/cases/lib/poison.sh
source "$TESTS/cases/lib/poison.sh"

SPAN=$((64 << 20))
MAX_KIB=$((32 << 10))

set_up() {
	kmsg_unread
	pmemfail_up
	DEV=$(fs_make "$1" raw)
	fallocate -l 64M "$MNT/big"
	dd if=/dev/zero of="$MNT/big" bs=1M count=64 conv=notrunc,fsync status=none
	file_make "$MNT/good" 1
	keep "$MNT/good"
	mkdir "$MNT/load"
	map_files
	watched
}

# map_files [SIZE]: of big
map_files() {
	victim big --size "${1:-64M}" reader "$MNT/big"
	victim half --size 32M reader "$MNT/big"
	victim good reader "$MNT/good"
}

# the most that it ever had resident, in KiB
daemon_kib() {
	awk '$1 == "VmHWM:" { print $2 }' "/proc/$(systemctl show -P MainPID pmemfaild.service)/status"
}

small() {
	MOST=$(daemon_kib)
	((MOST < MAX_KIB)) || fault "the daemon took $MOST KiB"
}

poison() {
	pmemfailctl list --json | jq -c '.failures[] | select(.kind == "poison")'
}

# how many bytes of the device are on record as bad, each counted once
bytes_on_record() {
	poison | jq -r 'select(.state != "cleared") | .ranges[] | "\(.start) \(.end)"' | sort -n |
		awk '{ if ($1 < end) $1 = end; if ($2 > $1) { sum += $2 - $1; end = $2 } }
			END { printf "%d\n", sum }'
}

covers() {
	(($(bytes_on_record) == $1))
}

covered() {
	try_for 60 covers $(($1 * PAGE)) ||
		fault "on record: $(bytes_on_record) bytes, should be $(($1 * PAGE))"
}

settled() {
	[[ -z $(poison | jq -r 'select(.state | IN("handled", "cleared") | not) | .id') ]]
}

# told_once NAME: what it was told is what the record says that it was told: each failure
# once, by its first address of the mapping.
told_once() {
	local id
	for id in $(poison | jq .id); do
		pmemfailctl show "$id" --json | jq --argjson pid "${VICTIM[$1]}" \
			'.failure.cases[].victims[] | select(.pid == $pid and .told) | .address'
	done | sort >"$RUN/should"
	sed -n 's/^sigbus .* addr=\(0x[0-9a-f]*\) .*/\1/p' "$RUN/v-$1" |
		while read -r id; do echo $((id)); done | sort >"$RUN/was"
	[[ -s $RUN/was ]] || fault "$1 was told nothing"
	[[ -z $(uniq -d "$RUN/was") ]] || fault "$1 was told twice of $(uniq -d "$RUN/was" | paste -sd' ')"
	diff "$RUN/should" "$RUN/was" || fault "$1 was told $(wc -l <"$RUN/was") times, on record: $(wc -l <"$RUN/should")"
}

all_told() {
	told_once big
	told_once half
	expect_sigbus good 0
}

storm_begin() {
	local spa
	spa=$(spa_of "$DEV" "$(sector_of "$MNT/big" 0)")
	background "$TESTS/badstorm" "$spa" "$SPAN" "$1" 7 >"$RUN/badstorm"
	STORM_PID=$BG_PID
	background "$TESTS/fsstorm" --status "$RUN/storm" --procs 1 "$MNT/load"
	LOAD_PID=$BG_PID
}

load_end() {
	kill "$LOAD_PID" 2>/dev/null || true
	try_for 20 gone "$LOAD_PID" || fault "the load does not end"
}

# What the kernel said of each page has pushed out the case's mark.
kmsg_after_storm() {
	# shellcheck disable=SC2034 # lib.sh's
	KMSG_MARK='Memory failure'
	kmsg_clean
	kmsg_mark
}

some_handled() {
	(($(poison | jq -r 'select(.state == "handled") | .id' | wc -l) >= $1))
}

case_events() {
	local first
	set_up "$1"
	storm_begin 100000
	wait_for 60 "failures" some_handled 1
	first=$(daemon_kib)
	kill -KILL "$(systemctl show -P MainPID pmemfaild.service)"
	wait_for 20 "restarted daemon" systemctl -q is-active pmemfaild.service
	try_for 300 gone "$STORM_PID" || fault "the storm does not end"
	load_end
	has_line "$RUN/badstorm" '^hit' || fault "the storm broke off"
	covered "$(sed -n 's/^hit //p' "$RUN/badstorm")"
	wait_for 300 "all handled" settled
	small
	all_told
	say "$(sed -n 's/^hit //p' "$RUN/badstorm") pages, failures: $(failures pmem0), told: $(victim_sigbus big)," \
		"the daemon took $first KiB before the kill, then $MOST KiB at most"
	kmsg_after_storm
	reads_all_but_listed
}

case_removal() {
	set_up "$1"
	site "$MNT"
	storm_begin 100000
	wait_for 60 "failures" some_handled 1
	unbind_bounded /dev/pmem0
	kill "$STORM_PID" 2>/dev/null || true
	try_for 20 gone "$STORM_PID" || fault "the storm does not end"
	load_end
	try_for 20 removal_recorded || fault "the removal is not on record as handled"
	small
	sites_check_state
	kmsg_after_storm
	MAX_SIGBUS[big]=1000 MAX_SIGBUS[half]=1000
	victims_end
	sites_umount
	kmsg_clean
}

removal_recorded() {
	pmemfailctl list --json |
		jq -e '[.failures[] | select(.kind == "remove" and .state == "handled")] | length == 1' >/dev/null
}

# fill BYTE: the list has all its entries afterwards: single pages from there on in big,
# with gaps, so that none merge. FILLED: how many there was room for. Not by counting
# lines, for the file ends at one page of text.
fill() {
	local start
	start=$(sector_of "$MNT/big" "$1")
	for ((FILLED = 0; FILLED < 600; FILLED++)); do
		echo "$((start + FILLED * 16)) 8" >/sys/block/pmem0/badblocks 2>/dev/null || return 0
	done
	fault "the list takes more than $FILLED entries"
}

says_full() {
	pmemfailctl doctor --json >"$RUN/doctor" || true
	jq -e '[.findings[] | select(.code == "badblocks-full" and .about == "pmem0")] | length == 1' \
		"$RUN/doctor" >/dev/null || fault "doctor does not say that the list is full"
}

# What the list has no room for comes by the trace event only.
more_than_fits() {
	"$TESTS/badstorm" "$(spa_of "$DEV" "$(sector_of "$MNT/big" $((32 << 20)))")" $((1 << 20)) 400 7 |
		sed -n 's/^hit //p'
}

case_full() {
	local more
	set_up "$1"
	fill 0
	expect_eq "room" "$FILLED" 512
	covered 512
	more=$(more_than_fits)
	((more > 100)) || fault "only $more pages"
	covered $((512 + more))
	wait_for 60 "all handled" settled
	says_full
	all_told
	reads_all_but_listed

	# bound anew the list is empty, the scrub's are cleared, and bad again when it
	# finds them again; what no list ever had stays bad, and has room now
	umount "$MNT"
	unbind /dev/pmem0
	rebind /dev/pmem0
	watched
	covered "$more"
	wait_for 20 "mark of what had no room" grep -q . /sys/block/pmem0/badblocks
	mount_dax /dev/pmem0
	map_files 32M
	fill $((2 << 20))
	((FILLED > 400)) || fault "only $FILLED pages"
	covered $((FILLED + more))
	wait_for 60 "all handled" settled
	says_full
	all_told
	reads_all_but_listed $((32 << 20))
	small
	say "$more pages beyond the list, failures: $(failures pmem0), the daemon took $MOST KiB at most"
	kmsg_after_storm
	umount "$MNT"
	kmsg_clean
}

# reads_all_but_listed [BYTE]: what is in the kernel's list cannot be read any more, all
# else can; as far as big is mapped, which is one extent.
reads_all_but_listed() {
	local line pages start listed size=${1:-$SPAN}
	start=$(sector_of "$MNT/big" 0)
	pages=$("$TESTS/badpages" /dev/pmem0 $((start * 512)) "$size")
	listed=$(awk -v start="$start" -v end=$((start + size / 512)) \
		'$1 >= start && $1 < end { n += $2 } END { printf "%d\n", n / 8 }' /sys/block/pmem0/badblocks)
	((pages > 0 && listed <= pages)) || fault "$listed pages are listed, $pages cannot be read"
	victim_probe big
	try_for 60 probed_more big "${PROBES[big]}" || fault "big does not answer"
	line=$(grep '^probe ' "$RUN/v-big" | tail -n 1)
	[[ $line =~ gone=([0-9]+) ]]
	((BASH_REMATCH[1] == pages)) || fault "'$line', but $pages pages should be gone"
	MAX_SIGBUS[big]=1000 MAX_SIGBUS[half]=1000
	victims_end
	rm -f "$RUN"/v-*
	goes_on "$MNT"
	sums_verify
}

case_run() {
	local what=$1
	shift
	"case_$what" "$@"
}
