# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: flush:xfs@6.1 flush:ext4@named hang:xfs@6.12 die:xfs@6.1 prepare:xfs@6.12 nobus:xfs@6.1 users:xfs@6.12 vanish:xfs@6.1
#
# bus WHAT FILESYSTEM: pmemfaild on D-Bus, with devices that go. A program that asks
# for a moment before a removal gets it, and not more than that; a removal over the
# bus; none at all; and who may see what.

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

# Long enough that a slow machine lets go in time, for who lets go; and short for who
# does not.
DELAY_MS=10000

# Calls that are kept until they are answered: bus-work.c, MAX_ASKED of bus-polkit.c.
BUS_WAITING=$((4 + 256 + 16 + 64 + 7))

manager() {
	busctl --system --json=short call org.pmemfail1 /org/pmemfail1 org.pmemfail1.Manager "$@"
}

named() {
	busctl --system status org.pmemfail1 >/dev/null 2>&1
}

# inhibitor MODE WHAT: it maps $MNT/its and holds a lock.
inhibitor() {
	background "$TESTS/inhibitor" --status "$RUN/v-it" "$2" "$MNT/its" "$1"
	IT=$BG_PID
	try_for 30 has_line "$RUN/v-it" '^ready' || die "inhibitor: $(cat "$RUN/v-it" 2>&1)"
	manager ListInhibitors | grep -q '"inhibitor"' || die "its lock is not listed"
}

no_lock_is_left() {
	[[ $(manager ListInhibitors | jq -c '.data[0]') == '[]' ]]
}

begin() {
	pmemfail_up_with InhibitDelayMaxSec=$((DELAY_MS / 1000))s
	DEV=$(fs_make "$1" raw)
	file_make "$MNT/file" 2
	keep "$MNT/file"
	wait_for 10 "name on the bus" named
}

case_run_flush() {
	local last
	begin "$1"
	inhibitor flush "$MNT"
	watched
	site "$MNT"
	unbind_bounded "$DEV"
	((UNBIND_MS < DELAY_MS)) || fault "it took $UNBIND_MS ms, though the lock was dropped"
	try_for 10 gone "$IT" || fault "the program has not ended"
	has_line "$RUN/v-it" '^end sigbus=0' || fault "the program: $(tail -n 1 "$RUN/v-it")"
	last=$(sed -n 's/^end .*last=//p' "$RUN/v-it")
	removal_judge
	wait_for 5 "end of the lock" no_lock_is_left
	recorded handled pmem0
	[[ $(pmemfailctl show "$FAILURE" --json | jq '[.failure.cases[].victims[]] | length') == 0 ]] ||
		fault "somebody was told"
	rebind "$DEV"
	mount_dax "$DEV"
	expect_eq "what it stored last" "$(od -An -t u8 -N 8 "$MNT/its" | tr -d ' ')" "$last"
	umount "$MNT"
	mkdir -p "$MNT"
	sums_check "$DEV"
}

# It does not let go: the removal goes on, and tells it.
case_run_hang() {
	DELAY_MS=2000
	begin "$1"
	inhibitor hang pmem0
	watched
	site "$MNT"
	unbind_bounded "$DEV"
	((UNBIND_MS >= DELAY_MS - 100 && UNBIND_MS < DELAY_MS + 15000)) ||
		fault "the unbind took $UNBIND_MS ms, not $DELAY_MS"
	has_line "$RUN/v-it" '^sigbus' || fault "the program was not told"
	removal_judge
	recorded handled pmem0
	wait_for 5 "end of the lock" no_lock_is_left
	rebind "$DEV"
	sums_check "$DEV"
}

# Its death ends the lock at once.
case_run_die() {
	begin "$1"
	inhibitor die pmem0
	watched
	site "$MNT"
	unbind_bounded "$DEV"
	((UNBIND_MS < DELAY_MS)) || fault "the unbind took $UNBIND_MS ms for a dead program"
	removal_judge
	rebind "$DEV"
	sums_check "$DEV"
}

job_over() {
	local state
	state=$(busctl --system get-property org.pmemfail1 "$JOB" org.pmemfail1.Job State)
	[[ $state == 's "done"' || $state == 's "failed"' ]]
}

job_is() {
	[[ $(busctl --system get-property org.pmemfail1 "$1" org.pmemfail1.Job State 2>&1) == "s \"$2\"" ]]
}

no_job_is_left() {
	! busctl --system tree --list org.pmemfail1 | grep -q '/job/'
}

