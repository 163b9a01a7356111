# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# victims.sh: processes that map files, and what each must have seen when the
# memory is gone. The programs are tests/vm/progs/victim.c and hammer.c.
#
# Why: every case judges its victims by the same words. Sourced by green.sh.

# name -> pid, and name -> what it must have seen: told, deaf, spared
declare -gA VICTIM=() EXPECT=()
# name -> how often it had read all of its mapping
declare -gA PROBES=()
# name -> anything: it has a child, NAME.child
declare -gA FORKED=()
# name -> anything: it maps several file systems, and whichever is first tells it
declare -gA ANY_ADDRESS=()
# name -> how many SIGBUS it may be sent at most, when not one
declare -gA MAX_SIGBUS=()
# a command in front of every victim: (unshare -m)
VICTIM_VIA=()

# fault TEXT: something is not as it must be. The demo collects these instead
# of ending (FAULTS set).
fault() {
	[[ ${COLLECT_FAULTS:-} ]] || die "$*"
	FAULTS+=("$*")
}

# victim NAME [OPTION...] MODE FILE...: running and ready when it returns.
victim() {
	victim_start "$@"
	victim_ready "$1"
}

# The same in two, for many at once.
victim_start() {
	local name=$1 mode
	shift
	background "${VICTIM_VIA[@]}" "$TESTS/victim" --status "$RUN/v-$name" "$@"
	VICTIM[$name]=$BG_PID
	EXPECT[$name]=told
	for mode; do
		case $mode in
		ignore | blocked) EXPECT[$name]=deaf ;;
		--fork) FORKED[$name]=yes ;;
		esac
	done
}

victim_ready() {
	local name=$1
	try_for 30 has_line "$RUN/v-$name" '^ready' ||
		die "victim $name is not ready: $(tail -n 1 "$RUN/v-$name" 2>&1)"
	[[ ${FORKED[$name]:-} ]] || return 0
	wait_for 30 "child of $name" has_line "$RUN/v-$name.child" '^ready'
	VICTIM[$name.child]=$(sed -n 's/^child pid=//p' "$RUN/v-$name")
	EXPECT[$name.child]=told
	# it has the mappings of its parent
	sed -n '/^map/p' "$RUN/v-$name" >>"$RUN/v-$name.child"
}

victims_ready() {
	local name names=("${!VICTIM[@]}")
	for name in "${names[@]}"; do
		[[ ${EXPECT[$name]} == hammer ]] || victim_ready "$name"
	done
}

# hammer NAME [OPTION...] FILE
hammer() {
	local name=$1
	shift
	background "$TESTS/hammer" --status "$RUN/v-$name" "$@"
	VICTIM[$name]=$BG_PID
	EXPECT[$name]=hammer
	wait_for 30 "first accesses of $name" has_line "$RUN/v-$name" '^ready'
}

