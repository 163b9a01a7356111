# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# timeout: 240
# kernels: 6.12
#
# bus-client: pmemfailctl and the library over D-Bus: the same answers as directly; who
# is not root reads, without what is others', and may not act; what changes is told
# live, also after the daemon was away; a daemon that dies in the middle of a job ends
# it; without a daemon or a bus root goes on directly; an unbind waits for an inhibitor.

# shellcheck source=tests/vm/cases/lib/poison.sh
source "$TESTS/cases/lib/poison.sh"

NOBODY=(setpriv --reuid=65534 --regid=65534 --clear-groups --)

way() {
	pmemfailctl status --json "$@" | jq -r .way
}

same() {
	local bus direct
	bus=$(pmemfailctl --bus --json "$@") || return
	direct=$(pmemfailctl --direct --json "$@") || return
	printf '%s\n' "$bus" >"$RUN/bus"
	printf '%s\n' "$direct" >"$RUN/direct"
	[[ $bus == "$direct" ]]
}

# The daemon reads the machine as it changes: so not at once, but soon.
same_both_ways() {
	try_for 10 same "$@" || {
		diff "$RUN/bus" "$RUN/direct" || true
		die "'$*' differs between the two ways"
	}
}

# But for what changes by itself.
same_metrics() {
	local way
	for way in bus direct; do
		pmemfailctl "--$way" metrics | grep -E '^pmemfail_(failures|victims|events|merges|freeze)' \
			>"$RUN/metrics-$way"
	done
	cmp "$RUN/metrics-bus" "$RUN/metrics-direct" || die "metrics differ between the two ways"
	has_line "$RUN/metrics-bus" '^pmemfail_events_total [1-9]' || die "no event was counted"
	has_line "$RUN/metrics-bus" '^pmemfail_victims 1$' || die "the victim was not counted"
	expect_eq "told" "$(busctl --system --json=short get-property org.pmemfail1 /org/pmemfail1 \
		org.pmemfail1.Manager Counters | jq '.data.told')" 1
}

reads_without_others() {
	local what
	for what in status list devices "show $FAILURE"; do
		# shellcheck disable=SC2086 # the verb and its argument
		"${NOBODY[@]}" pmemfailctl --json $what >"$RUN/read" || die "nobody may not $what"
		! grep -qF -e "$MNT/bad" "$RUN/read" || die "nobody sees a path in $what"
	done
	expect_eq "processes that nobody sees by name" \
		"$(jq '[.failure.cases[].victims[]? | select(.comm != null and .comm != "")] | length' \
			"$RUN/read")" 0
	[[ $("${NOBODY[@]}" pmemfailctl status --json | jq -r .way) == bus ]] || die "not by the bus"
}

may_not_act() {
	local verb
	for verb in "report pmem1 0 4K" replay "prepare-remove --yes pmem1" "assess pmem1" \
		doctor thaw "list --direct"; do
		# shellcheck disable=SC2086
		expect_status 3 "${NOBODY[@]}" pmemfailctl $verb 2>"$RUN/error"
	done
	expect_eq "failures of pmem1" "$(pmemfailctl list --json |
		jq '[.failures[] | select(.device_name == "pmem1")] | length')" 0
}

monitor_is_live() {
	background pmemfailctl monitor --bus --json >"$RUN/monitor"
	local pid=$BG_PID old
	wait_for 10 "monitor" monitors "$pid"
	badblocks_add /dev/pmem1 80000 8
	wait_for 15 "news of pmem1" has_line "$RUN/monitor" '"device_name":"pmem1"'
	old=$(main_pid)
	systemctl kill -s KILL pmemfaild.service
	badblocks_add /dev/pmem1 160000 8
	wait_for 60 "a new daemon" daemon_is_new "$old"
	wait_for 20 "news of what nobody watched" has_line "$RUN/monitor" '"start":81920000'
	watched
	badblocks_add /dev/pmem1 240000 8
	wait_for 15 "news after a restart" has_line "$RUN/monitor" '"start":122880000'
	kill "$pid"
	wait "$pid" || die "monitor ended with $?"
}

