# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: xfs ext4
# timeout: 180
#
# mappers FILESYSTEM: every way of mapping a file at once, in one removal.

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

case_run() {
	local kind=$1 dev name pids
	STOCK=${2:-}

	pmemfail_up
	dev=$(fs_make "$kind" raw)
	for name in reader readonly dirty sync untouched private forked threads leaderless \
		ignore blocked unlinked namespace many1 many2 named hammered; do
		file_make "$MNT/$name" 1
	done
	file_make_huge "$MNT/huge" 4
	file_make "$MNT/bystander" 1
	keep "$MNT"/{reader,readonly,private,ignore,blocked,many1,bystander}

	victim reader reader "$MNT/reader"
	victim readonly readonly "$MNT/readonly"
	victim dirty dirty "$MNT/dirty"
	victim sync sync-writer "$MNT/sync"
	victim untouched untouched "$MNT/untouched"
	victim private private "$MNT/private"
	victim huge --huge writer "$MNT/huge"
	keep "$MNT/huge"
	victim forked --fork reader "$MNT/forked"
	victim threads --threads 4 reader "$MNT/threads"
	victim leaderless --threads 2 --leaderless reader "$MNT/leaderless"
	victim ignore ignore "$MNT/ignore"
	victim blocked blocked "$MNT/blocked"
	victim unlinked --unlink dirty "$MNT/unlinked"
	victim many reader "$MNT/many1" "$MNT/many2"
	# what a process calls itself is no text for a terminal or a parser
	victim named --name $'\e[2Jx\n") ' reader "$MNT/named"
	VICTIM_VIA=(unshare -m)
	victim namespace reader "$MNT/namespace"
	VICTIM_VIA=()
	hammer hammer --readers 1 --writers 1 "$MNT/hammered"

	# has the file open, but maps something else
	file_make /tmp/elsewhere 1
	exec 8<"$MNT/bystander"
	victim spared reader /tmp/elsewhere
	EXPECT[spared]=spared
	exec 8<&-

	site "$MNT"
	watched
	pids=()
	for name in "${!VICTIM[@]}"; do
		[[ $name == spared ]] || pids+=("${VICTIM[$name]}")
	done

	unbind_bounded /dev/pmem0
	victims_check "$REMOVED_MS"
	grep -q '^probe .* kept=128 ' "$RUN/v-private" ||
		fault "private copies: $(grep '^probe ' "$RUN/v-private")"
	grep -q '^sigbus .* lsb=21 ' "$RUN/v-huge" ||
		fault "2 MiB pages: $(grep '^sigbus ' "$RUN/v-huge")"
	removal_judge
	recorded handled pmem0
	recorded_victims "${pids[@]}"

	returned raw
	sums_check "$dev"
	rm -f /tmp/elsewhere
}