# The addresses of the mappings of a victim, ascending; the lowest.
victim_addrs() {
	local line
	lines_of "$RUN/v-$1" '^map .*addr=0x[0-9a-f]+ ' || return 0
	for line in "${LINES_OF[@]}"; do
		line=${line##* addr=}
		echo "${line%% *}"
	done | sort
}

victim_addr() {
	local line addr lowest=
	lines_of "$RUN/v-$1" '^map .*addr=0x[0-9a-f]+ ' || true
	for line in "${LINES_OF[@]}"; do
		addr=${line##* addr=}
		addr=${addr%% *}
		[[ $lowest ]] && ((addr >= lowest)) || lowest=$addr
	done
	echo "$lowest"
}

# victim_may_hear NAME ADDRESS: the lowest of all its mappings; when it maps
# several file systems (ANY_ADDRESS), that of any.
victim_may_hear() {
	if [[ ${ANY_ADDRESS[$1]:-} ]]; then
		has_line "$RUN/v-$1" "^map .*addr=$2 "
	else
		[[ $(victim_addr "$1") == "$2" ]]
	fi
}

victim_sigbus() {
	count_lines "$RUN/v-$1" '^sigbus '
	echo "$COUNT"
}

# One SIGBUS, of the right kind, with the right address.
victim_check_told() {
	local name=$1 line addr
	if ! try_for 10 has_line "$RUN/v-$name" '^sigbus '; then
		fault "$name (pid ${VICTIM[$name]}) was sent no SIGBUS"
		return 0
	fi
	lines_of "$RUN/v-$name" '^sigbus '
	line=${LINES_OF[0]}
	[[ $line == *' code=5 '* ]] || fault "$name: '$line' is not BUS_MCEERR_AO"
	addr=${line#* addr=}
	victim_may_hear "$name" "${addr%% *}" ||
		fault "$name: '$line', but it maps $(grep '^map ' "$RUN/v-$name" | paste -sd';')"
	[[ $line =~ \ lsb=(12|21)\  ]] || fault "$name: '$line' has a strange granularity"
}

victim_check_once() {
	count_lines "$RUN/v-$1" '^sigbus '
	((COUNT <= ${MAX_SIGBUS[$1]:-1})) ||
		fault "$1 (pid ${VICTIM[$1]}) was sent $COUNT SIGBUS instead of one"
}

# Have it read all of its mapping. PROBES: how often it had done so before.
victim_probe() {
	count_lines "$RUN/v-$1" '^probed'
	PROBES[$1]=$COUNT
	kill -USR1 "${VICTIM[$1]}" || fault "$1 is dead"
}

# No page of the file can be read any more; privately copied pages can.
victim_check_gone() {
	local name=$1 line
	if ! try_for 30 probed_more "$name" "${PROBES[$name]}"; then
		fault "$name does not come back from reading its mapping"
		return 0
	fi
	lines_of "$RUN/v-$name" '^probe ' || true
	for line in "${LINES_OF[@]}"; do
		[[ $line == *' read=0 '* ]] ||
			fault "$name can still read removed memory: $line"
		[[ $line == *' lost=0 '* ]] || fault "$name lost private pages: $line"
	done
	if has_line "$RUN/v-$name" '^deaf' && ! has_line "$RUN/v-$name" '^deaf signal=7'; then
		fault "$name, deaf to SIGBUS, was not ended by its access"
	fi
}

probed_more() {
	count_lines "$RUN/v-$1" '^probed'
	((COUNT > $2))
}

# Nothing succeeded after the removal was complete (in ms of now_boot).
hammer_check() {
	local name=$1 removed_ms=$2 last
	kill -USR1 "${VICTIM[$name]}" || { fault "$name is dead"; return 0; }
	wait_for 10 "answer of $name" has_line "$RUN/v-$name" '^hammer'
	last=$(sed -n 's/^hammer .*last_ns=\([0-9]*\) .*/\1/p' "$RUN/v-$name" | tail -n 1)
	((last / 1000000 <= removed_ms)) ||
		fault "$name touched the memory $((last / 1000000 - removed_ms)) ms after it was removed"
}

# CLOCK_BOOTTIME in ms (a guest never suspends, so /proc/uptime is it).
now_boot() {
	local up
	read -r up _ </proc/uptime
	up=${up/./}
	echo $((10#$up * 10))
}

# Everything the victims must have seen. $1: when the removal was complete.
victims_check() {
	local name
	for name in "${!VICTIM[@]}"; do
		case ${EXPECT[$name]} in
		told | hammer) victim_check_told "$name" ;;
		esac
	done
	for name in "${!VICTIM[@]}"; do
		case ${EXPECT[$name]} in
		told | deaf) victim_probe "$name" ;;
		esac
	done
	for name in "${!VICTIM[@]}"; do
		case ${EXPECT[$name]} in
		told | deaf) victim_check_gone "$name" ;;
		hammer) hammer_check "$name" "$1" ;;
		spared)
			[[ $(victim_sigbus "$name") == 0 ]] ||
				fault "$name was sent a SIGBUS it has nothing to do with"
			;;
		esac
	done
	for name in "${!VICTIM[@]}"; do
		victim_check_once "$name"
	done
}

# They end; a process that cannot be ended is a finding.
victims_end() {
	local name pid
	for name in "${!VICTIM[@]}"; do
		pid=${VICTIM[$name]}
		kill -TERM "$pid" 2>/dev/null || true
	done
	for name in "${!VICTIM[@]}"; do
		pid=${VICTIM[$name]}
		if ! try_for 10 gone "$pid"; then
			kill -KILL "$pid" 2>/dev/null || true
			fault "$name (pid $pid, state $(proc_state "$pid")) does not end"
		fi
		victim_check_once "$name"
		unset "VICTIM[$name]"
	done
}
