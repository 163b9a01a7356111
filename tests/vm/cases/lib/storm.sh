# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# storm.sh: pages of one file fail, in random order and many of them several times, while
# a load runs; what must be true of the record, of the daemon, and of who maps the file.
#
# Sourced by the cases, which say over how many bytes (SPAN).

# shellcheck source=tests/vm/cases/lib/poison.sh
source "$TESTS/cases/lib/poison.sh"

MAX_KIB=$((32 << 10))

set_up() {
	kmsg_unread
	pmemfail_up
	DEV=$(fs_make "$1" raw)
	fallocate -l "$SPAN" "$MNT/big"
	dd if=/dev/zero of="$MNT/big" bs=1M count=$((SPAN >> 20)) conv=notrunc,fsync status=none
	file_make "$MNT/good" 1
	keep "$MNT/good"
	mkdir "$MNT/load"
	map_files "$SPAN"
	watched
}

# map_files SIZE: so much of big
map_files() {
	victim big --size "$1" reader "$MNT/big"
	victim half --size $((SPAN / 2)) reader "$MNT/big"
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
	try_for 60 covers $(($1 * PAGE)) && return
	fault "on record: $(bytes_on_record) bytes, should be $(($1 * PAGE))"
	missing | head -n 20
	poison | jq -c '[.id, .state, .detected, (.ranges | length)]'
	journal_since -u pmemfaild -o short-monotonic | grep -vE 'bad bytes|sent SIGBUS' | tail -n 100
	grep -H . /sys/kernel/tracing/instances/pmemfail/per_cpu/cpu*/stats
	daemon_waits_for
}

# what it watches, and where each of its threads is
daemon_waits_for() {
	local pid
	pid=$(systemctl show -P MainPID pmemfaild.service)
	stat -c 'inode %i of %n' /sys/block/pmem0/badblocks
	grep -h '^inotify' "/proc/$pid/fdinfo/"*
	tail -n +1 "/proc/$pid/task/"*/stack
}

# which pages that failed are not on record, and when each of them failed last
missing() {
	local first
	first=$(spa_of "$DEV" 0)
	{
		poison | jq -r 'select(.state != "cleared") | .ranges[] | "range \(.start) \(.end)"'
		grep '^page ' "$RUN/badstorm"
	} | awk -v first=$((first)) -v page="$PAGE" '
		$1 == "range" { for (at = $2; at < $3; at += page) there[at] = 1 }
		$1 == "page" && !(($2 - first) in there) { print "not on record:", $2 - first, "failed at", $3 }'
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
	[[ -z $(uniq -d "$RUN/was") ]] || fault "$1 was told twice, of $(uniq -d "$RUN/was" | paste -sd' ')"
	diff "$RUN/should" "$RUN/was" ||
		fault "$1 was told of $(wc -l <"$RUN/was"), on record: $(wc -l <"$RUN/should")"
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

# storm_survived FILESYSTEM COUNT: so many failures, with a SIGKILL of the daemon in the
# middle
storm_survived() {
	local first
	set_up "$1"
	storm_begin "$2"
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
	reads_all_but_listed "$SPAN"
}

# reads_all_but_listed SIZE: what is in the kernel's list cannot be read any more, all
# else can; as far as big is mapped, which is one extent. While pages are read, pmemfaild
# may still mark some that the list had no room for before.
reads_all_but_listed() {
	local line pages more start listed size=$1
	start=$(sector_of "$MNT/big" 0)
	pages=$("$TESTS/badpages" /dev/pmem0 $((start * 512)) "$size")
	listed=$(awk -v start="$start" -v end=$((start + size / 512)) \
		'$1 >= start && $1 < end { n += $2 } END { printf "%d\n", n / 8 }' /sys/block/pmem0/badblocks)
	((pages > 0 && listed <= pages)) || fault "$listed pages are listed, $pages cannot be read"
	victim_probe big
	try_for 60 probed_more big "${PROBES[big]}" || fault "big does not answer"
	line=$(grep '^probe ' "$RUN/v-big" | tail -n 1)
	[[ $line =~ gone=([0-9]+) ]]
	more=$("$TESTS/badpages" /dev/pmem0 $((start * 512)) "$size")
	((BASH_REMATCH[1] >= pages && BASH_REMATCH[1] <= more)) ||
		fault "'$line', but $pages to $more pages should be gone"
	MAX_SIGBUS[big]=1000 MAX_SIGBUS[half]=1000
	victims_end
	rm -f "$RUN"/v-*
	goes_on "$MNT"
	sums_verify
}
