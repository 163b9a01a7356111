#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# bus-logic: pmemfaild on a bus of its own, on a machine without pmem: that it is what
# org.pmemfail1.xml says, what it refuses, an unkind client, a bus that comes late, goes
# and comes back. Removals and inhibitors with a device are tested in the guest. Changes
# nothing on the machine: record, locks and socket lie in a directory of their own.
#
#   [BUILD=DIR] tests/root/bus.sh
#
# Prints "ok NAME" or "not ok NAME: why"; exit 77: cannot run here.
# shellcheck disable=SC2317 # cleanup is called by trap
set -u
cd "$(dirname "$0")/../.." || exit 1

build=${BUILD:-build}
daemon=${PMEMFAILD:-$build/daemon/pmemfaild}
failed=0
bus_pid='' daemon_pid=''
export LC_ALL=C.UTF-8

if [ "$(id -u)" != 0 ] || [ ! -x "$daemon" ] || ! command -v dbus-daemon busctl >/dev/null; then
	echo "skip bus-logic: needs root, $daemon, dbus-daemon and busctl"
	exit 77
fi
work=$(mktemp -d /tmp/pmemfail-bus.XXXXXX) || exit 1

cleanup() {
	[ -z "$daemon_pid" ] || { kill "$daemon_pid"; wait "$daemon_pid"; }
	[ -z "$bus_pid" ] || { kill "$bus_pid"; wait "$bus_pid"; }
	rm -rf "$work"
} 2>/dev/null
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

verdict() {
	if [ "$2" = 0 ]; then
		echo "ok bus-logic/$1"
	else
		echo "not ok bus-logic/$1: $3"
		failed=1
	fi
}

# try COMMAND...: within 15 s
try() {
	local i
	for ((i = 0; i < 150; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	return 1
}

chmod 755 "$work"
mkdir -p "$work/etc/pmemfail" "$work/state" "$work/run"
printf '[pmemfail]\nStateDirectory=%s/state\nRuntimeDirectory=%s/run\n' "$work" "$work" \
	>"$work/etc/pmemfail/pmemfail.conf"
cat >"$work/bus.conf" <<END
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type><listen>unix:path=$work/socket</listen><auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><deny own="*"/><deny send_type="method_call"/>
    <allow send_type="signal"/><allow send_type="method_return"/>
    <allow send_type="error"/><allow receive_type="method_call"/>
    <allow receive_type="method_return"/><allow receive_type="error"/>
    <allow receive_type="signal"/><allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <include>$PWD/systemd/org.pmemfail1.conf</include>
</busconfig>
END
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$work/socket

bus_up() {
	rm -f "$work/socket"
	dbus-daemon --config-file="$work/bus.conf" --nofork --nopidfile 2>"$work/bus.log" &
	bus_pid=$!
}

bus_down() {
	kill "$bus_pid"
	wait "$bus_pid" 2>/dev/null
	bus_pid=''
}

named() {
	busctl --system status org.pmemfail1
}

manager() {
	timeout 20 busctl --system call org.pmemfail1 /org/pmemfail1 org.pmemfail1.Manager "$@"
}

# refused NAME ERE CALL...
refused() {
	local name=$1 pattern=$2 status=0
	shift 2
	"$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
	[ "$status" != 0 ] && grep -qiE -- "$pattern" "$work/err"
	verdict "$name" $? "status $status: $(head -c 300 "$work/out" "$work/err")"
}

memory() {
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$daemon_pid/status"
}

# --- it starts without a bus, and finds it -----------------------------------

"$daemon" --root "$work" 2>"$work/log" &
daemon_pid=$!
try grep -q started "$work/log"
verdict starts_without_a_bus $? "$(tail -n 3 "$work/log")"
bus_up
try named
verdict finds_a_bus_that_comes_late $? "$(tail -n 3 "$work/log")"

# --- it is what the file says ------------------------------------------------

# Names, types and directions of one interface, from introspection or from the file.
members() {
	python3 - "$1" "$2" <<'END'
import sys
import xml.etree.ElementTree as ET
text = open(sys.argv[1]).read()
text = text[text.index("<node"):]
for i in ET.fromstring(text).iter("interface"):
    if i.get("name") != sys.argv[2]:
        continue
    for m in i:
        if m.tag not in ("method", "signal", "property"):
            continue
        args = [(a.get("name"), a.get("type"),
                 a.get("direction", "in") if m.tag == "method" else "") for a in m.iter("arg")]
        print(m.tag, m.get("name"), m.get("type"), m.get("access"), args)
END
}

introspect() {
	busctl --system --json=short call org.pmemfail1 "$1" org.freedesktop.DBus.Introspectable \
		Introspect | jq -r '.data[0]' >"$work/introspected"
}

manager Replay s '' >/dev/null
for pair in Manager: Job:/job/1; do
	introspect "/org/pmemfail1${pair#*:}"
	members "$work/introspected" "org.pmemfail1.${pair%%:*}" | sort >"$work/is"
	members systemd/org.pmemfail1.xml "org.pmemfail1.${pair%%:*}" | sort >"$work/should"
	[ -s "$work/is" ] && diff "$work/should" "$work/is" >"$work/diff"
	verdict "${pair%%:*}_is_the_file" $? "$(head -n 5 "$work/diff")"
done
if command -v gdbus >/dev/null; then
	gdbus call --address "$DBUS_SYSTEM_BUS_ADDRESS" --dest org.pmemfail1 \
		--object-path /org/pmemfail1 \
		--method org.freedesktop.DBus.Properties.GetAll org.pmemfail1.Manager \
		>"$work/out" 2>&1 && grep -q Version "$work/out"
	verdict gdbus_reads_it $? "$(head -c 300 "$work/out")"
fi

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
kill "$daemon_pid"
wait "$daemon_pid"
verdict ends_well $? "$(tail -n 3 "$work/log")"
daemon_pid=''
exit "$failed"
