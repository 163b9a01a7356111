#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# bus-many: pmemfaild on a bus of its own with 10 000 failures on record: lists come in
# parts, and together are all; no question takes the main loop long; who asks for all of
# it again and again is refused, and others are answered meanwhile; counts are the same
# everywhere.
#
#   [BUILD=DIR] tests/root/bus-many.sh
#
# Prints "ok NAME" or "not ok NAME: why"; exit 77: cannot run here.
set -u
cd "$(dirname "$0")/../.." || exit 1
test=bus-many
# shellcheck source=tests/root/bus-tools.bash
source tests/root/bus-tools.bash

MANY=10000
# processor time of the main loop for one answer; seen: 2 to 5, less than a rescue notices
MOST_MS=20
ctl=$build/ctl/pmemfailctl
printf 'KeepMax=%d\n' $((2 * MANY)) >>"$work/etc/pmemfail/pmemfail.conf"

# It has done what it can.
worked_off() {
	local before
	before=$(main_ms)
	sleep 0.5
	[ "$(main_ms)" = "$before" ]
}

gone() {
	[ "$(awk '{ print $3 }' "/proc/$1/stat" 2>/dev/null)" = Z ] || [ ! -e "/proc/$1" ]
}

counter() {
	busctl --system --json=short get-property org.pmemfail1 /org/pmemfail1 \
		org.pmemfail1.Manager Counters | jq ".data[\"$1\"]"
}

with_failures() {
	python3 tests/root/bus-record.py "$work/state" "$1" && start_daemon && try named
}

# equal NAME GOT WANT
equal() {
	[ "$2" = "$3" ]
	verdict "$1" $? "'${2:0:200}' is not '${3:0:200}'"
}

# Milliseconds that the main loop has worked.
main_ms() {
	awk '{ printf "%d\n", $1 / 1000000 }' "/proc/$daemon_pid/task/$daemon_pid/schedstat"
}

# main_loop_is_free NAME OBJECT CALL...: asked 8 times
main_loop_is_free() {
	local name=$1 before i
	shift
	before=$(main_ms)
	for ((i = 0; i < 8; i++)); do
		timeout 20 busctl --system call org.pmemfail1 "$@" >/dev/null || break
	done
	before=$((($(main_ms) - before) / 8))
	[ "$i" = 8 ] && [ "$before" -le "$MOST_MS" ]
	verdict "${name}_leaves_the_main_loop_free" $? "$i of 8 answers, $before ms each"
}

bus_up
start_daemon
try named
stop_daemon

# --- counts ------------------------------------------------------------------

with_failures 50
is_the_file Failure /org/pmemfail1/failure/3
metric() {
	sed -n "s/^pmemfail_$1 //p" "$work/metrics"
}
metrics_agree() {
	PMEMFAIL_CONFIG=/nowhere "$ctl" metrics "$2" >"$work/metrics" 2>"$work/err" ||
		verdict "metrics_$1" 1 "$(head -n 2 "$work/err")"
	equal "victims_$1" "$(metric victims)" "$(counter told)"
	equal "events_$1" "$(metric events_total)" "$(counter events)"
	equal "merges_$1" "$(metric merges_total)" "$(counter merges)"
	equal "cleared_$1" "$(metric 'failures{kind="poison",state="cleared"}')" \
		"$(counter failures_cleared)"
}
equal told "$(counter told)" 100
metrics_agree over_the_bus --bus
stop_daemon

# --- lists -------------------------------------------------------------------

with_failures $((MANY - 50))
verdict "starts_with_$MANY" $? "$(tail -n 3 "$work/log")"
equal all_are_counted "$(counter failures) $(counter told)" "$MANY $((2 * MANY))"
before=$((MANY + 1))
count=0
while n=$(busctl --system --json=short call org.pmemfail1 /org/pmemfail1 org.pmemfail1.Manager \
	ListFailures 'a{sv}' 1 Before t "$before" | jq '.data[0] | length, (.[-1][0] // 0)') &&
	read -r -d '' parts before <<<"${n//$'\n'/ }"; [ "$parts" != 0 ]; do
	[ "$parts" -le 1024 ] || break
	count=$((count + parts))
