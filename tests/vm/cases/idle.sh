# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# kernels: 6.1
# timeout: 300
#
# idle: a daemon that has nothing to do is not woken, neither by its watchdog nor by
# poison that is on record and settled; one that hangs while it has is restarted. What it
# runs is in memory and stays there, what it never will is not. It takes more than a
# minute and hardly differs between kernels: so on one of them.

# shellcheck source=tests/vm/cases/lib/poison.sh
source "$TESTS/cases/lib/poison.sh"

IDLE_SEC=25
WATCHDOG_SEC=6
RESCAN_SEC=5
DROPIN=/run/systemd/system/pmemfaild.service.d

daemon_pid() {
	systemctl show -P MainPID pmemfaild.service
}

# switches: how often each thread of daemon and guard has gone to sleep or was made to
switches() {
	local pid=$1 task
	for task in "/proc/$pid/task"/* $(pgrep -P "$pid" | sed 's,.*,/proc/&/task/&,'); do
		echo "$(<"$task/comm") ${task##*/} $(awk '/ctxt_switches/ { n += $2 } END { print n }' "$task/status")"
	done
}

restarted() {
	local pid
	pid=$(daemon_pid)
	((pid > 0 && pid != $1)) && systemctl -q is-active pmemfaild.service
}

sleeps() {
	local pid before
	pid=$(daemon_pid)
	before=$(switches "$pid")
	(($(wc -l <<<"$before") >= 3)) || die "where are the threads? $before"
	sleep "$IDLE_SEC"
	expect_eq "wakeups in $IDLE_SEC s" "$(switches "$pid")" "$before"
	# the measure sees one when there is one
	kill -HUP "$pid"
	sleep 2
	[[ $(switches "$pid") != "$before" ]] || die "a signal woke nobody"
}

# in_memory NAME: all that is mapped of the file with that in its name is there and locked
in_memory() {
	awk -v name="$1" '
		/^[0-9a-f]+-[0-9a-f]+ / { on = index($NF, name) && $2 !~ /^---/; n += on }
		on && $1 == "Size:" { size = $2 }
		on && $1 == "Rss:" && $2 != size { missing += size - $2 }
		on && $1 == "VmFlags:" && !/ lo( |$)/ { unlocked++ }
		END { exit !(n && !missing && !unlocked) }' "/proc/$(daemon_pid)/smaps"
}

keeps_what_it_runs() {
	local name
	for name in /pmemfaild /libpmemfail.so /libc.so /libsystemd.so /libsqlite3.so /ld-linux; do
		in_memory "$name" || fault "not all of $name is kept in memory"
	done
	! in_memory /libcrypto.so || fault "libcrypto is kept in memory, which nobody needs"
	say "resident: $(awk '$1 == "VmRSS:" { print $2 }' "/proc/$(daemon_pid)/status") KiB"
}

# Handling waits for locks that are ours; then the daemon stops.
hangs() {
	local pid lock fd fds=()
	pid=$(daemon_pid)
	for lock in /run/pmemfail/lock/*.poison; do
		exec {fd}<>"$lock"
		flock "$fd"
		fds+=("$fd")
	done
	bad_file latent raw "$MNT/bad" $((64 * PAGE))
	sleep 1
	kill -STOP "$pid"
	try_for $((WATCHDOG_SEC * 4)) restarted "$pid" || fault "a daemon that hangs at work goes on hanging"
	for fd in "${fds[@]}"; do exec {fd}<&-; done
	kill -CONT "$pid" 2>/dev/null || true
	recorded handled pmem0
}

case_run() {
	mkdir -p "$DROPIN"
	printf '[Service]\nWatchdogSec=%s\n' "$WATCHDOG_SEC" >"$DROPIN/idle.conf"
	# shellcheck disable=SC2064
	trap "rm -rf $DROPIN; systemctl daemon-reload" EXIT
	systemctl daemon-reload
	pmemfail_up_with RescanIntervalSec=$RESCAN_SEC
	fs_make xfs raw >/dev/null
	file_make "$MNT/bad" 2
	watched
	victim bad reader "$MNT/bad"
	bad_file latent raw "$MNT/bad" 0
	told_at bad 0
	recorded handled pmem0
	# the daemon disarms its watchdog; one rescan may be due still
	sleep $((RESCAN_SEC + WATCHDOG_SEC + 4))
	keeps_what_it_runs
	sleeps
	hangs
	expect_sigbus bad 2	# for two failures
	kill -KILL "${VICTIM[bad]}"
	wait_for 20 "end of the victim" gone "${VICTIM[bad]}"
	VICTIM=()
	umount "$MNT"
	kmsg_clean
}
