# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# bench-idle SECONDS RUNS: what do pmemfaild, "ndctl monitor" and rasdaemon cost in a guest
# where nothing happens? All three wait side by side. Not a test case: scripts/bench runs
# it by its path and reads the lines that begin with "bench ".

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

# what starting leaves to be done: udev, the bus, a watchdog that is disarmed
SETTLE_SEC=45

declare -A PIDS=()

# QEMU's NVDIMMs have no SMART, and without it "ndctl monitor" ends at once.
start_ndctl() {
	: >"$RUN/ndctl.conf"
	LD_PRELOAD="$TESTS/has-smart" background ndctl monitor --config-file="$RUN/ndctl.conf" \
		--log="$RUN/ndctl.log"
	PIDS[ndctl]=$BG_PID
}

# As its unit starts it: it records, too.
start_rasdaemon() {
	background rasdaemon -f -r >"$RUN/rasdaemon.log" 2>&1
	PIDS[rasdaemon]=$BG_PID
}

start_pmemfaild() {
	local pid
	pmemfail_up
	watched
	pid=$(systemctl show -P MainPID pmemfaild.service)
	PIDS[pmemfaild]="$pid $(pgrep -P "$pid" | tr '\n' ' ')"
}

all_run() {
	local side pid
	for side in "${!PIDS[@]}"; do
		for pid in ${PIDS[$side]}; do
			! gone "$pid" || die "$side ended: $(cat "$RUN/$side.log" 2>&1)"
		done
	done
}

# switches PID...: how often all their threads have gone to sleep or were made to.
switches() {
	local pid n=0 line file
	for pid; do
		for file in "/proc/$pid/task"/*/status; do
			while read -r line; do
				[[ ! $line =~ ctxt_switches:[[:space:]]*([0-9]+) ]] || ((n += BASH_REMATCH[1]))
			done <"$file"
		done
	done
	SWITCHES=$n
}

# all_switches NAME: into that array, of each side
all_switches() {
	local -n into=$1
	local of
	for of in "${!PIDS[@]}"; do
		# shellcheck disable=SC2086 # several
		switches ${PIDS[$of]}
		# shellcheck disable=SC2004,SC2034 # a name, and another's
		into[$of]=$SWITCHES
	done
}

# memory FIELD FILE...: KiB, in all of these smaps_rollup.
memory() {
	awk -v field="$1:" '$1 == field { n += $2 } END { print n + 0 }' "${@:2}"
}

report() {
	local side=$1 pid threads=0 files=() field json=''
	local -a pids
	read -ra pids <<<"${PIDS[$side]}"
	for pid in "${pids[@]}"; do
		files+=("/proc/$pid/smaps_rollup")
		for _ in "/proc/$pid/task"/*; do ((++threads)); done
	done
	for field in Rss Pss Private_Dirty Anonymous Locked; do
		json+="\"${field,,}_kib\": $(memory "$field" "${files[@]}"), "
	done
	echo "bench {\"side\": \"$side\", \"processes\": ${#pids[@]}, \"threads\": $threads," \
		"$json\"wakeups\": $((AFTER[$side] - BEFORE[$side])), \"seconds\": $2}"
}

window() {
	local seconds=$1 side start took
	local -A BEFORE=() AFTER=()
	start=$(now_ms)
	all_switches BEFORE
	sleep "$seconds"
	all_switches AFTER
	took=$((($(now_ms) - start + 500) / 1000))
	all_run
	for side in pmemfaild ndctl rasdaemon; do
		report "$side" "$took"
	done
}

# A measure that saw nothing must be one that sees a wakeup when there is one.
sees_wakeups() {
	local pid side
	local -A BEFORE=() AFTER=()
	all_switches BEFORE
	# shellcheck disable=SC2048 # several each
	for pid in ${PIDS[*]}; do
		kill -STOP "$pid"
		kill -CONT "$pid"
	done
	sleep 2
	all_switches AFTER
	for side in "${!PIDS[@]}"; do
		say "$side stopped and continued: $((AFTER[$side] - BEFORE[$side])) wakeups"
		((AFTER[$side] > BEFORE[$side])) || die "a wakeup of $side is not counted"
	done
}

case_run() {
	local seconds=$1 runs=$2 i
	ns_make_fsdax 0 >/dev/null
	start_pmemfaild
	start_ndctl
	start_rasdaemon
	sleep "$SETTLE_SEC"
	all_run
	for ((i = 0; i < runs; i++)); do
		window "$seconds"
	done
	sees_wakeups
	kill "${PIDS[ndctl]}" "${PIDS[rasdaemon]}"
}
