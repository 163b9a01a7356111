# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# module-hold: how an unbind waits for a watcher of /dev/pmemfail, and all the ways
# in which the wait ends.

# watcher [OPTION...] DEV...: running and watching; its lines are in $LOG.
watcher() {
	LOG=$RUN/watch.$EPOCHREALTIME
	background "$TESTS/modtest-watch" "$@" >"$LOG"
	WATCHER=$BG_PID
	wait_for 5 "watch" has_line "$LOG" '^watching'
}

watcher_end() {
	kill -KILL "$WATCHER"
	wait_for 5 "end of the watcher" gone "$WATCHER"
}

# unbind_timed FROM TO: it takes so many milliseconds.
unbind_timed() {
	local start took
	start=$(now_ms)
	unbind /dev/pmem0
	took=$(($(now_ms) - start))
	say "the unbind took $took ms"
	((took >= $1 && took < $2)) || die "the unbind took $took ms, not $1 to $2"
	rebind /dev/pmem0
}

unbind_begin() {
	unbind /dev/pmem0 &
	UNBINDER=$!
	wait_for 5 "hold" has_line "$LOG" '^hold'
	nd_of /dev/pmem0 >"$RUN/nd-pmem0"
}

log_is() {
	local got
	got=$(sed -E 's/id=[0-9]+ //; s/ (dev|age_ms)=.*//; s/released id=[0-9]+/released/' "$LOG" |
		grep -v ^watching | paste -sd,)
	expect_eq "the watcher's log" "$got" "$1"
}

released() {
	watcher --after 700 --cookie 11 /dev/pmem0
	unbind_timed 700 5000
	log_is "hold cookie=11 name=$PFN0,released OK"
	[[ $(grep ^hold "$LOG") =~ dev=$(lsblk -dno MAJ:MIN /dev/pmem0 | tr -d ' ')\  ]] ||
		die "the event names another device: $(<"$LOG")"

	# The watch outlives unbind and bind; calling again renews it.
	unbind_timed 700 5000
	kill -USR1 "$WATCHER"
	wait_for 5 "another watch" has_lines 2 '^watching'
	unbind_timed 700 5000
	expect_eq "hold ids" "$(sed -n 's/^hold id=\([0-9]*\) .*/\1/p' "$LOG" | sort -u | wc -l)" 3
	expect_eq "what a second watcher is told" \
		"$("$TESTS/modtest-watch" /dev/pmem0 || true)" "refused /dev/pmem0 EBUSY"
	watcher_end
}

has_lines() {
	count_lines "$LOG" "$2"
	((COUNT >= $1))
}

timed_out() {
	watcher --never --timeout 1000 /dev/pmem0
	unbind_timed 1000 5000
	log_is "hold cookie=7 name=$PFN0,ended cookie=7 name=$PFN0"
	watcher_end
}

# Released too late: it is no longer there.
too_late() {
	watcher --after 1500 --timeout 500 /dev/pmem0
	unbind_timed 500 1400
	wait_for 5 "late answer" has_line "$LOG" '^ended'
	log_is "hold cookie=7 name=$PFN0,released ENOENT,ended cookie=7 name=$PFN0"
	watcher_end
}

waiter_killed() {
	watcher --never /dev/pmem0
	unbind_begin
	expect_eq "state of the waiter" "$(proc_state "$UNBINDER")" D
	kill -KILL "$UNBINDER"
	wait_for 5 "end of the waiter" gone "$UNBINDER"
	wait_for 5 "news of it" has_line "$LOG" '^ended'
	expect_fail test -e /sys/block/pmem0
	watcher_end
	rebind /dev/pmem0
}

# At once, and without a watcher there is no delay at all.
watcher_closed() {
	local start
	watcher --never /dev/pmem0
	unbind_begin
	start=$(now_ms)
	watcher_end
	wait_for 5 "end of the unbind" gone "$UNBINDER"
	(($(now_ms) - start < 1000)) || die "the unbind went on late"
	rebind /dev/pmem0
	unbind_timed 0 30000
}

# Anything else goes on meanwhile: the other device, watching, reading the log.
others_go_on() {
	local first first_watcher
	watcher --never /dev/pmem0
	first=$LOG first_watcher=$WATCHER
	unbind_begin
	bounded 5 "$TESTS/modtest-watch" --events 1 /dev/pmem1 >"$RUN/second" &
	wait_for 5 "watch of the other" has_line "$RUN/second" '^watching'
	bounded 5 tee "$ND/drivers/nd_pmem/unbind" <<<"$PFN1" >/dev/null ||
		die "the other device waits too"
	bounded 5 tee "$ND/drivers/nd_pmem/bind" <<<"$PFN1" >/dev/null
	wait_for 5 "pmem1" test -b /dev/pmem1
	expect_eq "holds" "$(grep -c ^hold "$first")" 1
	expect_fail rmmod pmemfail
	kill -KILL "$first_watcher"
	wait_for 5 "end of the unbind" gone "$UNBINDER"
	rebind /dev/pmem0
}

# All of the region goes: DEL_DEVICE comes before UNBIND_DRIVER then.
hot_removed() {
	watcher --after 300 /dev/pmem0
	bounded 10 tee "$ND/drivers/nd_region/unbind" <<<region0 >/dev/null ||
		die "the region does not go"
	log_is "hold cookie=7 name=$PFN0,released OK"
	bounded 10 tee "$ND/drivers/nd_region/bind" <<<region0 >/dev/null
	wait_for 10 "pmem0" test -b /dev/pmem0
	PFN0=$(nd_of /dev/pmem0)
	# Another device now: it has no watch.
	unbind_timed 0 3000
	watcher_end
}

# Once, whichever of the two goes first.
device_dax() {
	local node nd
	node=$(ns_make_devdax 1)
	nd=$(basename "$(readlink -f "/sys/bus/dax/devices/${node##*/}/..")")
	watcher --after 300 "$node"
	bounded 5 tee "$ND/drivers/dax_pmem/unbind" <<<"$nd" >/dev/null || die "no unbind"
	log_is "hold cookie=7 name=$nd,released OK"
	bounded 5 tee "$ND/drivers/dax_pmem/bind" <<<"$nd" >/dev/null || die "no bind"
	wait_for 5 "$node" test -c "$node"
	kill -USR1 "$WATCHER"
	wait_for 5 "another watch" has_lines 2 '^watching'
	bounded 5 tee /sys/bus/dax/drivers/device_dax/unbind <<<"${node##*/}" >/dev/null ||
		die "no unbind of the node"
	log_is "hold cookie=7 name=$nd,released OK,hold cookie=7 name=${node##*/},released OK"
	watcher_end
	ns_make_fsdax 1 >/dev/null
}

case_run() {
	expect_ok modprobe pmemfail
	PFN0=$(nd_of "$(ns_make_fsdax 0)")
	PFN1=$(nd_of "$(ns_make_fsdax 1)")
	for what in released timed_out too_late waiter_killed watcher_closed others_go_on \
		hot_removed device_dax; do
		say "--- $what"
		"$what"
	done
	expect_ok rmmod pmemfail
}
