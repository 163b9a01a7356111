# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: xfs:all@6.12 ext4:daemon@6.1
# timeout: 300
#
# killed FILESYSTEM WHOM: SIGKILL comes at many moments of a removal, to the
# daemon only or to its guard as well. The unbind goes on at once, nothing stays
# frozen for more than a second, and the restarted daemon finishes the record.
#
# The file system is written to by calls, and not mapped: what the kernel alone
# makes of mapped pages (an oops) is not the question here.

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

# ms after the unbind began; a whole sweep is: killed:xfs:all:0:5:10:15:20:30:40:60:90
declare -A MOMENTS=([xfs:daemon]="0 15 60" [xfs:all]="5 20 90" [ext4:daemon]="10 30 120"
	[ext4:all]="0 20 40")
RECORDS=0

kill_them() {
	if [[ $1 == all ]]; then
		systemctl kill -s KILL pmemfaild.service
	else
		kill -KILL "$(systemctl show -P MainPID pmemfaild.service)"
	fi
}

finished() {
	FAILURE=$(newest pmem0)
	[[ $FAILURE ]] || return 1
	pmemfailctl show "$FAILURE" --json | jq -e '.failure.state | IN("handled", "failed")' >/dev/null
}

newer_than() {
	[[ $(newest) != "$1" ]]
}

round() {
	local kind=$1 whom=$2 moment=$3 dev=/dev/pmem0 probe start killed unbind_pid longest before state
	mkfs_as "$kind" "$dev"
	mount_dax "$dev"
	file_make "$MNT/still" 1
	: >"$RUN/sums"
	keep "$MNT/still"
	site "$MNT"
	rm -f "$RUN/probe"
	background "$TESTS/writeprobe" --status "$RUN/probe" "$MNT/probe"
	probe=$BG_PID
	wait_for 10 "a write" has_line "$RUN/probe" '^ready'
	before=$(newest)

	nd_remember "$dev"
	start=$(now_ms)
	unbind "$dev" &
	unbind_pid=$!
	sleep "0.$(printf '%03d' "$moment")"
	kill_them "$whom"
	killed=$(now_ms)
	try_for 10 gone "$unbind_pid" || hung "killed at $moment ms: the unbind does not return"
	wait "$unbind_pid" || fault "the unbind failed"
	(($(now_ms) - killed < 3000)) ||
		fault "killed at $moment ms: the unbind took $(($(now_ms) - killed)) ms more"

	# the next write fails, unless it is kept waiting
	if ! try_for 5 gone "$probe"; then
		[[ $kind == ext4 ]] || fault "killed at $moment ms: a write never came back"
		kill "$probe"
		try_for 5 gone "$probe" || fault "killed at $moment ms: the file system stays frozen"
	fi
	longest=$(sed -n 's/^end .*longest_ms=\([0-9]*\) .*/\1/p' "$RUN/probe")
	((${longest:-9999} <= 1000)) || fault "killed at $moment ms: a write waited $longest ms"

	wait_for 20 "restarted daemon" systemctl -q is-active pmemfaild.service
	sites_umount
	kmsg_clean
	# Killed before the daemon had read of the hold, there is nothing to record.
	if ! try_for 10 newer_than "$before"; then
		state=none
	else
		RECORDS=$((RECORDS + 1))
		wait_for 15 "an honest record" finished
		state=$(pmemfailctl show "$FAILURE" --json | jq -r '.failure | .state + " " + (.reason // "")')
	fi
	say "$moment ms: unbind $(($(now_ms) - start)) ms, longest write ${longest:-?} ms, record: $state"
	rebind "$dev"
	mount_dax "$dev"
	sums_verify
	umount "$MNT"
}

case_run() {
	local moment moments
	read -ra moments <<<"${MOMENTS[$1:$2]}"
	(($# < 3)) || moments=("${@:3}")
	ns_make_fsdax 0 >/dev/null
	pmemfail_up
	# many kills in a row are the point, not a reason to give up
	mkdir -p /run/systemd/system/pmemfaild.service.d
	printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=100ms\n' \
		>/run/systemd/system/pmemfaild.service.d/test.conf
	systemctl daemon-reload
	for moment in "${moments[@]}"; do
		watched
		round "$1" "$2" "$moment"
	done
	((RECORDS > 0)) || fault "killed at ${moments[*]} ms: not one was recorded"
	rm -r /run/systemd/system/pmemfaild.service.d
	systemctl daemon-reload
}
