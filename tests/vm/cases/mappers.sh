# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: xfs ext4@6.12
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
	# one content in many files: drawing it takes longer than all else
	file_make "$MNT/reader" 1
	for name in readonly dirty sync untouched private forked threads leaderless ignore \
		blocked unlinked namespace many1 many2 named hammered bystander; do
		cp "$MNT/reader" "$MNT/$name"
	done
	file_make_huge "$MNT/huge" 4
	keep "$MNT"/{reader,readonly,private,ignore,blocked,many1,bystander}

	victim_start reader reader "$MNT/reader"
	victim_start readonly readonly "$MNT/readonly"
	victim_start dirty dirty "$MNT/dirty"
	victim_start sync sync-writer "$MNT/sync"
	victim_start untouched untouched "$MNT/untouched"
	victim_start private private "$MNT/private"
	victim_start huge --huge writer "$MNT/huge"
	victim_start forked --fork reader "$MNT/forked"
	victim_start threads --threads 4 reader "$MNT/threads"
	victim_start leaderless --threads 2 --leaderless reader "$MNT/leaderless"
	victim_start ignore ignore "$MNT/ignore"
	victim_start blocked blocked "$MNT/blocked"
	victim_start unlinked --unlink dirty "$MNT/unlinked"
	victim_start many reader "$MNT/many1" "$MNT/many2"
	# what a process calls itself is no text for a terminal or a parser
	victim_start named --name $'\e[2Jx\n") ' reader "$MNT/named"
	VICTIM_VIA=(unshare -m)
	victim_start namespace reader "$MNT/namespace"
	VICTIM_VIA=()
	victims_ready
	keep "$MNT/huge"

	# has the file open, but maps something else
	file_make /tmp/elsewhere 1
	exec 8<"$MNT/bystander"
	victim spared reader /tmp/elsewhere
	EXPECT[spared]=spared
	exec 8<&-

	site "$MNT"
	watched
	# last, for it leaves no processor to others
	hammer hammer --readers 1 --writers 1 "$MNT/hammered"
	pids=()
	for name in "${!VICTIM[@]}"; do
		[[ $name == spared ]] || pids+=("${VICTIM[$name]}")
	done

	removal /dev/pmem0
	grep -q '^probe .* kept=128 ' "$RUN/v-private" ||
		fault "private copies: $(grep '^probe ' "$RUN/v-private")"
	grep -q '^sigbus .* lsb=21 ' "$RUN/v-huge" ||
		fault "2 MiB pages: $(grep '^sigbus ' "$RUN/v-huge")"
	recorded handled pmem0
	recorded_victims "${pids[@]}"

	returned raw
	sums_check "$dev"
	rm -f /tmp/elsewhere
}
