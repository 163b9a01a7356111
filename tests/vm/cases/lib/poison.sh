# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# poison.sh: a range goes bad, and what "ended well" means for it: who maps it is
# told once and where; nobody can read it any more; everybody else goes on, the
# file system too; the record names the file, its bytes and the processes.
#
# Sourced by the cases:  source "$TESTS/cases/lib/poison.sh"

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

PAGE=4096

# on_disk STACK SECTOR: which pmem device holds that sector of stack_make's
# device, and where: sets DISK and AT.
on_disk() {
	local stack=$1 sector=$2 chunk=4096
	DISK=/dev/pmem0 AT=$sector
	case $stack in
	partition) AT=$((sector + $(</sys/class/block/pmem0p1/start))) ;;
	striped)
		((sector / chunk % 2 == 0)) || DISK=/dev/pmem1
		# shellcheck disable=SC2017 # whole chunks are meant
		AT=$((sector / chunk / 2 * chunk + sector % chunk))
		;;
	esac
}

# bad_sector SOURCE STACK SECTOR: the page at that sector goes bad, found by a
# scrub (latent: nobody touched it) or by a machine check (mce).
bad_sector() {
	on_disk "$2" "$3"
	case $1 in
	latent) badblocks_add "$DISK" "$AT" 8 ;;
	mce) host_hmp mce -b 0 9 0xbd000000000000c0 0x5 "$(spa_of "$DISK" "$AT")" 0x8c ;;
	# memory_failure() without a machine check: it is in no list
	failure) spa_of "$DISK" "$AT" >/sys/devices/system/memory/hard_offline_page ;;
	*) die "no source '$1'" ;;
	esac
}

# bad_file SOURCE STACK FILE OFFSET
bad_file() {
	local sector
	sector=$(sector_of "$3" "$4")
	[[ $sector ]] || die "$3 has nothing at $4"
	bad_sector "$1" "$2" "$sector"
}

# told_at NAME OFFSET: one SIGBUS, for that byte of its first mapping.
told_at() {
	local name=$1 line want
	if ! try_for 15 has_line "$RUN/v-$name" '^sigbus '; then
		fault "$name (pid ${VICTIM[$name]}) was sent no SIGBUS"
		return 0
	fi
	lines_of "$RUN/v-$name" '^sigbus '
	line=${LINES_OF[0]}
	want=$(printf 'addr=0x%x ' $(($(victim_addr "$name") + $2)))
	[[ $line == *' code=5 '* ]] || fault "$name: '$line' is not BUS_MCEERR_AO"
	[[ "$line " == *" $want"* ]] || fault "$name: '$line', but it should be $want"
	[[ $line =~ \ lsb=(12|21)\  ]] || fault "$name: '$line' has a strange granularity"
}

# reads_all_but NAME PAGES: so many pages of its mapping are gone, the others are
# as they were; and it was sent one SIGBUS if any, none otherwise.
reads_all_but() {
	local name=$1 gone=$2 line
	victim_probe "$name"
	try_for 30 probed_more "$name" "${PROBES[$name]}" || {
		fault "$name does not come back from reading its mapping"
		return 0
	}
	lines_of "$RUN/v-$name" '^probe '
	line=${LINES_OF[-1]}
	[[ $line =~ pages=([0-9]+)\ gone=([0-9]+)\ read=([0-9]+) ]]
	((BASH_REMATCH[2] == gone && BASH_REMATCH[3] == BASH_REMATCH[1] - gone)) ||
		fault "$name: '$line', but $gone should be gone"
	expect_sigbus "$name" $((gone > 0))
}

# expect_sigbus NAME N: sent so many, up to now
expect_sigbus() {
	count_lines "$RUN/v-$1" '^sigbus '
	((COUNT == $2)) || fault "$1 was sent $COUNT SIGBUS instead of $2"
}

# The file system is neither frozen nor shut down.
goes_on() {
	local state fd
	exec {fd}<"$1"
	state=$("$TESTS/fsstate" "$fd" 2>&1) || true
	exec {fd}<&-
	[[ $state == 'frozen=0 '*'write=ok' ]] || fault "$1 does not go on: $state"
}

# failures DEVICE: how many there are on record
failures() {
	pmemfailctl list --json | jq --arg d "$1" '[.failures[] | select(.device_name == $d)] | length'
}

# on_record JQ-CONDITION WHAT: about the failure in $RUN/failure
on_record() {
	jq -e "$1" "$RUN/failure" >/dev/null || {
		jq . "$RUN/failure"
		fault "the record does not say: $2"
	}
}

# recorded_file PATH OFFSET [unused]: exactly one target, that page of that file. Of
# one that nobody has looked at since the mount, the number is what can be known.
recorded_file() {
	local ino path="== \"$1\""
	ino=$(stat -c %i "$1")
	[[ ! ${3:-} ]] || path="| IN(null, \"$1\")"
	on_record "[.cases[].targets[] | select(.kind == \"file\") |
		select(.ino == $ino and (.path $path) and .range.start == $2 and
		.range.end == $2 + $PAGE and .action == \"revoke\" and .step.state == \"done\")] |
		length == 1" "$1 at $2"
}

# target_kind KIND: a target of that kind is on record
recorded_kind() {
	on_record "[.cases[].targets[] | select(.kind == \"$1\")] | length > 0" "a target of kind $1"
}
