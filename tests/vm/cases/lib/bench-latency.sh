# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# bench-latency ROUNDS FILESYSTEM...: how long after a write to badblocks is who maps
# the page told, in a guest that does nothing else? Not a test case: scripts/bench runs
# it by its path and reads the lines that begin with "bench ".

# shellcheck source=tests/vm/cases/lib/poison.sh
source "$TESTS/cases/lib/poison.sh"

PAUSE_MS=1000
STRIDE=$((8 * PAGE))

# failure_at OFFSET: the JSON of the failure that has that page of the file
failure_at() {
	local id
	for id in $(pmemfailctl list --json | jq -r '.failures[].id'); do
		pmemfailctl show "$id" --json | jq -c .failure
	done >"$RUN/all"
	jq -s '.' "$RUN/all"
}

# measure FILESYSTEM ROUNDS
measure() {
	local fs=$1 rounds=$2 args=() i line
	fs_make "$fs" raw >/dev/null
	file_make "$MNT/file" $((rounds * STRIDE / (1024 * 1024) + 1))
	for ((i = 0; i < rounds; i++)); do
		args+=("$((i * STRIDE)):$(sector_of "$MNT/file" $((i * STRIDE)))")
	done
	watched
	sync
	udevadm settle
	sleep 3
	latency_run "$fs" "${args[@]}"
	cat "$RUN/told"
	(($(grep -c '^told ' "$RUN/told") == rounds)) || die "not told of all"
	if grep '^told ' "$RUN/told" | grep -v 'code=5 right=1 unread=1$'; then
		die "told wrongly"
	fi
	failure_at >"$RUN/failures"
	while read -r line; do
		[[ $line =~ offset=([0-9]+)\ ns=([0-9]+)\ write_us=([0-9]+) ]] || continue
		echo "bench $(jq -c --arg fs "$fs" --argjson offset "${BASH_REMATCH[1]}" \
			--argjson ns "${BASH_REMATCH[2]}" --argjson us "${BASH_REMATCH[3]}" '
			[.[] | select([.cases[].targets[] | .range.start] | index($offset))] |
			max_by(.id) |
			{fs: $fs, offset: $offset, ns: $ns, event_us: (.created_us - $us),
			 outcome: .cases[0].outcome}' "$RUN/failures")"
	done <"$RUN/told"
	umount "$MNT"
	systemctl stop pmemfaild.service
	# a binding without bad blocks, and no failure of the one before
	unbind /dev/pmem0
	rebind /dev/pmem0
	rm -rf /var/lib/pmemfail
	systemctl start pmemfaild.service
}

latency_run() {
	local fs=$1
	shift
	"$TESTS/latency" /sys/block/pmem0/badblocks "$MNT/file" "$PAUSE_MS" "$@" >"$RUN/told"
}

case_run() {
	local rounds=$1 fs
	STOCK=
	ns_make_fsdax 0 >/dev/null
	pmemfail_up
	for fs in ${2//,/ }; do
		measure "$fs" "$rounds"
	done
}