# The daemon's descriptors, but for the bus's and the journal's own.
descriptors() {
	local all=(/proc/"$(systemctl show -P MainPID pmemfaild.service)"/fd/*)
	echo "${#all[@]}"
}

has_descriptors() {
	[[ $(descriptors) == "$1" ]]
}

# Whoever asks with busctl is gone when the job begins: what only tells is canceled, what
# acts goes on to its end. A lock that is held ends with its holder, removal or not. A
# minute later nothing is left of any of them.
case_run_vanish() {
	local before ranges=() i job acts
	begin "$1"
	watched
	before=$(descriptors)
	for ((i = 0; i < 4096; i++)); do
		ranges+=($((i * 8192)) 4096)
	done
	job=$(manager Assess 'sa(tt)a{sv}' pmem0 4096 "${ranges[@]}" 1 Deep b true | jq -r '.data[0]')
	acts=$(manager Replay s '' | jq -r '.data[0]')
	wait_for 30 "end of what nobody waits for" job_is "$job" canceled
	wait_for 30 "end of what acts" job_is "$acts" "done"
	inhibitor hang pmem0
	kill -KILL "$IT"
	wait_for 3 "end of the dead program's lock" no_lock_is_left
	unbind_bounded "$DEV"
	((UNBIND_MS < DELAY_MS)) || fault "the unbind took $UNBIND_MS ms for a dead program"
	rebind "$DEV"
	watched
	wait_for 90 "end of the jobs' objects" no_job_is_left
	try_for 10 has_descriptors "$before" ||
		fault "the daemon had $before descriptors and has $(descriptors)"
	umount "$MNT"
	sums_check "$DEV"
}

case_run_prepare() {
	begin "$1"
	inhibitor flush pmem0
	watched
	JOB=$(manager PrepareRemove 'sa{sv}' pmem0 0 | jq -r '.data[0]')
	wait_for 30 "end of the job" job_over
	expect_eq "state" "$(busctl --system get-property org.pmemfail1 "$JOB" org.pmemfail1.Job State)" 's "done"'
	# looked for sites; 7 steps of the one there is; recorded
	expect_eq "progress" "$(busctl --system get-property org.pmemfail1 "$JOB" org.pmemfail1.Job Done Total)" \
		$'t 9\nt 9'
	has_line "$RUN/v-it" '^end sigbus=0' || fault "the program: $(tail -n 1 "$RUN/v-it")"
	! is_mounted "$MNT" || fault "it is still mounted"
	kmsg_clean
	unbind_bounded "$DEV"
	kmsg_clean
	rebind "$DEV"
	sums_check "$DEV"
}

# The bus goes while a device does, and comes back.
case_run_nobus() {
	begin "$1"
	victim reader reader "$MNT/file"
	watched
	site "$MNT"
	systemctl stop dbus.socket dbus.service 2>/dev/null || true
	removal "$DEV"
	systemctl start dbus.socket
	wait_for 30 "name on the new bus" named
	manager ListFailures 'a{sv}' 0 | grep -q '"remove"' || fault "the failure is not on the bus"
	rebind "$DEV"
	sums_check "$DEV"
}

# The paths and names of processes in a failure as the bus gives it.
names_in() {
	jq -r '.data[0]' | jq -c '[.. | objects | .path, .comm | strings | select(. != "")]'
}

as_nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

# Others may know that something happened, not to whom; and may do nothing.
case_run_users() {
	local id
	begin "$1"
	victim reader reader "$MNT/file"
	watched
	site "$MNT"
	removal "$DEV"
	recorded handled pmem0
	id=$FAILURE
	manager DescribeFailure t "$id" | names_in | grep -qF "$MNT/file" ||
		fault "root does not see the path"
	as_nobody busctl --system --json=short call org.pmemfail1 /org/pmemfail1 \
		org.pmemfail1.Manager DescribeFailure t "$id" >"$RUN/others"
	grep -q victims "$RUN/others" || fault "others see nothing at all"
	expect_eq "what others see" "$(names_in <"$RUN/others")" '[]'
	! as_nobody busctl --system call org.pmemfail1 /org/pmemfail1 org.pmemfail1.Manager \
		PrepareRemove 'sa{sv}' pmem0 0 2>"$RUN/refused" || fault "others may remove"
	grep -qi 'denied\|authentica\|interactive' "$RUN/refused" ||
		fault "another reason: $(cat "$RUN/refused")"
	mkdir -p /etc/polkit-1/rules.d
	cat >/etc/polkit-1/rules.d/50-test.rules <<-'END'
		polkit.addRule(function(action, subject) {
			if (action.id == "org.pmemfail1.replay") return polkit.Result.YES;
		});
	END
	systemctl restart polkit.service
	as_nobody busctl --system call org.pmemfail1 /org/pmemfail1 org.pmemfail1.Manager \
		Replay s '' || fault "the rule of polkit is not heard"
	rm /etc/polkit-1/rules.d/50-test.rules
	# The calls that may wait, each with 16 descriptors, leave a rescue what it needs.
	(($(systemctl show -P LimitNOFILESoft pmemfaild.service) >= 16 * BUS_WAITING + 4096)) ||
		fault "clients could use up the daemon's descriptors"
	rebind "$DEV"
	sums_check "$DEV"
}

case_run() {
	"case_run_$1" "$2"
}
