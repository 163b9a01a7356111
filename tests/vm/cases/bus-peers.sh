# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# timeout: 120
# kernels: 6.1
#
# bus-peers: other people's programs on org.pmemfail1: gdbus, busctl, and one in Python
# over GLib that lists, listens and asks for a moment before a removal. Every object says
# of itself what the installed XML says.

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

XML=/usr/share/dbus-1/interfaces/org.pmemfail1.xml
PMEMFAIL=(--system --dest org.pmemfail1 --object-path)

named() {
	gdbus call "${PMEMFAIL[@]}" /org/pmemfail1 --method org.freedesktop.DBus.Peer.Ping \
		>/dev/null 2>&1
}

# is_the_file INTERFACE OBJECT
is_the_file() {
	gdbus introspect --xml "${PMEMFAIL[@]}" "$2" >"$RUN/live" || die "gdbus cannot read $2"
	python3 "$TESTS/cases/lib/bus-contract.py" "$XML" "$RUN/live" "org.pmemfail1.$1" ||
		die "$2 is not what $XML says of $1"
}

# objects KIND: as an object manager names them
objects() {
	busctl --system --json=short call org.pmemfail1 /org/pmemfail1 \
		org.freedesktop.DBus.ObjectManager GetManagedObjects |
		jq -r --arg k "/org/pmemfail1/$1/" '.data[0] | keys[] | select(startswith($k))'
}

peer_saw() {
	has_line "$RUN/v-peer" "$1" || fault "the Python program did not see $1: $(<"$RUN/v-peer")"
}

gdbus_saw() {
	try_for 5 has_line "$RUN/gdbus" "$1" || fault "gdbus did not see $1: $(<"$RUN/gdbus")"
}

gdbus_lists_it() {
	gdbus call "${PMEMFAIL[@]}" /org/pmemfail1 --method org.pmemfail1.Manager.ListDevices \
		>"$RUN/devices" && has_line "$RUN/devices" \
		"'pmem0', '/dev/pmem0', 'fsdax', (uint64 )?[0-9]+, true, (objectpath )?'/org/pmemfail1/device/"
}

calls() {
	local answer id=$1
	wait_for 10 "device in gdbus's list" gdbus_lists_it
	answer=$(gdbus call "${PMEMFAIL[@]}" /org/pmemfail1 \
		--method org.pmemfail1.Manager.ListFailures "{'State': <'handled'>, 'Limit': <uint32 1>}")
	expect_match "gdbus's list" "$answer" "uint64 $id, 'remove', 'handled'"
	answer=$(gdbus call "${PMEMFAIL[@]}" "/org/pmemfail1/failure/$id" \
		--method org.pmemfail1.Failure.Describe)
	expect_match "gdbus's failure" "$answer" '"state":"handled"'
	expect_fail gdbus call "${PMEMFAIL[@]}" /org/pmemfail1 \
		--method org.pmemfail1.Manager.GetFailure 4711 2>"$RUN/error"
	expect_match "gdbus's error" "$(<"$RUN/error")" 'org.pmemfail1.Error.NoSuchFailure'
	gdbus introspect "${PMEMFAIL[@]}" /org/pmemfail1 --recurse >"$RUN/tree"
	has_line "$RUN/tree" 'PrepareForRemoval' || die "gdbus's text has no signal"
	busctl introspect org.pmemfail1 "/org/pmemfail1/failure/$id" >"$RUN/tree"
	has_line "$RUN/tree" 'State +property +s +"handled" +emits-change' ||
		die "busctl shows $(<"$RUN/tree")"
}

case_run() {
	local peer job object
	pmemfail_up_with InhibitDelayMaxSec=10s
	DEV=$(fs_make xfs raw)
	file_make "$MNT/file" 1
	keep "$MNT/file"
	wait_for 10 "name on the bus" named
	watched
	background gdbus monitor "${PMEMFAIL[@]:0:3}" >"$RUN/gdbus" 2>&1
	background python3 "$TESTS/cases/lib/bus-peer.py" "$RUN/v-peer" "$MNT" 2>"$RUN/peer-error"
	peer=$BG_PID
	try_for 30 has_line "$RUN/v-peer" '^ready' || die "the program says $(<"$RUN/peer-error")"
	peer_saw '^device pmem0 /dev/pmem0 fsdax [0-9]+ True$'
	peer_saw '^managed pmem0$'
	site "$MNT"
	unbind_bounded "$DEV"
	((UNBIND_MS >= 500 && UNBIND_MS < 10000)) || fault "the unbind took $UNBIND_MS ms"
	removal_judge
	recorded handled pmem0
	wait_for 15 "end of the program" gone "$peer"
	wait "$peer" || fault "the program: $(<"$RUN/v-peer") $(<"$RUN/peer-error")"
	object=/org/pmemfail1/failure/$FAILURE
	peer_saw '^signal PrepareForRemoval [^ ]+ True$'
	peer_saw '^signal PrepareForRemoval [^ ]+ False$'
	peer_saw "^signal FailureAdded $FAILURE $object\$"
	peer_saw "^object added $object\$"
	peer_saw "^signal FailureChanged $FAILURE $object handled\$"
	peer_saw "^changed $object State handled\$"
	gdbus_saw 'PrepareForRemoval \(.*, true\)'
	gdbus_saw "FailureAdded \\(uint64 $FAILURE,"
	gdbus_saw "org.freedesktop.DBus.Properties.PropertiesChanged \\('org.pmemfail1.Failure'"
	rebind "$DEV"
	calls "$FAILURE"
	job=$(gdbus call "${PMEMFAIL[@]}" /org/pmemfail1 --method org.pmemfail1.Manager.Replay '')
	[[ $job =~ /org/pmemfail1/job/[0-9]+ ]] || die "no job: $job"
	is_the_file Job "${BASH_REMATCH[0]}"
	is_the_file Manager /org/pmemfail1
	is_the_file Failure "$object"
	is_the_file Device "$(objects device | head -n 1)"
	sums_check "$DEV"
}