done
equal parts_are_all "$count" "$MANY"
# Bytes that the daemon has read.
bytes_read() {
	awk '$1 == "rchar:" { print $2 }' "/proc/$daemon_pid/io"
}
start=$EPOCHSECONDS
bytes=$(bytes_read)
timeout 60 "$ctl" --bus --json list >"$work/over-bus" 2>"$work/err"
seconds=$((EPOCHSECONDS - start))
bytes=$(($(bytes_read) - bytes))
equal the_tool_lists_all "$(jq '.failures | length' "$work/over-bus")" "$MANY"
[ "$seconds" -lt 15 ]
verdict the_tool_lists_them_in_time $? "$seconds s"
# What it is told of them is a third of the record, and comes in some parts: all of it if
# each part begins with those before it.
[ "$bytes" -lt $(($(stat -c %s "$work/state/failures.db") / 2)) ]
verdict each_is_read_once $? "$bytes bytes were read"
equal of_one_state "$("$ctl" --bus --quiet --state=cleared list | wc -l)" "$(counter failures_cleared)"

# --- nobody waits ------------------------------------------------------------

main_loop_is_free ListFailures /org/pmemfail1 org.pmemfail1.Manager ListFailures 'a{sv}' 0
main_loop_is_free DescribeFailures /org/pmemfail1 org.pmemfail1.Manager DescribeFailures 'a{sv}' 0
main_loop_is_free GetManagedObjects /org/pmemfail1 org.freedesktop.DBus.ObjectManager GetManagedObjects
main_loop_is_free Counters /org/pmemfail1 org.freedesktop.DBus.Properties GetAll s \
	org.pmemfail1.Manager

gcc -O2 -Wall -o "$work/storm" tests/root/bus-storm.c -lsystemd || failed=1
memory_before=$(memory)
"$work/storm" 3000 long >"$work/out" &
storm=$!
slow=0
for ((i = 0; i < 5; i++)); do
	timeout 10 "$ctl" --bus --quiet list >"$work/over-bus" 2>"$work/err" || slow=1
	[ "$(wc -l <"$work/over-bus")" = "$MANY" ] || slow=1
done
wait "$storm"
grep -q '^answers=3000 ' "$work/out"
verdict all_questions_are_answered $? "$(cat "$work/out")"
refusals() {
	sed -n 's/.* errors=//p' "$work/out"
}
[ "$(refusals)" -gt 1500 ]
verdict who_asks_too_much_is_refused $? "$(cat "$work/out")"
verdict others_are_answered_meanwhile "$slow" "$(head -n 2 "$work/err")"
grown=$(($(memory) - memory_before))
[ "$grown" -lt 32768 ]
verdict memory_stays_bounded $? "it grew by $grown KiB"
"$work/storm" 600 patient >"$work/out"
[ "$(refusals)" -gt 100 ]
verdict who_asks_without_pause_is_refused $? "$(cat "$work/out")"
stop_daemon
verdict ends_well $? "$(tail -n 3 "$work/log")"

# --- a bus that hangs --------------------------------------------------------

# ask_and_hang N CLIENTS KIND: the daemon finds many questions, and then nobody who takes
# the answers: more than the 8 MiB that a socket of sd-bus holds, so of more than one client.
ask_and_hang() {
	local i
	kill -STOP "$daemon_pid"
	storms=()
	for ((i = 0; i < $2; i++)); do
		"$work/storm" "$1" "$3" >"$work/out$i" &
		storms+=("$!")
	done
	sleep 1
	kill -STOP "$bus_pid"
	kill -CONT "$daemon_pid"
	try worked_off
}

# None of them asks too much, but nobody takes the answers.
start_daemon
try named
ask_and_hang 60 4 lists
kill -CONT "$bus_pid"
wait "${storms[@]}"
cat "$work"/out[0-3] >"$work/out"
equal all_lists_are_answered "$(grep -c '^answers=60 ' "$work/out")" 4
untaken=$(awk -F= '{ n += $NF } END { print n }' "$work/out")
[ "$untaken" -gt 0 ] && [ "$untaken" -lt 240 ]
verdict no_long_answers_for_a_bus_that_takes_none $? "$(tr '\n' ';' <"$work/out")"
manager ListFailures 'a{sv}' 0 >/dev/null
verdict again_when_it_takes_them $? "the list is refused"

ask_and_hang 300 3 long
begin=$EPOCHSECONDS
kill "$daemon_pid"
try gone "$daemon_pid"
verdict ends_though_the_bus_hangs $? "it still runs after $((EPOCHSECONDS - begin)) s"
kill -KILL "$daemon_pid" 2>/dev/null
wait "$daemon_pid"
verdict ends_well_though_the_bus_hangs $? "$(tail -n 3 "$work/log")"
daemon_pid=''
kill -CONT "$bus_pid"
kill "${storms[@]}"
wait "${storms[@]}"
exit "$failed"
