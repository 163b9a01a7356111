#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# bus-greedy-logic: users who may do nothing ask for everything, and let polkit, whose
# question a program of their own session answers, wait for ever: root's calls are
# done all the same, and what is kept of theirs is bounded.
#
#   [BUILD=DIR] tests/root/bus-greedy.sh
#
# Prints "ok NAME" or "not ok NAME: why"; exit 77: cannot run here.
set -u
cd "$(dirname "$0")/../.." || exit 1
test=bus-greedy-logic
# shellcheck source=tests/root/bus-tools.bash
source tests/root/bus-tools.bash

greedy=()
end_greedy() {
	kill "${greedy[@]}" && wait "${greedy[@]}"
	greedy=()
	cleanup
} 2>/dev/null
trap end_greedy EXIT

sed -i 's,<include,<allow own="org.freedesktop.PolicyKit1"/>\
	<allow send_destination="org.freedesktop.PolicyKit1"/>\
	</policy>\n<include,; s,^  </policy>$,,' "$work/bus.conf"
bus_up
try test -S "$work/socket"
if ! gcc -O2 -Wall -o "$work/greedy" tests/root/bus-greedy.c -lsystemd 2>"$work/err"; then
	verdict compiles 1 "$(head -n 1 "$work/err")"
	exit 1
fi
chmod 755 "$work/greedy"
"$work/greedy" polkit 2>"$work/polkit.err" &
greedy+=($!)
try busctl --system status org.freedesktop.PolicyKit1
verdict polkit_is_there $? "$(cat "$work/polkit.err")"
start_daemon
try named
verdict daemon_is_there $? "$(tail -n 3 "$work/log")"

# greedy_user UID MEMBER N: a user that every system has; a bus wants to know it. Says how many of its calls were refused
greedy_user() {
	setpriv --reuid "$1" --regid 65534 --clear-groups "$work/greedy" "$2" "$3" \
		>"$work/greedy.$1" 2>&1 &
	greedy+=($!)
	try grep -q . "$work/greedy.$1"
	cat "$work/greedy.$1"
}

# Two of them, since one alone is stopped before it has as many calls as there may be
# jobs.
out=$(greedy_user 1 Assess 2; greedy_user 2 Assess 2)
[ "$out" = $'refused=0\nrefused=0' ]
verdict some_calls_may_wait $? "$out"
manager Replay s '' >"$work/out" 2>&1
verdict who_waits_for_a_password_takes_nobodys_job $? "$(cat "$work/out")"

out=$(greedy_user 3 Reload 3)
[ "$out" = refused=4 ]
verdict calls_that_wait_are_bounded_for_each_user $? "$out"
for uid in 4 5 6 7 8; do
	out=$(greedy_user "$uid" Reload 2)
done
out=$(greedy_user 65534 Reload 2)
[ "$out" = refused=8 ]
verdict calls_that_wait_are_bounded_for_all $? "$out"
manager Reload >"$work/out" 2>&1
verdict root_waits_for_none_of_them $? "$(cat "$work/out")"
stop_daemon
verdict ends_well $? "$(tail -n 3 "$work/log")"
exit "$failed"
