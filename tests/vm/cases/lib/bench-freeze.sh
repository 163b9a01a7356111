# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# bench-freeze ROUNDS EXTENTS[,EXTENTS...]: how long is a filesystem frozen for a bad
# range in which a mapped file has so many extents? And how long when somebody does by
# hand only what finds them: freeze, ask for the owners, thaw? Not a test case:
# scripts/bench runs it by its path and reads the lines that begin with "bench ".

# shellcheck source=tests/vm/cases/lib/poison.sh
source "$TESTS/cases/lib/poison.sh"

FILE=$MNT/file

# fragment EXTENTS: a file of so many pages with as many holes between; FIRST and LENGTH
# say where on the device, in bytes, they all are.
fragment() {
	local n=$1 i commands
	rm -f "$FILE"
	xfs_io -f -c "extsize $((n * 2 * PAGE))" -c "falloc 0 $((n * 2 * PAGE))" \
		-c "pwrite -q 0 $((n * 2 * PAGE))" -c fsync "$FILE"
	[[ $(xfs_io -r -c 'fiemap -v' "$FILE" | grep -c '^ *[0-9]*: \[') == 1 ]] ||
		die "the file has more than one extent to begin with"
	FIRST=$(($(sector_of "$FILE" 0) * 512)) LENGTH=$((n * 2 * PAGE))
	commands=$RUN/commands
	for ((i = 0; i < n; i++)); do
		echo "fpunch $(((2 * i + 1) * PAGE)) $PAGE"
	done >"$commands"
	xfs_io "$FILE" <"$commands" >/dev/null
	sync
}

# owners_in FIRST LENGTH: how many records of the file there are, found while frozen
by_hand() {
	local start end
	start=$EPOCHREALTIME
	fsfreeze -f "$MNT"
	xfs_io -r -c "fsmap -d $((FIRST / 512)) $(((FIRST + LENGTH) / 512 - 1))" "$MNT" >"$RUN/owners"
	fsfreeze -u "$MNT"
	end=$EPOCHREALTIME
	BY_HAND_US=$((${end/./} - ${start/./}))
}

measure() {
	local n=$1
	fragment "$n"
	victim mapper --small blocked "$FILE"
	by_hand
	(($(grep -c "inode $(stat -c %i "$FILE") " "$RUN/owners") >= n)) || die "not all owners by hand"
	pmemfailctl report pmem0 "$FIRST" "$LENGTH" --json >"$RUN/report"
	recorded handled pmem0
	echo "bench $(jq -c --argjson n "$n" --argjson us "$BY_HAND_US" '{extents: $n, by_hand_us: $us,
		targets: ([.cases[].targets[] | select(.kind == "file")] | length),
		outcome: .cases[0].outcome}' "$RUN/failure")"
	kill -KILL "${VICTIM[mapper]}"
	wait_for 20 "end of a mapper" gone "${VICTIM[mapper]}"
	VICTIM=()
	rm -f "$RUN"/v-*
}

case_run() {
	local rounds=$1 n round
	STOCK=
	for n in ${2//,/ }; do
		for ((round = 0; round < rounds; round++)); do
			# a record of its own each time: what is on record is not handled again
			pmemfail_up_with MarkBad=no
			fs_make xfs raw >/dev/null
			watched
			measure "$n"
			umount "$MNT"
			systemctl stop pmemfaild.service
			rm -rf /var/lib/pmemfail
		done
	done
}