# It waits: what was so before is no news any more.
monitors() {
	readlink /proc/"$1"/fd/* | grep -q eventpoll && sleep 2
}

main_pid() {
	systemctl show -P MainPID pmemfaild.service
}

# daemon_is_new PID: of the one before. systemd may not have seen its end yet.
daemon_is_new() {
	local pid
	pid=$(main_pid)
	[[ $(systemctl show -P ActiveState pmemfaild.service) == active ]] &&
		((pid != 0 && pid != $1))
}

# A job that waits for a lock of the device, which somebody else has.
dies_in_the_middle() {
	local id name lock pid old status=0
	pmemfailctl assess pmem1 >/dev/null
	id=$(pmemfailctl devices --json | jq -r '.devices[] | select(.name == "pmem1").id')
	name=${id//\//%2F}
	lock=/run/pmemfail/lock/$name
	exec {held}>>"$lock"
	flock -x "$held"
	background pmemfailctl prepare-remove --bus --yes pmem1 2>"$RUN/error"
	pid=$BG_PID
	wait_for 10 "job" job_runs
	old=$(main_pid)
	systemctl kill -s KILL pmemfaild.service
	wait_for 10 "end of pmemfailctl" gone "$pid"
	wait "$pid" || status=$?
	exec {held}>&-
	expect_eq "exit code" "$status" 1
	grep -q 'went away in the middle.*over D-Bus' "$RUN/error" || die "it says '$(<"$RUN/error")'"
	wait_for 60 "a new daemon" daemon_is_new "$old"
	watched
}

job_runs() {
	busctl tree --list org.pmemfail1 | grep -q '/job/'
}

without_a_daemon() {
	systemctl stop pmemfaild.service
	expect_eq "way" "$(way)" direct
	expect_status 1 pmemfailctl list --bus 2>"$RUN/error"
	expect_status 1 pmemfailctl inhibit pmem0 true 2>"$RUN/error"
	expect_status 3 "${NOBODY[@]}" pmemfailctl list 2>"$RUN/error"
	grep -q 'pmemfaild is not running' "$RUN/error" || die "nobody is told '$(<"$RUN/error")'"
	systemctl is-active -q pmemfaild.service && die "it was started by being asked for"
	expect_ok systemctl start pmemfaild.service
	watched
	expect_eq "way" "$(DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere way)" direct
	try_for 10 on_the_bus || die "the new one is not on the bus"
	expect_eq "way" "$(way)" bus
}

on_the_bus() {
	busctl status org.pmemfail1 >/dev/null 2>&1
}

inhibits() {
	expect_status 7 pmemfailctl inhibit --who me --why because pmem1 sh -c 'exit 7'
	expect_status 143 pmemfailctl inhibit pmem1 sh -c 'kill $$'
	expect_status 127 pmemfailctl inhibit pmem1 no-such-command 2>/dev/null
	expect_status 4 pmemfailctl inhibit pmem77 true 2>/dev/null
	background pmemfailctl inhibit pmem1 sh -c "sleep 2; echo over >$RUN/over"
	wait_for 5 "inhibitor" inhibitor_is_there
	unbind_bounded /dev/pmem1
	[[ -s $RUN/over ]] || die "the unbind did not wait for the command ($UNBIND_MS ms)"
	((UNBIND_MS < 8000)) || die "it waited for longer than the command: $UNBIND_MS ms"
	say "an unbind waited $UNBIND_MS ms for a command of 2 s"
	rebind /dev/pmem1
}

inhibitor_is_there() {
	busctl call org.pmemfail1 /org/pmemfail1 org.pmemfail1.Manager ListInhibitors |
		grep -q '^a(ssssuu) 1'
}

case_run() {
	ns_make_fsdax 1 >/dev/null
	pmemfail_up
	fs_make xfs raw >/dev/null
	file_make "$MNT/bad" 2
	watched
	wait_for 10 "daemon on the bus" on_the_bus
	expect_eq "way" "$(way)" bus
	expect_eq "way" "$(way --direct)" direct
	victim bad reader "$MNT/bad"
	bad_file latent raw "$MNT/bad" $PAGE
	recorded handled pmem0
	same_both_ways list
	same_both_ways devices
	same_both_ways show "$FAILURE"
	same_both_ways list --state=handled
	same_metrics
	reads_without_others
	may_not_act
	monitor_is_live
	dies_in_the_middle
	without_a_daemon
	inhibits
	victims_end
	umount "$MNT"
	kmsg_clean
}
