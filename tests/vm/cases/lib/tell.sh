# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# tell.sh: what the demonstrations share: lines for people, and a verdict that is
# nothing but what was measured. Sourced by demo.sh and demo-poison.sh;
# scripts/demo shows the lines that begin with "demo:".

# shellcheck source=tests/vm/cases/lib/poison.sh
source "$TESTS/cases/lib/poison.sh"

FAULTS=()
COLLECT_FAULTS=1

tell() {
	echo "demo:$*"
}

# victim NAME WHAT MODE FILE, introduced
introduce() {
	local name=$1 what=$2
	shift 2
	victim "$name" "$@"
	tell "  pid ${VICTIM[$name]}: $what"
}

tell_faults() {
	local fault
	for fault in "${FAULTS[@]:$TOLD_FAULTS}"; do
		tell "  NOT WELL: $fault"
	done
	if ((${#FAULTS[@]} == TOLD_FAULTS)); then
		tell "  $1"
	fi
	TOLD_FAULTS=${#FAULTS[@]}
}

# told_verdict START WORDS: the last line, from the faults since then
told_verdict() {
	if ((${#FAULTS[@]})); then
		guest_spoiled "lost"
		tell "VERDICT LOST ${FAULTS[0]}"
	else
		tell "VERDICT RESCUED $2 in $((($(now_ms) - $1) / 1000)) s"
	fi
}

demo_begin() {
	TOLD_FAULTS=0
	STOCK=
	[[ $1 == with ]] || STOCK=1
}

# on_what FILESYSTEM STACK
on_what() {
	case $2 in
	raw) echo "$1 on a whole pmem device" ;;
	partition) echo "$1 on a partition of a pmem device" ;;
	dm) echo "$1 on a device-mapper device over a pmem device" ;;
	esac
}

tell_record() {
	[[ ! $STOCK ]] || return 0
	recorded handled pmem0
	[[ -s $RUN/failure ]] || return 0
	tell "pmemfail's record of it (pmemfailctl show $FAILURE):"
	pmemfailctl show "$FAILURE" | sed 's/^/demo:  | /'
}
