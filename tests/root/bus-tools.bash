# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2317,SC2034
#
# What bus*.sh share: a bus of their own with pmemfaild on it, judgements, and asking.
# Changes nothing on the machine: record, locks and socket lie in a directory of their
# own. The caller has set $test to its name.
build=${BUILD:-build}
daemon=${PMEMFAILD:-$build/daemon/pmemfaild}
failed=0
bus_pid='' daemon_pid=''
export LC_ALL=C.UTF-8

for tool in dbus-daemon busctl gdbus gdbus-codegen "$daemon"; do
	command -v "$tool" >/dev/null && [ "$(id -u)" = 0 ] && continue
	echo "skip $test: needs root and $tool"
	exit 77
done
work=$(mktemp -d "/tmp/pmemfail-$test.XXXXXX") || exit 1

cleanup() {
	[ -z "$daemon_pid" ] || { kill "$daemon_pid"; wait "$daemon_pid"; }
	[ -z "$bus_pid" ] || { kill "$bus_pid"; wait "$bus_pid"; }
	rm -rf "$work"
} 2>/dev/null
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

verdict() {
	if [ "$2" = 0 ]; then
		echo "ok $test/$1"
	else
		echo "not ok $test/$1: $3"
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

# start_daemon: with its log beginning anew
start_daemon() {
	"$daemon" --root "$work" 2>"$work/log" &
	daemon_pid=$!
}

stop_daemon() {
	local status=0
	kill "$daemon_pid"
	wait "$daemon_pid" || status=$?
	daemon_pid=''
	return "$status"
}

# is_the_file INTERFACE OBJECT
is_the_file() {
	gdbus introspect --xml --address "$DBUS_SYSTEM_BUS_ADDRESS" --dest org.pmemfail1 \
		--object-path "$2" >"$work/live" 2>"$work/err" &&
		python3 tests/vm/cases/lib/bus-contract.py systemd/org.pmemfail1.xml "$work/live" \
			"org.pmemfail1.$1" >"$work/diff"
	verdict "$1_is_the_file" $? "$(head -n 5 "$work/err" "$work/diff")"
}
