#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# bus-logic: pmemfaild on a bus of its own, on a machine without pmem: that it is what
# org.pmemfail1.xml says, what it refuses, an unkind client, a bus that comes late, goes
# and comes back. Removals and inhibitors with a device are tested in the guest.
#
#   [BUILD=DIR] tests/root/bus.sh
#
# Prints "ok NAME" or "not ok NAME: why"; exit 77: cannot run here.
set -u
cd "$(dirname "$0")/../.." || exit 1
test=bus-logic
# shellcheck source=tests/root/bus-tools.bash
source tests/root/bus-tools.bash

# --- it starts without a bus, and finds it -----------------------------------

start_daemon
try grep -q started "$work/log"
verdict starts_without_a_bus $? "$(tail -n 3 "$work/log")"
bus_up
try named
verdict finds_a_bus_that_comes_late $? "$(tail -n 3 "$work/log")"

# --- it is what the file says ------------------------------------------------

manager Replay s '' >/dev/null
is_the_file Manager /org/pmemfail1
is_the_file Job /org/pmemfail1/job/1
# What GLib's generator makes of the file, and of what objects say.
generated() {
	gdbus-codegen --interface-prefix org.pmemfail1. --c-generate-object-manager \
		--generate-c-code "$work/generated" "$1" 2>"$work/err" &&
		grep -q "^gboolean $2_call_" "$work/generated.h"
}

generated systemd/org.pmemfail1.xml manager
verdict gdbus_codegen_takes_the_file $? "$(head -n 3 "$work/err")"
generated "$work/live" job
verdict gdbus_codegen_takes_an_object $? "$(head -n 3 "$work/err")"
gdbus call --address "$DBUS_SYSTEM_BUS_ADDRESS" --dest org.pmemfail1 \
	--object-path /org/pmemfail1 --method org.freedesktop.DBus.Properties.GetAll \
	org.pmemfail1.Manager >"$work/out" 2>&1 && grep -q Version "$work/out"
verdict gdbus_reads_it $? "$(head -c 300 "$work/out")"

# --- a job that fails ---------------------------------------------------------

manager Replay s pmem77 >/dev/null
try grep -q '^<4>replay of pmem77 failed, which user 0 had asked for: ' "$work/log"
verdict a_job_that_fails_is_logged $? "$(tail -n 3 "$work/log")"

# --- what it refuses ---------------------------------------------------------

long=$(printf 'x%.0s' {1..300})
assess=(manager Assess 'sa(tt)a{sv}')
mapfile -t many < <(for ((i = 0; i < 4097; i++)); do printf '%d\n1\n' $((i * 4096)); done)
refused empty_name empty "${assess[@]}" '' 0 0
refused long_name long "${assess[@]}" "$long" 0 0
refused control_character control "${assess[@]}" $'a\nb' 0 0
refused zero_length 'length of 0' "${assess[@]}" pmem0 1 0 0 0
refused overflow large "${assess[@]}" pmem0 1 18446744073709551615 2 0
refused too_many_ranges 'more than 4096' "${assess[@]}" pmem0 4097 "${many[@]}" 0
refused unknown_option 'no such option' "${assess[@]}" pmem0 0 1 Fast b true
refused option_of_another_type boolean "${assess[@]}" pmem0 0 1 Deep s yes
refused option_twice twice "${assess[@]}" pmem0 0 2 Deep b true Deep b true
refused filter_twice twice manager ListFailures 'a{sv}' 2 Limit u 1 Limit u 1
refused long_value_to_set long busctl --system set-property org.pmemfail1 \
	/org/freedesktop/LogControl1 org.freedesktop.LogControl1 LogLevel s "$long"
refused report_of_nothing 'no range' manager Report 'sa(tt)a{sv}' '' 0 0
refused unknown_filter 'no filter' manager ListFailures 'a{sv}' 1 Colour s red
refused unknown_state 'no such state' manager ListFailures 'a{sv}' 1 State s lost
refused unknown_failure 'no such failure' manager GetFailure t 1
refused failure_that_is_not_described 'no failure' manager DescribeFailure t 1
refused unknown_device 'no pmem device' manager PrepareRemove 'sa{sv}' pmem77 0
refused inhibitor_of_nothing 'neither a pmem device' manager Inhibit ssss pmem77 me why delay
refused unknown_mode 'no mode' manager Inhibit ssss pmem77 me why block
nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
refused others_may_not_reload "denied|auth" "${nobody[@]}" timeout 20 busctl --system call org.pmemfail1 \
	/org/pmemfail1 org.pmemfail1.Manager Reload
refused others_may_not_set_the_log denied "${nobody[@]}" timeout 20 busctl --system set-property \
	org.pmemfail1 /org/freedesktop/LogControl1 org.freedesktop.LogControl1 LogLevel s debug
"${nobody[@]}" timeout 20 busctl --system call org.pmemfail1 /org/pmemfail1 \
	org.pmemfail1.Manager ListDevices >/dev/null
verdict others_may_read $? "ListDevices is refused"
manager Reload >/dev/null
verdict root_may_reload $? "it is refused"

# --- an unkind client --------------------------------------------------------

if gcc -O2 -Wall -o "$work/storm" tests/root/bus-storm.c -lsystemd 2>"$work/err"; then
	before=$(memory)
	"$work/storm" 10000 >"$work/out" &
	storm=$!
	slow=0
	for ((i = 0; i < 5; i++)); do
		timeout 10 busctl --system call org.pmemfail1 /org/pmemfail1 \
			org.freedesktop.DBus.Peer Ping >/dev/null || slow=1
	done
	wait "$storm"
	grep -q 'answers=10000 ' "$work/out"
	verdict all_of_10000_calls_are_answered $? "$(cat "$work/out")"
	verdict others_are_answered_meanwhile $slow "a ping took 10 s"
	grown=$(($(memory) - before))
	[ "$grown" -lt 16384 ]
	verdict memory_stays_bounded $? "it grew by $grown KiB"
	"$work/storm" 10000 vanish
	timeout 20 busctl --system call org.pmemfail1 /org/pmemfail1 org.freedesktop.DBus.Peer \
		Ping >/dev/null
	verdict client_that_vanishes $? "no answer afterwards"
else
	verdict storm_compiles 1 "$(head -n 1 "$work/err")"
fi

# --- the bus goes and comes back ---------------------------------------------

bus_down
sleep 0.3
kill -0 "$daemon_pid" && bus_up && try named
verdict comes_back_with_the_bus $? "$(tail -n 3 "$work/log")"

# --- the name is still another's ---------------------------------------------

# As that of one that was killed, for as long as the bus has not seen it.
mkdir -p "$work/next/etc"
cp -r "$work/etc/pmemfail" "$work/next/etc"
sed -i "s,=$work/,=$work/next/," "$work/next/etc/pmemfail/pmemfail.conf"
mkdir -p "$work/next/state" "$work/next/run"
"$daemon" --root "$work/next" 2>"$work/next/log" &
next_pid=$!
owner_is() {
	named | grep -q "^PID=$1\$"
}
try grep -q 'somebody else is org.pmemfail1' "$work/next/log" && owner_is "$daemon_pid"
verdict waits_for_the_name $? "$(tail -n 3 "$work/next/log")"
kill -KILL "$daemon_pid"
try owner_is "$next_pid"
verdict takes_the_name_of_a_dead_one $? "$(named 2>&1 | grep ^PID)"
wait "$daemon_pid" 2>/dev/null
daemon_pid=$next_pid
stop_daemon
verdict ends_well $? "$(tail -n 3 "$work/next/log")"
exit "$failed"
