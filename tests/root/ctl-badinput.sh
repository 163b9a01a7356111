#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# pmemfailctl and pmemfaild refuse what they must, with the exit code that is
# documented and a message that names the thing. Needs root, to become somebody
# else; no pmem. Changes nothing on the machine.
#
#   [BUILD=DIR] tests/root/ctl-badinput.sh
#
# Prints "ok NAME" or "not ok NAME: why"; exit 77: cannot run here.
set -u
cd "$(dirname "$0")/../.." || exit 1

build=${BUILD:-build}
ctl=${PMEMFAILCTL:-$build/ctl/pmemfailctl}
daemon=${PMEMFAILD:-$build/daemon/pmemfaild}
failed=0
export LC_ALL=C.UTF-8

if [ "$(id -u)" != 0 ] || [ ! -x "$ctl" ] || [ ! -x "$daemon" ]; then
	echo "skip ctl-badinput: needs root, $ctl and $daemon"
	exit 77
fi
work=$(mktemp -d /tmp/pmemfail-ctl.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT

# refused NAME STATUS ERE COMMAND...: ends so, says so on stderr, nothing on stdout.
refused() {
	local name=$1 want=$2 pattern=$3 status=0 why=''
	shift 3
	timeout -k 1 20 "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
	if [ "$status" != "$want" ]; then
		why="ends with $status, not $want"
	elif ! grep -qE -- "$pattern" "$work/err"; then
		why="does not say '$pattern'"
	elif [ -s "$work/out" ]; then
		why="writes to stdout: $(head -n 1 "$work/out")"
	elif LC_ALL=C grep -q "[^[:print:][:space:]]" "$work/err"; then
		why="writes control characters"
	elif [ "$(wc -l <"$work/err")" -gt 3 ]; then
		why="writes more than three lines"
	fi
	if [ -z "$why" ]; then
		echo "ok $name"
	else
		echo "not ok $name: $why: $(head -c 300 "$work/err")"
		failed=1
	fi
}

# accepted NAME COMMAND...
accepted() {
	local name=$1 status=0
	shift
	timeout -k 1 20 "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
	if [ "$status" = 0 ] && [ ! -s "$work/err" ] && [ -s "$work/out" ]; then
		echo "ok $name"
	else
		echo "not ok $name: status $status: $(head -c 300 "$work/err")"
		failed=1
	fi
}

# Wherever the checkout may be, somebody else can run these.
cp "$ctl" "$work/pmemfailctl"
cp "$daemon" "$work/pmemfaild"
for lib in "$build"/lib/libpmemfail.so*; do
	[ -e "$lib" ] && cp -a "$lib" "$work/"
done
export LD_LIBRARY_PATH=$work${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
chmod 755 "$work" "$work"/pmemfail*
ctl=$work/pmemfailctl daemon=$work/pmemfaild
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --)

for verb in status doctor devices list thaw monitor metrics replay "show 1" \
	"assess pmem0" "report pmem0 0 4K" "prepare-remove -y pmem0" "inhibit pmem0 true" "list --direct"; do
	# shellcheck disable=SC2086
	refused "no-root-${verb%% *}" 3 'needs root.*sudo' "${nobody[@]}" "$ctl" $verb
done
refused no-root-daemon 3 'needs root' "${nobody[@]}" "$daemon"
accepted no-root-help "${nobody[@]}" "$ctl" --help
accepted no-root-version "${nobody[@]}" "$ctl" --version
for verb in status doctor devices list show monitor metrics assess report replay \
	prepare-remove inhibit thaw; do
	accepted "help-$verb" "$ctl" "$verb" --help
done

# What stands behind the device's name.
declare -A behind=([report]='0 4K' [assess-range]='0 4K')
for name in assess prepare-remove replay report assess-range; do
	verb=${name%-range}
	[ "$name" != prepare-remove ] || verb+=' --yes'
	range=${behind[$name]:-}
	# shellcheck disable=SC2086
	{
		refused "$name-unknown" 4 "no pmem device is called 'pmem77'" "$ctl" $verb pmem77 $range
		refused "$name-other-node" 4 "'/dev/null'" "$ctl" $verb /dev/null $range
		refused "$name-file" 4 "'/etc/passwd'" "$ctl" $verb /etc/passwd $range
		refused "$name-directory" 4 "'/'" "$ctl" $verb / $range
		refused "$name-empty" 4 "''" "$ctl" $verb '' $range
		refused "$name-upwards" 4 "'\.\./\.\./dev/pmem0'" "$ctl" $verb ../../dev/pmem0 $range
		refused "$name-terminal-command" 4 'x1b\[2J' "$ctl" $verb $'\e[2J' $range
		refused "$name-newline" 4 'a\\x0ab' "$ctl" $verb $'a\nb' $range
		refused "$name-not-utf8" 4 'xff' "$ctl" $verb $'\xff\xfe' $range
		refused "$name-format" 4 '%s%n' "$ctl" $verb '%s%n%s%n' $range
		refused "$name-long" 4 'aaaa' "$ctl" $verb "$(printf 'a%.0s' {1..100000})" $range
	}
done
for name in assess prepare-remove show report; do
	refused "$name-no-argument" 2 'needs its argument' "$ctl" "$name"
done
refused both-ways 2 'exclude each other' "$ctl" list --bus --direct
refused doctor-over-bus 2 'means nothing' "$ctl" doctor --bus
refused thaw-over-bus 2 'means nothing' "$ctl" --bus thaw
refused inhibit-no-command 2 'needs its arguments' "$ctl" inhibit --who me pmem0
refused inhibit-bad-option 2 "no option '--wo'" "$ctl" inhibit --wo me pmem0 true
refused inhibit-direct 1 'only pmemfaild' "$ctl" inhibit --direct pmem0 true
# What a bus that is not there makes of it: root does without, who insists does not.
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$work/no-bus
refused no-bus-insisted 1 'cannot ask pmemfaild: cannot connect' "$ctl" list --bus
refused no-bus-no-root 3 'pmemfaild is not running.*needs root.*sudo' "${nobody[@]}" "$ctl" list
accepted no-bus-root "$ctl" list
refused no-bus-inhibit 1 'it is not running' "$ctl" inhibit pmem0 true
unset DBUS_SYSTEM_BUS_ADDRESS
refused prepare-remove-two 2 "takes no argument 'b'" "$ctl" prepare-remove -y a b
refused replay-two 2 "takes no argument 'b'" "$ctl" replay a b
refused assess-two 2 'needs LENGTH' "$ctl" assess a 0
refused assess-four 2 "takes no argument 'b'" "$ctl" assess a 0 4K b
refused assess-deep 2 'deep.*OFFSET and LENGTH' "$ctl" assess --deep pmem0
refused report-two 2 'needs DEVICE, OFFSET and LENGTH' "$ctl" report pmem0 0
refused report-four 2 "takes no argument 'b'" "$ctl" report pmem0 0 4K b
refused report-spa-three 2 'needs ADDRESS and LENGTH' "$ctl" report --spa pmem0 0 4K
refused report-spa-one 2 'needs its arguments' "$ctl" report --spa 0x100000000
refused report-spa-nowhere 4 'address .*0xfffffffffff00000' \
	"$ctl" report --spa 0xfffffffffff00000 4K

# number BAD WHY: refused as offset, length and address, and the argument is named.
number() {
	local name=$1 bad=$2 why=$3
	refused "report-offset-$name" 2 "OFFSET '.*' $why" "$ctl" report -- pmem0 "$bad" 4K
	refused "report-length-$name" 2 "LENGTH '.*' $why" "$ctl" report -- pmem0 0 "$bad"
	refused "report-address-$name" 2 "ADDRESS '.*' $why" "$ctl" report --spa -- "$bad" 4K
	refused "assess-offset-$name" 2 "OFFSET '.*' $why" "$ctl" assess -- pmem0 "$bad" 4K
	refused "assess-length-$name" 2 "LENGTH '.*' $why" "$ctl" assess -- pmem0 0 "$bad"
}
number negative -1 'is negative'
number sign +1 'is no number'
number empty '' 'is empty'
number word many 'is no number'
number blank ' 1' 'is no number'
number octal 010 'begins with 0'
number fraction 1.5G 'is no number of bytes'
number decimal 4KB 'is no number of bytes'
number sectors 8s 'is no number of bytes'
number large 18446744073709551616 'is too large'
number large-suffix 16E 'is too large'
number hex 0x 'is no number'
number terminal-command $'1\e[2J' 'is no number of bytes'
number newline $'1\n' 'is no number of bytes'
number long "$(printf '9%.0s' {1..100000})" 'is too large'
refused report-negative-option 2 "no option '-1'" "$ctl" report pmem0 -1 4K
refused report-zero 2 "LENGTH '0' is an empty range" "$ctl" report pmem0 0 0
refused report-zero-suffix 2 "LENGTH '0K' is an empty range" "$ctl" report pmem0 4K 0K
refused report-overflow 2 "LENGTH '.*' reaches past the end" \
	"$ctl" report pmem0 0xfffffffffffff000 4K
refused report-spa-overflow 2 "LENGTH '.*' reaches past the end" \
	"$ctl" report --spa 18446744073709551615 1
refused monitor-argument 2 "takes no argument 'now'" "$ctl" monitor now
refused prepare-remove-unasked 2 'give --yes' "$ctl" prepare-remove pmem77

refused show-unknown 4 'no failure has the id 4711' "$ctl" show 4711
for id in 0 -1 +1 ' 1' 1x 0x1 '' 99999999999999999999 18446744073709551616; do
	refused "show-id-'$id'" 2 'no failure.s id' "$ctl" show -- "$id"
done

refused verb-unknown 2 "no verb 'dance'" "$ctl" dance
refused verb-escape 2 'no verb .\\x1b' "$ctl" $'\e'
refused option-unknown 2 "no option '--sideways'" "$ctl" list --sideways
refused option-letter 2 "no option '-Z'" "$ctl" -Z
refused option-of-other-verb 2 "no option '--yes'" "$ctl" status --yes
refused option-value-missing 2 "needs a value" "$ctl" list --state
refused option-value-unwanted 2 "takes no value" "$ctl" list --json=1
refused state-unknown 2 "'done' is no state" "$ctl" list --state=done
refused argument-unwanted 2 "takes no argument 'now'" "$ctl" status now
refused output-full 1 'cannot write' sh -c "exec \"$ctl\" --help >/dev/full"

refused daemon-option 2 'sideways' "$daemon" --sideways
refused daemon-argument 2 "no argument 'now'" "$daemon" now
accepted daemon-help "$daemon" --help
accepted daemon-version "$daemon" --version

# A configuration that is none: looking goes on and says so, acting directly does not. In
# a copy of /etc that only these see.
cp -a /etc "$work/etc"
mkdir -p "$work/etc/pmemfail"
printf '[pmemfail]\nKeepMax=many\n' >"$work/etc/pmemfail/pmemfail.conf"
cat >"$work/elsewhere" <<'END'
mount --bind "$1" /etc && shift && exec "$@"
END
elsewhere() {
	DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere timeout -k 1 20 unshare -m sh "$work/elsewhere" \
		"$work/etc" "$ctl" "$@" >"$work/out" 2>"$work/err" </dev/null
}
for verb in status devices list metrics; do
	if elsewhere "$verb" && grep -q KeepMax "$work/err" && [ -s "$work/out" ] &&
		grep -q 'going on with the defaults' "$work/err"; then
		echo "ok bad-configuration-$verb"
	else
		echo "not ok bad-configuration-$verb: $(head -c 300 "$work/err")"
		failed=1
	fi
done
for verb in "assess pmem0" "report pmem0 0 4K" replay "prepare-remove -y pmem0"; do
	status=0
	# shellcheck disable=SC2086
	elsewhere $verb || status=$?
	if [ "$status" = 1 ] && grep -q KeepMax "$work/err" && ! grep -q 'going on' "$work/err"; then
		echo "ok bad-configuration-${verb%% *}"
	else
		echo "not ok bad-configuration-${verb%% *}: status $status: $(head -c 300 "$work/err")"
		failed=1
	fi
done

exit $failed
