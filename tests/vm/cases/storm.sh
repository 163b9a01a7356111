# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: xfs:1:2 ext4:11:12@6.12
# timeout: 600
#
# storm FILESYSTEM FIRST LAST: the device goes in the middle of a metadata-heavy
# load of 4 processes, with mappers and hammering threads besides, round after
# round. The number of the round seeds the load and the moment. Twenty rounds are
# storm:xfs:1:10 and storm:ext4:11:20; every check runs four of them.

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

storm_started() {
	(($(grep -c '^started' "$RUN/storm" || true) >= 4))
}

storm_ended() {
	try_for 20 has_line "$RUN/storm" '^end ' ||
		{ fault "the load does not end: $(tail -n 3 "$RUN/storm")"; return 0; }
	has_line "$RUN/storm" '^end procs=4 failed=0' ||
		fault "a process of the load died: $(grep died "$RUN/storm")"
	! grep -qE '^proc .* told=([2-9]|[0-9]{2,})$' "$RUN/storm" ||
		fault "a process of the load was told more than once"
}

round() {
	local kind=$1 seed=$2 dev storm
	RANDOM=$seed
	: >"$RUN/sums"
	rm -f "$RUN"/v-* "$RUN/storm"
	dev=$(ns_make_fsdax 0)
	mkfs_as "$kind" "$dev"
	mount_dax "$dev"
	file_make "$MNT/still" 1
	file_make "$MNT/hammered" 2
	keep "$MNT/still"
	mkdir "$MNT/load"
	victim still reader "$MNT/still"
	hammer hammer "$MNT/hammered"
	site "$MNT"
	background "$TESTS/fsstorm" --status "$RUN/storm" --procs 4 --seed "$seed" "$MNT/load"
	storm=$BG_PID
	wait_for 30 "the load" storm_started
	# the one sleep that matters: a random moment, not a deadline
	sleep "0.$(printf '%03d' $((RANDOM % 1000)))"

	unbind_bounded "$dev"
	storm_ended
	try_for 5 gone "$storm" || fault "the load is still there"
	removal_judge
	recorded handled pmem0
	say "round $seed: unbind $UNBIND_MS ms," \
		"frozen $(jq '.cases[0].outcome.frozen_ns / 1000000 | floor' "$RUN/failure") ms," \
		"files $(jq '.cases[0].outcome.files' "$RUN/failure")"
	returned raw
	sums_check "$dev"
}

case_run() {
	local kind=$1 seed
	pmemfail_up
	ns_make_fsdax 0 >/dev/null
	for ((seed = $2; seed <= $3; seed++)); do
		watched
		round "$kind" "$seed"
	done
}
