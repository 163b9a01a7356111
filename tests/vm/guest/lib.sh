# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# lib.sh: what test cases call: judgements, waiting, kernel log, the host.
#
# Why: a case should read as the story it tests. Sourced in the guest, by
# tests/vm/guest/agent before each case; brings storage.sh along.
#
# A case is a bash file tests/vm/cases/NAME.sh that defines case_run. It runs
# under `set -Eeuo pipefail`, so a failing command fails the case. It leaves
# without cleaning up: the agent does that. NAME:A:B runs `case_run A B`. At its
# start each NVDIMM has one fsdax namespace with nothing on it, the module is
# not loaded and pmemfaild does not run; test programs are on the PATH.

TESTS=/usr/lib/pmemfail-tests
# lasts as long as the case; lost at a power cut
RUN=/run/pmemfail-test

say() {
	echo "$*"
}

# Ends the case as failed. Also from inside $(...), thanks to errexit.
die() {
	echo "FAILED: $*" >&2
	[[ -s $RUN/reason ]] || echo "$*" >"$RUN/reason"
	exit 1
}

# Ends the case as not applicable here.
skip() {
	echo "$*" >"$RUN/reason"
	exit 77
}

# After the case nothing here can be trusted: the rest gets a fresh guest.
guest_spoiled() {
	echo "$*" >"$RUN/spoiled"
}

expect_ok() {
	"$@" || die "'$*' failed with status $?"
}

expect_fail() {
	if "$@"; then
		die "'$*' succeeded, but should fail"
	fi
}

# expect_eq WHAT GOT WANT
expect_eq() {
	[[ $2 == "$3" ]] || die "$1 is '$2', not '$3'"
}

# expect_match WHAT GOT ERE
expect_match() {
	[[ $2 =~ $3 ]] || die "$1 is '$2', which does not match '$3'"
}

# expect_status WANT COMMAND...: the exit status is the point.
expect_status() {
	local want=$1 status=0
	shift
	"$@" || status=$?
	[[ $status == "$want" ]] || die "'$*' ended with $status, not $want"
}

now_ms() {
	local t=$EPOCHREALTIME
	echo $((${t/./} / 1000))
}

# 50 ms without starting a program: nothing is ever written to fd 8.
nap() {
	read -r -t 0.05 -u 8 || true
}

# try_for SECONDS COMMAND...: poll until it succeeds; fails at the deadline. No
# process of its own: under emulation each costs more than most polls.
try_for() {
	local _end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@"; do
		((${EPOCHREALTIME/./} < _end)) || return 1
		nap
	done
}

# wait_for SECONDS WHAT COMMAND...: the same, and the case fails by name.
wait_for() {
	local seconds=$1 what=$2
	shift 2
	try_for "$seconds" "$@" || die "no $what within $seconds s"
}

# bounded SECONDS COMMAND...: 124 when it takes longer, even where the kernel
# holds it so that no signal ends it.
bounded() {
	local seconds=$1 pid status=0
	shift
	# without job control the shell would give it /dev/null to read from
	"$@" <&0 &
	pid=$!
	if try_for "$seconds" gone "$pid"; then
		wait "$pid" || status=$?
		return "$status"
	fi
	kill -KILL "$pid" 2>/dev/null || true
	return 124
}

# --- processes

# background COMMAND...: start it; its pid is in BG_PID.
background() {
	"$@" &
	# shellcheck disable=SC2034 # for the case
	BG_PID=$!
}

# The state letter of a process, "-" when it is gone.
proc_state() {
	local line
	if { read -r line <"/proc/$1/stat"; } 2>/dev/null; then
		line=${line##*) }
		echo "${line%% *}"
	else
		echo -
	fi
}

# gone PID: ended, or a zombie nobody has waited for.
gone() {
	local line
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
	[[ ${line##*) } == [ZX]* ]]
}

# lines_of FILE ERE: sets LINES_OF to those that match; fails when none does. Like
# what follows it starts no program, each of which costs a guest a tenth of a second.
lines_of() {
	local _line _all=()
	LINES_OF=()
	[[ ! -r $1 ]] || mapfile -t _all <"$1"
	for _line in "${_all[@]}"; do
		[[ ! $_line =~ $2 ]] || LINES_OF+=("$_line")
	done
	((${#LINES_OF[@]}))
}

# has_line FILE ERE: for waiting on what a program logs.
has_line() {
	local LINES_OF
	lines_of "$@"
}

# count_lines FILE ERE: sets COUNT.
count_lines() {
	local LINES_OF
	lines_of "$@" || true
	# shellcheck disable=SC2034 # for the caller
	COUNT=${#LINES_OF[@]}
}

# --- kernel log and journal, since the case began (or the last mark)

kmsg_mark() {
	KMSG_MARK="pmemfail-test: mark $BASHPID.$EPOCHREALTIME"
	echo "$KMSG_MARK" >/dev/kmsg
}

kmsg_since() {
	dmesg | awk -v mark="$KMSG_MARK" 'seen; index($0, mark) { seen = 1 }'
}

kmsg_has() {
	kmsg_since | grep -E -- "$1" >/dev/null
}

# The lines since the mark that no healthy kernel prints; fails if there are
# any. kmsg_expect says which ones the case wants.
kmsg_check() {
	local bad
	bad=$(dmesg | awk -v mark="$KMSG_MARK" '
		NR == FNR {
			if ($0 != "" && $0 !~ /^#/)
				complaint = complaint (complaint == "" ? "" : "|") "(" $0 ")"
			next
		}
		!seen { seen = index($0, mark); next }
		$0 ~ complaint && !index($0, "pmemfail-test:")' "$TESTS/kmsg-patterns" -)
	if [[ -s $RUN/kmsg-expect ]]; then
		bad=$(grep -vEf "$RUN/kmsg-expect" <<<"$bad" || true)
	fi
	[[ -z $bad ]] || { echo "$bad"; return 1; }
}

# kmsg_expect ERE: complaints that match are what the case is about. The guest
# counts as spoiled afterwards.
kmsg_expect() {
	echo "$1" >>"$RUN/kmsg-expect"
	guest_spoiled "a kernel complaint was expected"
}

journal_mark() {
	sync_journal
	JOURNAL_MARK=$EPOCHREALTIME
}

sync_journal() {
	journalctl --sync 2>/dev/null || true
}

# journal_since [journalctl arguments]: e.g. -u pmemfaild, -o json. By time, not
# by cursor: with a filter --after-cursor also skips the first entry that matches.
journal_since() {
	sync_journal
	journalctl -q --no-pager --since="@$JOURNAL_MARK" "$@"
}

# --- the host

# host_hmp COMMAND...: QEMU's monitor; prints its answer.
host_hmp() {
	local kind text
	echo "HMP $*" >&9
	IFS=' ' read -r -t 30 kind text <&9 || die "the host does not answer"
	[[ $kind == REPLY ]] || die "the host answered '$kind $text'"
	printf '%b' "$text"
}

# powercut: the machine loses power now. The same case is run again from its
# start, on what the NVDIMMs and /dev/disk/by-id/virtio-scratch hold, with
# BOOT one higher (it is 1 at first).
powercut() {
	echo POWERCUT >&9
	sleep infinity
}

# shellcheck source=tests/vm/guest/storage.sh
source "$TESTS/storage.sh"
